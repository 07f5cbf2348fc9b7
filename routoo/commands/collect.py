"""`routoo collect`: prompts and a pool in, graded outcomes out, under a money cap."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routoo.commands.arguments import AsJson, Quiet, RequiredFolder, Seed
from routoo.commands.collecting import watched
from routoo.commands.fields import options_of
from routoo.commands.reading import PromptsReading
from routoo.commands.terminal import counted, figure, say, seconds, show, show_json, table, usd

if TYPE_CHECKING:
    from rich.table import Table

    from routoo.collect.collected import Collected


@options_of(PromptsReading, into="reading")
def collect(
    prompts: Annotated[
        str,
        typer.Argument(
            metavar="PROMPTS|-",
            help="Prompts: .jsonl, .csv, .parquet or .txt (one a line), with a column prompt (or messages), "
            "and where known prompt_id, answer (right answers), options, domain, grader and attributes; - is "
            "standard input.",
            show_default=False,
        ),
    ],
    pool: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Who is asked: a pool.toml that says how each model is called.",
            show_default=False,
        ),
    ],
    budget_usd: Annotated[
        float,
        typer.Option(
            metavar="USD",
            help="Most that may be spent in FOLDER, by earlier runs too.",
            show_default=False,
        ),
    ],
    output: RequiredFolder,
    reading: PromptsReading,
    grader: Annotated[
        str | None,
        typer.Option(
            metavar="GRADER",
            help="How answers are graded: exact, text, number, choice, regex, json, FILE.py:FUNCTION, or "
            "judge:MODEL of the pool; options follow as NAME:OPTION=VALUE.",
            show_default="the column grader",
        ),
    ] = None,
    samples: Annotated[int, typer.Option(metavar="N", help="Answers of each model to each prompt.")] = 1,
    sample: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Ask so many prompts only, drawn at random, spread over domains.",
            show_default="all",
        ),
    ] = None,
    signal: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Signal to read off answers; may be repeated.", show_default=False),
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Ask the models of a pool, grade what they answer, and write outcomes to train on.

    The same command goes on after Ctrl-C, a kill, or with a larger --budget-usd: what was answered is not
    asked again.
    """
    from routoo.collect.collect import collect as run
    from routoo.collect.prompts import read_to_ask

    asked = read_to_ask(prompts, sys.stdin.buffer, columns=reading.names, separator=reading.separator)
    with watched(quiet=quiet) as tell:
        collected = run(
            asked,
            pool,
            output,
            budget_usd=budget_usd,
            grader=grader,
            samples=samples,
            sample=sample,
            signals=signal or (),
            seed=seed,
            command=["routoo", *sys.argv[1:]],
            on_standing=tell,
            on_remark=lambda words: say(words, quiet=quiet),
        )
    again = shlex.join(["routoo", *sys.argv[1:]])
    if as_json:
        show_json(collected.to_dict())
    else:
        show(_by_model(collected), *_in_words(collected, output, again))
    if collected.interrupted:
        raise KeyboardInterrupt(f"interrupted; to go on: {again}")


def _by_model(collected: Collected) -> Table:
    models = collected.models
    rows = [
        [
            name,
            f"{model.asked:,}",
            f"{model.scored:,}",
            f"{sum(model.unscored.values()):,}",
            f"{sum(model.not_asked.values()):,}",
            figure(model.mean_score, ".4f"),
            usd(model.spent_usd),
            seconds(model.median_latency_s),
        ]
        for name, model in models.items()
    ]
    headings = ("model", "asked", "scored", "no score", "not asked", "mean score", "USD", "median s")
    return table(headings, rows)


def _in_words(collected: Collected, folder: Path, again: str) -> list[str]:
    """What the table does not say: reasons, money, and what to run next."""
    words = [
        f"{name}: {counted(number, 'answer')} without a score: {reason}"
        for name, model in collected.models.items()
        for reason, number in model.unscored.items()
    ]
    words += [
        f"{name}: {counted(number, 'call')} not made: {reason}"
        for name, model in collected.models.items()
        for reason, number in model.not_asked.items()
    ]
    words.append(f"{folder}: {_money(collected)}")
    if collected.outcomes is None:
        return [*words, f"no answer has a score, so that {folder} holds no outcomes yet"]
    if not collected.complete and not collected.interrupted:
        words.append(f"to go on, with a larger --budget-usd where it is spent: {again}")
    return [*words, f"next: routoo train {shlex.quote(str(folder))} -o PREDICTOR"]


def _money(collected: Collected) -> str:
    parts = f"{usd(collected.spent_usd)} of {usd(collected.budget_usd)} USD spent"
    if collected.judge_usd:
        parts += f", {usd(collected.judge_usd)} of it on judging"
    if collected.lost:
        calls = counted(collected.lost, "call")
        parts += f", {usd(collected.lost_usd)} of it set aside for {calls} in flight at a kill"
    return parts
