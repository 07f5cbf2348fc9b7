"""`routoo model`: the models of a trained predictor come, go and change their prices without training."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routoo.commands.arguments import AsJson, Data, Quiet, RequiredFolder
from routoo.commands.fields import options_of
from routoo.commands.output import check_bundle_folder
from routoo.commands.pools import say_nominal
from routoo.commands.reading import OutcomesReading
from routoo.commands.terminal import counted, progress, show, show_json
from routoo.data.errors import InputError

if TYPE_CHECKING:
    from routoo.data.costs.nominal import NominalCosts
    from routoo.data.pool import Pool, PoolModel
    from routoo.predictor import Predictor

model = typer.Typer(
    no_args_is_help=True, help="Add or remove a model of a trained predictor, or change prices; no training."
)

_Trained = Annotated[
    str, typer.Argument(metavar="PREDICTOR", help="Folder that `routoo train` wrote.", show_default=False)
]
_TrainedOrBundle = Annotated[
    str,
    typer.Argument(
        metavar="PREDICTOR|BUNDLE",
        help="Folder that `routoo train` or `routoo export` wrote.",
        show_default=False,
    ),
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


@model.command()
@options_of(OutcomesReading, into="reading")
def add(
    predictor: _Trained,
    source: Data,
    name: _Name,
    pool: _Prices,
    output: RequiredFolder,
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
    with progress("reading prompts", quiet=quiet) as tell:
        after = before.add_model(new, outcomes, progress=tell)
    learned = after.trained_on["added"][-1]["prompts"]
    _write(after, output, f"{name!r} learned from {counted(learned, 'prompt')}", as_json=as_json)


@model.command()
def remove(
    predictor: _Trained,
    name: Annotated[
        str, typer.Option("--model", metavar="NAME", help="A model of PREDICTOR.", show_default=False)
    ],
    output: RequiredFolder,
    as_json: AsJson = False,
) -> None:
    """Remove a model; all others stay what they are."""
    check_bundle_folder(output)
    _write(_opened(predictor).remove_model(name), output, f"{name!r} removed", as_json=as_json)


@model.command()
def price(
    predictor: _TrainedOrBundle, pool: _Prices, output: RequiredFolder, as_json: AsJson = False
) -> None:
    """Give all models other prices, limits and tags; an exported bundle stays ready to serve."""
    from routoo.data.pool import Pool
    from routoo.export.bundle import Bundle

    check_bundle_folder(output)
    before = Bundle.open(predictor)
    changed = before.save_pretrained(output, pool=Pool.read(pool, among=before.description.pool.names))
    now, nominal = changed.description.pool, changed.description.nominal_costs()
    say_nominal(nominal)
    _show(output, now, nominal, f"prices of {pool}", exported=changed.has_graph, as_json=as_json)


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


def _write(changed: Predictor, output: Path, what: str, *, as_json: bool) -> None:
    changed.save_pretrained(output)
    say_nominal(changed.nominal_costs)
    _show(output, changed.pool, changed.nominal_costs, what, as_json=as_json)


def _show(
    output: Path, pool: Pool, nominal: NominalCosts, what: str, *, exported: bool = False, as_json: bool
) -> None:
    if as_json:
        show_json({"predictor": str(output), "models": list(pool.names), "nominal_costs": dict(nominal)})
        return
    lines = [f"{output}: {counted(len(pool), 'model')}; {what}"]
    if not exported:
        lines.append(f"next: routoo export {shlex.quote(str(output))} -o BUNDLE")
    show(*lines)
