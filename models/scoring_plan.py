"""Which prompts a new model should be scored on: as much to learn as possible for the money."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from routoo.data.arguments import number
from routoo.data.batch import prompt_texts
from routoo.data.chat import Prompt
from routoo.data.errors import InputError
from routoo.data.nominal import NominalCosts, nominal_costs
from routoo.data.pool import Pool, PoolModel
from routoo.data.splits import Split
from routoo.models.adding.new_model import column_prior
from routoo.models.columns import column_inputs
from routoo.models.encoder.features import Progress
from routoo.models.network.predicting import read_prompts
from routoo.models.training.train import TrainedNetwork

Array = npt.NDArray[np.float64]

_LEAST_SHARE = 1e-6  # of the dearest prompt's cost: what counts as the cost of one that is free
_MOST_WEIGHTS = 128
_AT_ONCE = 64  # rows that are looked at anew together


@dataclass(frozen=True, eq=False)
class ScoringPlan:
    """Prompts to score, the most telling for its money first.

    Args:
        rows: Row numbers of the prompts, ``(n,)``; no text is named twice.
        cost_usd: What scoring each of them is expected to cost, ``(n,)``.
        nominal_costs: The model and what a call counts, where that cost is nominal; see `Scores`.
    """

    rows: npt.NDArray[np.intp]
    cost_usd: Array
    nominal_costs: NominalCosts = field(default_factory=dict)


def scoring_plan(
    trained: TrainedNetwork,
    model: PoolModel,
    prompts: Iterable[Prompt],
    *,
    n: int | None = None,
    budget_usd: float | None = None,
    scored: Iterable[Prompt] = (),
    progress: Progress | None = None,
) -> ScoringPlan:
    """The prompts to score a new model on, at most `n` and for at most `budget_usd`.

    Greedy Bayesian design (Chaloner and Verdinelli 1995): each next prompt adds most to what is known of the
    model's column, per dollar where there is a budget, so that cheap prompts are taken as long as they tell
    something. Measured on MMLU-Pro against prompts drawn at random for the same money, predictions come
    a little nearer and routing is worth the same; at equal numbers of prompts nothing is gained.

    Args:
        trained: The predictor without the model.
        model: Its prices.
        prompts: To choose from; a text that is listed several times stands where it comes first, and one that
            the predictor knows to be in ``test`` is left out.
        n: Most prompts.
        budget_usd: Most that scoring them may be expected to cost. Answers are taken to be as long as the
            pool's; where no tokens were ever recorded, their length is nominal (`PoolModel.output_tokens`).
        scored: Prompts that the model was scored on already: they count as known, and are not chosen.
        progress: Told while the prompts are read.

    Raises:
        InputError: Neither limit is given, one cannot be kept by any prompt, or all were scored already or
            were in ``test``.
    """
    texts = prompt_texts(prompts)
    known = prompt_texts(scored, "scored", least=0)
    if n is None and budget_usd is None:
        raise InputError("how many prompts may be scored? Give n, budget_usd, or both")
    if n is not None:
        n = number("n", n, least=1, whole=True)
    if budget_usd is not None and not number("budget_usd", budget_usd) > 0:
        raise InputError(f"budget_usd must be a number above 0, got {budget_usd!r}")
    open_rows = _open_rows(texts, known, trained.split)
    if not len(open_rows):
        raise InputError("nothing to choose from: every prompt was scored already, or was in test")
    n_open = len(open_rows)
    scored_rows = np.arange(len(texts), len(texts) + len(known))
    encoded = trained.encoder.encode([*texts, *known]).rows(np.concatenate([open_rows, scored_rows]))
    features = read_prompts(trained.network, encoded, progress=progress)
    sent = encoded.input_tokens[:n_open] * trained.input_token_ratio.mean()
    cost = _cost_usd(trained, model, features[:n_open], sent)
    if budget_usd is not None and cost.min() > budget_usd:
        raise InputError(f"budget_usd is {budget_usd:g}, and the cheapest prompt costs {cost.min():.2g} USD")
    prior = column_prior(trained.network, "logits")
    inputs = column_inputs(trained.network.heads, features, "logits")
    p = expit(inputs @ prior.mean)
    directions = _leading(inputs @ prior.factor * np.sqrt(p * (1 - p))[:, None])
    chosen = most_informative(directions[:n_open], cost, n=n, budget=budget_usd, measured=directions[n_open:])
    unrecorded = () if trained.network.config.heads.output_tokens else (model.name,)
    nominal = nominal_costs(Pool((model,)), unrecorded, others=False)
    return ScoringPlan(open_rows[chosen], cost[chosen], nominal)


def most_informative(
    directions: Array,
    cost: Array,
    *,
    n: int | None = None,
    budget: float | None = None,
    measured: Array | None = None,
) -> npt.NDArray[np.intp]:
    """Rows that together tell most of normal weights with unit covariance: greedy D-optimal design.

    What a row adds only shrinks as others are taken (information is submodular), so that old values are upper
    bounds, and few rows are looked at anew in each step (Minoux 1978).

    Args:
        directions: What each row measures, in units of its noise, ``(n_rows, n_weights)``.
        cost: Of each row; it counts only where there is a budget.
        n: Most rows.
        budget: Most that they may cost together.
        measured: Directions that were measured before.

    >>> directions = np.array([[2.0, 0.0], [1.9, 0.0], [0.0, 1.0]])
    >>> most_informative(directions, np.ones(3), n=2).tolist()
    [0, 2]
    """
    covariance = np.eye(directions.shape[1])
    for direction in () if measured is None else measured:
        covariance = _measured(covariance, direction)
    price = np.ones(len(directions)) if budget is None else np.maximum(cost, _LEAST_SHARE * cost.max())
    price = np.maximum(price, np.finfo(float).tiny)
    worth = _information(directions, covariance) / price
    most = len(directions) if n is None else min(n, len(directions))
    rest = np.inf if budget is None else budget
    rows: list[int] = []
    while len(rows) < most:
        if budget is not None:
            worth[cost > rest] = -np.inf
        best = _best(worth, directions, covariance, price)
        if best is None:
            break
        rows.append(best)
        worth[best] = -np.inf
        rest -= cost[best]
        covariance = _measured(covariance, directions[best])
    return np.array(rows, np.intp)


def _open_rows(texts: Sequence[str], scored: Sequence[str], split: Split) -> npt.NDArray[np.intp]:
    """Where each text that was not scored, and was not in test, comes first."""
    first: dict[str, int] = {}
    for row, text in enumerate(texts):
        first.setdefault(text, row)
    known = set(scored)
    kept = [row for text, row in first.items() if text not in known and not split.tested(text)]
    return np.array(kept, np.intp)


def _best(worth: Array, directions: Array, covariance: Array, price: Array) -> int | None:
    """The row worth most, None when none is left; bounds in `worth` that are looked at become values."""
    size = min(_AT_ONCE, len(worth))
    current = np.zeros(len(worth), bool)
    while True:
        top = np.argpartition(-worth, size - 1)[:size]
        stale = top[~current[top] & (worth[top] > -np.inf)]
        worth[stale] = _information(directions[stale], covariance) / price[stale]
        current[stale] = True
        best = int(worth.argmax())
        if worth[best] == -np.inf:
            return None
        if current[best]:
            return best


def _leading(directions: Array) -> Array:
    """The directions in the coordinates in which they differ most; the rest is next to nothing."""
    _, turned = np.linalg.eigh(directions.T @ directions)
    leading: Array = directions @ turned[:, -_MOST_WEIGHTS:]
    return leading


def _information(directions: Array, covariance: Array) -> Array:
    """What measuring each direction would tell, in nats, doubled."""
    information: Array = np.log1p(np.maximum(((directions @ covariance) * directions).sum(1), 0.0))
    return information


def _measured(covariance: Array, direction: Array) -> Array:
    """The covariance after a measurement with noise of unit variance."""
    along = covariance @ direction
    left: Array = covariance - np.outer(along, along) / (1 + direction @ along)
    return left


def _cost_usd(
    trained: TrainedNetwork,
    model: PoolModel,
    features: npt.NDArray[np.float32],
    sent: npt.NDArray[np.float32],
) -> Array:
    """What a call of a typical model of the pool would cost at the new one's prices, ``(n_prompts,)``."""
    network = trained.network
    received = np.full(len(features), np.nan)
    if "log_tokens" in network.heads.columns:
        inputs = column_inputs(network.heads, features, "log_tokens")
        received = np.exp(inputs @ column_prior(network, "log_tokens").mean)
    return Pool((model,)).cost_usd(sent[:, None], received[:, None])[:, 0]
