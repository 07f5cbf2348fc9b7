"""What members are expected to achieve on failed prompts, by a bundle or by a file of predictions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from routoo.batch.collect import Known, Routing
from routoo.batch.routing import route_again
from routoo.data.checks.arguments import number, path_of
from routoo.data.errors import InputError
from routoo.data.scores import Scores, repriced
from routoo.data.tables.deadlines import DEADLINE, deadlines_of
from routoo.data.tables.predictions import NUMBERS, collected, open_predictions
from routoo.data.tables.prompts import Prompts, read_prompts
from routoo.data.tables.required_tags import TAGS, tags_of

if TYPE_CHECKING:
    from routoo.router import Router


def routing_by(source: str | Path, *, budget_usd: float | None = None) -> Routing:
    """What gives failed prompts to the next best members; see `route_again`.

    Args:
        source: A bundle in a folder or at the hub, or the ``.parquet`` file that ``routoo predict -o`` wrote.
        budget_usd: Most that the whole batch may cost, what was spent included.

    Raises:
        InputError: The budget is no amount of money.
    """
    if budget_usd is not None:
        number("budget_usd", budget_usd, finite=True)
    path = str(path_of("source", source))

    def route(known: Known) -> pl.DataFrame:
        if path.endswith(".parquet"):
            prompts = _failed(known, [])
            scores = _in_file(Path(path), prompts.ids, known)
        else:
            from routoo.router import Router

            router = Router.from_pretrained(path, pool=known.manifest.pool)
            prompts = _failed(known, [attribute.name for attribute in router.attributes])
            scores = _predicted(router, prompts)
        cells = prompts.attributes([TAGS, DEADLINE])
        return route_again(
            known,
            scores,
            budget_usd=budget_usd,
            deadlines_s=deadlines_of(cells[DEADLINE], prompts.source) if DEADLINE in cells else None,
            tags=tags_of(cells[TAGS]) if TAGS in cells else None,
        )

    return route


def _failed(known: Known, attributes: list[str]) -> Prompts:
    """The failed prompts, in their order, with what the file says of them."""
    manifest = known.manifest
    prompts = read_prompts(
        known.folder / manifest.prompts,
        attributes=[*attributes, TAGS, DEADLINE],
        columns=manifest.columns,
        separator=manifest.separator,
    )
    order = pl.DataFrame({"prompt_id": list(known.failed)})
    frame = order.join(prompts.frame, on="prompt_id", how="left", maintain_order="left")
    return Prompts(frame, prompts.source)


def _predicted(router: Router, prompts: Prompts) -> Scores:
    learned = [attribute.name for attribute in router.attributes]
    return router.predict(
        prompts.texts,
        domains=prompts.domains,
        attributes=prompts.attributes(learned),
        prompt_ids=prompts.ids,
    )


def _in_file(path: Path, ids: list[str], known: Known) -> Scores:
    """The predictions of these prompts for the members of the pool, at its prices.

    Raises:
        InputError: The file lacks a prompt or a member.
    """
    table, names = open_predictions(path), known.manifest.pool.names
    columns = [name for name in NUMBERS if name in table.columns]
    rows = table.rows.select("prompt_id", "model", *columns).filter(
        pl.col("prompt_id").is_in(ids), pl.col("model").is_in(names)
    )
    wanted = pl.DataFrame({"prompt_id": np.repeat(ids, len(names)), "model": list(names) * len(ids)})
    frame = wanted.join(collected(rows, path), on=["prompt_id", "model"], how="left", maintain_order="left")
    if frame["p_correct"].null_count():
        lacks = frame.filter(pl.col("p_correct").is_null()).row(0)
        raise InputError(
            f"{path}: predicts nothing of prompt {lacks[0]!r} for {lacks[1]}: predict with the batch's pool"
        )
    shape = len(ids), len(names)
    matrices: dict[str, Any] = {  # Any: matrices, beside which names stand
        name: frame[name].fill_null(np.nan).cast(pl.Float32).to_numpy().reshape(shape) for name in columns
    }
    scores = Scores(**matrices, models=names, prompt_ids=ids)
    return repriced(scores, known.manifest.pool) if "input_tokens" in columns else scores
