"""`routoo answer`: the model for a prompt, or for each of a file, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from routoo.commands.answered import ChoiceLimits, answer_file, answer_one
from routoo.commands.arguments import (
    AsJson,
    Bundle,
    Confidence,
    Contract,
    Models,
    PoolFile,
    Quiet,
    RecordedAnswers,
    Tag,
)
from routoo.commands.output import check_output
from routoo.commands.pools import say_nominal
from routoo.commands.requests import prompt_of
from routoo.data.errors import InputError

_TABLES = (".parquet", ".jsonl")
_FILES = (".txt", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".json", ".gz", ".zst")


def answer(
    bundle: Bundle,
    prompt: Annotated[
        str,
        typer.Argument(
            metavar="PROMPT|FILE|-",
            help="The prompt, a file of prompts (as `routoo assign` reads it), or - for one prompt that is "
            "all of standard input.",
            show_default=False,
        ),
    ],
    budget_usd: Annotated[
        float | None,
        typer.Option(metavar="USD", help="Money for a whole file, by predicted cost.", show_default=False),
    ] = None,
    max_cost_usd: Annotated[
        float | None,
        typer.Option(metavar="USD", help="Most that an answer may be expected to cost.", show_default=False),
    ] = None,
    max_latency_s: Annotated[
        float | None,
        typer.Option(
            metavar="S", help="Most seconds that an answer may be expected to take.", show_default=False
        ),
    ] = None,
    models: Models = None,
    tag: Tag = None,
    price: Annotated[
        float | None,
        typer.Option(
            metavar="SCORE_PER_USD",
            help="Score that one dollar must buy.",
            show_default="as `routoo select`; what the budget says with --budget-usd",
        ),
    ] = None,
    confidence: Confidence = None,
    contract: Contract = None,
    pool: PoolFile = None,
    cascade: Annotated[
        bool,
        typer.Option(
            "--cascade", help="Read what a model answered, and ask another one while that is worth its price."
        ),
    ] = False,
    max_calls: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Most models that a cascade asks for a prompt.", show_default="3", min=1
        ),
    ] = None,
    answers: RecordedAnswers = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Answers to write of a file of prompts: .parquet or .jsonl.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Choose a model for a prompt, or for each of a file, and ask it.

    The pool says how each model is called (model.call in its TOML): that of the bundle, or --pool. The answer
    alone goes to standard output; who gave it, its cost and its seconds to standard error. Of a file, answers
    are written to -o, with what was predicted; one that failed has an error there. Seconds in a column
    max_latency_s are the deadline of each. Until all have come they are kept beside it: after a kill, or
    where some failed, the same command asks for the others alone.
    """
    from routoo.commands.agreed import refuse_flags
    from routoo.router import Router

    if contract is not None:
        refuse_flags(
            budget_usd=budget_usd,
            max_cost_usd=max_cost_usd,
            max_latency_s=max_latency_s,
            models=models,
            tag=tag,
            price=price,
            confidence=confidence,
            max_calls=max_calls,
        )
    limits = ChoiceLimits(max_cost_usd, max_latency_s, models, tag, price, confidence, contract)
    is_file = prompt.lower().endswith(_FILES) and Path(prompt).is_file()
    _check(is_file=is_file, budget_usd=budget_usd, price=price, output=output, as_json=as_json)
    if max_calls is not None and not cascade:
        raise InputError("--max-calls is of a cascade: add --cascade")
    if confidence is not None and cascade:
        raise InputError("--confidence is of a single choice, and a cascade reads answers: leave one out")
    router = Router.from_pretrained(bundle, pool=pool)
    say_nominal(router.nominal_costs, quiet=quiet)
    one, of_file = (answer_one, answer_file) if not cascade else _cascades(max_calls)
    if is_file:
        of_file(
            router,
            prompt,
            limits,
            budget_usd=budget_usd,
            answers=answers,
            output=output,
            as_json=as_json,
            quiet=quiet,
        )
    else:
        text = prompt_of(prompt, quiet=quiet)
        one(router, text, limits, answers=answers, as_json=as_json, quiet=quiet)


def _cascades(max_calls: int | None) -> tuple[Callable[..., None], Callable[..., None]]:
    """What asks one prompt, and a file of them, by cascades of up to so many calls."""
    from routoo.commands.cascaded import cascade_file, cascade_one

    return partial(cascade_one, max_calls=max_calls), partial(cascade_file, max_calls=max_calls)


def _check(
    *, is_file: bool, budget_usd: float | None, price: float | None, output: Path | None, as_json: bool
) -> None:
    """Refuses options that do not go together.

    Raises:
        InputError: They do not.
    """
    if output is not None:
        check_output(output, _TABLES)
    if not is_file and (output is not None or budget_usd is not None):
        raise InputError("-o and --budget-usd are of a file of prompts, and one prompt is given")
    if is_file and output is None and not as_json:
        raise InputError("answers to a file of prompts are written to a file: give -o, or --json")
    if budget_usd is not None and price is not None:
        raise InputError("--budget-usd sets the price: leave --price out")
