"""`routoo data`: look at recorded outcomes, convert them, split them; write the lab's record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routoo.commands.arguments import (
    AsJson,
    Data,
    LabPrompts,
    LastArgument,
    OutputFolder,
    Seed,
    folder_to_write,
)
from routoo.commands.fields import options_of
from routoo.commands.pools import pool_beside
from routoo.commands.reading import OutcomesReading
from routoo.commands.terminal import figure, percent, say, seconds, show, show_json, table_of_known, usd

if TYPE_CHECKING:
    from rich.table import Table

    from routoo.data.outcomes import Outcomes
    from routoo.data.overview import ModelOverview, Overview
    from routoo.data.pool import Pool
    from routoo.data.splits import Split

data = typer.Typer(no_args_is_help=True, help="Look at recorded outcomes, convert them, split them.")

_MOST_DOMAINS = 20


@data.command()
@options_of(OutcomesReading, into="reading")
def inspect(source: Data, reading: OutcomesReading, as_json: AsJson = False) -> None:
    """Show what recorded outcomes hold: models, coverage, domains, split."""
    from routoo.data.overview import Overview

    overview = Overview.of(reading.outcomes(source))
    if as_json:
        show_json(overview.to_dict())
        return
    kind = "simulated" if overview.simulated else "recorded"
    show(
        f"{overview.data}: {overview.prompts:,} prompts, {len(overview.models)} models, "
        f"{overview.outcomes:,} {kind} outcomes",
        _models(overview.models),
        "\n".join([_domains(overview), _split(overview), _recorded(overview)]),
    )


@data.command()
@options_of(OutcomesReading, into="reading")
def convert(
    source: Data,
    reading: OutcomesReading,
    last: LastArgument = None,
    output: OutputFolder = None,
    as_json: AsJson = False,
) -> None:
    """Write outcomes of any known format as prompts.parquet and outcomes.parquet."""
    folder = folder_to_write(output, last)
    _write(reading.outcomes(source), pool_beside(source), folder, as_json=as_json)


@data.command()
@options_of(OutcomesReading, into="reading")
def split(
    source: Data,
    reading: OutcomesReading,
    last: LastArgument = None,
    output: OutputFolder = None,
    seed: Seed = 0,
    val: Annotated[float, typer.Option(metavar="SHARE", help="Share to choose settings on.")] = 0.1,
    test: Annotated[float, typer.Option(metavar="SHARE", help="Share to report on.")] = 0.3,
    again: Annotated[bool, typer.Option("--again", help="Replace the split that is there.")] = False,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep",
            metavar="FOLDER",
            help="Outcomes with a split from before, or a predictor or bundle: what these know stays in its "
            "part, and near-duplicates of test prompts go to test.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write outcomes with a split into train, val and test; near-duplicates stay together.

    Of a set that grew, --keep the split that it had: what was in test stays there.
    """
    from routoo.data.errors import InputError
    from routoo.data.outcomes import Outcomes

    folder = folder_to_write(output, last)
    outcomes = reading.outcomes(source)
    if outcomes.has_split and not again:
        raise InputError(f"{source} has a split already; --again replaces it")
    if outcomes.has_split:
        outcomes = Outcomes(outcomes.prompts.drop("split"), outcomes.outcomes, outcomes.name)
    before = None if keep is None else _split_to_keep(keep)
    outcomes = outcomes.with_split(seed=seed, val=val, test=test, keep=before)
    if before is not None and not _as_split(before).n_known(outcomes.texts):
        say(
            f"{keep}: none of its prompts is in {source}, so that no part is kept, but for those of prompts "
            "that are nearly alike or have the same prompt_id"
        )
    _write(outcomes, pool_beside(source), folder, as_json=as_json)


@data.command()
def sample(
    last: LastArgument = None,
    output: OutputFolder = None,
    prompts: LabPrompts = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Write the lab's record with its pool and a split: what real small models answered, measured once.

    Scores, tokens and seconds were measured; prices are stated, by the models' sizes.
    """
    from routoo.lab.members import lab_pool
    from routoo.lab.shipped import lab_outcomes

    folder = folder_to_write(output, last)
    outcomes = lab_outcomes(prompts).with_split(seed=seed)
    _write(outcomes, lab_pool().select(outcomes.models), folder, as_json=as_json)


def _split_to_keep(path: Path) -> Outcomes | Split:
    """The split in outcomes, or what a predictor or bundle kept of its own."""
    from routoo.data.errors import InputError
    from routoo.data.outcomes import Outcomes
    from routoo.export.bundle import Bundle
    from routoo.export.layout import LAYOUT

    if not (path / LAYOUT.router).is_file():
        return Outcomes.read(path)
    kept = Bundle.read(path).split()
    if not kept.parts:
        raise InputError(f"{path} keeps no split: give the outcomes that it was trained on")
    return kept


def _as_split(kept: Outcomes | Split) -> Split:
    from routoo.data.splits import Split

    return kept if isinstance(kept, Split) else Split.of(kept.placed())


def _write(outcomes: Outcomes, pool: Pool | None, folder: Path, *, as_json: bool) -> None:
    """Writes the outcomes, with their pool where there is one, and says what was written."""
    from routoo.data.overview import Overview

    outcomes.write(folder, pool=pool)
    overview = Overview.of(outcomes)
    if as_json:
        show_json({"folder": str(folder), **overview.to_dict()})
        return
    kind = "simulated" if overview.simulated else "recorded"
    priced = "" if pool is None else ", with pool.toml"
    show(
        f"{folder}: {overview.prompts:,} prompts, {overview.outcomes:,} {kind} outcomes{priced}",
        _split(overview),
    )


def _models(models: tuple[ModelOverview, ...]) -> Table:
    return table_of_known(
        ("model", [model.name for model in models]),
        ("score", [f"{model.score:.4f}" for model in models]),
        ("coverage", [percent(model.coverage) for model in models]),
        ("USD a call", [usd(model.cost_usd) for model in models]),
        ("output tokens", [figure(model.output_tokens, ",.0f") for model in models]),
        ("seconds", [seconds(model.latency_s) for model in models]),
    )


def _domains(overview: Overview) -> str:
    if not overview.domains:
        return "domains: none recorded"
    shown = [f"{name} {count:,}" for name, count in overview.domains.items()]
    rest = len(shown) - _MOST_DOMAINS
    return "domains: " + ", ".join(shown[:_MOST_DOMAINS]) + (f" and {rest} more" if rest > 0 else "")


def _split(overview: Overview) -> str:
    if not overview.split:
        return "split: none; `routoo data split` makes one, and training does where there is none"
    parts = ", ".join(f"{name} {count:,}" for name, count in overview.split.items())
    return f"split: {parts}; {overview.straddling:,} prompts have a near-duplicate in another part"


def _recorded(overview: Overview) -> str:
    return "recorded beside the score: " + (", ".join(overview.recorded) or "nothing")
