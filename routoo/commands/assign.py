"""`routoo assign`: a model for every prompt of a batch, under limits for all of it together."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from routoo.commands.arguments import (
    AsJson,
    Confidence,
    Contract,
    PoolFile,
    PromptsFiles,
    Quiet,
    TableFile,
    Tag,
    Threads,
)
from routoo.commands.fields import options_of
from routoo.commands.output import check_output, write_table
from routoo.commands.pools import say_nominal
from routoo.commands.reading import PromptsReading
from routoo.commands.requests import requests_of
from routoo.commands.streamed import (
    Address,
    Engine,
    assigned,
    check_choices,
    check_engine,
    files_of,
    is_files,
    is_many,
    kept_beside,
    predicted,
    written_to,
)
from routoo.commands.terminal import counted, percent, progress, say, show, show_json, table, usd
from routoo.data.errors import InfeasibleError, InputError
from routoo.data.storage.addresses import local_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from routoo.data.assignment import Solution
    from routoo.data.costs.nominal import NominalCosts
    from routoo.data.scores import Scores


@options_of(PromptsReading, into="reading")
def assign(
    source: Annotated[
        str,
        typer.Argument(
            metavar="BUNDLE|PREDICTIONS",
            help="Folder that `routoo export` wrote, or an id at the hub; or what `routoo predict -o` wrote: "
            ".parquet files, a folder of them, a pattern, or an address.",
            show_default=False,
        ),
    ],
    reading: PromptsReading,
    prompts: PromptsFiles = None,
    budget_usd: Annotated[
        float | None, typer.Option(metavar="USD", help="Money for the whole batch.", show_default=False)
    ] = None,
    max_mean_latency_s: Annotated[
        float | None,
        typer.Option(metavar="S", help="Most seconds a prompt, on average.", show_default=False),
    ] = None,
    max_requests: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL=N", help="Most prompts for a model; may be repeated.", show_default=False
        ),
    ] = None,
    period_s: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            help="Seconds in which the batch is answered: requests and tokens per minute and per day, "
            "concurrency and batch windows of the pool then hold.",
            show_default=False,
        ),
    ] = None,
    tag: Tag = None,
    confidence: Confidence = None,
    budget_confidence: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Keep a reserve, so that true costs too are within the budget with this confidence, such as "
            "0.95.",
            show_default="the budget holds for predicted cost",
        ),
    ] = None,
    frontier: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Table to write of the best score at every budget, with the price there.",
            show_default=False,
        ),
    ] = None,
    solver: Annotated[
        Literal["auto", "greedy", "dual", "exact"],
        typer.Option(help="auto takes the quickest that keeps the limits."),
    ] = "auto",
    contract: Contract = None,
    output: TableFile = None,
    pool: PoolFile = None,
    threads: Threads = None,
    engine: Engine = None,
    address: Address = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Choose a model for every prompt of a batch, so that its limits hold.

    The table that -o writes has a row a prompt. Where no choice keeps the limits, the exit code is 3 and the
    message names the least that would do. With --frontier alone no limit is needed; beside --contract none is
    taken. A prompt never goes to a model whose context window is too small for it, that lacks a tag in its
    column required_tags, or that is expected to take longer than its column max_latency_s.
    """
    asked = prompts or []
    check_engine(engine, address)
    has_predictions = is_files(source)
    many = has_predictions or is_many(asked, output, engine)
    table = None if output is None or many else local_path(output)
    for path in (table, frontier):
        if path is not None:
            check_output(path)
    if reading.given and (has_predictions or not asked):
        raise InputError("--columns and --separator are of PROMPTS: name them")
    limits = _limits(budget_usd, max_mean_latency_s, max_requests or [], period_s)
    if not limits and frontier is None and contract is None:
        raise InputError(
            "nothing to keep: give --budget-usd or another limit, --contract FILE, or --frontier FILE"
        )
    if budget_confidence is not None and budget_usd is None:
        raise InputError("--budget-confidence speaks of a budget: give --budget-usd too, or leave it out")
    plan: Solution
    choices: dict[str, Any] = {"written": output}
    try:
        if many:
            given = (frontier, confidence, budget_confidence, contract, threads if has_predictions else None)
            if any(one is not None for one in given) or reading.given or solver not in ("auto", "dual"):
                raise InputError(
                    f"{source if has_predictions else ' '.join(asked)} is streamed: it takes no --frontier, "
                    "no --confidence, no --budget-confidence (a BUNDLE knows the spread of costs), no "
                    "--contract (which is of a BUNDLE), no --threads (predictions are made), no --columns, "
                    "no --separator, and solver dual"
                )
            if tag:
                limits["tags"] = tag
            spread_known = False
            plan, nominal = _streamed(
                source, asked, output, limits, pool, threads, engine, address, quiet=quiet
            )
        else:
            from routoo.commands.agreed import by_text_alone, lapse_said_later, refuse_flags
            from routoo.data.tables.deadlines import deadlines_beside
            from routoo.data.tables.required_tags import tags_beside
            from routoo.router import Router

            if not asked:
                raise InputError("give PROMPTS: a file, or - for standard input")
            if contract is not None:
                refuse_flags(
                    budget_usd=budget_usd,
                    max_mean_latency_s=max_mean_latency_s,
                    max_requests=max_requests,
                    period_s=period_s,
                    tag=tag,
                    confidence=confidence,
                    budget_confidence=budget_confidence,
                    frontier=frontier,
                    solver=None if solver == "auto" else solver,
                )
            router = Router.from_pretrained(source, pool=pool, threads=threads)
            _check_capped(limits, router.pool.names)
            requests = requests_of(asked[0], router, reading, quiet=quiet)
            if contract is not None:
                requests = by_text_alone(requests, quiet=quiet)
            if tags := tags_beside(requests.tags, tag or []):
                limits["tags"] = tags
            if (deadlines_s := deadlines_beside(requests.deadlines_s, None)) is not None:
                limits["max_latency_s"] = deadlines_s
            with progress("predicting", quiet=quiet) as tell:
                scores = requests.predicted(router, tell)
            if frontier is not None:
                judged = scores if confidence is None else scores.cautious(confidence)
                _write_frontier(judged, frontier, {"pool": router.pool, **limits}, quiet=quiet)
                if not limits.keys() - {"tags", "max_latency_s"}:
                    return
            nominal, spread_known = scores.nominal_costs, router.validation is not None
            with lapse_said_later():
                found = router.assign(
                    scores,
                    confidence=confidence,
                    budget_confidence=budget_confidence,
                    solver=solver,
                    contract=contract,
                    **limits,
                )
            if table is not None:
                write_table(found.to_polars(), table)
            elif as_json:
                choices = {"assignment": found.to_polars().to_dicts()}
            plan = found
    except InfeasibleError as error:
        if as_json:
            show_json(_infeasible(error))
        raise
    say_nominal(nominal, quiet=quiet)
    if as_json:
        show_json({**_document(plan), **choices, "nominal_costs": dict(nominal)})
    else:
        lines = _totals(plan, output, confidence=confidence, spread_known=spread_known)
        if contract is not None:
            from routoo.commands.agreed import in_words

            lines.insert(1, in_words(contract, plan.lapsed))
        show(_by_model(plan), *lines)


