"""`routoo model`: the models of a trained predictor come, go and change their prices without training."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routoo.commands.arguments import AsJson, Data, PromptsFile, Quiet, TableFile
from routoo.commands.fields import options_of
from routoo.commands.output import check_bundle_folder, check_output, write_table
from routoo.commands.pools import say_nominal
from routoo.commands.reading import OutcomesReading, PromptsReading
from routoo.commands.requests import prompts_of
from routoo.commands.terminal import counted, progress, show, show_json, table, usd
from routoo.data.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from routoo.data.pool import PoolModel
    from routoo.models.scoring_plan import ScoringPlan
    from routoo.predictor import Predictor

model = typer.Typer(
    no_args_is_help=True, help="Add or remove a model of a trained predictor, or change prices; no training."
)

_Trained = Annotated[
    str, typer.Argument(metavar="PREDICTOR", help="Folder that `routoo train` wrote.", show_default=False)
]
_Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder to write.", show_default=False)
]
_Prices = Annotated[
    Path,
    typer.Option(
        "--pool", metavar="FILE", help="Its prices: a pool.toml, or a JSON price list.", show_default=False
    ),
]
_Name = Annotated[
    str, typer.Option("--model", metavar="NAME", help="The new model, as in FILE.", show_default=False)
]

_SHOWN = 10  # of the prompts that are worth most


@model.command()
@options_of(OutcomesReading, into="reading")
def add(
    predictor: _Trained,
    source: Data,
    name: _Name,
    pool: _Prices,
    output: _Output,
    reading: OutcomesReading,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Add a model that was scored on a few prompts, from 20 on.

    All others stay what they are. Prompts that a column split puts into test are left out.

    Without it, what training put into test is left out.

    Of other prompts all are learned from if DATA has no model of PREDICTOR, else a share is put into test.
    """
    check_bundle_folder(output)
    new = _priced(pool, name)
    outcomes = reading.outcomes(source, quiet=quiet)
    before = _opened(predictor)
    with progress("reading prompts", quiet=quiet) as told:
        after = before.add_model(new, outcomes, progress=told)
    learned = after.trained_on["added"][-1]["prompts"]
    _write(after, output, f"{name!r} learned from {counted(learned, 'prompt')}", as_json=as_json)


@model.command()
def remove(
    predictor: _Trained,
    name: Annotated[
        str, typer.Option("--model", metavar="NAME", help="A model of PREDICTOR.", show_default=False)
    ],
    output: _Output,
    as_json: AsJson = False,
) -> None:
    """Remove a model; all others stay what they are."""
    check_bundle_folder(output)
    _write(_opened(predictor).remove_model(name), output, f"{name!r} removed", as_json=as_json)


@model.command()
def price(predictor: _Trained, pool: _Prices, output: _Output, as_json: AsJson = False) -> None:
    """Give all models other prices, limits and tags."""
    from routoo.data.pool import Pool

    check_bundle_folder(output)
    before = _opened(predictor)
    changed = before.with_prices(Pool.read(pool, among=before.pool.names))
    _write(changed, output, f"prices of {pool}", as_json=as_json)


@model.command()
@options_of(PromptsReading, into="reading")
def prompts(
    predictor: _Trained,
    source: PromptsFile,
    name: _Name,
    pool: _Prices,
    reading: PromptsReading,
    count: Annotated[
        int | None, typer.Option("--count", "-n", metavar="N", help="Most prompts.", show_default="no limit")
    ] = None,
    budget_usd: Annotated[
        float | None,
        typer.Option(
            "--budget-usd",
            metavar="USD",
            help="Most that scoring them may be expected to cost.",
            show_default="no limit",
        ),
    ] = None,
    scored: Annotated[
        Path | None,
        typer.Option(
            "--scored",
            metavar="FILE",
            help="Scores of the new model so far, as `routoo model add` reads them: none is asked for twice.",
            show_default=False,
        ),
    ] = None,
    output: TableFile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say which prompts to score a new model on: as much to learn as possible for the money.

    Give --count, --budget-usd, or both. With scores added, the table is the DATA of `routoo model add`.

    No text is named twice, and none that training or a column split put into test.

    The column goes on to the table.
    """
    from routoo.commands.model_prompts import Offer

    if count is None and budget_usd is None:
        raise InputError("how many prompts may be scored? Give --count, --budget-usd, or both")
    if output is not None:
        check_output(output)
    new = _priced(pool, name)
    asked = prompts_of(source, reading, labels=["split"], quiet=quiet)
    offer = Offer.of(asked, name, scored=scored)
    with progress("reading prompts", quiet=quiet) as told:
        plan = _opened(predictor).prompts_to_score(
            new,
            offer.prompts["prompt"].to_list(),
            n=count,
            budget_usd=budget_usd,
            scored=offer.scored,
            progress=told,
        )
    chosen = _to_score(offer.prompts, plan, name)
    if output is not None:
        write_table(chosen, output)
    say_nominal(plan.nominal_costs, quiet=quiet)
    total, left_out = float(plan.cost_usd.sum()), len(asked) - len(offer.prompts)
    if as_json:
        columns = chosen.select("prompt_id", "expected_cost_usd")
        priced = {"expected_cost_usd": total, "nominal_costs": dict(plan.nominal_costs)}
        show_json({"model": name, **priced, "prompts": columns.to_dicts()})
        return
    rows = [(str(row["prompt_id"]), usd(row["expected_cost_usd"])) for row in chosen.head(_SHOWN).to_dicts()]
    show(
        table(("prompt", "expected USD"), rows),
        f"{counted(len(chosen), 'prompt')} of {len(asked):,}, {usd(total)} USD expected, by what they tell"
        + (f"; {left_out:,} in test left out" if left_out else "")
        + ("" if output is None else f"; all in {output}"),
    )


def _opened(predictor: str) -> Predictor:
    from routoo.export.hub import is_hub_id
    from routoo.predictor import Predictor

    if not Path(predictor).exists() and not is_hub_id(predictor):
        raise InputError(f"{predictor}: no such folder; `routoo train` writes a predictor")
    return Predictor.from_pretrained(predictor)


def _priced(pool: Path, name: str) -> PoolModel:
    """The model of that name in a file of prices; what is wrong with the others does not matter."""
    from routoo.data.pool import Pool

    return Pool.read(pool, names=[name])[name]


def _to_score(frame: pl.DataFrame, plan: ScoringPlan, name: str) -> pl.DataFrame:
    """The prompts of a plan as a table of outcomes that lacks but the scores."""
    import polars as pl

    cost_usd = pl.Series("expected_cost_usd", plan.cost_usd, dtype=pl.Float64)
    chosen: pl.DataFrame = frame[plan.rows.tolist()]
    return chosen.with_columns(pl.lit(name).alias("model"), cost_usd)


def _write(changed: Predictor, output: Path, what: str, *, as_json: bool) -> None:
    changed.save_pretrained(output)
    say_nominal(changed.nominal_costs)
    if as_json:
        nominal = dict(changed.nominal_costs)
        show_json({"predictor": str(output), "models": list(changed.pool.names), "nominal_costs": nominal})
    else:
        show(
            f"{output}: {counted(len(changed.pool), 'model')}; {what}",
            f"next: routoo export {shlex.quote(str(output))} BUNDLE",
        )
