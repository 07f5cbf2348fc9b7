"""Prompts that a command has answered: one, or those of a file."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from routoo.commands.agreed import by_text_alone, in_words, lapse_said_later
from routoo.commands.output import write_table
from routoo.commands.reading import PromptsReading
from routoo.commands.requests import requests_of
from routoo.commands.terminal import counted, progress, say, seconds, show, show_json, table, usd
from routoo.data.errors import CallError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from routoo.collect.kept_answers import KeptAnswers
    from routoo.data.answer import Answer
    from routoo.members.member import Member
    from routoo.router import Router


@dataclass(frozen=True)
class ChoiceLimits:
    """What a choice must keep.

    Args:
        max_cost_usd: Most that an answer may be expected to cost.
        max_latency_s: Most seconds that it may be expected to take.
        models: Models that may be chosen, with commas.
        tags: Tags that a model must have.
        price: Score that one dollar must buy.
        confidence: Choose by the score that each model exceeds with it.
        contract: File of a contract that sets the price.
    """

    max_cost_usd: float | None
    max_latency_s: float | None
    models: str | None
    tags: list[str] | None
    price: float | None
    confidence: float | None
    contract: Path | None

    def allowed(self, router: Router) -> tuple[str, ...] | None:
        """Names of the models that may be chosen; None for all."""
        if self.models is None:
            return None
        return router.pool.select(map(str.strip, self.models.split(","))).names


def answer_one(
    router: Router,
    text: str,
    limits: ChoiceLimits,
    *,
    answers: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Asks one prompt, and prints what comes.

    Raises:
        CallError: No answer came.
    """
    from routoo.data.request import Request

    with lapse_said_later():
        choice = router.select(
            text,
            max_cost_usd=limits.max_cost_usd,
            max_latency_s=limits.max_latency_s,
            models=limits.allowed(router),
            tags=limits.tags,
            price=limits.price,
            confidence=limits.confidence,
            contract=limits.contract,
        )
    members = members_for(router, [choice.model], answers, quiet=quiet)
    found: list[Answer] = []
    members[choice.model].answer([Request("prompt", text)], on_answer=found.append)
    (came,) = found
    if as_json:
        predicted = {"p_correct": choice.p_correct, "predicted_cost_usd": choice.cost_usd}
        known = {name: value for name, value in came.row().items() if name not in ("prompt_id", "sample")}
        show_json({"model": None, "answer": None, **known, **predicted, "lapsed": choice.lapsed})
    if limits.contract is not None:
        say(in_words(limits.contract, choice.lapsed), quiet=quiet)
    if came.answer is None:
        raise CallError(f"{came.model} gave no answer: {came.error}")
    if not as_json:
        typer.echo(came.answer)
        cost = "unknown cost" if came.cost_usd is None else f"cost {usd(came.cost_usd)} USD"
        took = "" if came.latency_s is None else f", {seconds(came.latency_s)} s"
        say(f"{came.model}: predicted score {choice.p_correct:.3f}, {cost}{took}", quiet=quiet)