def _limits(
    budget_usd: float | None,
    max_mean_latency_s: float | None,
    max_requests: list[str],
    period_s: float | None,
) -> dict[str, Any]:  # Any: fields of Problem
    from routoo.solver.limits import ModelLimit

    caps = {}
    for text in max_requests:
        name, _, count = text.rpartition("=")
        if not name or not count.isdecimal():
            raise InputError(f"--max-requests takes MODEL=N, such as large=1000, got {text!r}")
        caps[name] = ModelLimit(max_requests=int(count))
    given = {
        "budget_usd": budget_usd,
        "max_mean_latency_s": max_mean_latency_s,
        "model_limits": caps or None,
        "period_s": period_s,
    }
    return {name: value for name, value in given.items() if value is not None}


def _check_capped(limits: dict[str, Any], models: Sequence[str]) -> None:
    from routoo.data.checks.arguments import known_names

    if "model_limits" in limits:
        known_names("--max-requests", [*limits["model_limits"]], models)


def _streamed(
    source: str,
    prompts: Sequence[str],
    output: str | None,
    limits: dict[str, Any],
    pool: Path | None,
    threads: int | None,
    engine: str | None,
    address: str | None,
    *,
    quiet: bool,
) -> tuple[Solution, NominalCosts]:
    """The choices for files of predictions, or of prompts that the router of a bundle predicts first."""
    from routoo.data.pool import Pool
    from routoo.solver.streaming.prediction_files import PredictionFiles

    output = check_choices(output)
    if is_files(source):
        with (
            written_to(output) as target,
            files_of([source, *prompts], "predictions", target, quiet=quiet) as files,
        ):
            needy = [
                flag for flag, field in (("--tag", "tags"), ("--period-s", "period_s")) if field in limits
            ]
            if needy and pool is None:
                raise InputError(
                    f"a file of predictions knows no pool: {' and '.join(needy)} takes --pool FILE too"
                )
            models = PredictionFiles(files).models
            _check_capped(limits, models)
            prices = None if pool is None else Pool.read(pool, among=models)
            return assigned(files, target, limits, pool=prices, engine=engine, address=address, quiet=quiet)
    from routoo.router import Router

    with (
        written_to(output) as target,
        files_of(prompts, "a column prompt", target, quiet=quiet) as files,
    ):
        router = Router.from_pretrained(source, pool=pool, threads=threads)
        _check_capped(limits, router.pool.names)
        with kept_beside(target, "predictions") as folder:
            parts = predicted(
                router, source, files, folder, engine=engine, address=address, replaces=True, quiet=quiet
            )
            return assigned(
                parts,
                target,
                limits,
                pool=None,
                stated=router.pool,
                engine=engine,
                address=address,
                quiet=quiet,
            )


