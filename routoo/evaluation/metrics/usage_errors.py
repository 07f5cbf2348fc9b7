"""How well the output tokens and seconds of a call are predicted, beside each model's mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from routoo.data.curves import Floats, Vector
from routoo.data.outcomes import Outcomes
from routoo.data.scores import Scores
from routoo.evaluation.metrics.undefined import mean_known, ratio, without_nan
from routoo.evaluation.trial.bootstrap import Interval, Resamples, interval
from routoo.evaluation.trial.trial import Trial

Quantity = Literal["output_tokens", "latency_s"]

ALL_MODELS = "(all models)"

_LEAST_S = 1e-3
_LOG: dict[Quantity, Callable[[Floats], Floats]] = {
    "output_tokens": np.log1p,
    "latency_s": lambda seconds: np.log(np.maximum(seconds, _LEAST_S)),
}


@dataclass(frozen=True, kw_only=True)
class UsageError:
    """How far predictions of one quantity are from what was recorded of one model, or of all.

    Args:
        quantity: What is predicted.
        model: Of which model.
        count: Outcomes that recorded it.
        error: Mean distance of the logs: .7 is a factor of two. Tokens are counted from one.
        mean_error: The same for the model's mean over the prompts that are not judged.
        gain: `mean_error` less `error`, with its range over resamples of the prompts.
        correlation: Rank correlation of prediction and record; of all models, the mean over them.
        total: Sum predicted over sum recorded.
    """

    quantity: Quantity
    model: str
    count: int
    error: float
    mean_error: float
    gain: Interval | None
    correlation: float
    total: float

    def to_dict(self) -> dict[str, Any]:  # Any: texts, numbers and None, as JSON has them
        """The fields by name; None where one is not defined."""
        return without_nan(asdict(self))


def usage_errors(
    outcomes: Outcomes, scores: Scores, trial: Trial, resamples: Resamples | None
) -> tuple[UsageError, ...]:
    """The errors of all models together, and of each, for what is both predicted and recorded.

    Args:
        outcomes: Recorded outcomes with a split.
        scores: Predictions, aligned with the trial.
        trial: What is judged.
        resamples: Draws of its prompts; None for no ranges.
    """
    recorded = outcomes.to_matrices(trial.models)
    judged, seen = trial.rows_of(outcomes)
    found: list[UsageError] = []
    predicted_values: dict[Quantity, Floats | None] = {
        "output_tokens": scores.output_tokens,
        "latency_s": scores.latency_s,
    }
    for quantity, predicted in predicted_values.items():
        values: Vector = getattr(recorded, quantity)
        if predicted is None or np.isnan(predicted).all() or np.isnan(values[judged]).all():
            continue
        means = np.array([mean_known(column) for column in values[seen].T])
        found += _errors(
            quantity, predicted.astype(np.float64), values[judged], means, trial.models, resamples
        )
    return tuple(found)


def _errors(
    quantity: Quantity,
    predicted: Vector,
    recorded: Vector,
    means: Vector,
    models: tuple[str, ...],
    resamples: Resamples | None,
) -> list[UsageError]:
    """One quantity: the errors of all models together, then of each that has any."""
    log = _LOG[quantity]
    known = ~np.isnan(recorded) & np.isfinite(predicted) & ~np.isnan(means)
    truth = np.where(known, recorded, 0.0)
    off = np.where(known, np.abs(log(np.where(known, predicted, 0.0)) - log(truth)), 0.0)
    mean_off = np.where(known, np.abs(log(np.where(known, means, 0.0)) - log(truth)), 0.0)
    correlations = np.array(
        [rank_correlation(predicted[known[:, j], j], recorded[known[:, j], j]) for j in range(len(models))]
    )
    groups = [(ALL_MODELS, slice(None), mean_known(correlations))]
    groups += [(name, slice(j, j + 1), float(correlations[j])) for j, name in enumerate(models)]
    found = []
    for name, columns, correlation in groups:
        cells = known[:, columns]
        if not cells.any():
            continue
        count = int(cells.sum())
        gains = (mean_off - off)[:, columns].sum(1)
        found.append(
            UsageError(
                quantity=quantity,
                model=name,
                count=count,
                error=float(off[:, columns].sum()) / count,
                mean_error=float(mean_off[:, columns].sum()) / count,
                gain=_ratio_interval(gains, cells.sum(1), resamples),
                correlation=correlation,
                total=ratio(float(predicted[:, columns][cells].sum()), float(truth[:, columns][cells].sum())),
            )
        )
    return found


def rank_correlation(a: Floats, b: Floats) -> float:
    """Spearman's rank correlation; NaN where either never varies.

    >>> round(rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([10.0, 1000.0, 100.0])), 2)
    0.5
    """
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return math.nan
    return float(pl.select(pl.corr(pl.Series(a), pl.Series(b), method="spearman")).item())


def _ratio_interval(sums: Vector, counts: Floats, resamples: Resamples | None) -> Interval | None:
    """The mean of what was summed up prompt by prompt, with its range."""
    if resamples is None:
        return None
    total, count = resamples.means(np.stack([sums, counts], axis=1)).T
    drawn = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return interval(float(sums.sum() / counts.sum()), drawn)
