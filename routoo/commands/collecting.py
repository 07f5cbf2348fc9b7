"""How far a collection is, on standard error while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from routoo.commands.terminal import LINE_EVERY_S, is_watched, say, table, usd

if TYPE_CHECKING:
    from rich.table import Table

    from routoo.collect.standing import Standing

_DRAWN_EVERY_S = 0.2


@contextmanager
def watched(*, quiet: bool = False) -> Iterator[Callable[[Standing], None] | None]:
    """Tells how far each model is: a table that changes on a terminal, lines elsewhere; None where quiet."""
    if quiet:
        yield None
        return
    if not is_watched():
        yield _Lines().tell
        return
    from rich.console import Console
    from rich.live import Live

    drawn = 0.0
    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:

        def tell(standing: Standing) -> None:
            nonlocal drawn
            if time.monotonic() - drawn >= _DRAWN_EVERY_S or standing.done == standing.total:
                drawn = time.monotonic()
                live.update(_by_model(standing), refresh=True)

        yield tell


class _Lines:
    """Lines that say how far all are, ten seconds apart at least."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def tell(self, standing: Standing) -> None:
        """Says it where the last line is old enough."""
        if time.monotonic() - self._said >= LINE_EVERY_S:
            self._said = time.monotonic()
            say(in_words(standing))


def in_words(standing: Standing) -> str:
    """How far all are, in a line.

    >>> from routoo.collect.standing import ModelStanding, Standing
    >>> small = ModelStanding(100, answered=25, spent_usd=0.5)
    >>> in_words(Standing({"small": small}, 0.5, 20.0, seconds=10.0))
    '25 of 100 calls, 0.5000 of 20.00 USD; to come some 1.500 USD and 30 s'
    """
    left = standing.seconds_to_come
    return (
        f"{standing.done:,} of {standing.total:,} calls, {usd(standing.spent_usd)} of "
        f"{usd(standing.cap_usd)} USD; to come some {usd(standing.usd_to_come)} USD"
    ) + ("" if left is None else f" and {left:,.0f} s")


def _by_model(standing: Standing) -> Table:
    rows = [
        [
            name,
            f"{model.done:,} of {model.total:,}",
            f"{model.failed:,}" if model.failed else None,
            usd(model.spent_usd),
            model.stopped or None,
        ]
        for name, model in standing.models.items()
    ]
    grid = table(("model", "done", "failed", "USD", "stopped"), rows)
    grid.caption = in_words(standing)
    return grid
