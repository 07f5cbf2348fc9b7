"""The cheapest policy that is shown to keep a promise: by hand, and how often it is broken on fresh data."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest

from routoo.data.errors import InfeasibleError
from routoo.data.outcomes import Outcomes
from routoo.data.scores import Scores
from routoo.policies.contracts.calibration import Calibration
from routoo.policies.contracts.candidates import Candidate
from routoo.policies.contracts.promise import ScorePromise, SpendPromise
from routoo.policies.contracts.risk_control import cheapest_kept

PRICES = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
LOSS = np.array([0.0, 0.01, 0.02, 0.0241, 0.06, 0.1])
"""What the policy loses at each price beside the reference, of which 0.8 are right."""


def calibration(n: int, draw: np.random.Generator, *, judge: float | None = None) -> Calibration:
    """Scores of the reference and of the policy at each price, as if each were a model.

    The cheaper a policy, the more prompts it answers otherwise than the reference.
    """
    reference = draw.random(n) < 0.8
    moved = draw.random((n, 1)) < 2 * LOSS
    right = np.where(moved, draw.random((n, 1)) < 0.8 - 0.5, reference[:, None])
    score = np.column_stack([reference, right]).astype(float)
    human = None
    if judge is not None:
        human = np.where(draw.random((n, 1)) < 0.3, score, np.nan)
        score = np.where(draw.random(score.shape) < judge, score, 1 - score)
    ids = [str(at) for at in range(n)]
    rows = pl.DataFrame({"prompt_id": ids, "model": ["m"] * n, "score": reference.astype(float)})
    width = score.shape[1]
    names = tuple(str(at) for at in range(width))
    half = np.full((n, width), 0.5, np.float32)
    scores = Scores(half, half, models=names)
    return Calibration(
        outcomes=Outcomes(pl.DataFrame({"prompt_id": ids, "prompt": ids}), rows),
        scores=scores,
        score=score,
        cost_usd=np.tile(np.r_[1.0, np.linspace(0.9, 0.1, len(PRICES))], (n, 1)),
        human=human,
        open_=None,
        order=draw.permutation(n),
    )


def policies(of: Calibration) -> list[Candidate]:
    n = len(of.score)
    return [
        Candidate(float(price), np.full(n, at, np.intp), of.cost_usd[:, at])
        for at, price in enumerate(PRICES, 1)
    ]


def control(
    of: Calibration, *, share: float = 0.97, alpha: float, spend: SpendPromise | None = None
) -> tuple[float, float]:
    found, margin = cheapest_kept(
        policies(of), of, reference=0, of_score=ScorePromise(share), of_spend=spend, alpha=alpha
    )
    return found.price, margin


@pytest.mark.parametrize(("judge", "runs"), [(None, 200), (0.7, 50)])
def test_contracts_are_broken_as_rarely_as_promised(judge: float | None, runs: int) -> None:
    """Price 3 is the first that breaks a share of 0.97, and by a hair: the worst that can be asked.

    Beside it the prices are told apart: with enough prompts the last good one is found.
    """
    alpha, draw = 0.2, np.random.default_rng(3)
    broken, found = 0, []
    for _ in range(runs):
        try:
            price, margin = control(calibration(2500, draw, judge=judge), alpha=alpha)
        except InfeasibleError:
            continue
        broken += price >= 3
        found.append(price)
        assert margin >= 0
    assert broken / runs < alpha + 3 * np.sqrt(alpha * (1 - alpha) / runs)
    assert len(found) > 0.9 * runs
    assert max(found) >= 1


def test_the_sequence_ends_at_the_first_price_that_fails() -> None:
    """A price that would pass behind one that does not is never taken."""
    draw = np.random.default_rng(0)
    of = calibration(3000, draw)
    of.score[:, 3] = 0.0
    assert control(of, alpha=0.05)[0] <= 1.0


def test_spend_is_tested_from_the_cheap_end() -> None:
    of, draw = calibration(3000, np.random.default_rng(1)), np.random.default_rng(2)
    of.cost_usd[:] *= draw.uniform(0.5, 1.5, of.cost_usd.shape)
    price, _ = control(of, alpha=0.05)
    mean = float(of.cost_usd[:, 1 + int(price)].mean())
    kept = control(of, alpha=0.1, spend=SpendPromise(1.2 * mean, 2.0))
    assert kept[0] == price
    with pytest.raises(InfeasibleError, match="no price is shown to keep both promises"):
        control(of, alpha=0.1, spend=SpendPromise(mean, 2.0))


def test_what_could_decide_is_said() -> None:
    draw = np.random.default_rng(0)
    with pytest.raises(InfeasibleError, match=r"^100 labelled prompts show no price .* needs 110$"):
        control(calibration(100, draw), alpha=0.05)
    lossy = calibration(400, draw)
    lossy.score[:12, 1:] = 1 - lossy.score[:12, [0]]
    with pytest.raises(InfeasibleError, match=r"which about ([\d,]+) prompts like these could show") as error:
        control(lossy, alpha=0.05)
    found = re.search(r"about ([\d,]+) prompts", str(error.value))
    assert found is not None
    assert 400 < float(found[1].replace(",", "")) < 40_000
    lossy.score[:60, 1:] = 1 - lossy.score[:60, [0]]
    with pytest.raises(InfeasibleError, match="more prompts are not likely to show it"):
        control(lossy, alpha=0.05)
    with pytest.raises(InfeasibleError, match="a share of 1 needs a policy that is better"):
        control(lossy, share=1.0, alpha=0.05)


def test_equal_choices_are_equal_policies() -> None:
    of = calibration(2000, np.random.default_rng(5))
    same = [Candidate(price, np.full(2000, 1, np.intp), of.cost_usd[:, 1]) for price in (0.0, 7.0, 9.0)]
    promise = ScorePromise(0.97)
    found, margin = cheapest_kept(same, of, reference=0, of_score=promise, of_spend=None, alpha=0.05)
    assert found.price == 9.0
    once = cheapest_kept(same[:1], of, reference=0, of_score=promise, of_spend=None, alpha=0.05)
    assert margin == once[1]
