"""`routoo batch`: a plan as files that providers take at a lower price, submitted once, and read back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from routoo.commands.arguments import AsJson, Quiet, RequiredFolder
from routoo.commands.fields import options_of
from routoo.commands.reading import PromptsReading
from routoo.commands.requests import named_values
from routoo.commands.terminal import counted, say, show, show_json, table, usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routoo.batch.collect import Known
    from routoo.batch.endpoint import Progress
    from routoo.batch.standing import PartStanding

batch = typer.Typer(
    no_args_is_help=True,
    help="Files that providers answer within a day at about half the price: write, submit, collect.",
)

_Folder = Annotated[
    Path,
    typer.Argument(metavar="FOLDER", help="Folder that `routoo batch write` wrote.", show_default=False),
]


@batch.command()
@options_of(PromptsReading, into="reading")
def write(
    plan: Annotated[
        Path,
        typer.Argument(metavar="PLAN", help="Table that `routoo assign -o` wrote.", show_default=False),
    ],
    prompts: Annotated[
        Path,
        typer.Argument(metavar="PROMPTS_FILE", help="File of prompts that was assigned.", show_default=False),
    ],
    pool: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Pool that it was assigned with: batch tiers (`routoo pool batch`), and how each model is "
            "called.",
            show_default=False,
        ),
    ],
    output: RequiredFolder,
    reading: PromptsReading,
    period_s: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            help="Seconds in which all is to be answered, as `routoo assign --period-s`.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the files of a plan: one or more for each batch tier, and when each may be submitted.

    Nothing is sent. Prompts of members that answer at once stand in the folder too, and are asked by
    `routoo batch submit`.
    """
    from routoo.batch.write import write_batch

    manifest = write_batch(
        plan,
        prompts,
        pool,
        output,
        period_s=period_s,
        columns=reading.names,
        separator=reading.separator,
    )
    asked = manifest.asked(output)
    at_once = int(asked["part"].null_count())
    if as_json:
        files = [vars(part) for part in manifest.parts]
        show_json({"prompts": len(asked), "at_once": at_once, "files": files, "written": str(output)})
        return
    rows = [
        (part.name, part.model, f"{part.requests:,}", f"{part.size:,}", str(part.day + 1))
        for part in manifest.parts
    ]
    lines = [f"{counted(at_once, 'prompt')} of members that answer at once"] if at_once else []
    show(
        table(("file", "model", "requests", "bytes", "day"), rows),
        *lines,
        f"next: routoo batch submit {output}",
    )


