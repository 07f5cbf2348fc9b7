"""Prompts that a command has answered by cascades: one, or those of a file."""

from __future__ import annotations

import itertools
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from routoo.commands.agreed import by_text_alone, in_words, lapse_said_later
from routoo.commands.answered import ChoiceLimits, kept_beside, members_for, show_answers
from routoo.commands.output import write_table
from routoo.commands.reading import PromptsReading
from routoo.commands.requests import requests_of
from routoo.commands.terminal import counted, progress, say, seconds, show_json, usd
from routoo.data.errors import CallError

if TYPE_CHECKING:
    import polars as pl

    from routoo.policies.cascade_answer import CascadeAnswer, CascadeAnswers
    from routoo.router import Router


def cascade_one(
    router: Router,
    text: str,
    limits: ChoiceLimits,
    *,
    max_calls: int | None,
    answers: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Asks one prompt, and prints what comes.

    Raises:
        CallError: No answer came.
    """
    with lapse_said_later():
        came = router.cascade(text, **_options(router, limits, max_calls, answers, quiet=quiet))
    if as_json:
        chosen = None if came.answer is None else came.answer.row()
        show_json(
            {
                "model": None if chosen is None else chosen["model"],
                "answer": None if chosen is None else chosen["answer"],
                "p_correct": came.p_correct,
                "cost_usd": came.cost_usd,
                "lapsed": came.lapsed,
                "asked": [
                    {
                        name: value
                        for name, value in answer.row().items()
                        if name not in ("prompt_id", "sample")
                    }
                    for answer in came.asked
                ],
            }
        )
    if limits.contract is not None:
        say(in_words(limits.contract, came.lapsed), quiet=quiet)
    if came.answer is None:
        why = "; ".join(f"{answer.model}: {answer.error}" for answer in came.asked)
        raise CallError(f"no answer came of {counted(len(came.asked), 'call')}{': ' + why if why else ''}")
    if not as_json:
        typer.echo(came.answer.answer)
        for answer in came.asked:
            took = "" if answer.latency_s is None else f", {seconds(answer.latency_s)} s"
            counts = "; its answer counts" if answer is came.answer else ""
            failed = "" if answer.error is None else f", {answer.error}"
            say(f"{answer.model}: {_cost(answer.cost_usd)}{took}{failed}{counts}", quiet=quiet)
        believed = f"right with probability {came.p_correct:.3f}"
        say(f"{counted(len(came.asked), 'call')}: {_cost(came.cost_usd)}, {believed}", quiet=quiet)


def cascade_file(
    router: Router,
    source: str,
    limits: ChoiceLimits,
    *,
    max_calls: int | None,
    budget_usd: float | None,
    answers: Path | None,
    output: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Asks a file of prompts, and writes or prints what comes.

    Answers of calls are kept beside the output until all prompts are settled: the same command goes on from
    there, and no call is paid twice.
    """
    from routoo.collect.prompts import read_to_ask
    from routoo.data.tables.deadlines import deadlines_beside
    from routoo.data.tables.required_tags import tags_beside

    asked = requests_of(source, router, PromptsReading(), quiet=quiet)
    if limits.contract is not None:
        asked = by_text_alone(asked, quiet=quiet)
    requests = [prompt.request for prompt in read_to_ask(source).prompts]
    options = _options(router, limits, max_calls, answers, quiet=quiet)
    kept = kept_beside(output, answers, router)
    with kept or nullcontext(), progress("answering", quiet=quiet) as tell:
        settled = itertools.count(1)

        def on_settled(came: CascadeAnswer) -> None:
            if tell is not None:
                tell(next(settled), len(requests))

        if tags := tags_beside(asked.tags, limits.tags or []):
            options["tags"] = tags
        if (deadlines_s := deadlines_beside(asked.deadlines_s, limits.max_latency_s)) is not None:
            options["max_latency_s"] = deadlines_s
        with lapse_said_later():
            found = router.cascade_batch(
                requests,
                budget_usd=budget_usd,
                domains=asked.prompts.domains,
                attributes=asked.attributes or None,
                on_settled=on_settled,
                kept=kept,
                **options,
            )
        rows = _rows(found)
        if output is not None:
            write_table(rows, output)
        if kept is not None:
            kept.close(done=not rows["answer"].null_count())
    show_answers(
        rows,
        output,
        by="calls",
        cost_usd=found.cost_usd,
        contract=limits.contract,
        lapsed=found[0].lapsed,
        as_json=as_json,
    )


def _options(
    router: Router, limits: ChoiceLimits, max_calls: int | None, answers: Path | None, *, quiet: bool
) -> dict[str, Any]:  # Any: each option has its own type
    called = [model.name for model in router.pool.models if model.call is not None or answers is not None]
    allowed = limits.allowed(router)
    names = allowed or tuple(called) or router.pool.names
    given = {
        "max_calls": max_calls,
        "price": limits.price,
        "max_cost_usd": limits.max_cost_usd,
        "max_latency_s": limits.max_latency_s,
        "models": allowed if limits.contract is not None else names,
        "tags": limits.tags,
        "contract": limits.contract,
    }
    members = members_for(router, names, answers, quiet=quiet)
    return {"members": members, **{name: value for name, value in given.items() if value is not None}}


def _cost(cost_usd: float | None) -> str:
    return "unknown cost" if cost_usd is None else f"cost {usd(cost_usd)} USD"


def _error(came: CascadeAnswer) -> str | None:
    """Why calls gave no answer, or why none was made."""
    if not came.asked:
        return "the budget has nothing left for a call"
    return "; ".join(f"{answer.model}: {answer.error}" for answer in came.asked if answer.error) or None


def _rows(found: CascadeAnswers) -> pl.DataFrame:
    """A row a prompt."""
    import polars as pl

    rows = [
        {
            "prompt_id": came.prompt_id,
            "model": None if came.answer is None else came.answer.model,
            "answer": None if came.answer is None else came.answer.answer,
            "p_correct": came.p_correct,
            "cost_usd": came.cost_usd,
            "calls": len(came.asked),
            "asked": [answer.model for answer in came.asked],
            "error": _error(came),
        }
        for came in found
    ]
    types = {"model": pl.String, "answer": pl.String, "cost_usd": pl.Float64, "error": pl.String}
    return pl.DataFrame(rows, schema_overrides=types)
