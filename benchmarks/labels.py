"""What a label is worth: a predictor that learned a column of the prompts, beside one that did not.

    python benchmarks/labels.py FOLDER --label COLUMN [--pool POOL.toml] [--without-domain] [--seed 0]
        [--samples 500]

Both are trained with the default options, and judged on the test prompts in float32 on torch: with nothing
told, with the label told and, where the prompts have domains, with these told and with both. The tables are
those of an evaluation; the differences are of the label told against every other row.

`--without-domain` takes the domains from both. The label may then be the column `domain` itself, which
shows what domains are worth as a label like any other.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import polars as pl
from rich.console import Console

import routoo
from routoo.commands.pools import pool_for
from routoo.data.domains import Label
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.evaluation.evaluate import evaluate
from routoo.evaluation.report.table import EvaluationTable
from routoo.predictor import Predictor

TOLD = "label told"
_DOMAIN, _DOMAIN_AS_LABEL = "domain", "domain as a label"
_WIDTH = 150  # of the tables, be it a terminal or a file


def without_domain(outcomes: Outcomes, label: str) -> tuple[Outcomes, str]:
    """The outcomes without domains, and the name of the label in them."""
    if label == _DOMAIN:
        prompts, label = outcomes.prompts.rename({_DOMAIN: _DOMAIN_AS_LABEL}), _DOMAIN_AS_LABEL
    else:
        prompts = outcomes.prompts.drop(_DOMAIN, strict=False)
    return Outcomes(prompts, outcomes.outcomes, outcomes.name), label


def predicted(learned: Predictor, plain: Predictor, judged: Outcomes, label: str) -> dict[str, Scores]:
    """What each says of the judged prompts, by what it is told."""
    texts, domains, labels = judged.texts, judged.domains, judged.labels([label])
    found = {"nothing told": learned.predict(texts), TOLD: learned.predict(texts, labels=labels)}
    if learned.trained.domains:
        found["domain told"] = learned.predict(texts, domains)
        found["both told"] = learned.predict(texts, domains, labels)
    found["no label learned"] = plain.predict(texts)
    if plain.trained.domains:
        found["no label learned, domain told"] = plain.predict(texts, domains)
    return found


def run(outcomes: Outcomes, pool: Pool, label: str, *, seed: int, samples: int, console: Console) -> None:
    """Trains both predictors, judges them and prints the tables."""
    judged = outcomes.part("test")
    started = time.perf_counter()
    learned = routoo.train(outcomes, pool, labels=[label], seed=seed, progress=False)
    between = time.perf_counter()
    plain = routoo.train(outcomes, pool, seed=seed, progress=False)
    seconds = between - started, time.perf_counter() - between
    console.print(in_words(learned.trained.labels[0], judged))
    console.print(
        "seed {}, trained in {:.0f} s with it, new features included, then in {:.0f} s without".format(
            seed, *seconds
        )
    )
    found = predicted(learned, plain, judged, label)
    console.print(EvaluationTable(evaluate(outcomes, found, pool=pool, router=TOLD, samples=samples)))


def in_words(label: Label, judged: Outcomes) -> str:
    """What was learned of the label, and of how many prompts it can be told."""
    values = f"{len(label.values)} values{' and one for all others' if label.rest else ''}"
    known = pl.Series(judged.labels([label.name])[label.name], dtype=pl.String).count()
    return f"label {label.name}: {values} learned, known of {known:,} of {len(judged):,} test prompts"


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--label", required=True, help="a column of the prompts")
    parser.add_argument("--pool", type=Path)
    parser.add_argument("--without-domain", action="store_true", help="take the domains of the prompts away")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--samples", type=int, default=500, help="resamples behind the ranges")
    chosen = parser.parse_args()
    if chosen.label == _DOMAIN and not chosen.without_domain:
        parser.error("--label domain needs --without-domain: a domain that is told as such is no label")
    outcomes, label = Outcomes.read(chosen.data), chosen.label
    pool = pool_for(outcomes, chosen.data, chosen.pool)
    outcomes = outcomes.with_split(seed=chosen.seed)
    if chosen.without_domain:
        outcomes, label = without_domain(outcomes, label)
    console = Console(width=_WIDTH)
    run(outcomes, pool, label, seed=chosen.seed, samples=chosen.samples, console=console)


if __name__ == "__main__":
    main()
