"""`routoo contract`: the price at which a bundle keeps a promise, and the file that says so."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from routoo.commands.arguments import AsJson, Bundle, Data, PoolFile, Quiet, Seed, Threads
from routoo.commands.fields import options_of
from routoo.commands.output import check_output
from routoo.commands.reading import OutcomesReading
from routoo.commands.terminal import percent, say, show_json, usd
from routoo.data.errors import InfeasibleError


@options_of(OutcomesReading, into="reading")
def contract(
    bundle: Bundle,
    source: Data,
    reading: OutcomesReading,
    share: Annotated[
        float, typer.Option(metavar="SHARE", help="Of the reference's mean score that is promised.")
    ] = 0.98,
    confidence: Annotated[float, typer.Option(metavar="SHARE", help="With which the promise holds.")] = 0.95,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Whose mean score it is.",
            show_default="the best single model on validation",
        ),
    ] = None,
    cascade: Annotated[
        bool, typer.Option("--cascade", help="Promise of cascades, over recorded answers.")
    ] = False,
    max_calls: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=2, help="Most models that a cascade asks for a prompt.", show_default="3"
        ),
    ] = None,
    spend_usd: Annotated[
        float | None,
        typer.Option(
            metavar="USD", help="Promise too that a prompt costs no more on average.", show_default=False
        ),
    ] = None,
    prompt_usd: Annotated[
        float | None,
        typer.Option(
            metavar="USD",
            help="What a prompt counts as that costs more; --spend-usd needs it.",
            show_default=False,
        ),
    ] = None,
    human: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Scores by people of some prompts, drawn at random; the column score then is a judge's.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Contract to write: .json.", show_default=False),
    ] = None,
    pool: PoolFile = None,
    seed: Seed = 0,
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find the price at which a bundle keeps a share of a model's mean score, with confidence.

    Prompts in test count, or new ones: none that the bundle has learned from. Where they are too few the exit
    code is 3, and the message says how many could do.
    """
    from routoo.policies.contracts.make import contract as made
    from routoo.router import Router

    if output is not None:
        check_output(output, [".json"])
    router = Router.from_pretrained(bundle, pool=pool, threads=threads)
    try:
        found = made(
            router,
            reading.outcomes(source, quiet=quiet),
            share=share,
            confidence=confidence,
            reference=reference,
            cascade=cascade,
            max_calls=max_calls,
            spend_usd=spend_usd,
            prompt_usd=prompt_usd,
            human=human,
            seed=seed,
        )
    except InfeasibleError as error:
        if as_json:
            show_json({"status": "infeasible", "reason": str(error)})
        raise
    if output is not None:
        found.write(output)
    if as_json:
        show_json(found.to_dict())
        return
    typer.echo(f"{found.price:.6g}")
    labels = f"{found.prompts:,} prompts" + (f" and {found.judged:,} judged ones" * (found.judged > 0))
    say(f"score per USD: {found.in_words()}, by {labels}", quiet=quiet)
    say(
        f"there it scored {found.score:.4f} beside {found.reference_score:.4f}, for "
        f"{usd(found.cost_usd)} USD a prompt beside {usd(found.reference_cost_usd)}: {percent(found.saved)} "
        "saved",
        quiet=quiet,
    )
    if output is not None:
        served = "answer" if cascade else "select"
        say(
            f"{output}: the contract; try: routoo {served} {bundle} 'Name a river.'{' --cascade' * cascade} "
            f"--contract {output}",
            quiet=quiet,
        )
