"""What asking costs, and what may be asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Terms:
    """What asking costs, and what may be asked, row by row.

    Args:
        cost_usd: Expected cost of a call of each model, ``(n_rows, n_models)``.
        price: Score that a dollar must buy, ``(n_rows,)``.
        calls_left: How many more models may be asked, at least 0.
        open: Models that may be asked at all, ``(n_rows, n_models)``; none that was asked is asked again.
        usd_left: Most that further calls may be expected to cost, ``(n_rows,)``.
        latency_s: Expected seconds of each model, ``(n_rows, n_models)``; infinite where it is not known and
            a deadline has to be kept.
        seconds_left: Seconds to the deadline, ``(n_rows,)``.
        price_s: Score that a second must buy, ``(n_rows,)``.
    """

    cost_usd: Array
    price: Array
    calls_left: int
    open: npt.NDArray[np.bool_]
    usd_left: Array
    latency_s: Array
    seconds_left: Array
    price_s: Array

    @classmethod
    def of(
        cls,
        cost_usd: npt.NDArray[np.floating],
        *,
        price: float | Array = 0.0,
        calls_left: int = 3,
        open_: npt.NDArray[np.bool_] | None = None,
        usd_left: float | Array = np.inf,
        latency_s: npt.NDArray[np.floating] | None = None,
        seconds_left: float | Array = np.inf,
        price_s: float | Array = 0.0,
    ) -> Terms:
        """The terms with what is the same for all rows, or not limited, written out."""
        cost = np.asarray(cost_usd, np.float64)
        rows = len(cost)
        seconds = np.zeros(cost.shape) if latency_s is None else np.asarray(latency_s, np.float64)
        return cls(
            cost_usd=cost,
            price=np.full(rows, price, np.float64),
            calls_left=calls_left,
            open=np.ones(cost.shape, bool) if open_ is None else open_,
            usd_left=np.full(rows, usd_left, np.float64),
            latency_s=seconds,
            seconds_left=np.full(rows, seconds_left, np.float64),
            price_s=np.full(rows, price_s, np.float64),
        )

    def rows(self, index: npt.NDArray[np.intp] | slice) -> Terms:
        """The terms of these rows."""
        parts = {name: getattr(self, name)[index] for name in _BY_ROW}
        return Terms(calls_left=self.calls_left, **parts)

    @cached_property
    def charge(self) -> Array:
        """What a call costs in score, ``(n_rows, n_models)``."""
        money = self.price[:, None] * self.cost_usd
        return money + self.price_s[:, None] * self.latency_s if (self.price_s > 0).any() else money

    @property
    def allowed(self) -> npt.NDArray[np.bool_]:
        """Models that may be asked, on their own, within what is left, ``(n_rows, n_models)``."""
        if not self.calls_left:
            return np.zeros_like(self.open)
        if not self.limited:
            return self.open.copy()
        in_time = self.latency_s <= self.seconds_left[:, None]
        return np.asarray(self.open & in_time & (self.cost_usd <= self.usd_left[:, None]), np.bool_)

    @property
    def limited(self) -> bool:
        """Whether there is a limit on what single prompts cost or how long they take."""
        return bool(np.isfinite(self.usd_left).any() or np.isfinite(self.seconds_left).any())

    @property
    def timed(self) -> bool:
        """Whether it matters when answers come, so that two models may be asked at once."""
        return bool((self.price_s > 0).any() or np.isfinite(self.seconds_left).any())


_BY_ROW = ("cost_usd", "price", "open", "usd_left", "latency_s", "seconds_left", "price_s")
