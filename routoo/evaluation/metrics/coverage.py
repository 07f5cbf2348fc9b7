"""Whether intervals hold what they promise: the mean score of groups of prompts against their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from routoo.data.curves import Floats
from routoo.data.scores import Scores
from routoo.evaluation.metrics.group_calibration import domain_labels

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Shares that intervals are to hold."""

_LEAST = 20  # known outcomes in a group: fewer are hardly normal
_THIRDS = 3


@dataclass(frozen=True)
class Coverage:
    """How many groups' mean scores lay in their intervals.

    A single answer is right or wrong and never shows whether an interval for its probability was right. The
    mean of a group does, up to sampling noise: the interval is widened by that.

    Args:
        level: Share of the intervals that was to hold the mean score.
        held: Share that did.
        by_luck: Coverage from sampling noise alone.
        half_width: Half the mean width of the intervals of single predictions, without sampling noise.
        groups: How many there were.
    """

    level: float
    held: float
    by_luck: float
    half_width: float
    groups: int

    def to_dict(self) -> dict[str, float]:
        """The fields by name."""
        return dict(vars(self))


def coverage_of(scores: Scores, score: Floats, domains: Sequence[str | None] | None) -> tuple[Coverage, ...]:
    """The coverage of each of `LEVELS`; none where scores lack a `logit_std`, or groups are too small.

    A group is a model on the prompts of a domain, or on all where none is known, in the lowest, middle or
    highest third of what is predicted.

    Args:
        scores: What was predicted.
        score: What was achieved, ``(n_prompts, n_models)``, NaN where a model was not run.
        domains: Domain of each row, if known.
    """
    if scores.logit_std is None:
        return ()
    p = scores.p_correct.astype(np.float64)
    groups = list(_groups(p, ~np.isnan(score), domains))
    if not groups:
        return ()
    residual = score - p
    missed = np.array([abs(residual[rows, j].mean()) for rows, j in groups])
    # Answers that are right or wrong vary by p (1 - p), graded ones by a part of that, alike in all groups.
    expected = np.where(np.isnan(residual), 0.0, p * (1 - p)).sum(0)
    varied = np.divide(
        np.nansum(residual**2, axis=0), expected, out=np.zeros_like(expected), where=expected > 0
    )
    noise = np.array(
        [
            np.sqrt(min(float(varied[j]), 1.0) * (p[rows, j] * (1 - p[rows, j])).sum()) / len(rows)
            for rows, j in groups
        ]
    )
    found = []
    for level in LEVELS:
        low, high = scores.interval(level)
        half = (high - low).astype(np.float64) / 2
        of_group = np.array([half[rows, j].mean() for rows, j in groups])
        errors = NormalDist().inv_cdf((1 + level) / 2)
        found.append(
            Coverage(
                level=level,
                held=float((missed <= np.hypot(of_group, errors * noise)).mean()),
                by_luck=float((missed <= errors * noise).mean()),
                half_width=float(half.mean()),
                groups=len(groups),
            )
        )
    return tuple(found)


def _groups(
    p: Floats, known: npt.NDArray[np.bool_], domains: Sequence[str | None] | None
) -> Iterator[tuple[npt.NDArray[np.intp], int]]:
    """Rows and column of each group that is large enough."""
    labels = domain_labels([None] * len(p) if domains is None else domains)
    for name in sorted(set(labels)):
        for j in range(p.shape[1]):
            rows = np.flatnonzero((labels == name) & known[:, j])
            for part in np.array_split(rows[np.argsort(p[rows, j], kind="stable")], _THIRDS):
                if len(part) >= _LEAST:
                    yield part, j
