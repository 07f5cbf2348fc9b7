"""`routoo pool pick` and `routoo pool lint`: the design of a pool from recorded outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routoo.commands.arguments import AsJson, Data, Quiet, Seed
from routoo.commands.fields import options_of
from routoo.commands.output import check_output
from routoo.commands.pools import pool_for
from routoo.commands.reading import OutcomesReading
from routoo.commands.terminal import counted, percent, say, show, show_json, table, table_of_known, usd

if TYPE_CHECKING:
    from rich.table import Table

    from routoo.data.outcomes import Outcomes
    from routoo.data.pool import Pool
    from routoo.design.finding import Finding
    from routoo.design.pick import PoolPick

LINT_FOUND = 1
"""Exit code of `routoo pool lint --strict` where there is something to look at."""


@options_of(OutcomesReading, into="reading")
def pick(
    source: Data,
    reading: OutcomesReading,
    models: Annotated[
        int | None,
        typer.Option(
            "--models",
            "-k",
            metavar="K",
            min=1,
            help="Most models to pick.",
            show_default="all that add anything",
        ),
    ] = None,
    spend_usd: Annotated[
        float | None,
        typer.Option(
            metavar="USD",
            help="Instead: most that asking every picked model once may cost, by their mean costs of a call.",
            show_default=False,
        ),
    ] = None,
    price: Annotated[
        float | None,
        typer.Option(
            metavar="SCORE_PER_USD",
            help="Count money at this price alone; at 0 the score alone counts.",
            show_default="the prices of all budgets, from the cheapest model's to the best one's",
        ),
    ] = None,
    pool: Annotated[
        Path | None,
        typer.Option(
            "--pool",
            metavar="FILE",
            help="Candidates and their prices: a pool.toml or a JSON price list, of which those with "
            "outcomes are looked at.",
            show_default="beside the outcomes, else by their recorded costs",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="TOML file to write.", show_default=False),
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Choose the models that complement one another best.

    They are chosen on the prompts in train and val; what each adds is then measured on those in test.
    """
    if output is not None:
        check_output(output, [".toml"])
    from routoo.design.pick import pick_pool

    outcomes = reading.outcomes(source, quiet=quiet).with_split(seed=seed)
    candidates = _candidates(outcomes, source, pool, quiet=quiet)
    found = pick_pool(outcomes, candidates, models=models, spend_usd=spend_usd, price=price, seed=seed)
    if output is not None:
        found.pool.write(output)
    if as_json:
        show_json({**found.to_dict(), "written": None if output is None else str(output)})
        return
    show(_table(found), *_words(found, models))
    if output is not None:
        show(f"{output}: {counted(len(found.pool), 'model')}")


@options_of(OutcomesReading, into="reading")
def lint(
    listed: Annotated[
        Path,
        typer.Argument(metavar="POOL", help="A pool.toml or a JSON price list.", show_default=False),
    ],
    reading: OutcomesReading,
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATA",
            help="Recorded outcomes to hold it against: a folder, or a file (Parquet, CSV, JSON lines).",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 where anything is found.")] = False,
    as_json: AsJson = False,
) -> None:
    """Name what is odd in a pool: prices, limits, duplicates, and models that others dominate."""
    from routoo.data.errors import InputError
    from routoo.design.lint import lint_pool

    if source is None and reading.given:
        raise InputError("--columns, --separator, --score-columns and --average are of DATA: name it")
    findings = lint_pool(listed, None if source is None else reading.outcomes(source))
    if as_json:
        import dataclasses

        show_json({"pool": str(listed), "findings": [dataclasses.asdict(finding) for finding in findings]})
    else:
        show(
            *([_findings(findings)] if findings else []),
            _verdict(listed, findings, with_outcomes=source is not None),
        )
    if strict and findings:
        raise typer.Exit(LINT_FOUND)


def _candidates(outcomes: Outcomes, source: Path, given: Path | None, *, quiet: bool) -> Pool:
    """The models to pick from: those of the pool that were recorded.

    Raises:
        InputError: There is no pool, or none of its models was recorded.
    """
    from routoo.data.errors import InputError

    listed = pool_for(outcomes, source, given, quiet=quiet)
    kept = [name for name in listed.names if name in outcomes.models]
    if not kept:
        raise InputError(
            f"none of the models in the pool has an outcome in {outcomes.name}: the pool has "
            f"{', '.join(listed.names)}; the outcomes have {', '.join(outcomes.models)}"
        )
    left = [name for name in listed.names if name not in kept]
    if left:
        say(f"left aside for want of outcomes: {', '.join(left)}", quiet=quiet)
    return listed.select(kept)


def _table(found: PoolPick) -> Table:
    picked = found.models
    added = [None if model.added is None else str(model.added) for model in picked]
    return table_of_known(
        ("model", [model.name for model in picked]),
        ("USD a call", [usd(model.cost_usd) for model in picked]),
        ("expected to add", [f"{model.gain:+.4f}" for model in picked]),
        ("added on held-out prompts", added),
        ("area", [None if model.area != model.area else f"{model.area:.4f}" for model in picked]),
        ("share", [percent(model.share) for model in picked]),
    )


def _words(found: PoolPick, wanted: int | None) -> list[str]:
    """What the table means, and how good the pick is proved to be."""
    groups = "domain" if found.grouped_by == "domain" else "words, since no domain is recorded"
    lines = [
        f"{len(found.pool)} of {counted(found.candidates, 'model')}, chosen on {found.chosen_on:,} prompts "
        f"by {groups}; measured on {found.held_out:,} others",
        f"worth of a prompt (score less cost): expected {found.value:.4f}, held out "
        f"{found.held_out_value:.4f}; with all candidates {found.everyone_value:.4f}",
        f"{_proof(found)} ({percent(found.guarantee)} of it is certain beforehand: 1 - 1/e)",
    ]
    if wanted is not None and len(found.pool) < min(wanted, found.candidates):
        lines.append("no other model is expected to add anything")
    if found.everyone_area == found.everyone_area:
        lines.append(f"area with all candidates {found.everyone_area:.4f}")
    lines += found.notes
    return lines


def _proof(found: PoolPick) -> str:
    if found.proved_share > 1 - 1e-9:
        return "no pick within the limit is expected to be worth more, as the gains that are left prove"
    share = f"{100 * found.proved_share:.2f} %"
    return f"at least {share} of what any pick within the limit is expected to be worth, by the gains left"


def _findings(findings: Sequence[Finding]) -> Table:
    return table(
        ("model", "kind", "what is odd"),
        [(finding.model, finding.kind, finding.words) for finding in findings],
        texts=3,
    )


def _verdict(listed: Path, findings: Sequence[Finding], *, with_outcomes: bool) -> str:
    if not findings:
        more = (
            ""
            if with_outcomes
            else "; with recorded outcomes as the second argument, scores are looked at too"
        )
        return f"{listed}: nothing odd{more}"
    models = len({finding.model for finding in findings})
    return f"{listed}: {counted(len(findings), 'finding')} about {counted(models, 'model')}"
