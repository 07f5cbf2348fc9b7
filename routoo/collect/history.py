"""What a journal says was asked, answered, graded and spent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from routoo.collect.journal import Line
from routoo.data.grade import Grade


@dataclass
class Recorded:
    """An answer that came, or why none will.

    Args:
        asked: Hash of the way in which the model was asked (`asked_of`).
        prompt: Hash of the prompt (`prompt_hash`).
        row: The answer, as a row of `Answers`.
        grades: By the hash of what graded it (`graded_by`).
    """

    asked: str
    prompt: str
    row: dict[str, Any]  # Any: values of a row
    grades: dict[str, Grade] = field(default_factory=dict)


@dataclass
class History:
    """What is known of earlier runs and of this one, which adds to it.

    Args:
        answers: What was recorded, by the key of the call.
        failures: Why none came, as a row of `Answers`, of calls that were not answered since.
        verdicts: What a judge said, by the key of the call.
        spent_usd: What was spent on each model; calls in flight at a kill count what was set aside for them.
        judge_usd: What was spent on judging, likewise.
        lost: Calls that were in flight when a run was killed.
        lost_usd: What was set aside for them.
        runs: What each run said of itself when it began.
    """

    answers: dict[str, Recorded] = field(default_factory=dict)
    failures: dict[str, dict[str, Any]] = field(default_factory=dict)  # Any: values of a row
    verdicts: dict[str, str] = field(default_factory=dict)
    spent_usd: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    judge_usd: float = 0.0
    lost: int = 0
    lost_usd: float = 0.0
    runs: list[Line] = field(default_factory=list)

    @property
    def total_usd(self) -> float:
        """All that was spent."""
        return sum(self.spent_usd.values()) + self.judge_usd

    @classmethod
    def of(cls, lines: Iterable[Line]) -> History:
        """The history that the lines of a journal tell, whose last run has ended."""
        history, flight = cls(), dict[str, Line]()
        for line in lines:
            if line["event"] == "run":
                history._lose(flight)
                history.runs.append({name: value for name, value in line.items() if name != "event"})
            elif line["event"] == "try":
                flight[line["key"]] = line
            elif line["event"] == "grade":
                history.grade(line["key"], line["by"], Grade(line["score"], line["reason"]))
            else:
                tried = flight.pop(line["key"])
                history.settle(tried, line["cost_usd"])
                history.keep(line)
        history._lose(flight)
        return history

    def settle(self, tried: Line, cost_usd: float | None) -> None:
        """Counts what a try cost, or what was set aside for it where nobody knows."""
        cost = tried["most_usd"] if cost_usd is None else cost_usd
        if tried["judge"]:
            self.judge_usd += cost
        else:
            self.spent_usd[tried["model"]] += cost

    def keep(self, line: Line) -> None:
        """Keeps what a try ended with: an answer, a judge's verdict, or why there is none."""
        if line["event"] == "answer":
            self.answers[line["key"]] = Recorded(line["asked"], line["prompt"], line["row"])
            self.failures.pop(line["key"], None)
        elif line["event"] == "failure" and line.get("row"):
            self.failures[line["key"]] = line["row"]
        elif line["event"] == "verdict":
            self.verdicts[line["key"]] = line["text"]

    def grade(self, key: str, by: str, grade: Grade) -> None:
        """Keeps a grade."""
        self.answers[key].grades[by] = grade

    def _lose(self, flight: dict[str, Line]) -> None:
        for tried in flight.values():
            self.settle(tried, None)
            self.lost, self.lost_usd = self.lost + 1, self.lost_usd + tried["most_usd"]
        flight.clear()
