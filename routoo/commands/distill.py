"""`routoo distill`: a trained predictor in, a nano predictor out."""

from __future__ import annotations

from typing import Annotated

import typer

from routoo.commands.arguments import AsJson, Data, Quiet, RequiredFolder, Seed
from routoo.commands.fields import options_of
from routoo.commands.output import check_bundle_folder
from routoo.commands.reading import OutcomesReading
from routoo.commands.terminal import counted, is_watched, progress, say
from routoo.commands.train import show_trained


@options_of(OutcomesReading, into="reading")
def distill(
    predictor: Annotated[
        str, typer.Argument(metavar="PREDICTOR", help="Folder that `routoo train` wrote.", show_default=False)
    ],
    source: Data,
    output: RequiredFolder,
    reading: OutcomesReading,
    seed: Seed = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Distill a nano predictor from a trained one: a little less score, a fraction of the latency.

    It reads words alone, learns what PREDICTOR says of the prompts of DATA, and is exported as any other.
    """
    from routoo.predictor import Predictor

    check_bundle_folder(output)
    large, outcomes = Predictor.from_pretrained(predictor), reading.outcomes(source, quiet=quiet)
    kind = "simulated prompt" if outcomes.simulated else "prompt"
    say(f"{outcomes.name}: {counted(len(outcomes), kind)}", quiet=quiet)
    with progress("reading prompts", quiet=quiet) as tell:
        nano = large.distill(outcomes, seed=seed, progress=is_watched(quiet=quiet), on_features=tell)
    nano.save_pretrained(output)
    show_trained(nano, output, kind, as_json=as_json)
