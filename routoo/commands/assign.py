"""`routoo assign`: a model for every prompt of a batch, under one budget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from routoo.commands.arguments import AsJson, Bundle, PoolFile, PromptsFile, Quiet, TableFile, Threads
from routoo.commands.output import check_output, write_table
from routoo.commands.requests import prompts_of
from routoo.commands.terminal import counted, percent, progress, show, show_json, table, usd
from routoo.data.errors import InfeasibleError

if TYPE_CHECKING:
    from rich.table import Table

    from routoo.data.assignment import Assignment


def assign(
    bundle: Bundle,
    prompts: PromptsFile,
    budget_usd: Annotated[
        float, typer.Option(metavar="USD", help="Money for the whole batch.", show_default=False)
    ],
    solver: Annotated[
        Literal["auto", "greedy", "dual", "exact"],
        typer.Option(help="auto takes the quickest that keeps the budget."),
    ] = "auto",
    output: TableFile = None,
    pool: PoolFile = None,
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Choose a model for every prompt of a batch, so that the predicted cost keeps the budget.

    The table that -o writes has a row a prompt. Where no choice keeps the budget, the exit code is 3 and the
    message names the least that would do.
    """
    from routoo.router import Router

    if output is not None:
        check_output(output)
    asked = prompts_of(prompts, quiet=quiet)
    router = Router.from_pretrained(bundle, pool=pool, threads=threads)
    try:
        with progress("predicting", quiet=quiet) as told:
            plan = router.assign(
                asked.texts, budget_usd=budget_usd, prompt_ids=asked.ids, solver=solver, progress=told
            )
    except InfeasibleError as error:
        if as_json:
            show_json(_infeasible(error))
        raise
    if output is not None:
        write_table(plan.to_polars(), output)
    if as_json:
        show_json(_document(plan, output))
    else:
        show(_by_model(plan), *_totals(plan, output))


def _infeasible(error: InfeasibleError) -> dict[str, Any]:  # Any: a JSON document
    return {"status": "infeasible", "reason": str(error), "least_budget_usd": error.least_budget_usd}


def _document(plan: Assignment, output: Path | None) -> dict[str, Any]:  # Any: a JSON document
    return {
        "status": plan.status,
        "solver": plan.solver,
        "prompts": len(plan),
        "score": plan.score,
        "cost_usd": plan.cost_usd,
        "upper_bound": plan.upper_bound,
        "gap": plan.gap,
        "prices": plan.prices,
        "shares": plan.shares(),
        **({"assignment": plan.to_polars().to_dicts()} if output is None else {"written": str(output)}),
    }


def _by_model(plan: Assignment) -> Table:
    """What goes to each model, the largest share first."""
    import polars as pl

    frame = (
        plan.to_polars().group_by("model").agg(pl.len(), pl.col("p_correct").mean(), pl.col("cost_usd").sum())
    )
    rows = [
        (name, f"{count:,}", percent(count / len(plan)), f"{score:.3f}", usd(cost))
        for name, count, score, cost in frame.sort("len", "model", descending=[True, False]).iter_rows()
    ]
    return table(("model", "prompts", "share", "predicted score", "cost in USD"), rows)


def _totals(plan: Assignment, output: Path | None) -> list[str]:
    lines = [
        f"{counted(len(plan), 'prompt')}: predicted score {plan.score / len(plan):.4f} a prompt, "
        f"cost {usd(plan.cost_usd)} USD ({plan.solver}: {plan.status}, gap {plan.gap:.2g})"
    ]
    lines += [
        f"price of the budget: {price:.6g} score per USD; `routoo select --price {price:.6g}` chooses alike"
        for name, price in plan.prices.items()
        if name == "budget_usd"
    ]
    return lines if output is None else [*lines, f"{output}: model of each prompt"]
