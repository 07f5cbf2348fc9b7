"""How the answers of a collection are graded: by one grader for all prompts, or by each prompt's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from routoo.collect.graders.function import FunctionGrader
from routoo.collect.graders.grader import Grader
from routoo.collect.graders.judge import AsyncJudgeGrader, JudgeGrader
from routoo.collect.graders.registry import grader_of
from routoo.collect.keys import graded_by
from routoo.collect.prompts import PromptsToAsk, PromptToAsk
from routoo.collect.threads import in_thread
from routoo.data.answer import Answer
from routoo.data.errors import InputError
from routoo.data.grade import Grade

Ask = Callable[[str], Awaitable[str]]
"""What asks a judge."""

_JUDGE = "judge"


class Grading:
    """The graders of a collection, each made once.

    Args:
        prompts: Whose answers are graded; one may name a grader of its own.
        default: The grader of all others, or what `grader_of` reads; ``judge:MODEL`` is a member of the pool.
        judge: From the name of a member to what asks it.

    Raises:
        InputError: A grader cannot be made, a prompt has none or lacks what its grader needs.
    """

    def __init__(
        self, prompts: PromptsToAsk, default: str | Grader | None, *, judge: Callable[[str], Ask]
    ) -> None:
        self._default, self._judge = default, judge
        self._made: dict[str, Grader | AsyncJudgeGrader] = {}
        self._hashes: dict[str, str] = {}
        for prompt in prompts.prompts:
            self._check(prompt, prompts.source)

    def by(self, prompt: PromptToAsk) -> str:
        """The hash of what grades the answers to a prompt."""
        if prompt.prompt_id not in self._hashes:
            self._hashes[prompt.prompt_id] = graded_by(self._of(prompt).describe(), prompt.reference)
        return self._hashes[prompt.prompt_id]

    def describe(self) -> dict[str, Mapping[str, Any]]:  # Any: whatever options a grader has
        """What each grader says of itself, by how it was named."""
        return {name: grader.describe() for name, grader in self._made.items()}

    async def grade(self, answer: Answer, prompt: PromptToAsk) -> Grade:
        """The grade of an answer to a prompt; why none came, where none did.

        Raises:
            BudgetSpentError: The cap leaves no room for the judge.
        """
        if answer.answer is None:
            return Grade(None, answer.error or "no answer")
        grader = self._of(prompt)
        if isinstance(grader, AsyncJudgeGrader):
            return await grader.grade(answer.answer, prompt.reference)
        if isinstance(grader, FunctionGrader | JudgeGrader):  # which may take their time
            return await in_thread(lambda: grader.grade(answer.answer, prompt.reference))
        return grader.grade(answer.answer, prompt.reference)

    def _of(self, prompt: PromptToAsk) -> Grader | AsyncJudgeGrader:
        chosen = prompt.grader or self._default
        assert chosen is not None  # for the type checker: `_check` has seen it
        name = chosen if isinstance(chosen, str) else chosen.name
        if name not in self._made:
            self._made[name] = self._build(chosen) if isinstance(chosen, str) else chosen
        return self._made[name]

    def _build(self, spec: str) -> Grader | AsyncJudgeGrader:
        name, _, rest = spec.partition(":")
        if name != _JUDGE:
            return grader_of(spec)
        if not rest:
            raise InputError("the grader judge needs a member of the pool to ask: judge:MODEL")
        options = rest if rest.startswith(f"{_JUDGE}=") else f"{_JUDGE}={rest}"
        made = grader_of(f"{_JUDGE}:{options}", ask=_never)
        assert isinstance(made, JudgeGrader)  # for the type checker: the registry says so
        return AsyncJudgeGrader(self._judge(made.rubric.judge), made.rubric)

    def _check(self, prompt: PromptToAsk, source: str) -> None:
        """Refuses a prompt that cannot be graded, before anything is spent on it."""
        if not (prompt.grader or self._default):
            raise InputError(
                f"{source}: prompt {prompt.prompt_id} has no grader: name one for all by --grader, or one "
                "for each in a column grader"
            )
        try:
            grader = self._of(prompt)
            if not isinstance(grader, AsyncJudgeGrader):
                grader.grade(None, prompt.reference)
        except InputError as error:
            raise InputError(f"{source}: prompt {prompt.prompt_id}: {error}") from None


def _never(asked: str) -> str:
    raise AssertionError("the judge is awaited")  # made only to read its options
