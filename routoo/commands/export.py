"""`routoo export`: a trained predictor in, a bundle for ONNX Runtime out."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from routoo.commands.arguments import AsJson, LastArgument, OutputFolder, Quiet, folder_to_write
from routoo.commands.output import check_bundle_folder
from routoo.commands.pools import say_nominal
from routoo.commands.terminal import percent, say, show, show_json, table

if TYPE_CHECKING:
    from rich.table import Table

    from routoo.export.parity import Agreement, ParityReport


def export(
    predictor: Annotated[
        str, typer.Argument(metavar="PREDICTOR", help="Folder that `routoo train` wrote.", show_default=False)
    ],
    last: LastArgument = None,
    output: OutputFolder = None,
    int8: Annotated[
        bool, typer.Option("--int8/--no-int8", help="Whether to write the graph in int8 too.")
    ] = True,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write the bundle that routes without torch, once its graphs say what the network says."""
    from routoo.predictor import Predictor

    bundle = folder_to_write(output, last)
    check_bundle_folder(bundle)
    trained = Predictor.from_pretrained(predictor)
    say("writing the graphs, and comparing them with the network", quiet=quiet)
    report = trained.export(bundle, int8=int8)
    for warning in report.warnings():
        say(warning)
    say_nominal(trained.nominal_costs)
    if as_json:
        nominal = dict(trained.nominal_costs)
        show_json({"bundle": str(bundle), "parity": report.to_dict(), "nominal_costs": nominal})
        return
    show(
        _parity(report),
        f"{report.prompts} prompts of {report.lengths[0]} to {report.lengths[1]} tokens, "
        "one at a time and in padded batches",
        f"{bundle}: ready; try: routoo select {shlex.quote(str(bundle))} 'Name a river.'",
    )


def _parity(report: ParityReport) -> Table:
    """How near each graph is to the network, and how near it must be."""
    graphs = [("float32", report.fp32, f"{report.tolerance.fp32_max:g}")]
    if report.int8 is not None:
        graphs.append(("int8", report.int8, f"{report.tolerance.int8_max:g}"))
    columns = ("graph", "p off, mean", "p off, most", "allowed", "other choice", "score lost")
    return table(columns, [_row(*graph) for graph in graphs])


def _row(name: str, found: Agreement, allowed: str) -> tuple[str, ...]:
    return (
        name,
        f"{found.p_mean:.1e}",
        f"{max(found.p_max, found.padded_p_max):.1e}",
        allowed,
        percent(max(found.choices_changed.values())),
        f"{max(found.value_lost.values()):.1e}",
    )
