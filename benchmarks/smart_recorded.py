"""Recorded batches answered by SMART: what is saved with a router's predictions and without, what is missed.

    routoo train DATA -o predictor && routoo export predictor -o bundle
    python benchmarks/smart_recorded.py DATA bundle --reference NAME [--delta 0.05 0.1] [--seeds 100]

DATA is ``lab`` or a folder of outcomes (../shared/data/mmlu_pro); the batch is the prompts that the bundle
has not learned. Answers and costs are those that were recorded; answers are the same by their normalised
text, and where only scores were recorded, the score stands for the answer. Rows of a delta: models as
candidates by the published method and by the valid one, and the valid one with the router's policies, and
with cascades where the bundle knows what answers tell. A seed
is an order of the batch; *saved* is the mean share of the reference's fee, with the 5 to 95 % of runs,
*differ* the share of the whole batch that really differs from the reference, and *missed* the runs in which
it is more than delta. The table is printed as Markdown.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from routoo.data.answer import Answer
from routoo.data.outcomes import Outcomes
from routoo.data.request import Request
from routoo.data.tables.columns import SIGNALS
from routoo.lab.shipped import lab_outcomes
from routoo.models.signals.agreement import member_agreement
from routoo.policies.contracts.calibration import unseen_prompts
from routoo.policies.smart.equivalence import Verdict
from routoo.policies.smart.items import Items
from routoo.policies.smart.predicted import Predicted
from routoo.policies.smart.promise import Promise
from routoo.policies.smart.record import Key
from routoo.policies.smart.run import SmartRun
from routoo.router import Router

ROWS = {
    "published": ("published", None),
    "models": ("valid", None),
    "policies": ("valid", False),
    "cascades": ("valid", True),
}
"""The method, and whether a router chooses, and then reads answers, by the name of the row."""


class Recorded:
    """Calls that were made long ago (`Calls`).

    Args:
        outcomes: Of the batch.
        items: The same prompts.
    """

    def __init__(self, outcomes: Outcomes, items: Items) -> None:
        said = pl.col("response").fill_null("") if outcomes.records("response") else pl.col("score").cast(str)
        signals = [name for name in outcomes.outcomes.columns if name.startswith(SIGNALS)]
        rows = outcomes.outcomes.select("model", "prompt_id", said.alias("answer"), "cost_usd", *signals)
        key = dict(zip(items.ids, items.keys, strict=True))
        self.answers = {
            (row["model"], key[row["prompt_id"]]): Answer.from_row(
                {name: value for name, value in row.items() if value is not None}
            )
            for row in rows.iter_rows(named=True)
        }
        self.asked: set[Key] = set()

    async def ask(self, calls: Mapping[Key, int]) -> dict[Key, Answer]:
        """See `Calls.ask`."""
        self.asked |= calls.keys()
        return {key: self.answers[key] for key in calls}

    async def same(self, item: int, answer: str, reference: str) -> Verdict:
        """See `Calls.same`."""
        return Verdict(bool(member_agreement(answer, reference)))


@dataclass(frozen=True)
class Batch:
    """Items that are to be answered.

    Args:
        outcomes: What all models answered.
        reference: Whose answers count.
        candidates: Who may answer in its place.
        predicted: What a router says of the items, where it does not read answers, and where it does.
    """

    outcomes: Outcomes
    reference: str
    candidates: tuple[str, ...]
    predicted: Mapping[bool, Predicted]

    def runs(
        self, delta: float, method: str, *, cascade: bool | None, seeds: int
    ) -> Iterator[tuple[float, float, int]]:
        """Of each seed the share saved, the share that differs, and the items profiled.

        `cascade` says whether a router reads answers; None, that there is no router.
        """
        predicted = None if cascade is None else self.predicted[cascade]
        items = Items.of([Request(name, text) for name, text in self._prompts], seed=0)
        calls = Recorded(self.outcomes, items)
        names = (*self.candidates, self.reference)
        mean = {
            name: float(np.mean([calls.answers[name, key].cost_usd for key in items.keys])) for name in names
        }
        promise = Promise(
            reference=self.reference,
            candidates=self.candidates,
            delta=delta,
            confidence=0.95,
            method=method,
            expected_usd=mean,
            prices=None if predicted is None else predicted.prices,
        )
        full = sum(calls.answers[self.reference, key].cost_usd or 0.0 for key in set(items.keys))
        for seed in range(seeds):
            calls.asked.clear()
            run = SmartRun(replace(items, seed=seed), promise, predicted, calls)
            asyncio.run(run.to_end())
            spent = sum(calls.answers[key].cost_usd or 0.0 for key in calls.asked)
            differ = [
                not member_agreement(
                    run.answers[at].answer or "", calls.answers[self.reference, key].answer or ""
                )
                for at, key in enumerate(items.keys)
                if run.answers[at].model != self.reference
            ]
            yield 1 - spent / full, sum(differ) / len(items), run.looks[-1].seen

    @property
    def _prompts(self) -> Iterator[tuple[str, str]]:
        return zip(self.outcomes.prompt_ids, self.outcomes.texts, strict=True)


def batch_of(outcomes: Outcomes, router: Router, names: Sequence[str], *, items: int | None) -> Batch:
    """The prompts that a router has not learned and all these models answered; the last is the reference."""
    free = Outcomes(outcomes.prompts, outcomes.outcomes.filter(pl.col("model").is_in(names)), outcomes.name)
    free = unseen_prompts(free, router.runtime.bundle.split())
    whole = ~np.isnan(free.to_matrices(names).score).any(1)
    ids: npt.NDArray[np.object_] = np.array(free.prompt_ids, object)[whole]
    ids = np.random.default_rng(0).permutation(ids)[:items]
    batch = free.subset(ids.tolist())
    requests = [Request(name, text) for name, text in zip(batch.prompt_ids, batch.texts, strict=True)]
    predicted = {False: Predicted.of(router, requests, names)}
    if router.answer_model is not None and router.answer_model.signals:
        predicted[True] = Predicted.of(router, requests, names, cascade=True)
    return Batch(batch, names[-1], tuple(names[:-1]), predicted)


def row(batch: Batch, delta: float, name: str, *, seeds: int) -> str:
    """A row of the table."""
    method, cascade = ROWS[name]
    saved, differ, profiled = np.array([*batch.runs(delta, method, cascade=cascade, seeds=seeds)]).T
    low, high = np.quantile(saved, (0.05, 0.95))
    cells = [
        f"{len(batch.outcomes):,}",
        f"{delta:.2f}",
        name,
        f"{saved.mean():.1%}",
        f"{low:.1%} to {high:.1%}",
        f"{profiled.mean():.0f}",
        f"{differ.mean():.1%}",
        f"{differ.max():.1%}",
        f"{int((differ > delta + 1e-12).sum())} of {seeds}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Prints the table of a set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="lab, or a folder of outcomes")
    parser.add_argument("bundle", help="folder of a bundle that was trained on them")
    parser.add_argument("--reference", required=True)
    parser.add_argument("--candidates", nargs="+", help="all other models of the bundle when not given")
    parser.add_argument("--delta", type=float, nargs="+", default=[0.05, 0.1, 0.2])
    parser.add_argument("--items", type=int, help="how many of the prompts, drawn at random")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=[*ROWS])
    given = parser.parse_args()
    outcomes = lab_outcomes() if given.data == "lab" else Outcomes.read(given.data)
    router = Router.from_pretrained(given.bundle)
    others = given.candidates or [name for name in router.pool.names if name != given.reference]
    batch = batch_of(outcomes, router, [*others, given.reference], items=given.items)
    print("| items | δ | method | saved | 5 to 95 % of runs | profiled | differ | most | missed |")
    print("| ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    rows = [name for name in given.rows if ROWS[name][1] in (None, *batch.predicted)]
    for delta in given.delta:
        for name in rows:
            print(row(batch, delta, name, seeds=given.seeds), flush=True)


if __name__ == "__main__":
    main()
