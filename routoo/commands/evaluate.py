"""`routoo evaluate`: what a bundle is worth on recorded outcomes, beside all it must be held against."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routoo.commands.arguments import AsJson, Bundle, Data, PoolFile, Quiet, Seed, Threads
from routoo.commands.fields import options_of
from routoo.commands.output import check_output, write_table
from routoo.commands.pools import say_nominal
from routoo.commands.reading import OutcomesReading
from routoo.commands.terminal import counted, show, show_json, stages

if TYPE_CHECKING:
    from routoo.data.splits import Part
    from routoo.router import Router


@options_of(OutcomesReading, into="reading")
def evaluate(
    bundle: Bundle,
    source: Data,
    reading: OutcomesReading,
    part: Annotated[str, typer.Option(metavar="PART", help="Part to judge on: train, val or test.")] = "test",
    report: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            "--report",
            metavar="FILE",
            help="HTML page to write; it needs no network.",
            show_default=False,
        ),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Table of predictions to write: .parquet, .csv or .jsonl.",
            show_default=False,
        ),
    ] = None,
    observed_domains: Annotated[
        bool,
        typer.Option("--observed-domains", help="Show the router each prompt's domain, as if it were known."),
    ] = False,
    observed_attributes: Annotated[
        bool,
        typer.Option(
            "--observed-attributes",
            help="Show the router each prompt's attributes that it learned, likewise.",
        ),
    ] = False,
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Folder or hub id of what embeds prompts for the nearest neighbours; else the router's own.",
            show_default=False,
        ),
    ] = None,
    pool: PoolFile = None,
    seed: Seed = 0,
    samples: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Resamples of the prompts behind the intervals; 0 for none."),
    ] = 1000,
    robustness: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="Test prompts that are changed in harmless ways, to see whether choices flip; 0 for none.",
        ),
    ] = 200,
    max_calls: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="Most models that a cascade may ask a prompt, where answers were recorded; 1: no cascade.",
        ),
    ] = 3,
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Hold a bundle against single models, their mixtures, plain estimators and the oracle."""
    if report is not None:
        from routoo.evaluation.report.report import require_report

        check_output(report, [".html"])
        require_report()
    if predictions is not None:
        check_output(predictions)
    from routoo.evaluation.experiment import evaluate_router
    from routoo.evaluation.report.table import EvaluationTable
    from routoo.models.training.options import default_cache_dir
    from routoo.router import Router

    router = Router.from_pretrained(bundle, pool=pool, threads=threads)
    with stages(quiet=quiet) as reported:
        found, scores = evaluate_router(
            router,
            reading.outcomes(source, quiet=quiet),
            part=_part(part),
            observed_domains=observed_domains,
            observed_attributes=observed_attributes,
            encoder=encoder,
            cache_dir=default_cache_dir(),
            seed=seed,
            samples=samples,
            robustness_prompts=robustness,
            max_calls=max_calls,
            provenance=provenance(router, bundle),
            progress=reported,
        )
    say_nominal(found.nominal_costs, quiet=quiet)
    if predictions is not None:
        write_table(scores.to_polars(), predictions)
    if report is not None:
        from routoo.evaluation.report.report import write_report

        write_report(found, report)
    if as_json:
        show_json(found.to_dict())
        return
    lines = [found.headline()]
    if found.robustness:
        tried, kinds = counted(found.robustness[0].prompts, "prompt"), len(found.robustness)
        lines.append(f"{found.flips_in_words()} ({tried}, {counted(kinds, 'kind')} of change).")
    written = [str(path) for path in (report, predictions) if path is not None]
    if written:
        lines.append(f"written: {', '.join(written)}")
    show(EvaluationTable(found), *lines, f"verdict: {found.verdict()}")


def _part(name: str) -> Part:
    from routoo.data.errors import InputError
    from routoo.data.splits import PARTS

    for part in PARTS:
        if part == name:
            return part
    raise InputError(f"--part must be one of {', '.join(PARTS)}, got {name!r}")


def provenance(router: Router, bundle: str) -> dict[str, str]:
    """What a reader of the figures should know of the router."""
    trained = router.runtime.bundle.description.trained_on
    return {
        "bundle": bundle,
        "trained on": f"{trained.get('data')}, {trained.get('n_train')} prompts, "
        f"encoder {trained.get('encoder')}, seed {trained.get('options', {}).get('seed')}",
        "command": shlex.join(["routoo", *sys.argv[1:]]),
    }
