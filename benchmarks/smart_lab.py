"""Batches of the lab's record answered by `routoo.smart`: what is saved, and how often the promise is missed.

The record's members answer as they did, and the reference's answers to all items, which a run does not see,
say what really differs. Two batches:

- *labels*: the families ``tone`` and ``topic``, whose answers are one of a few words. A member fine-tuned on
  them agrees with the reference on 95 of 100.
- *all families*: most answers are free text or numbers, and no cheaper member agrees with the reference on
  more than 27 of 100, so that only a delta that nobody would ask for saves anything; it is there as the
  larger batch.

    python benchmarks/smart_lab.py [--seeds 100] [--method valid]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

import routoo
from routoo.data.outcomes import Outcomes
from routoo.data.request import Request
from routoo.lab.members import lab_pool
from routoo.lab.shipped import lab_outcomes
from routoo.models.signals.agreement import member_agreement
from routoo.policies.smart.smart import SmartAnswers

REFERENCE = "qwen-1.5b"
CANDIDATES = ("qwen-0.5b", "qwen-0.5b-five", "qwen-0.5b-steps", "smol", "smol-texts")
LABELS = ("tone", "topic")


@dataclass(frozen=True)
class Row:
    """What came of a batch over all seeds.

    Args:
        batch: Its name.
        n_items: Its items.
        delta: What was promised.
        method: How bounds were drawn.
        deviations: The share that differs, of each seed.
        saved: The share of the reference's fee that was saved, of each seed.
    """

    batch: str
    n_items: int
    delta: float
    method: str
    deviations: Sequence[float]
    saved: Sequence[float]

    @property
    def missed(self) -> int:
        """In how many runs more differs than promised."""
        return sum(share > self.delta + 1e-12 for share in self.deviations)

    def __str__(self) -> str:
        low, high = np.quantile(self.saved, (0.05, 0.95))
        return (
            f"{self.batch:<14}{self.n_items:>6}{self.delta:>7.2f}  {self.method:<10}"
            f"{np.mean(self.saved):>7.1%}{low:>8.1%} to {high:<7.1%}"
            f"{np.mean(self.deviations):>7.1%}{max(self.deviations):>8.1%}"
            f"{self.missed:>6} of {len(self.deviations)}"
        )


def run(outcomes: Outcomes, *, delta: float, method: str, seeds: int, batch: str) -> Row:
    """Answers a batch once for each seed."""
    members = routoo.members_of(lab_pool(), names=[REFERENCE, *CANDIDATES], answers=outcomes)
    requests = [Request(name, text) for name, text in zip(outcomes.prompt_ids, outcomes.texts, strict=True)]
    reference = outcomes.outcomes.filter(pl.col("model") == REFERENCE)
    said = dict(reference.select("prompt_id", pl.col("response").fill_null("")).iter_rows())
    found = [
        routoo.smart(requests, members, reference=REFERENCE, delta=delta, method=method, seed=seed)
        for seed in range(seeds)
    ]
    return Row(
        batch,
        len(requests),
        delta,
        method,
        [deviation(each, said) for each in found],
        [each.certificate.saved for each in found],
    )


def deviation(found: SmartAnswers, said: dict[str, str]) -> float:
    """The share of the answers that differ from what the reference says."""
    same = [
        answer.model == REFERENCE or member_agreement(answer.answer or "", said[answer.prompt_id])
        for answer in found.answers
    ]
    return 1 - sum(same) / len(same)


def main() -> None:
    """Prints a row for each batch and delta."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--method", choices=("valid", "published"), default="valid")
    options = parser.parse_args()
    outcomes = lab_outcomes()
    labels = outcomes.prompts.filter(pl.col("domain").is_in(LABELS))
    of_labels = Outcomes(labels, outcomes.outcomes.join(labels, on="prompt_id", how="semi"), "labels")
    print("batch          items  delta  method      saved   5 to 95 % of runs  differ    most  missed")
    for batch, data, deltas in (
        ("labels", of_labels, (0.05, 0.1, 0.2)),
        ("all families", outcomes, (0.6, 0.8)),
    ):
        for delta in deltas:
            found = run(data, delta=delta, method=options.method, seeds=options.seeds, batch=batch)
            print(found, flush=True)


if __name__ == "__main__":
    main()
