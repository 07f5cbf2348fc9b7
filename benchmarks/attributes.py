"""What an attribute is worth: a predictor that learned a column of the prompts, beside one that did not.

    python benchmarks/attributes.py FOLDER --attribute COLUMN [--pool POOL.toml] [--without-domain] [--seed 0]
        [--samples 500]

Both are trained with the default options, and judged on the test prompts in float32 on torch: with nothing
observed, with the attribute observed and, where the prompts have domains, with these and with both. The
tables are those of an evaluation; the differences are of the attribute observed against every other row.

`--without-domain` takes the domains from both. The attribute may then be the column `domain` itself, which
shows what domains are worth as an attribute like any other.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import polars as pl
from rich.console import Console

import routoo
from routoo.commands.pools import pool_for
from routoo.data.domains import Attribute
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.evaluation.evaluate import evaluate
from routoo.evaluation.report.table import EvaluationTable
from routoo.predictor import Predictor

OBSERVED = "attribute observed"
_DOMAIN, _DOMAIN_AS_ATTRIBUTE = "domain", "domain as an attribute"
_WIDTH = 150  # of the tables, be it a terminal or a file


def without_domain(outcomes: Outcomes, attribute: str) -> tuple[Outcomes, str]:
    """The outcomes without domains, and the name of the attribute in them."""
    if attribute == _DOMAIN:
        prompts, attribute = outcomes.prompts.rename({_DOMAIN: _DOMAIN_AS_ATTRIBUTE}), _DOMAIN_AS_ATTRIBUTE
    else:
        prompts = outcomes.prompts.drop(_DOMAIN, strict=False)
    return Outcomes(prompts, outcomes.outcomes, outcomes.name), attribute


def predicted(learned: Predictor, plain: Predictor, judged: Outcomes, attribute: str) -> dict[str, Scores]:
    """What each predicts of the judged prompts, by what is observed."""
    texts, domains, attributes = judged.texts, judged.domains, judged.attributes([attribute])
    found = {
        "nothing observed": learned.predict(texts),
        OBSERVED: learned.predict(texts, attributes=attributes),
    }
    if learned.trained.domains:
        found["domain observed"] = learned.predict(texts, domains)
        found["both observed"] = learned.predict(texts, domains, attributes)
    found["no attribute learned"] = plain.predict(texts)
    if plain.trained.domains:
        found["no attribute learned, domain observed"] = plain.predict(texts, domains)
    return found


def run(outcomes: Outcomes, pool: Pool, attribute: str, *, seed: int, samples: int, console: Console) -> None:
    """Trains both predictors, judges them and prints the tables."""
    judged = outcomes.part("test")
    started = time.perf_counter()
    learned = routoo.train(outcomes, pool, attributes=[attribute], seed=seed, progress=False)
    between = time.perf_counter()
    plain = routoo.train(outcomes, pool, seed=seed, progress=False)
    seconds = between - started, time.perf_counter() - between
    console.print(in_words(learned.trained.attributes[0], judged))
    console.print(
        "seed {}, trained in {:.0f} s with it, new features included, then in {:.0f} s without".format(
            seed, *seconds
        )
    )
    found = predicted(learned, plain, judged, attribute)
    evaluation = evaluate(outcomes, found, pool=pool, router=OBSERVED, samples=samples)
    console.print(EvaluationTable(evaluation))


def in_words(attribute: Attribute, judged: Outcomes) -> str:
    """What was learned of the attribute, and of how many prompts it is known."""
    values = f"{len(attribute.values)} values{' and one for all others' if attribute.rest else ''}"
    known = pl.Series(judged.attributes([attribute.name])[attribute.name], dtype=pl.String).count()
    return f"attribute {attribute.name}: {values} learned, known of {known:,} of {len(judged):,} test prompts"


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--attribute", required=True, help="a column of the prompts")
    parser.add_argument("--pool", type=Path)
    parser.add_argument("--without-domain", action="store_true", help="take the domains of the prompts away")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--samples", type=int, default=500, help="resamples behind the ranges")
    chosen = parser.parse_args()
    if chosen.attribute == _DOMAIN and not chosen.without_domain:
        parser.error("--attribute domain needs --without-domain: the domain is no further attribute")
    outcomes, attribute = Outcomes.read(chosen.data), chosen.attribute
    pool = pool_for(outcomes, chosen.data, chosen.pool)
    outcomes = outcomes.with_split(seed=chosen.seed)
    if chosen.without_domain:
        outcomes, attribute = without_domain(outcomes, attribute)
    console = Console(width=_WIDTH)
    run(outcomes, pool, attribute, seed=chosen.seed, samples=chosen.samples, console=console)


if __name__ == "__main__":
    main()
