"""How often a choice flips when a prompt is changed in ways that should not matter."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from routoo.data.checks.arguments import mapping, number, numbers
from routoo.data.checks.batch import prompt_texts
from routoo.data.checks.came import came
from routoo.data.curves import PRICES, Choices, Floats, Vector, choices, realised
from routoo.data.errors import InputError
from routoo.data.scores import Scores
from routoo.evaluation.in_words import percent
from routoo.evaluation.metrics.perturbations import PERTURBATIONS, Perturbation
from routoo.evaluation.metrics.undefined import without_nan
from routoo.evaluation.trial.bootstrap import MOST_SAMPLES, Interval, Resamples, interval

_EQUAL = 0.005  # share of choices below which nobody would speak of a flip


@dataclass(frozen=True)
class Robustness:
    """What one kind of change does to a router's choices.

    Args:
        name: The kind of change.
        changed: Share of the prompts whose text it alters.
        flips: Share of the choices that it sends to another model.
        spend: Predicted cost of the choices after it, as a share of that before.
        shift: Mean absolute change of the predicted scores.
        prompts: How many prompts were changed; `flips` are of these.
        gain: What the choices score after it above what they scored before, with its range over resamples
            of these prompts; None where outcomes are not known, or without resamples.

    `flips`, `spend` and `gain` are means over a few prices.
    """

    name: str
    changed: float
    flips: float
    spend: float
    shift: float
    prompts: int
    gain: Interval | None = None

    def to_dict(self) -> dict[str, Any]:  # Any: a text and numbers
        """The fields by name; None where one is not defined."""
        return without_nan(asdict(self))


def flips_in_words(kinds: Sequence[Robustness]) -> str:
    """How often the worst kind of change moves a choice; empty where there are none."""
    if not kinds:
        return ""
    worst = max(kinds, key=lambda kind: kind.flips)
    if worst.flips < _EQUAL:
        return "No harmless change moves a choice in two hundred"
    return f"Harmless changes move {percent(worst.flips, 1)} of the choices at most: {worst.name}"


def robustness(
    predict: Callable[[Sequence[str]], Scores],
    prompts: Sequence[str],
    *,
    earned: Floats | None = None,
    prices: Sequence[float] | None = None,
    perturbations: Mapping[str, Perturbation] = PERTURBATIONS,
    seed: int = 0,
    samples: int = 1000,
) -> tuple[Robustness, ...]:
    """How often choices flip, kind of change by kind of change.

    A choice is ``argmax_j p_correct - price * cost``. Costs are those of the prompt as it stood: what a
    longer text costs is not what is asked here.

    Args:
        predict: Scores of prompts: a router's `predict`.
        prompts: Prompts to change.
        earned: What each model scored on them, ``(n_prompts, n_models)`` in the columns of `predict`.
        prices: Score per USD; when not given, those at which about a quarter, a half and three quarters are
            spent of what could be.
        perturbations: Kinds of change by name.
        seed: Of what is random in them, and of the resamples.
        samples: Resamples of the prompts behind the range of a gain; 0 for none.

    Raises:
        InputError: A prompt, a price or what was earned cannot be used.
    """
    prompts = prompt_texts(prompts)
    samples = number("samples", samples, most=MOST_SAMPLES, whole=True)
    seed = number("seed", seed, whole=True)
    for name, perturb in mapping("perturbations", perturbations, object, "name").items():
        if not callable(perturb):
            raise InputError(f"perturbations[{name!r}] must change a text, got {came(perturb)}")
    before = predict(prompts)
    earned = None if earned is None else numbers("earned", earned, shape=before.p_correct.shape)
    steps = numbers("prices", spend_prices(before) if prices is None else prices)
    if steps.ndim != 1 or not len(steps):
        raise InputError(f"prices must be a list of at least one number, got shape {steps.shape}")
    cost = before.cost_usd.astype(np.float64)
    chosen = choices_at(before.p_correct, cost, steps)
    spent = float(realised(chosen, cost).sum())
    found = []
    scored = 0 if earned is None else realised(chosen, earned)
    for name, perturb in perturbations.items():
        draw = random.Random(f"{seed} {name}")
        altered = [perturb(prompt, draw) for prompt in prompts]
        after = predict(altered).columns(before.models)
        now = choices_at(after.p_correct, cost, steps)
        found.append(
            Robustness(
                name=name,
                changed=float(np.mean([a != b for a, b in zip(altered, prompts, strict=True)])),
                flips=float((now != chosen).mean()),
                spend=float(realised(now, cost).sum()) / spent if spent else math.nan,
                shift=float(np.abs(after.p_correct - before.p_correct).mean()),
                prompts=len(prompts),
                gain=None if earned is None else _gain(realised(now, earned) - scored, samples, seed),
            )
        )
    return tuple(found)


def choices_at(p_correct: Floats, cost_usd: Floats, prices: Vector) -> Choices:
    """The model that each prompt is given at each price, ``(n_prices, n_prompts)``."""
    chosen = [(p_correct - price * cost_usd).argmax(1) for price in prices]
    return np.array(chosen, np.int32)


def spend_prices(scores: Scores, shares: Sequence[float] = (0.25, 0.5, 0.75)) -> list[float]:
    """The prices nearest to predicted spends between the least there is (share 0) and the most (1).

    >>> scores = Scores(np.array([[0.9, 0.5]] * 2), np.array([[3.0, 1.0], [1.5, 1.0]]), models=("a", "b"))
    >>> [0.2 <= price <= 0.8 for price in spend_prices(scores, [0.5])]
    [True]
    """
    spend = realised(choices(scores.p_correct, scores.cost_usd), scores.cost_usd).mean(1)
    goals = [spend[-1] + share * (spend[0] - spend[-1]) for share in shares]
    return [float(PRICES[np.abs(spend - goal).argmin()]) for goal in goals]


def _gain(gains: Vector, samples: int, seed: int) -> Interval | None:
    """The mean of gains ``(n_prices, n_prompts)``, with its range over draws of the prompts."""
    by_prompt = gains.mean(0)
    means = Resamples(len(by_prompt), samples, seed).means(by_prompt[:, None])[:, 0]
    return interval(float(by_prompt.mean()), means)
