"""Fusion of a calibrated signal with what was predicted before the answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.errors import InputError
from routoo.models.signals.calibration_fit import fit_calibration
from routoo.models.signals.fusion import Fusion
from routoo.models.signals.fusion_fit import fit_fusion
from routoo.models.signals.generation import Vector

NAN = float("nan")
GRID = np.linspace(0, 1, 21)


def sigmoid(z: Vector) -> Vector:
    return 1 / (1 + np.exp(-z))


def log_loss(p: Vector, score: Vector) -> float:
    p = p.clip(1e-3, 1 - 1e-3)
    return float(-(score * np.log(p) + (1 - score) * np.log(1 - p)).mean())


def simulated(n: int, seed: int, *, before: float, after: float) -> tuple[Vector, Vector, Vector, list[str]]:
    """Signal, calibrated `p_correct`, scores, models: what each of the first two tells is independent."""
    rng = np.random.default_rng(seed)
    known, shown = rng.normal(size=n) * before, rng.normal(size=n) * after
    score = (rng.random(n) < sigmoid(known + shown)).astype(float)
    draws = rng.normal(size=(2000, 1)) * after
    return shown, sigmoid(known + draws).mean(0), score, ["a", "b"] * (n // 2)


@pytest.mark.parametrize(("before", "after"), [(1.5, 1.5), (2.0, 0.0), (0.0, 2.0), (1.0, 2.0), (0.0, 0.0)])
def test_fused_is_never_worse_than_the_better_of_both_beyond_noise(before: float, after: float) -> None:
    signal, p, score, models = simulated(1500, 1, before=before, after=after)
    fit = fit_calibration(signal, score, models)
    fusion = fit_fusion(fit.left_out, p, score, models)
    signal, p, score, models = simulated(4000, 2, before=before, after=after)
    calibrated = fit.calibration.predict(signal, models)
    fused = log_loss(fusion.predict(calibrated, p, models), score)
    alone = log_loss(calibrated, score), log_loss(p, score)
    assert fused < min(alone) + 0.005
    if min(before, after) > 0.5:
        assert fused < min(alone) - 0.03


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.just(NAN), st.floats(0, 1)),
            st.one_of(st.just(NAN), st.floats(0, 1)),
            st.floats(0, 1),
            st.sampled_from("ab"),
        ),
        max_size=40,
    )
)
def test_it_is_monotone_in_both_and_within_0_and_1(rows: list[tuple[float, float, float, str]]) -> None:
    calibrated, p, score, models = zip((0.5, 0.5, 1.0, "a"), *rows, strict=True)
    fusion = fit_fusion(calibrated, p, score, models)
    for model in ("a", "b", "new"):
        fused = np.array([fusion.predict([x] * 21, GRID, [model] * 21) for x in GRID])
        assert ((fused >= 0) & (fused <= 1)).all()
        assert (np.diff(fused, axis=0) >= -1e-12).all()
        assert (np.diff(fused, axis=1) >= -1e-12).all()


def test_either_alone_stands_where_the_other_is_missing() -> None:
    fusion = Fusion((0.3, 0.7, 0.6))
    p = fusion.predict([0.2, NAN, NAN], [NAN, 0.9, NAN], ["a"] * 3)
    np.testing.assert_array_equal(p, [0.2, 0.9, NAN])


def test_fused_odds_by_hand() -> None:
    """Odds 4 and 1/2: weights 1 and 1 give 2; weights 1/2 and 0 with odds 3 beside give 6."""
    fusion = Fusion((0.0, 1.0, 1.0), {"a": (np.log(3), 0.5, 0.0)})
    np.testing.assert_allclose(fusion.predict([0.8, 0.8], [1 / 3, 1 / 3], ["new", "a"]), [2 / 3, 6 / 7])


def test_several_signals_by_hand() -> None:
    """Odds 4 and 2, 1/2 before, weights 1: 4; where the second is missing it says 1/2 too: 1."""
    fusion = Fusion((0.0, 1.0, 1.0, 1.0))
    p = fusion.predict(
        [[0.8, 2 / 3], [0.8, NAN], [NAN, NAN], [0.8, 0.6]], [1 / 3, 1 / 3, 0.3, NAN], ["a"] * 4
    )
    np.testing.assert_allclose(p, [0.8, 0.5, 0.3, 0.7])


def test_of_several_signals_the_one_that_tells_has_the_weight() -> None:
    rng = np.random.default_rng(0)
    told, idle, before = rng.uniform(0.05, 0.95, (3, 3000))
    score = (rng.random(3000) < told).astype(float)
    found = fit_fusion(np.column_stack([idle, told]), before, score, ["a"] * 3000).models["a"]
    np.testing.assert_allclose(found, [0, 0, 1, 0], atol=0.15)


def test_what_a_model_has_little_of_is_shared_and_what_it_has_much_of_is_its_own() -> None:
    """The signal tells all of `open` and nothing of `closed`; `new` was hardly seen."""
    rng = np.random.default_rng(0)
    names = ["open"] * 1500 + ["closed"] * 1500 + ["few"] * 6
    after, before = rng.uniform(0.05, 0.95, (2, len(names)))
    right = np.where(np.array(names) == "closed", before, after)
    score = (rng.random(len(names)) < right).astype(float)
    fusion = fit_fusion(after, before, score, names)
    np.testing.assert_allclose(fusion.models["open"], [0, 1, 0], atol=0.2)
    np.testing.assert_allclose(fusion.models["closed"], [0, 0, 1], atol=0.2)
    alone = fit_fusion(after[-6:], before[-6:], score[-6:], names[-6:]).models["few"]
    assert np.abs(alone).max() < 2  # six answers cannot say much
    one = fit_fusion([0.9], [0.1], [1.0], ["a"])
    assert np.abs(np.subtract(one.models["a"], one.shared)).max() < 0.1


def test_it_makes_the_round_trip_through_json() -> None:
    fusion = Fusion((0.1, 0.2, 0.3), {"a": (1.0, 0.0, 2.0)})
    assert Fusion.from_dict(json.loads(json.dumps(fusion.to_dict()))) == fusion


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": 0}, "format 1"),
        ({"models": None}, "shared and models"),
        ({"shared": [0, 1]}, "three or more weights"),
        ({"shared": [0, -1, 1]}, "at least 0"),
        ({"models": {"a": [NAN, 1, 1]}}, "finite"),
        ({"models": {"a": [0, 1, 1, 1]}}, "must be 3 weights"),
    ],
)
def test_a_broken_file_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Fusion.from_dict(Fusion((0.0, 1.0, 1.0)).to_dict() | change)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: fit_fusion([], [], [], []), "at least one answer with both"),
        (lambda: fit_fusion([NAN], [0.5], [1.0], ["a"]), "at least one answer with both"),
        (lambda: fit_fusion([0.5], [0.5], [NAN], ["a"]), "score"),
        (lambda: fit_fusion([0.5], [0.5, 0.5], [1.0], ["a"]), "lengths must agree"),
        (lambda: Fusion((0.0, 1.0, 1.0)).predict([[0.5, 0.5]], [0.5], ["a"]), "1 signals, got 2"),
        (
            lambda: Fusion((0.0, 1.0, 1.0)).predict(np.full((1, 1, 1), 0.5), [0.5], ["a"]),
            "one or two dimensions",
        ),
        (
            lambda: Fusion((0.0, 1.0, 1.0)).predict([1.1], [0.5], ["a"]),
            "calibrated.*or NaN where there is none",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(call: Callable[[], object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        call()
