"""Grades by a model that judges answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from routoo.collect.graders.grader import NO_ANSWER, Reference, given
from routoo.collect.graders.rubric import Rubric
from routoo.data.grade import Grade


@dataclass(frozen=True)
class JudgeGrader:
    """The score that a judge gives; what asking it raises is the caller's.

    Args:
        ask: From what the judge is asked to what it says.
        rubric: What it is asked, on which scale.

    >>> grader = JudgeGrader(lambda asked: "Score: 5", Rubric("a-large-model", "1-5"))
    >>> grader.grade("Paris", Reference("Capital of France?")).score
    1.0
    """

    ask: Callable[[str], str]
    rubric: Rubric = field(default_factory=Rubric)

    name: ClassVar[str] = "judge"

    def grade(self, answer: str | None, reference: Reference) -> Grade:
        """See `Grader.grade`."""
        text = given(answer)
        return self.rubric.read(self.ask(self.rubric.render(text, reference))) if text else NO_ANSWER

    def describe(self) -> dict[str, Any]:
        """See `Grader.describe`."""
        return {"grader": self.name, **self.rubric.describe()}


@dataclass(frozen=True)
class AsyncJudgeGrader:
    """As `JudgeGrader`, of a judge that is awaited.

    Args:
        ask: From what the judge is asked to what it will say.
        rubric: What it is asked, on which scale.
    """

    ask: Callable[[str], Awaitable[str]]
    rubric: Rubric = field(default_factory=Rubric)

    name: ClassVar[str] = "judge"

    async def grade(self, answer: str | None, reference: Reference) -> Grade:
        """See `Grader.grade`."""
        text = given(answer)
        return self.rubric.read(await self.ask(self.rubric.render(text, reference))) if text else NO_ANSWER

    def describe(self) -> dict[str, Any]:
        """See `Grader.describe`."""
        return {"grader": self.name, **self.rubric.describe()}
