"""`routoo train`: recorded outcomes in, a trained predictor out."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from routoo.commands.arguments import AsJson, Data, Quiet, RequiredFolder
from routoo.commands.fields import options_of
from routoo.commands.output import check_bundle_folder
from routoo.commands.pools import pool_for, say_nominal
from routoo.commands.reading import OutcomesReading
from routoo.commands.terminal import counted, is_watched, progress, say, show, show_json
from routoo.models.training.options import TrainOptions, default_cache_dir

if TYPE_CHECKING:
    from routoo.evaluation.verdict import Verdict
    from routoo.predictor import Predictor


_MUTE = (
    "the prompts hardly tell which model answers them: each model's mean says as much; more scored prompts "
    "may show more"
)


@options_of(
    TrainOptions,
    panel="How to train",
    leave_out=("attributes", "checkpoint_dir", "cache_dir", "resume", "progress"),
)
@options_of(OutcomesReading, into="reading")
def train(
    source: Data,
    output: RequiredFolder,
    reading: OutcomesReading,
    pool: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The models to learn, with prices.",
            show_default="pool.toml beside the outcomes, else what their costs tell",
        ),
    ] = None,
    attribute: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="Column of the prompts, beside domain, that is known when they are routed, such as "
            "language or tenant; may be repeated.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted run of the same command stopped.")
    ] = False,
    cache_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where features of a frozen encoder are kept for the next run.",
            show_default="~/.cache/routoo/features",
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    **options: Any,  # the fields of TrainOptions
) -> None:
    """Train a predictor on recorded outcomes.

    Until all is done its state is kept in FOLDER.partial: after Ctrl-C, the same command with --resume
    goes on.
    """
    import routoo

    check_bundle_folder(output)
    if cache_dir is not None and options["tune"] == "full":
        say(f"{cache_dir}: nothing to keep, since --tune full changes all that an encoder says", quiet=quiet)
    outcomes = reading.outcomes(source, quiet=quiet).with_split(seed=options["seed"])
    models = pool_for(outcomes, source, pool, quiet=quiet)
    state = output.with_name(f"{output.name}.partial")
    if resume and not any(state.glob("*/*.ckpt")):
        say(f"{state}: nothing to resume, so that training starts from the beginning", quiet=quiet)
    kind = "simulated prompt" if outcomes.simulated else "prompt"
    say(f"{outcomes.name}: {counted(len(outcomes), kind)}, {counted(len(models), 'model')}", quiet=quiet)
    try:
        with progress("reading prompts", quiet=quiet) as tell:
            predictor = routoo.train(
                outcomes,
                models,
                on_features=tell,
                checkpoint_dir=state,
                attributes=attribute or (),
                resume=resume,
                cache_dir=cache_dir or default_cache_dir(),
                progress=is_watched(quiet=quiet),
                **options,
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; to go on: {_resuming(sys.argv[1:])}") from None
    predictor.save_pretrained(output)
    _forget(state)
    show_trained(predictor, output, kind, as_json=as_json)


def show_trained(predictor: Predictor, output: Path, kind: str, *, as_json: bool) -> None:
    """Says what was learned from prompts of this kind, where it is, and what comes next."""
    say_nominal(predictor.nominal_costs)
    verdict = _verdict(predictor, kind)
    if as_json:
        show_json(
            {
                "predictor": str(output),
                "models": list(predictor.pool.names),
                "trained_on": predictor.trained_on,
                "metrics": predictor.metrics,
                "verdict": None if verdict is None else verdict.to_dict(),
                "nominal_costs": dict(predictor.nominal_costs),
            }
        )
    else:
        show(_summary(predictor, output, kind, verdict))


def _verdict(predictor: Predictor, kind: str) -> Verdict | None:
    """What validation says of whether routing is worth it, where that is known."""
    from routoo.evaluation.verdict import verdict_on_validation

    record = predictor.trained.validation
    return None if record is None else verdict_on_validation(record, simulated=kind.startswith("simulated"))


def _resuming(arguments: list[str]) -> str:
    """The command that goes on where this one was interrupted."""
    return shlex.join(["routoo", *(a for a in arguments if a != "--resume"), "--resume"])


def _forget(state: Path) -> None:
    """Removes the checkpoints of runs, and the folders that hold nothing else."""
    for checkpoint in state.glob("*/*.ckpt"):
        checkpoint.unlink()
    for folder in (*state.glob("*/"), state):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _summary(predictor: Predictor, output: Path, kind: str, verdict: Verdict | None) -> str:
    trained, metrics = predictor.trained_on, predictor.metrics
    encoder = (
        f"token vectors of {trained['encoder']}" if "teacher" in trained else f"encoder {trained['encoder']}"
    )
    brier, of_means = metrics["left_out_brier"], metrics["left_out_brier_of_means"]
    prompts = counted(trained["n_train"] + trained["n_val"], kind)
    return "\n".join(
        [
            f"{output}: {counted(len(predictor.pool), 'model')}, {encoder}, seed "
            f"{trained['options']['seed']}; learned from {prompts} in {trained['seconds']:.0f} s",
            f"each prompt left out: Brier score {brier:.4f}, of the models' means {of_means:.4f}",
            *([_MUTE] if brier >= of_means else []),
            *([] if verdict is None else [f"verdict: {verdict}"]),
            f"next: routoo export {shlex.quote(str(output))} -o BUNDLE",
        ]
    )
