"""How well a small model settles queries or sends them on: areas under trade-offs, and overheads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import same_length
from routoo.data.errors import InputError

Array = npt.NDArray[np.float64]

_RIGHT = 0.5  # score from which a query is settled


@dataclass(frozen=True, order=True)
class TradeOff:
    """What a way of routing costs and achieves on average.

    Args:
        cost: Mean cost of a query, in any unit.
        score: Mean score.
    """

    cost: float
    score: float


def trade_off_area(points: Iterable[TradeOff], *, small: TradeOff, large: TradeOff) -> float:
    """ToA: the mean score over costs between the two models, by straight lines from point to point.

    The small model alone and the large one alone are the ends. A point that costs less than the first, such
    as one of shorter answers, counts at the first one's cost, and one that costs more than the second not at
    all. Of several points at one cost the best counts. Shen et al. (2025) call the area ToA; that it is
    divided by the width is ours.

    Raises:
        InputError: The large model does not cost more.

    >>> trade_off_area([], small=TradeOff(1, 0.4), large=TradeOff(3, 0.8))
    0.6000000000000001
    >>> trade_off_area([TradeOff(2, 0.8)], small=TradeOff(1, 0.4), large=TradeOff(3, 0.8))
    0.7000000000000001
    """
    if not large.cost > small.cost:
        raise InputError(f"the large model must cost more: it costs {large.cost:g}, the small {small.cost:g}")
    best: dict[float, float] = {}
    for point in (*points, small, large):
        if point.cost <= large.cost:
            cost = max(point.cost, small.cost)
            best[cost] = max(point.score, best.get(cost, -np.inf))
    costs = sorted(best)
    area = np.trapezoid([best[cost] for cost in costs], costs)
    return float(area / (large.cost - small.cost))


@dataclass(frozen=True, eq=False)
class TwoModels:
    """What a small and a large model did on the same queries.

    Args:
        small_score: ``(n,)``.
        large_score: Likewise.
        small_cost: Likewise, in the unit of `large_cost`.
        large_cost: Likewise.

    Raises:
        InputError: They are not of one length, or empty.
    """

    small_score: Array
    large_score: Array
    small_cost: Array
    large_cost: Array

    def __post_init__(self) -> None:
        same_length(**vars(self))
        if not len(self.small_score):
            raise InputError("expected at least one query, got none")

    @property
    def small(self) -> TradeOff:
        """The small model alone."""
        return TradeOff(float(self.small_cost.mean()), float(self.small_score.mean()))

    @property
    def large(self) -> TradeOff:
        """The large model alone."""
        return TradeOff(float(self.large_cost.mean()), float(self.large_score.mean()))

    def sending(self, sent: npt.NDArray[np.bool_], *, overhead: Array | float = 0.0) -> TradeOff:
        """A router that sends some queries to the large model.

        Args:
            sent: Which ones, ``(n,)``.
            overhead: What the small model cost on each query before it was sent, ``(n,)``, or on all.
        """
        score = np.where(sent, self.large_score, self.small_score)
        cost = np.where(sent, self.large_cost + overhead, self.small_cost)
        return TradeOff(float(cost.mean()), float(score.mean()))

    @property
    def golden(self) -> TradeOff:
        """The router that knows: it sends what the small model fails, and nothing else, for no overhead."""
        return self.sending(self.small_score < _RIGHT)

    def area(self, points: Iterable[TradeOff]) -> float:
        """ToA of a router of these points; see `trade_off_area`."""
        return trade_off_area(points, small=self.small, large=self.large)

    def gain_ratio(self, points: Iterable[TradeOff]) -> float:
        """ToGR: the area over that of sending at random, as a fraction of what the golden router has.

        ``(ToA - ToA_random) / (ToA_golden - ToA_random)``: 0 for random, 1 for golden, below 0 for worse than
        random. It does not depend on how far apart the two models are (Shen et al. 2025). NaN where the
        golden router gains nothing.

        >>> pair = TwoModels(*map(np.array, ([1.0, 0.0], [1.0, 1.0], [1.0, 1.0], [9.0, 9.0])))
        >>> pair.gain_ratio([]), pair.gain_ratio([pair.golden])
        (0.0, 1.0)
        """
        random, golden = self.area([]), self.area([self.golden])
        return (self.area(points) - random) / (golden - random) if golden != random else float("nan")


@dataclass(frozen=True)
class Overheads:
    """What the small model's work came to, in seconds or tokens.

    Args:
        agl: Mean over the queries that it settled (average generation latency); NaN where there are none.
        arol: Mean over those that were sent on after it (average routing overhead latency); likewise.
    """

    agl: float
    arol: float


def overheads(work: Array, sent: npt.NDArray[np.bool_]) -> Overheads:
    """AGL and AROL.

    Args:
        work: The small model's seconds or tokens on each query, over all of its samples, ``(n,)``.
        sent: Which queries went on to the large model, likewise.

    >>> overheads(np.array([2.0, 4.0, 9.0]), np.array([False, False, True]))
    Overheads(agl=3.0, arol=9.0)
    """
    same_length(work=work, sent=sent)
    settled, passed = work[~sent], work[sent]
    return Overheads(
        float(settled.mean()) if settled.size else float("nan"),
        float(passed.mean()) if passed.size else float("nan"),
    )
