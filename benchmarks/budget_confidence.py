"""Says how often recorded spend keeps a budget, with and without a reserve, on a folder of recorded outcomes.

    python benchmarks/budget_confidence.py FOLDER [--bundle BUNDLE] [--pool pool.toml] [--seed 0] [--json]
        [--confidence 0.95] [--batches 100]

Trains with the default options, or reads a bundle that was trained before. Test prompts are drawn with
replacement into batches of several sizes, and each is assigned under several budgets: shares of what the
best single model cost on validation. What the choices cost by the records is then held against the budget. A
batch for which nothing can keep the budget is left out; the table says how many were assigned.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table

import routoo
from routoo.commands.pools import pool_for
from routoo.data.pool import Pool
from routoo.data.validation import ValidationRecord
from routoo.evaluation.trial.trial import Trial, trial_of
from routoo.models.training.options import default_cache_dir

_SIZES = (50, 200, 800, 2000)
_SHARES = (0.25, 0.5, 0.75)
_WIDTH = 120


@dataclass(frozen=True)
class Kept:
    """Batches of one size under one budget.

    Args:
        prompts: In a batch.
        share: The budget, as a share of the best single model's cost on validation.
        batches: Batches that could be assigned with the reserve.
        plain: Of these, how many kept the budget in truth without one.
        kept: How many with it.
        reserve: Mean reserve as a share of the budget, where it had to be kept.
        score_lost: Mean predicted score a prompt that it costs.
        most_over: The most that a batch with a reserve spent over its budget, as a share.
        most_over_plain: The same without one.
    """

    prompts: int
    share: float
    batches: int
    plain: int
    kept: int
    reserve: float
    score_lost: float
    most_over: float
    most_over_plain: float


def measured(
    router: routoo.Router,
    scores: routoo.Scores,
    trial: Trial,
    record: ValidationRecord,
    *,
    confidence: float,
    batches: int,
    seed: int,
) -> Iterator[Kept]:
    """What became of the budgets, size by size and share by share."""
    random = np.random.default_rng(seed)
    best_usd = record.single_cost_usd[record.best]
    for size in _SIZES:
        draws = random.integers(len(scores), size=(batches, size))
        for share in _SHARES:
            budget = share * float(best_usd) * size
            rows = [
                row
                for drawn in draws
                if (row := _spent(router, scores, trial.cost_usd, drawn, budget, confidence)) is not None
            ]
            if not rows:
                continue
            plain, kept, reserve, lost = np.array(rows).T
            yield Kept(
                prompts=size,
                share=share,
                batches=len(rows),
                plain=int((plain <= budget).sum()),
                kept=int((kept <= budget).sum()),
                reserve=float(reserve.mean() / budget),
                score_lost=float(lost.mean() / size),
                most_over=float(kept.max() / budget - 1),
                most_over_plain=float(plain.max() / budget - 1),
            )


def _spent(
    router: routoo.Router,
    scores: routoo.Scores,
    cost_usd: np.ndarray,
    drawn: np.ndarray,
    budget: float,
    confidence: float,
) -> tuple[float, float, float, float] | None:
    """Recorded spend without and with a reserve, the reserve, and the score that it costs."""
    batch = scores.rows(drawn)
    try:
        plain = router.assign(batch, budget_usd=budget)
        plan = router.assign(batch, budget_usd=budget, budget_confidence=confidence)
    except routoo.InfeasibleError:
        return None
    assert plan.reserve is not None
    paid = [float(cost_usd[drawn, found.choice].sum()) for found in (plain, plan)]
    return paid[0], paid[1], plan.reserve.usd, plain.score - plan.score


def _router(
    folder: Path, bundle: Path | None, pool: Pool, outcomes: routoo.Outcomes, seed: int
) -> routoo.Router:
    if bundle is not None:
        return routoo.Router.from_pretrained(bundle, threads=None)
    with tempfile.TemporaryDirectory() as made:
        predictor = routoo.train(outcomes, pool, seed=seed, cache_dir=default_cache_dir(), progress=False)
        predictor.export(Path(made) / "bundle")
        return routoo.Router.from_pretrained(Path(made) / "bundle", threads=None).warm_up()


def main(
    folder: Annotated[Path, typer.Argument(help="Recorded outcomes.")],
    bundle: Annotated[Path | None, typer.Option(help="A bundle; else one is trained.")] = None,
    pool: Annotated[Path | None, typer.Option(help="The pool; else as `routoo train` finds it.")] = None,
    seed: Annotated[int, typer.Option(help="Of training and of the batches.")] = 0,
    confidence: Annotated[float, typer.Option(help="That is asked.")] = 0.95,
    batches: Annotated[int, typer.Option(help="Drawn of each size.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Holds recorded spend against budgets."""
    started = time.perf_counter()
    outcomes = routoo.Outcomes.read(folder).with_split(seed=seed)
    models = pool_for(outcomes, folder, pool)
    router = _router(folder, bundle, models, outcomes, seed)
    record = router.validation
    if record is None:
        raise routoo.InputError("the bundle has no validation record: train it again")
    trial = trial_of(outcomes, router.pool, "test")
    judged = outcomes.part("test")
    scores = trial.align("routoo", router.predict(judged.texts, prompt_ids=judged.prompt_ids))
    rows = list(measured(router, scores, trial, record, confidence=confidence, batches=batches, seed=seed))
    if as_json:
        print(json.dumps({"data": outcomes.name, "rows": [asdict(row) for row in rows]}))
        return
    console = Console(width=_WIDTH)
    table = Table(
        "prompts", "budget", "batches", "kept", "kept, plain", "reserve", "score lost", "most over", "plain",
        box=box.SIMPLE_HEAD,
    )  # fmt: skip
    for row in rows:
        counts = f"{row.prompts:,}", f"{row.share:.0%}", str(row.batches), str(row.kept), str(row.plain)
        table.add_row(
            *counts, f"{row.reserve:.1%}", f"{row.score_lost:.4f}", f"{row.most_over:+.1%}",
            f"{row.most_over_plain:+.1%}",
        )  # fmt: skip
    seconds = time.perf_counter() - started
    console.print(
        f"{outcomes.name}: {len(scores):,} test prompts, {record.n_prompts:,} validation prompts, "
        f"confidence {confidence:g}, seed {seed}, {seconds:.0f} s"
    )
    console.print(table)
    total, kept, plain = (sum(getattr(row, name) for row in rows) for name in ("batches", "kept", "plain"))
    if total:
        console.print(
            f"budgets kept: {kept / total:.1%} of {total:,} batches; without a reserve {plain / total:.1%}"
        )


if __name__ == "__main__":
    typer.run(main)
