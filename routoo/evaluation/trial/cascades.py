"""Cascades on the judged prompts: what they do over recorded answers, at prices from nothing on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from routoo.data.curves import PRICES, Vector
from routoo.data.outcomes import Outcomes
from routoo.data.scores import Scores
from routoo.evaluation.trial.trial import Trial
from routoo.models.signals.answer_model import AnswerModel
from routoo.policies.evidence import Evidence
from routoo.policies.replayed import ReplayedCascades, replay_cascades

MOST_CALLS = 6
"""Calls of a prompt beyond which all that answers may say is too much to reckon with."""

_PROBED = 48  # prompts that tell where choices change
_PROBES = slice(None, None, 8)  # of `PRICES`
_SETTINGS = 48
_AT_ONCE = 2048  # prompts replayed at once, which bounds memory
_FREE = 1e-3  # of the highest mean cost: below it nothing is saved


def cascades_of(
    outcomes: Outcomes,
    scores: Scores,
    answer_model: AnswerModel,
    trial: Trial,
    *,
    prices: Vector,
    max_calls: int,
    open_: npt.NDArray[np.bool_] | None,
) -> ReplayedCascades | None:
    """What cascades do on the judged prompts at each of some prices; None where no answer was recorded.

    An answer that was not recorded tells nothing; its score and cost count as elsewhere in an evaluation.
    Seconds are the recorded ones, and where there are none the predicted ones.

    Args:
        outcomes: With the judged part.
        scores: What the router predicts, aligned with the trial.
        answer_model: What answers tell.
        trial: The judged prompts.
        prices: Where to look too, beside prices that are spread evenly: where the router is at its best,
            since that is what a cascade is while no second model is worth its price.
        max_calls: Most models that a prompt may ask.
        open_: Models that each prompt may be sent to, ``(n_prompts, n_models)``; all where it is None.

    Raises:
        InputError: A model of the trial is not one of the answer model's.
    """
    judged = outcomes.part(trial.part)
    if not judged.records("response"):
        return None
    known = answer_model.select(trial.models)
    evidence = Evidence.of(judged, scores, known)
    seconds = judged.to_matrices(trial.models).latency_s
    if scores.latency_s is not None:
        predicted = np.where(np.isfinite(scores.latency_s), scores.latency_s, np.nan)
        seconds = np.where(np.isnan(seconds), predicted, seconds)

    def replay(prompts: npt.NDArray[np.intp], prices: Vector) -> ReplayedCascades:
        return replay_cascades(
            scores.rows(prompts),
            known.observation,
            Evidence(evidence.log_ratio[prompts], evidence.code[prompts]),
            cost_usd=trial.cost_usd[prompts],
            prices=prices,
            max_calls=max_calls,
            latency_s=seconds[prompts],
            open_=None if open_ is None else open_[prompts],
        )

    everyone = np.arange(len(scores))
    few = np.unique(np.linspace(0, len(everyone) - 1, _PROBED).astype(np.intp))
    prices = np.union1d(_spread(replay(few, PRICES[_PROBES])), prices)
    parts = [replay(everyone[at : at + _AT_ONCE], prices) for at in range(0, len(everyone), _AT_ONCE)]
    joined = {name: np.concatenate([getattr(part, name) for part in parts], 1) for name in _BY_PROMPT}
    return ReplayedCascades(prices=prices, **joined)


_BY_PROMPT = ("asked", "chosen", "p_correct", "cost_usd", "latency_s")


def _spread(probe: ReplayedCascades) -> Vector:
    """Prices whose settings are about evenly far apart in log cost and expected score, from price 0 on."""
    cost, score = probe.cost_usd.mean(1), probe.p_correct.mean(1)
    fallen = [_fallen(np.log(np.maximum(cost, _FREE * cost.max()))), _fallen(score)] if cost.max() else []
    way = np.sum(fallen, 0) if fallen else np.zeros(len(cost))
    moved = np.flatnonzero(np.diff(way) > 0)
    if not len(moved):
        return PRICES[:2]
    span = slice(max(int(moved[0]), 1), int(moved[-1]) + 2)
    even = np.linspace(way[span][0], way[span][-1], _SETTINGS)
    priced = np.exp(np.interp(even, way[span], np.log(probe.prices[span])))
    return np.unique(np.concatenate([PRICES[:2], priced]))


def _fallen(values: Vector) -> Vector:
    """The share of its whole fall that a falling series has made at each place."""
    fall = values[0] - np.minimum.accumulate(values)
    return np.asarray(fall / fall[-1] if fall[-1] else fall, np.float64)
