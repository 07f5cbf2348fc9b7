"""Changes that should not matter, and how often they do; calibration in every corner."""

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.scores import Scores
from routoo.evaluation.metrics.group_calibration import UNKNOWN_DOMAIN, calibrations
from routoo.evaluation.metrics.perturbations import PERTURBATIONS
from routoo.evaluation.metrics.robustness import robustness, spend_prices

PROMPTS = [f"What is the capital of country number {i:02d}, and who governs it?" for i in range(40)]

PRICE = (
    len(PROMPTS[0]) / 80 - 0.5 + 0.02
) / 0.019  # just too dear for the large model, as `_by_length` sees it


def _by_length(prompts: Sequence[str]) -> Scores:
    """A router that sends long prompts to the large model."""
    long = np.array([len(prompt) for prompt in prompts]) / 80
    p = np.stack([np.clip(long, 0, 1), np.full(len(prompts), 0.5)], axis=1)
    return Scores(
        p.astype(np.float32), np.tile([[0.02, 0.001]], (len(prompts), 1)), models=("large", "small")
    )


def _deaf(prompts: Sequence[str]) -> Scores:
    n = len(prompts)
    return Scores(np.tile([[0.6, 0.5]], (n, 1)), np.tile([[0.02, 0.001]], (n, 1)), models=("large", "small"))


def test_a_router_that_reads_nothing_never_flips() -> None:
    for found in robustness(_deaf, PROMPTS, prices=[1.0]):
        assert found.flips == 0
        assert found.shift == 0
        assert found.spend == 1


def test_a_router_that_counts_letters_flips_when_there_are_more() -> None:
    found = {kind.name: kind for kind in robustness(_by_length, PROMPTS, prices=[PRICE])}
    assert found["upper case"].flips == 0
    assert found["lower case"].flips == 0
    assert found["suffix that says it is hard"].flips == 1
    assert found["suffix that says it is hard"].spend == pytest.approx(20)
    assert found["suffix that says it is hard"].shift > 0
    assert found["upper case"].changed == 1


