"""`routoo pool`: write the pool of recorded outcomes, show one, choose from it, say what is odd in it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routoo.commands.arguments import AsJson, Data
from routoo.commands.fields import options_of
from routoo.commands.output import check_output
from routoo.commands.pool_design import lint, pick
from routoo.commands.pools import derived_pool, pool_table
from routoo.commands.reading import OutcomesReading
from routoo.commands.terminal import counted, say, show, show_json

if TYPE_CHECKING:
    from routoo.data.outcomes import Outcomes
    from routoo.data.pool import Pool

pool = typer.Typer(no_args_is_help=True, help="Write the pool of recorded outcomes, show it, choose from it.")

_LISTS = (".toml", ".json")


@pool.command()
@options_of(OutcomesReading, into="reading")
def derive(
    source: Data,
    reading: OutcomesReading,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="TOML file to write.", show_default="print it"),
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Price list: a pool.toml, JSON with model, usd_per_1m_input and usd_per_1m_output, or what "
            "LiteLLM (model_prices_and_context_window.json) or OpenRouter (/api/v1/models) publishes.",
            show_default="what explains the recorded costs",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Take just this model; may be repeated, may be a pattern such as 'qwen*'."
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Leave this model out; as --only.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the pool of the models in recorded outcomes, with prices."""
    from routoo.data.pool import Pool

    if output is not None:
        check_output(output, [".toml"])
    outcomes = reading.outcomes(source)
    names = _chosen(outcomes, only or [], exclude or [])
    found = (
        derived_pool(outcomes.select(names))
        if prices is None
        else Pool.read(prices, names=names, on_remark=say)
    )
    if output is not None:
        found.write(output)
    _show(found, output, as_json=as_json)


@pool.command("show")
def show_pool(
    source: Annotated[
        str,
        typer.Argument(
            metavar="POOL|BUNDLE", help="A pool.toml, a price list, or a bundle.", show_default=False
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Show the models of a pool, or of a bundle, with their prices."""
    from routoo.data.pool import Pool

    if Path(source).is_file() or (Path(source).suffix.lower() in _LISTS and not Path(source).is_dir()):
        found = Pool.read(source, on_remark=say)
    else:
        from routoo.export.bundle import Bundle

        found = Bundle.open(source).description.pool
    if as_json:
        show_json({"models": found.to_records()})
    else:
        show(pool_table(found))


@pool.command("batch")
def batch_tiers(
    source: Annotated[
        Path, typer.Argument(metavar="POOL", help="A pool.toml, or a price list.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="TOML file to write.", show_default="print it"),
    ] = None,
    window_s: Annotated[
        float, typer.Option(metavar="S", help="Seconds within which providers answer a batch.")
    ] = 86_400.0,
    as_json: AsJson = False,
) -> None:
    """Add a batch tier behind each model with batch prices: a member NAME@batch, cheaper and slower."""
    from routoo.data.batch_tiers import with_batch_tiers
    from routoo.data.pool import Pool

    if output is not None:
        check_output(output, [".toml"])
    found = with_batch_tiers(Pool.read(source, on_remark=say), window_s=window_s)
    if output is not None:
        found.write(output)
    _show(found, output, as_json=as_json)


pool.command()(pick)
pool.command()(lint)


def _show(found: Pool, written: Path | None, *, as_json: bool) -> None:
    if as_json:
        show_json({"models": found.to_records(), "written": None if written is None else str(written)})
    elif written is None:
        typer.echo(found.to_toml(), nl=False)
    else:
        show(pool_table(found), f"{written}: {counted(len(found), 'model')}")


def _chosen(outcomes: Outcomes, only: list[str], exclude: list[str]) -> list[str]:
    """The models that are wanted; a pattern that fits none is a slip of the pen.

    Raises:
        InputError: A pattern fits no model, or no model is left.
    """
    from routoo.data.errors import InputError

    for pattern in (*only, *exclude):
        if not _fits(pattern, outcomes.models):
            raise InputError(f"no model {pattern!r} in {outcomes.name}; it has {', '.join(outcomes.models)}")
    wanted = {name for pattern in only for name in _fits(pattern, outcomes.models)} or set(outcomes.models)
    left = [name for name in outcomes.models if name in wanted and not any(_fits(p, [name]) for p in exclude)]
    if not left:
        raise InputError("--only and --exclude leave no model")
    return left


def _fits(pattern: str, names: tuple[str, ...] | list[str]) -> list[str]:
    """The names that a pattern stands for: a plain name stands for itself, whatever signs it holds."""
    return [name for name in names if name == pattern or fnmatchcase(name, pattern)]
