"""What was promised of a batch, and what it rests on, as a file that can be checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from routoo.collect.keys import digest
from routoo.data.storage.files import sha256_of, write_atomically
from routoo.export.manifest import to_json
from routoo.policies.smart.promise import Promise
from routoo.policies.smart.record import Record
from routoo.policies.smart.rule import rule_of
from routoo.policies.smart.run import Look, SmartRun

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What was promised, what was seen, and what it cost.

    Args:
        promise: What is promised, of whom.
        equivalence: When two answers count as the same.
        items: How many items the batch has.
        distinct: How many of them ask different things; only those are paid for.
        data_sha256: A hash of their names, what they ask, and their order.
        seed: Of the random order in which they were looked at.
        looks: What was known at each look.
        policy: How many of the items that were left each policy, then the reference, was to answer.
        rule: The same in words.
        profiled: Items that were profiled; they keep the reference's answers.
        answered: Items by the model whose answer stands.
        no_reference: Items to which the reference, where asked, gave no answer: nothing is promised of them.
        unanswered: Items without any answer.
        spent_usd: What all calls cost: failures, judges, and calls that were lost in a kill, at the most that
            they could cost.
        lost: Calls that were lost.
        unknown: Calls of which nobody knows what they cost; they count as the most.
        reference_usd: What the reference alone would cost, by the mean of its calls.
        answers_sha256: A hash of the answers.
        journal: The record of calls, by its name; None where none was kept.
        journal_sha256: A hash of it.
    """

    promise: Promise
    equivalence: str
    items: int
    distinct: int
    data_sha256: str
    seed: int
    looks: tuple[Look, ...]
    policy: Mapping[str, int]
    rule: str
    profiled: int
    answered: Mapping[str, int]
    no_reference: int
    unanswered: int
    spent_usd: float
    lost: int
    unknown: int
    reference_usd: float
    answers_sha256: str
    journal: str | None
    journal_sha256: str | None

    @classmethod
    def of(cls, run: SmartRun, record: Record, journal: Path | None) -> Certificate:
        """The certificate of a run that has ended."""
        items, promise = run.items, run.promise
        answers = [run.answers[at] for at in range(len(items))]
        by_model = dict.fromkeys((promise.reference, *promise.candidates), 0)
        for answer in answers:
            by_model[answer.model] += answer.answer is not None
        return cls(
            promise=promise,
            equivalence=record.about["equivalence"],
            items=len(items),
            distinct=items.distinct,
            data_sha256=items.sha256,
            seed=items.seed,
            looks=tuple(run.looks),
            policy=run.policy,
            rule=rule_of(run),
            profiled=run.looks[-1].seen,
            answered=by_model,
            no_reference=len(set(run.failed)),
            unanswered=sum(answer.answer is None for answer in answers),
            spent_usd=_rounded(record.spent_usd),
            lost=record.lost,
            unknown=record.unknown,
            reference_usd=_rounded(run.reference_usd),
            answers_sha256=digest([[answer.prompt_id, answer.model, answer.answer] for answer in answers]),
            journal=None if journal is None else journal.name,
            journal_sha256=None if journal is None else sha256_of(journal),
        )

    @property
    def allowed(self) -> int:
        """How many answers may differ from the reference's."""
        return self.promise.allowed(self.items)

    def unbounded(self, candidate: str) -> str | None:
        """Why no bound is known of a candidate, in a word or two; None where one is."""
        if self.looks[0].most[candidate] is None:
            return "not cheaper"
        if not self.profiled:
            return "not profiled"
        return "dropped" if self.looks[-1].most[candidate] is None else None

    @property
    def saved(self) -> float:
        """The share of the reference's fee that was saved; below 0 where more was spent."""
        return 1 - self.spent_usd / self.reference_usd if self.reference_usd else 0.0

    @property
    def sentence(self) -> str:
        """What is promised, in words."""
        promise = self.promise
        return (
            f"With {promise.confidence:.0%} confidence, at most {self.allowed:,} of the {self.items:,} "
            f"answers ({promise.delta:.1%}) differ from what {promise.reference} answers."
        )

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """The certificate as JSON has it."""
        return {"format": FORMAT, "sentence": self.sentence, **asdict(self), "saved": _rounded(self.saved)}

    def write(self, path: Path) -> None:
        """Writes the file, in one step.

        Raises:
            OSError: It cannot be written; what was there before stands.
        """
        write_atomically(path, to_json(self.to_dict()))


def _rounded(value: float) -> float:
    """As many digits as do not depend on the order of a sum."""
    return float(f"{value:.10g}")
