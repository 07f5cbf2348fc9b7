"""Several graded answers of a local member to each prompt, kept as they come."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from routoo.collect.graders.grader import Grader
from routoo.collect.graders.registry import grader_of
from routoo.collect.prompts import PromptsToAsk, PromptToAsk
from routoo.data.call import Call
from routoo.data.errors import InputError
from routoo.data.progress import Progress
from routoo.members.ask import ask_of
from routoo.members.causal.answering import Answering
from routoo.members.causal.decoder import Decoder
from routoo.members.causal.job import Written
from routoo.members.causal.language_model import language_model
from routoo.sater.parts import made_in_parts

_PROMPTS_A_PART = 64
_RIGHT = 0.5  # score from which an answer counts as right

_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "prompt_id": pl.String,
    "sample": pl.Int32,
    "text": pl.String,
    "tokens": pl.List(pl.Int32),
    "ended": pl.Boolean,
    "correct": pl.Boolean,
}


def sample_answers(
    call: Call,
    prompts: PromptsToAsk,
    folder: Path,
    *,
    default_grader: str | None = None,
    on_prompt: Progress | None = None,
) -> pl.DataFrame:
    """Every sample of every prompt: `prompt_id`, `sample`, `text`, `tokens`, `ended`, `correct`.

    What does not end within the call's `max_tokens` is graded as it stands.

    Args:
        call: How the member is called, of kind ``local``; `samples` answers at its `temperature`.
        prompts: What is asked, with right answers.
        folder: Where samples are kept; it goes on from what is there.
        default_grader: The grader of prompts that name none.
        on_prompt: Called with the prompts that are done and all that there are.

    Raises:
        InputError: The model cannot be run here, a prompt cannot be graded or leaves no room for an answer.
    """
    verifier = Verifier(default_grader)
    for prompt in prompts.prompts:
        verifier.correct(prompt, "")
    language = language_model(call.model, dtype=call.dtype, adapter=call.adapter)
    ask = ask_of(call.ask, threshold=call.threshold)
    answering = Answering(language, "sampled", call, ask, lambda sent, came: 0.0)

    def make(some: Sequence[PromptToAsk]) -> pl.DataFrame:
        rows: list[tuple[object, ...]] = []

        def take(at: int, written: Written) -> None:
            for sample in written.samples:
                text = answering.text(sample)
                right = verifier.correct(some[at], ask.read(text) or "")
                rows.append((some[at].prompt_id, sample.at, text, sample.tokens, sample.ended, right))

        jobs = [answering.job(prompt.request) for prompt in some]
        with language.lock:
            Decoder(language, jobs, on_written=take, temperature=call.temperature).run()
        return pl.DataFrame(rows, schema=_SCHEMA, orient="row").sort("prompt_id", "sample")

    return made_in_parts(folder, prompts.prompts, make, size=_PROMPTS_A_PART, on_done=on_prompt)


class Verifier:
    """Whether answers are right, each by its prompt's grader.

    Args:
        default: The grader of prompts that name none, as `grader_of` reads it.
    """

    def __init__(self, default: str | None = None) -> None:
        self._default, self._made = default, dict[str, Grader]()

    def correct(self, prompt: PromptToAsk, answer: str) -> bool:
        """Whether a final answer is right; one that cannot be graded is not.

        Raises:
            InputError: The prompt has no grader, or lacks what it needs.
        """
        spec = prompt.grader or self._default
        if spec is None:
            raise InputError(
                f"prompt {prompt.prompt_id} has no grader: name one for all, or one for each in a column "
                "grader"
            )
        if spec not in self._made:
            self._made[spec] = grader_of(spec)
        score = self._made[spec].grade(answer, prompt.reference).score
        return score is not None and score >= _RIGHT
