"""How far a batch is, in figures and in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from routoo.policies.smart.record import Record
from routoo.policies.smart.run import OnStep, Progress


@dataclass(frozen=True)
class SmartProgress:
    """How far a batch is.

    Args:
        profiled: Items that the reference and candidates were both asked.
        answered: Items that have their answer.
        n_items: All items.
        spent_usd: What calls have cost, those of runs before this one included.
        saved: The share saved so far of what the reference would have cost on the answered items; below 0
            while profiling.
        most: By candidate, the share of the batch of which its answers differ at most, by the bound of now;
            None of one that is not asked any more.
    """

    profiled: int
    answered: int
    n_items: int
    spent_usd: float
    saved: float
    most: Mapping[str, float | None]

    def __str__(self) -> str:
        bounds = ", ".join(f"{name} ≤ {share:.1%}" for name, share in self.most.items() if share is not None)
        return (
            f"{self.answered:,}/{self.n_items:,} answered, {self.profiled:,} profiled, "
            f"{self.spent_usd:.4g} USD, {self.saved:+.0%} saved" + (f"; differ: {bounds}" if bounds else "")
        )


OnProgress = Callable[[SmartProgress], None]


def on_step_of(record: Record, on_progress: OnProgress | None) -> OnStep | None:
    """Tells the steps of a run with what they cost."""
    if on_progress is None:
        return None

    def on_step(step: Progress) -> None:
        full = step.answered * step.reference_usd
        on_progress(
            SmartProgress(
                step.seen,
                step.answered,
                step.n_items,
                record.spent_usd,
                1 - record.spent_usd / full if full else 0.0,
                {name: None if most is None else most / step.n_items for name, most in step.most.items()},
            )
        )

    return on_step
