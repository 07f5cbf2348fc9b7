"""Which pool goes with recorded outcomes, and how a pool is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from routoo.commands.terminal import say, table_of_known

if TYPE_CHECKING:
    from rich.table import Table

    from routoo.data.costs.nominal import NominalCosts
    from routoo.data.outcomes import Outcomes
    from routoo.data.pool import Pool, PoolModel

_COLUMNS: tuple[tuple[str, Callable[[PoolModel], object]], ...] = (
    ("model", lambda model: model.name),
    ("USD per 1M in", lambda model: model.usd_per_1m_input),
    ("USD per 1M out", lambda model: model.usd_per_1m_output),
    ("output tokens", lambda model: model.output_tokens),
    ("USD per call", lambda model: model.usd_per_call or None),
    ("first token in s", lambda model: model.time_to_first_token_s),
    ("tokens per s", lambda model: model.tokens_per_second),
    ("context", lambda model: model.context_window),
    ("requests per min", lambda model: model.requests_per_minute),
    ("tokens per min", lambda model: model.tokens_per_minute),
    ("requests per day", lambda model: model.requests_per_day),
    ("tokens per day", lambda model: model.tokens_per_day),
    ("at once", lambda model: model.concurrency),
    ("batch window in s", lambda model: model.batch_window_s),
    ("tags", lambda model: ", ".join(model.tags) or None),
)


def pool_beside(source: Path) -> Pool | None:
    """The pool.toml in a folder of outcomes, or beside a file of them; None where there is none."""
    from routoo.data.formats.pair import FILES, POOL_NAME
    from routoo.data.pool import Pool

    path = FILES.at(source, POOL_NAME) if source.is_dir() else source.with_name(POOL_NAME)
    return Pool.read(path) if path.is_file() else None


def pool_for(outcomes: Outcomes, source: Path, given: Path | None, *, quiet: bool = False) -> Pool:
    """The pool to learn: the one given, else the one beside the outcomes, else what their costs tell.

    Costs in test tell nothing; outcomes without a split get that of seed 0.

    Raises:
        InputError: None of them is there; the message shows how to write one.
    """
    from routoo.data.pool import Pool

    if given is not None:
        return Pool.read(given, among=outcomes.models)
    return pool_beside(source) or derived_pool(outcomes, quiet=quiet)


def derived_pool(outcomes: Outcomes, *, quiet: bool = False) -> Pool:
    """The pool that recorded costs tell, with a remark on models whose calls are alike to it."""
    from routoo.data.costs.derived_pool import derive_pool
    from routoo.data.words import some

    pool = derive_pool(outcomes.with_split())
    if alike := [model.name for model in pool.models if model.usd_per_call and not model.usd_per_1m_output]:
        say(
            f"{outcomes.name}: recorded costs do not tell what output tokens of {some(alike)} cost, so that "
            "usd_per_call stands for any answer; with --prices LIST, or a pool.toml of your own, prices are "
            "by the token",
            quiet=quiet,
        )
    return pool


def say_nominal(nominal: NominalCosts, *, quiet: bool = False) -> None:
    """Remarks on standard error for which models costs are nominal, and why."""
    from routoo.data.costs.nominal import nominal_remark

    remark = nominal_remark(nominal)
    if remark is not None:
        say(remark, quiet=quiet)


def pool_table(pool: Pool) -> Table:
    """The models with their prices, and what else is known of any of them."""
    columns = [(heading, [_cell(value(model)) for model in pool.models]) for heading, value in _COLUMNS]
    return table_of_known(*columns)


def _cell(value: object) -> str | None:
    if isinstance(value, int | float):
        return f"{value:,.6g}"
    return None if value is None else str(value)