def test_the_same_seed_changes_the_same_letters() -> None:
    one, same, other = (robustness(_by_length, PROMPTS, prices=[PRICE], seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_models_may_come_in_another_order() -> None:
    calls = 0

    def predict(prompts: Sequence[str]) -> Scores:
        nonlocal calls
        calls += 1
        scores = _by_length(prompts)
        return scores if calls == 1 else scores.columns(["small", "large"])

    assert robustness(predict, PROMPTS, prices=[PRICE]) == robustness(_by_length, PROMPTS, prices=[PRICE])


def test_the_middle_price_is_one_at_which_half_is_spent() -> None:
    draw = np.random.default_rng(0)
    scores = Scores(
        draw.random((400, 2), np.float32), np.tile([[0.02, 0.001]], (400, 1)), models=("large", "small")
    )
    _, price, _ = spend_prices(scores)
    chosen = (scores.p_correct - price * scores.cost_usd).argmax(1)
    most = scores.cost_usd[np.arange(400), scores.p_correct.argmax(1)].mean()
    assert scores.cost_usd[np.arange(400), chosen].mean() == pytest.approx((most + 0.001) / 2, rel=0.05)
    assert all(0 <= kind.flips <= 1 for kind in robustness(_by_length, PROMPTS))


def test_a_flip_costs_what_the_other_model_scores_less() -> None:
    earned = np.tile([1.0, 0.0], (len(PROMPTS), 1))
    prices = [PRICE, 1e6]
    found = {kind.name: kind for kind in robustness(_by_length, PROMPTS, earned=earned, prices=prices)}
    gain = found["suffix that says it is hard"].gain
    assert gain is not None
    assert gain.value == found["suffix that says it is hard"].flips == 0.5
    assert (gain.low, gain.high) == (0.5, 0.5)
    untouched = found["upper case"].gain
    assert untouched is not None
    assert untouched.value == 0
    assert robustness(_by_length, PROMPTS, prices=prices)[0].gain is None


def test_the_range_of_a_gain_is_over_the_resamples_asked_for() -> None:
    earned = np.random.default_rng(0).random((len(PROMPTS), 2))
    hard = {"hard": PERTURBATIONS["suffix that says it is hard"]}
    few, same, many, none = (
        robustness(_by_length, PROMPTS, earned=earned, prices=[PRICE], perturbations=hard, samples=samples)[0]
        for samples in (5, 5, 1000, 0)
    )
    assert few == same
    assert few.gain is not None
    assert many.gain is not None
    assert few.gain.value == many.gain.value
    assert (few.gain.low, few.gain.high) != (many.gain.low, many.gain.high)
    assert none.gain is None
    assert none.flips == few.flips


def test_free_models_leave_spend_undefined() -> None:
    def predict(prompts: Sequence[str]) -> Scores:
        free = np.zeros((len(prompts), 1), np.float32)
        return Scores(free + np.float32(0.5), free, models=("only",))

    found = robustness(predict, PROMPTS)
    assert all(math.isnan(kind.spend) for kind in found)
    assert found[0].to_dict()["spend"] is None


@given(st.text(min_size=1, max_size=200).filter(str.strip), st.integers(0, 10))
@settings(max_examples=100, deadline=None)
def test_every_change_leaves_a_prompt_and_repeats_itself(prompt: str, seed: int) -> None:
    for perturb in PERTURBATIONS.values():
        changed = perturb(prompt, random.Random(seed))
        assert changed.strip()
        assert changed == perturb(prompt, random.Random(seed))


def test_changes_are_what_their_names_say() -> None:
    prompt = "Which colours make green? Consider {paint}, light and printer ink separately."
    changed = {name: perturb(prompt, random.Random(0)) for name, perturb in PERTURBATIONS.items()}
    assert changed["lower case"] == prompt.lower()
    assert changed["upper case"] == prompt.upper()
    assert changed["white space"].split() == prompt.split()
    assert changed["white space"] != prompt
    for name in ("paraphrase template", "suffix", "suffix that says it is hard"):
        assert prompt in changed[name]
        assert len(changed[name]) > len(prompt)
    assert changed["typos"] != prompt
    assert changed["typos"].count(" ") == prompt.count(" ")
    assert abs(len(changed["typos"]) - len(prompt)) <= 1


# Calibration by group ---------------------------------------------------------------------------------


def test_calibration_by_model_and_domain() -> None:
    p = np.array([[0.9, 0.2], [0.7, 0.4], [0.5, 0.6], [0.3, 0.8]])
    y = np.array([[1.0, 0.0], [1.0, np.nan], [0.0, 1.0], [0.0, 1.0]])
    groups = calibrations(p, y, ("a", "b"), ["x", "x", "y", None])
    named = {(g.by, g.name): g for g in groups}
    assert list(named) == [
        ("model", "a"), ("model", "b"), ("domain", UNKNOWN_DOMAIN), ("domain", "x"), ("domain", "y"),
    ]  # fmt: skip
    a, b, x = named["model", "a"], named["model", "b"], named["domain", "x"]
    assert (a.count, b.count, x.count) == (4, 3, 3)
    assert a.bias == pytest.approx(0.6 - 0.5)
    assert a.auc == 1.0
    assert a.brier == pytest.approx((0.01 + 0.09 + 0.25 + 0.09) / 4)
    assert b.score == pytest.approx(2 / 3)
    assert x.p_correct == pytest.approx((0.9 + 0.7 + 0.2) / 3)
    assert math.isnan(x.auc)
    assert x.to_dict()["auc"] is None


def test_calibration_of_a_model_that_was_never_run() -> None:
    groups = calibrations(np.full((2, 1), 0.5), np.full((2, 1), np.nan), ("idle",), None)
    assert [group.count for group in groups] == [0]
    assert groups[0].to_dict()["bias"] is None