def answer_file(
    router: Router,
    source: str,
    limits: ChoiceLimits,
    *,
    budget_usd: float | None,
    answers: Path | None,
    output: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Asks a file of prompts, and writes or prints what comes; what came before Ctrl-C is written too.

    Answers of calls are kept beside the output until all have come: the same command goes on from there.
    """
    import polars as pl

    from routoo.answering import answer as answered
    from routoo.collect.prompts import read_to_ask

    chosen, lapsed = _chosen(router, source, limits, budget_usd, quiet=quiet)
    names = chosen["model"].to_list()
    asked = {prompt.request.prompt_id: prompt.request for prompt in read_to_ask(source).prompts}
    kept = kept_beside(output, answers, router)
    found = [] if kept is None else kept.to([*asked.values()], names)
    if found:
        say(f"{counted(len(found), 'answer')} of an earlier run; the others are asked for", quiet=quiet)
    known = {came.prompt_id for came in found}
    left = {name: model for name, model in zip(asked, names, strict=True) if name not in known}
    members = members_for(router, list(dict.fromkeys(left.values())), answers, quiet=quiet) if left else {}
    with kept or nullcontext(), progress("answering", quiet=quiet) as tell:

        def on_answer(came: Answer) -> None:
            found.append(came)
            if kept is not None:
                kept.keep(asked[came.prompt_id], came)
            if tell is not None:
                tell(len(found), len(asked))

        try:
            if left:
                answered(
                    members,
                    [asked[name] for name in left],
                    [*left.values()],
                    on_answer=on_answer,
                    on_remark=say,
                )
        except KeyboardInterrupt:
            if found and output is not None:
                write_table(_rows(found, chosen), output)
                again = "" if kept is None else "; the same command asks for the others"
                say(f"{output}: the {counted(len(found), 'answer')} that came{again}", quiet=quiet)
            raise
        rows = _rows(found, chosen)
        if output is not None:
            write_table(rows, output)
        if kept is not None:
            kept.close(done=not rows["answer"].null_count())
    for name, kind in (("cost_usd", pl.Float64), ("error", pl.String)):
        if name not in rows.columns:
            rows = rows.with_columns(pl.lit(None, kind).alias(name))
    show_answers(
        rows, output, by="model", of="answer", contract=limits.contract, lapsed=lapsed, as_json=as_json
    )


def _chosen(
    router: Router, source: str, limits: ChoiceLimits, budget_usd: float | None, *, quiet: bool
) -> tuple[pl.DataFrame, str | None]:
    """The model of each prompt with what is predicted of it, under a budget for all or each on its own, and
    why a contract has lapsed."""
    import polars as pl

    from routoo.data.tables.deadlines import deadlines_beside
    from routoo.data.tables.required_tags import tags_beside

    asked = requests_of(source, router, PromptsReading(), quiet=quiet)
    allowed = limits.allowed(router)
    with progress("choosing", quiet=quiet) as tell, lapse_said_later():
        if limits.contract is not None:
            asked = by_text_alone(asked, quiet=quiet)
        deadlines_s = deadlines_beside(asked.deadlines_s, limits.max_latency_s)
        if budget_usd is not None:
            of_batch: dict[str, Any] = {  # Any: fields of Problem
                "budget_usd": budget_usd,
                "max_cost_usd": limits.max_cost_usd,
                "max_latency_s": deadlines_s,
                "allowed": allowed,
                "tags": tags_beside(asked.tags, limits.tags or []) or None,
            }
            plan = router.assign(
                asked.predicted(router, tell),
                confidence=limits.confidence,
                contract=limits.contract,
                **of_batch,
            )
            return plan.to_polars(), plan.lapsed
        rows, lapsed = [], None
        for at, text in enumerate(asked.prompts.texts):
            within_s = deadlines_s[at] if isinstance(deadlines_s, list) else deadlines_s
            choice = router.select(
                text,
                max_cost_usd=limits.max_cost_usd,
                max_latency_s=None if within_s == math.inf else within_s,
                models=allowed,
                tags=[*(limits.tags or []), *(asked.tags[at] if asked.tags else [])] or None,
                price=limits.price,
                domain=None if asked.prompts.domains is None else asked.prompts.domains[at],
                attributes={name: values[at] for name, values in asked.attributes.items()} or None,
                confidence=limits.confidence,
                contract=limits.contract,
            )
            lapsed = choice.lapsed
            rows.append((asked.prompts.ids[at], choice.model, choice.p_correct, choice.cost_usd))
            if tell is not None:
                tell(at + 1, len(asked.prompts))
        found = pl.DataFrame(rows, schema=["prompt_id", "model", "p_correct", "cost_usd"], orient="row")
        return found, lapsed


def members_for(
    router: Router, names: Sequence[str], answers: Path | None, *, quiet: bool
) -> dict[str, Member]:
    """Who answers for these models: what was recorded, where that is given."""
    from routoo.members.registry import members_of, read_record

    recorded = None if answers is None else read_record(answers)
    return members_of(
        router.pool, names=names, answers=recorded, on_remark=lambda words: say(words, quiet=quiet)
    )


def _rows(found: Sequence[Answer], chosen: pl.DataFrame) -> pl.DataFrame:
    """The answers beside what was predicted of them, in the order of the prompts."""
    import polars as pl

    from routoo.data.answers import Answers

    predicted = chosen.select("prompt_id", "p_correct", predicted_cost_usd="cost_usd")
    answered = Answers.of(found).rows.with_columns(pl.col("prompt_id").cast(pl.String))
    return predicted.join(answered, on="prompt_id", how="inner", maintain_order="left")


def kept_beside(output: Path | None, answers: Path | None, router: Router) -> KeptAnswers | None:
    """Where answers of calls are kept until all have come; None where nothing is written, or asked for."""
    from routoo.collect.kept_answers import KeptAnswers

    if output is None or answers is not None:
        return None
    return KeptAnswers(output.with_name(output.name + ".journal"), router.pool)


def show_answers(
    rows: pl.DataFrame,
    output: Path | None,
    *,
    by: str,
    of: str = "prompt",
    cost_usd: float | None = None,
    contract: Path | None = None,
    lapsed: str | None = None,
    as_json: bool,
) -> None:
    """What came, by the values of a column; or all of it, where it is written nowhere.

    Args:
        rows: One a prompt, with `answer` and `cost_usd`.
        output: Where they were written.
        by: The column.
        of: What a cost that is not known is of.
        cost_usd: What everything cost; the sum of the rows where it is left out.
        contract: File of the contract that they were asked under.
        lapsed: Why it has lapsed.
        as_json: Whether to print JSON.
    """
    import polars as pl

    failed, unknown = rows["answer"].null_count(), rows["cost_usd"].null_count()
    spent = float(rows["cost_usd"].sum()) if cost_usd is None else cost_usd
    if as_json:
        counts = {"prompts": len(rows), "failed": failed, "unknown_costs": unknown}
        document = {**counts, "cost_usd": spent, "lapsed": lapsed}
        came = {"answers": rows.to_dicts()} if output is None else {"written": str(output)}
        show_json({**document, **came})
        return
    groups = rows.group_by(by).agg(pl.len(), pl.col("answer").null_count(), pl.col("cost_usd").sum())
    order = ("len", "model") if by == "model" else (by,)
    cells = [
        (str(name), f"{count:,}", f"{failures:,}", usd(cost))
        for name, count, failures, cost in groups.sort(
            *order, descending=[True, False] if by == "model" else [False]
        ).iter_rows()
    ]
    costs = f"cost {usd(spent)} USD" + (f", and {counted(unknown, of)} of unknown cost" if unknown else "")
    show(
        table((by, "prompts", "failed", "cost in USD"), cells),
        f"{counted(len(rows), 'prompt')}: {failed:,} without an answer, {costs}",
        *([] if contract is None else [in_words(contract, lapsed)]),
        f"{output}: the answers",
    )