@batch.command()
def submit(
    folder: _Folder,
    found: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE=ID",
            help="Batch that you know to be a file of which that is in doubt; may be repeated.",
            show_default=False,
        ),
    ] = None,
    again: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="File in doubt that you know not to have arrived; may be repeated.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Submit the files whose time has come, each once, and ask the members that answer at once.

    The same command goes on after a kill: what may have arrived is looked for at the provider before it is
    sent again. Run it again, say by cron, until every file is submitted. Keys come from the environment.
    """
    from routoo.batch.at_once import ask_at_once
    from routoo.batch.submit import submit_batch

    standings = submit_batch(
        folder,
        found=named_values(found or [], "--found", "part-0001-mini-batch.jsonl=batch_123"),
        again=again or [],
        on_remark=say,
    )
    asked = ask_at_once(folder, on_remark=lambda words: say(words, quiet=quiet))
    _show([(standing, None) for standing in standings], as_json=as_json, asked_at_once=asked)


@batch.command()
def status(folder: _Folder, as_json: AsJson = False) -> None:
    """Show how far each file is at its provider."""
    from routoo.batch.status import batch_status

    _show(batch_status(folder), as_json=as_json)


@batch.command()
def collect(
    folder: _Folder,
    bundle: Annotated[
        str | None,
        typer.Option(
            metavar="BUNDLE|FILE",
            help="Bundle, or .parquet file of `routoo predict`, by which failed prompts go to the next best "
            "members.",
            show_default="they stay failed",
        ),
    ] = None,
    budget_usd: Annotated[
        float | None,
        typer.Option(
            metavar="USD",
            help="Most that all of FOLDER may cost, what was spent included; for --bundle.",
            show_default=False,
        ),
    ] = None,
    grader: Annotated[
        str | None,
        typer.Option(
            metavar="GRADER",
            help="How answers are graded, as `routoo collect --grader`; outcomes are then written too.",
            show_default="not at all",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch what came, write answers.parquet, and route again what failed or expired.

    Answers have their true tokens and cost. What is routed again is written as further files, which
    `routoo batch submit` submits.
    """
    from routoo.batch.collect import collect_batch
    from routoo.data.errors import InputError

    routing = None
    if bundle is not None:
        from routoo.batch.predicting import routing_by

        routing = routing_by(bundle, budget_usd=budget_usd)
    elif budget_usd is not None:
        raise InputError("--budget-usd is what failed prompts are routed within: give --bundle too")
    known, standings = collect_batch(folder, routing=routing)
    answered = 0 if known.answers is None else len(known.answers) - known.answers.rows["answer"].null_count()
    document: dict[str, Any] = {  # Any: values of JSON
        "answered": answered,
        "failed": len(known.failed),
        "to_come": len(known.to_come),
        "spent_usd": known.spent_usd,
        "to_come_usd": known.to_come_usd,
    }
    if grader is not None:
        from routoo.batch.grade import write_outcomes

        document["outcomes"] = str(write_outcomes(known, grader, on_remark=say))
    _show([(standing, None) for standing in standings], as_json=as_json, known=known, **document)


def _show(
    files: Sequence[tuple[PartStanding, Progress | None]],
    *,
    as_json: bool,
    known: Known | None = None,
    **document: Any,  # Any: values of JSON
) -> None:
    if as_json:
        show_json({**document, "files": [_record(standing, progress) for standing, progress in files]})
        return
    rows = [
        (
            standing.part.name,
            standing.part.model,
            f"{standing.part.requests:,}",
            _in_words(standing, progress),
            None if progress is None else f"{progress.done:,}",
            None if progress is None else f"{progress.failed:,}",
        )
        for standing, progress in files
    ]
    lines = []
    if document.get("asked_at_once"):
        lines.append(f"{counted(document['asked_at_once'], 'prompt')} asked at once")
    if known is not None:
        lines.append(
            f"{counted(document['answered'], 'answer')}, {document['failed']:,} failed, "
            f"{document['to_come']:,} to come; {usd(known.spent_usd)} USD spent, some "
            f"{usd(known.to_come_usd)} to come"
        )
    if "outcomes" in document:
        lines.append(f"{document['outcomes']}: outcomes, of which batch tiers bear the names of their models")
    show(table(("file", "model", "requests", "state", "done", "failed"), rows), *lines)


def _record(standing: PartStanding, progress: Progress | None) -> dict[str, Any]:  # Any: values of JSON
    known = {"batch": standing.batch, "state": _in_words(standing, progress), "day": standing.part.day}
    counts = {} if progress is None else {"done": progress.done, "failed": progress.failed}
    part = standing.part
    return {"file": part.name, "model": part.model, "requests": part.requests, **known, **counts}


def _in_words(standing: PartStanding, progress: Progress | None) -> str:
    """How far a file is.

    >>> from routoo.batch.manifest import Part
    >>> from routoo.batch.standing import PartStanding
    >>> part = Part(name="p", sha256="", size=1, model="m", requests=1, tokens=1.0, day=0)
    >>> _in_words(PartStanding(part), None), _in_words(PartStanding(part, sent_s=1.0), None)
    ('not submitted', 'in doubt')
    """
    from routoo.batch.forms import word

    if standing.in_doubt:
        return "in doubt"
    if standing.batch is None:
        return "not submitted"
    if standing.status is not None:
        return standing.status if standing.code is None else f"{standing.status}: {word(standing.code)}"
    return "submitted" if progress is None else progress.status
