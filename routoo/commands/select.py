"""`routoo select`: the model for one prompt."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Annotated

import typer

from routoo.commands.arguments import AsJson, Bundle, Confidence, Contract, Models, PoolFile, Quiet, Tag
from routoo.commands.pools import say_nominal
from routoo.commands.requests import named_values, prompt_of, say_unlearned
from routoo.commands.terminal import say, show_json, usd
from routoo.data.errors import InfeasibleError

if TYPE_CHECKING:
    from routoo.router import Router


def select(
    bundle: Bundle,
    prompt: Annotated[
        str,
        typer.Argument(
            metavar="PROMPT|-", help="The prompt; - is all of standard input.", show_default=False
        ),
    ],
    max_cost_usd: Annotated[
        float | None, typer.Option(metavar="USD", help="Most that it may be expected to cost.")
    ] = None,
    max_latency_s: Annotated[
        float | None, typer.Option(metavar="S", help="Most seconds that it may be expected to take.")
    ] = None,
    models: Models = None,
    tag: Tag = None,
    price: Annotated[
        float | None,
        typer.Option(
            metavar="SCORE_PER_USD",
            help="Score that one dollar must buy: 0 takes the best model; `routoo assign` says which price a "
            "budget has.",
            show_default="the one that kept 95 % of the best model's score on validation; 0 with "
            "--max-cost-usd",
        ),
    ] = None,
    domain: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Domain of the prompt, where it is known.", show_default=False),
    ] = None,
    attribute: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Value of an attribute that the router learned, where it is known; may be repeated.",
            show_default=False,
        ),
    ] = None,
    confidence: Confidence = None,
    contract: Contract = None,
    pool: PoolFile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Name the model that should answer one prompt.

    The name alone goes to standard output, what is predicted of it to standard error. A model whose context
    window in the pool is too small for the prompt is not chosen; its rates are not looked at.
    """
    from routoo.commands.agreed import in_words, lapse_said_later, refuse_flags
    from routoo.router import Router

    if contract is not None:
        refuse_flags(
            max_cost_usd=max_cost_usd,
            max_latency_s=max_latency_s,
            models=models,
            tag=tag,
            price=price,
            domain=domain,
            attribute=attribute,
            confidence=confidence,
        )
    text = prompt_of(prompt, quiet=quiet)
    router = Router.from_pretrained(bundle, pool=pool)
    attributes = named_values(attribute or (), "--attribute", "language=de")
    say_unlearned(router, [domain], {name: [value] for name, value in attributes.items()}, quiet=quiet)
    say_nominal(router.nominal_costs, quiet=quiet)
    allowed = None if models is None else router.pool.select(map(str.strip, models.split(","))).names
    try:
        with lapse_said_later():
            choice = router.select(
                text,
                max_cost_usd=max_cost_usd,
                max_latency_s=max_latency_s,
                models=allowed,
                tags=tag,
                price=price,
                domain=domain,
                attributes=attributes or None,
                confidence=confidence,
                contract=contract,
            )
    except InfeasibleError as error:
        if as_json:
            show_json({"status": "infeasible", "reason": str(error)})
        raise
    if as_json:
        show_json({**dataclasses.asdict(choice), "nominal_costs": dict(router.nominal_costs)})
        return
    typer.echo(choice.model)
    latency = "" if math.isnan(choice.latency_s) else f", latency {choice.latency_s:.2f} s"
    low = choice.cautious_p_correct
    sure = "" if low is None else f" (above {low:.3f} with confidence {confidence:g})"
    say(
        f"predicted score {choice.p_correct:.3f}{sure}, cost {usd(choice.cost_usd)} USD{latency}", quiet=quiet
    )
    if contract is not None:
        say(in_words(contract, choice.lapsed), quiet=quiet)
    elif price is None and max_cost_usd is None:
        say(_trade_off(router), quiet=quiet)


def _trade_off(router: Router) -> str:
    """The price that was chosen at, where none was asked for."""
    from routoo.evaluation.in_words import plain_percent
    from routoo.router import DEFAULT_KEPT

    if router.default_price is None:
        return "the best model, whatever it costs: no trade-off is known of this bundle; --price sets one"
    kept = plain_percent(DEFAULT_KEPT)
    return (
        f"at {router.default_price:.4g} score per USD, which kept {kept} of the best model's score on "
        "validation; --price sets another"
    )
