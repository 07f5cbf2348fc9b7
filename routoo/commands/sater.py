"""`routoo sater`: a local model that answers briefly, and refuses what it would get wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routoo.commands.arguments import Quiet, RequiredFolder, Seed
from routoo.commands.fields import options_of
from routoo.commands.reading import PromptsReading
from routoo.commands.terminal import counted, figure, show, stages, table

if TYPE_CHECKING:
    from rich.table import Table

    from routoo.sater.run import SaterRun

sater = typer.Typer(
    no_args_is_help=True, help="Local models that answer briefly, and refuse what they would get wrong."
)


@sater.command()
@options_of(PromptsReading, into="reading")
def train(
    prompts: Annotated[
        str,
        typer.Argument(
            metavar="PROMPTS|-",
            help="Thousands of prompts with right answers (answer), of which the member gets 30 to 70 % "
            "right, and none that it will be judged on; as routoo collect reads them.",
            show_default=False,
        ),
    ],
    pool: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="A pool.toml that says how the member is called.", show_default=False
        ),
    ],
    member: Annotated[
        str, typer.Option(metavar="NAME", help="The member to train, of kind local.", show_default=False)
    ],
    output: RequiredFolder,
    reading: PromptsReading,
    grader: Annotated[
        str | None,
        typer.Option(
            metavar="GRADER", help="As of routoo collect, no judge.", show_default="the column grader"
        ),
    ] = None,
    samples: Annotated[int, typer.Option(metavar="N", help="Answers sampled a prompt, in each stage.")] = 8,
    temperature: Annotated[float, typer.Option(metavar="T", help="At which they are sampled.")] = 0.8,
    pairs: Annotated[
        int, typer.Option(metavar="N", help="Most pairs of a preferred and another answer.")
    ] = 4000,
    lessons: Annotated[
        int, typer.Option(metavar="N", help="Most answers, and most refusals, that are taught.")
    ] = 3000,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Train a local member to answer briefly, and to refuse below a stated threshold.

    The same command goes on after Ctrl-C or a kill. FOLDER/pool.toml holds the members that came of it.
    """
    from routoo.collect.prompts import read_to_ask
    from routoo.data.pool import Pool
    from routoo.sater.run import train_sater
    from routoo.sater.settings import SaterSettings

    asked = read_to_ask(prompts, sys.stdin.buffer, columns=reading.names, separator=reading.separator)
    with stages(quiet=quiet) as tell:
        run = train_sater(
            Pool.read(pool)[member],
            asked,
            output,
            settings=SaterSettings(
                samples=samples,
                temperature=temperature,
                most_pairs=pairs,
                most_lessons=lessons,
                seed=seed,
            ),
            grader=grader,
            on_progress=tell,
        )
    show(
        _sampled(run),
        f"{counted(run.pairs, 'pair')}, {counted(run.lessons, 'example')} of answers and refusals",
        f"{output / 'pool.toml'}: members at {', '.join(f'{at:g}' for at in run.thresholds)}",
    )


def _sampled(run: SaterRun) -> Table:
    rows = [
        [name, figure(stage.right, ".3f"), figure(stage.tokens, ".1f"), figure(stage.sometimes, ".3f")]
        for name, stage in ((run.member.name, run.before), (run.short.name, run.after))
    ]
    return table(("samples of", "right", "tokens", "right sometimes"), rows)
