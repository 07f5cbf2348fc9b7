"""Risk control: the cheapest policy that is shown to keep the promise, by tests in a sequence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from routoo.data.errors import InfeasibleError
from routoo.policies.contracts.calibration import Calibration
from routoo.policies.contracts.candidates import Candidate
from routoo.policies.contracts.promise import ScorePromise, SpendPromise
from routoo.solver.bounds.planned_sample import planned_above, planned_judged_lower, planned_lower

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Shown:
    """What calibration prompts show of a policy.

    Args:
        candidate: The policy.
        kept: What `ScorePromise.kept` says of the labelled prompts, in random order.
        judged: What it says of them by the judge's scores, and of all others; None without a judge.
    """

    candidate: Candidate
    kept: Array
    judged: tuple[Array, Array] | None

    def lower(self, alpha: float) -> float:
        """Lower bound of the mean of `kept`."""
        if self.judged is None:
            return float(planned_lower(self.kept, alpha=alpha))
        judged, others = self.judged
        return float(planned_judged_lower(self.kept, judged, others=others, alpha=alpha))

    def above(self, floor: float, alpha: float) -> bool:
        """Whether the bound is at the floor or above."""
        if self.judged is None:
            return bool(planned_above(self.kept, floor, alpha=alpha))
        return self.lower(alpha) >= floor


def cheapest_kept(
    candidates: Iterable[Candidate],
    calibration: Calibration,
    *,
    reference: int,
    of_score: ScorePromise,
    of_spend: SpendPromise | None,
    alpha: float,
) -> tuple[Candidate, float]:
    """The cheapest of the policies that is shown to keep what is promised.

    They are tested from dear to cheap, each at the whole error, up to the first that is not shown to keep it:
    one that breaks the promise is taken with probability at most `alpha` (fixed-sequence testing;
    Angelopoulos et al. 2021, "Learn then Test", arXiv 2110.01052). Where spend is promised too, either has
    half of the error, and spend is tested from cheap to dear.

    Args:
        candidates: From dear to cheap.
        calibration: The prompts.
        reference: Column of the reference model.
        of_score: The promise on the score.
        of_spend: That on the spend, if any.
        alpha: The error allowed.

    Returns:
        The policy, and a lower bound of its mean score less the share of the reference's.

    Raises:
        InfeasibleError: None is; the message says how many prompts could do.
    """
    each = alpha if of_spend is None else alpha / 2
    tried = iter(candidates)
    best = last = _shown(next(tried), calibration, reference, of_score)
    if not best.above(of_score.floor, each):
        raise InfeasibleError(_undecided(best, of_score, alpha=each))
    for candidate in tried:
        if not np.array_equal(candidate.chosen, last.candidate.chosen):
            last = _shown(candidate, calibration, reference, of_score)
            if not last.above(of_score.floor, each):
                break
        best = replace(last, candidate=candidate)
    if of_spend is not None:
        tested = [best.candidate, last.candidate, *tried]
        _check_spend(tested, of_spend, calibration.order, alpha=each)
    return best.candidate, max(0.0, (best.lower(each) - of_score.floor) * (1 + of_score.share))


def _shown(candidate: Candidate, calibration: Calibration, reference: int, promise: ScorePromise) -> Shown:
    rows = calibration.order

    def kept(score: Array) -> Array:
        return promise.kept(score[rows, candidate.chosen[rows]], score[rows, reference])

    found = kept(calibration.score)
    if calibration.human is None:
        return Shown(candidate, found, None)
    labels = kept(calibration.human)
    known = ~np.isnan(labels)
    return Shown(candidate, labels[known], (found[known], found[~known]))


def _check_spend(tested: Sequence[Candidate], promise: SpendPromise, order: Rows, *, alpha: float) -> None:
    """Refuses the first of these policies unless it, and all cheaper ones, are shown to keep the promise."""
    for candidate in reversed(tested):
        low = planned_lower(promise.kept(candidate.cost_usd[order]), alpha=alpha)
        if low < promise.floor:
            most = (1 - float(low)) * promise.prompt_usd
            raise InfeasibleError(
                f"no price is shown to keep both promises: at {candidate.price:.4g} score per USD a prompt "
                f"costs {candidate.cost_usd.mean():.4g} USD, and on average at most {most:.4g} where "
                f"{promise.usd:.4g} is promised. Promise a lower share of the score, more spend, or bring "
                "more prompts"
            )


def _undecided(dearest: Shown, promise: ScorePromise, *, alpha: float) -> str:
    """Why not even the dearest policy is shown to keep the promise, and how many prompts could show it."""
    n, gain = len(dearest.kept), (dearest.kept - promise.floor) * (1 + promise.share)
    said = f"{n:,} labelled prompts show no price at which {100 * promise.share:g} % of the reference's mean "
    said += f"score are kept with {100 * (1 - alpha):g} % confidence"
    if promise.share == 1:
        return f"{said}: a share of 1 needs a policy that is better than the reference; promise less"
    lossless = np.full(n, promise.kept(1, 1))
    if not planned_above(lossless, promise.floor, alpha=alpha):
        return f"{said}: even a policy that loses on none of them needs {_least(promise, alpha):,}"
    if gain.mean() <= 0:
        return (
            f"{said}: at the dearest one the policy's score less that share is {gain.mean():.4f}, so that "
            "more prompts are not likely to show it; promise less, or name a dearer router"
        )
    needed = 2 * gain.var() * math.log(1 / alpha) / gain.mean() ** 2
    return (
        f"{said}: at the dearest one the policy's score less that share is {gain.mean():.4f}, which about "
        f"{max(needed, n + 1):,.0f} prompts like these could show; bring more, or promise less"
    )


def _least(promise: ScorePromise, alpha: float) -> int:
    """The fewest prompts that could show it, if policy and reference are right on each."""
    n = 1
    while not planned_above(np.full(n, promise.kept(1, 1)), promise.floor, alpha=alpha):
        n += 1 + n // 200
    return n
