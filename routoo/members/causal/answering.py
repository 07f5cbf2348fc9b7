"""Requests to answers by a causal language model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from routoo.data.answer import Answer, no_answer
from routoo.data.call import Call
from routoo.data.checks.arguments import choice
from routoo.data.errors import InputError
from routoo.data.request import Request
from routoo.members.ask import Ask
from routoo.members.causal.choosing import draws
from routoo.members.causal.decoder import Bounds, Decoder
from routoo.members.causal.job import Job, Sample, Written
from routoo.members.causal.language_model import LanguageModel
from routoo.members.causal.prompt_tokens import letter_tokens, prompt_tokens
from routoo.members.majority import majority
from routoo.models.signals.generation import Generation
from routoo.models.signals.registry import SIGNALS, read_signals

_TOP = 10
"""Tokens of the first position of which the margin of an open answer is read."""


@dataclass(frozen=True, eq=False)
class Answering:
    """Answers requests one after another or many at once.

    Args:
        language: The model.
        name: What the pool calls the member.
        call: How it is called.
        ask: The way of asking.
        cost_usd: From input and output tokens to USD.
        bounds: How much is in memory at a time.
    """

    language: LanguageModel
    name: str
    call: Call
    ask: Ask
    cost_usd: Callable[[int, int], float]
    bounds: Bounds | None = None

    def answer(
        self, requests: Sequence[Request], signals: Sequence[str], on_answer: Callable[[Answer], None]
    ) -> None:
        """Calls `on_answer` with the answer to each request, as they end."""
        needed = {field for name in signals for field in SIGNALS[choice("signal", name, SIGNALS)].needs}
        taken: list[tuple[Request, Job]] = []
        for request in requests:
            try:
                taken.append((request, self.job(request)))
            except InputError as error:
                on_answer(no_answer(request, self.name, str(error)))

        def done(at: int, written: Written) -> None:
            on_answer(self._answer(*taken[at], written, signals))

        with self.language.lock:
            Decoder(
                self.language,
                [job for _, job in taken],
                on_written=done,
                temperature=self.call.temperature,
                first=any(self.scores(request) for request, _ in taken)
                or not needed.isdisjoint(("top_tokens", "option_log_probs")),
                log_probs="token_log_probs" in needed,
                bounds=self.bounds,
            ).run()

    def tokens(self, request: Request) -> tuple[int, ...]:
        """What the model reads of a request."""
        return prompt_tokens(self.language.tokenizer, request, self.ask)

    def scores(self, request: Request) -> bool:
        """Whether options are scored and no text is written: of one answer that is read as it stands."""
        return bool(request.options) and self.call.samples == 1 and self.ask.read is str.strip

    def job(self, request: Request) -> Job:
        """What the model is to read and to write.

        Raises:
            InputError: The prompt leaves no room for an answer.
        """
        tokens, call = self.tokens(request), self.call
        window = self.language.window
        room = call.max_tokens if window is None else min(call.max_tokens, window - len(tokens))
        if room < 1:
            raise InputError(
                f"the prompt has {len(tokens)} tokens, and the model's window is {window} with the answer"
            )
        if self.scores(request):
            return Job(tokens, 0)
        if call.temperature == 0:
            return Job(tokens, room)
        first = request.sample * call.samples
        numbers = [
            draws(call.seed, request.prompt_id, first + sample, room) for sample in range(call.samples)
        ]
        return Job(tokens, room, np.array(numbers))

    def _answer(self, request: Request, job: Job, written: Written, signals: Sequence[str]) -> Answer:
        sent, came = len(job.tokens), sum(len(sample.tokens) for sample in written.samples)
        texts = [self.text(sample) for sample in written.samples]
        finals = [self.ask.read(text) or "" for text in texts]
        chosen = majority(finals)
        letters = self._letters(request, written)
        if self.scores(request) and letters is not None:
            finals, chosen, texts = [request.letters[int(np.argmax(letters))]], 0, [""]
            came = 1
        generation = self._generation(texts[chosen], finals, written, chosen, letters)
        started = min(sample.started_s for sample in written.samples)
        return Answer(
            prompt_id=request.prompt_id,
            model=self.name,
            answer=finals[chosen],
            sample=request.sample,
            text=texts[chosen] if texts[chosen] != finals[chosen] and texts[chosen] else None,
            input_tokens=sent,
            output_tokens=came,
            cost_usd=self.cost_usd(sent, came),
            latency_s=max(sample.last_s for sample in written.samples) - started,
            latency_first_s=min(sample.first_s for sample in written.samples) - started,
            finish_reason=self._finish_reason(request, written.samples[chosen]),
            samples=tuple(finals) if self.call.samples > 1 else None,
            signals=read_signals(generation, signals),
        )

    def text(self, sample: Sample) -> str:
        """The text of a sample, without what ended it."""
        tokens = sample.tokens[:-1] if sample.ended else sample.tokens
        return str(self.language.tokenizer.decode(tokens, skip_special_tokens=True))

    def _finish_reason(self, request: Request, sample: Sample) -> str:
        return "stop" if sample.ended or self.scores(request) else "length"

    def _letters(self, request: Request, written: Written) -> np.ndarray | None:
        """Log-probability that the answer begins with each letter."""
        if not request.options or written.first_log_probs is None:
            return None
        spelled = letter_tokens(self.language.tokenizer, request.letters)
        first = written.first_log_probs.astype(np.float64)
        return np.array([np.logaddexp.reduce(first[tokens]) for tokens in spelled])

    def _generation(
        self, text: str, finals: list[str], written: Written, chosen: int, letters: np.ndarray | None
    ) -> Generation:
        sample, first = written.samples[chosen], written.first_log_probs
        tokens = sample.log_probs[: -1 if sample.ended else None]
        top = None if first is None else np.argsort(-first, kind="stable")[:_TOP]
        return Generation(
            text=text or finals[chosen],
            finish_reason="stop" if sample.ended else "length",
            token_log_probs=tokens or None,
            option_log_probs=letters,
            top_tokens=None if top is None else [self.language.tokenizer.decode([at]) for at in top],
            top_log_probs=None if top is None or first is None else first[top].astype(np.float64),
            samples=finals if len(finals) > 1 else None,
        )