def _write_frontier(scores: Scores, path: Path, limits: dict[str, Any], *, quiet: bool) -> None:
    from routoo.solver.problem import Problem
    from routoo.solver.results.frontier import frontier

    corners = frontier(Problem(scores=scores, **limits))
    write_table(corners.to_polars(), path)
    say(f"{path}: {counted(len(corners), 'corner')} of the frontier of budget and score", quiet=quiet)


def _infeasible(error: InfeasibleError) -> dict[str, Any]:  # Any: a JSON document
    return {"status": "infeasible", "reason": str(error), "least_budget_usd": error.least_budget_usd}


def _document(plan: Solution) -> dict[str, Any]:  # Any: a JSON document
    return {
        "status": plan.status,
        "solver": plan.solver,
        "prompts": len(plan),
        "score": plan.score,
        "cost_usd": plan.cost_usd,
        "objective": plan.objective,
        "upper_bound": plan.upper_bound,
        "gap": plan.gap,
        "reserve": None if plan.reserve is None else asdict(plan.reserve),
        "prices": plan.prices,
        "shares": plan.shares(),
        "lapsed": plan.lapsed,
    }


def _by_model(plan: Solution) -> Table:
    """What goes to each model, the largest share first."""
    rows = [
        (name, f"{round(share * len(plan)):,}", percent(share))
        for name, share in sorted(plan.shares().items(), key=lambda item: (-item[1], item[0]))
        if share > 0
    ]
    return table(("model", "prompts", "share"), rows)


def _totals(plan: Solution, output: str | None, *, confidence: float | None, spread_known: bool) -> list[str]:
    from routoo.solver.results.price_words import prices_in_words

    cautious, alike = "", "routoo select"
    if confidence is not None:
        cautious = f" (chosen by {plan.objective / len(plan):.4f}, at confidence {confidence:g})"
        alike += f" --confidence {confidence}"
    lines = [
        f"{counted(len(plan), 'prompt')}: predicted score {plan.score / len(plan):.4f} a prompt{cautious}, "
        f"cost {usd(plan.cost_usd)} USD ({plan.solver}: {plan.status}, gap {plan.gap:.2g})"
    ]
    lines += _kept(plan, spread_known=spread_known)
    lines += [
        f"price of the budget: {price:.6g} score per USD; `{alike} --price {price:.6g}` chooses alike"
        for name, price in plan.prices.items()
        if name == "budget_usd"
    ]
    lines += prices_in_words(plan)
    return lines if output is None else [*lines, f"{output}: model of each prompt"]


def _kept(plan: Solution, *, spread_known: bool) -> list[str]:
    """For which costs the budget holds, and where it can be had, what would make it hold for true ones."""
    if plan.reserve is not None:
        return [plan.reserve.in_words()]
    if not any(limit.name == "budget_usd" for limit in plan.limits):
        return []
    hint = ": --budget-confidence 0.95 keeps a reserve for that" if spread_known else ""
    return [f"the budget holds for predicted cost; true costs may come out above it{hint}"]
