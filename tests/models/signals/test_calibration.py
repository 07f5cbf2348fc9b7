"""Calibration of a signal: its curve, its shrinkage, and what it is worth."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from routoo.data.errors import InputError
from routoo.models.signals.calibration import Calibration, Curve
from routoo.models.signals.calibration_fit import fit_calibration
from routoo.models.signals.generation import Vector

GRID = np.linspace(-4, 4, 41)


def answers(n: int, seed: int, shift: float = 0.0) -> tuple[Vector, Vector, Vector]:
    """Signals, scores, and the true probability ``sigmoid(2 signal + shift)``."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=n)
    p = 1 / (1 + np.exp(-2 * signal - shift))
    return signal, (rng.random(n) < p).astype(float), p


def brier(p: Vector, truth: Vector) -> float:
    return float(((p - truth) ** 2).mean())


def test_two_answers_at_either_end_have_come_out_as_the_mean() -> None:
    """Between one wrong and one right: (0 + 2/2) / 3 and (1 + 2/2) / 3."""
    found = fit_calibration([0.0, 1.0], [0.0, 1.0], ["a", "a"]).calibration
    np.testing.assert_allclose(found.predict([-9.0, 0.0, 0.5, 1.0], ["a"] * 4), [1 / 3, 1 / 3, 1 / 2, 2 / 3])


def test_few_answers_are_never_certain() -> None:
    for seed in range(10):
        p = _fitted(30, seed).predict(GRID, ["a"] * 41)
        assert 0.02 < p.min() < p.max() < 0.98


def test_one_model_has_the_isotonic_regression_of_scikit_learn() -> None:
    signal, score, _ = answers(200, 1)
    found = fit_calibration(signal, score, ["a"] * 200).calibration
    ends, means = np.repeat([signal.min(), signal.max()], 2), [score.mean()] * 4
    fit = IsotonicRegression(out_of_bounds="clip").fit(np.append(signal, ends), np.append(score, means))
    expected = fit.predict(GRID)
    np.testing.assert_allclose(found.predict(GRID, ["a"] * 41), expected, atol=1e-12)


def test_shrinkage_by_hand() -> None:
    """Weights 10/40 in the model and 30/60 in its domain: 0.4 -> 0.4 + 0.4/4 = 0.5 -> 0.5 + 0.1/2 = 0.55."""
    levels = [Curve(n, np.zeros(1), np.full(1, p)) for n, p in ((50, 0.4), (10, 0.8), (30, 0.6))]
    found = Calibration(levels[0], {"a": levels[1]}, {"a": {"law": levels[2]}}, strength=30)
    p = found.predict([0.0] * 4, ["new", "a", "a", "a"], ["law", None, "law", "art"])
    np.testing.assert_allclose(p, [0.4, 0.5, 0.55, 0.5])


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.floats(-5, 5),
            st.floats(0, 1),
            st.sampled_from("ab"),
            st.sampled_from(["law", "art", None]),
        ),
        min_size=1,
        max_size=60,
    ),
    rising=st.booleans(),
)
def test_every_curve_is_monotone_and_within_0_and_1(rows: list[tuple[Any, ...]], rising: bool) -> None:
    signal, score, models, domains = (list(column) for column in zip(*rows, strict=True))
    fit = fit_calibration(signal, score, models, domains, rising=rising)
    assert ((fit.left_out >= 0) & (fit.left_out <= 1)).all()
    for model in ("a", "b", "new"):
        for domain in ("law", "art", None):
            p = fit.calibration.predict(GRID, [model] * 41, [domain] * 41)
            assert ((p >= 0) & (p <= 1)).all()
            assert (np.diff(p if rising else -p) >= -1e-12).all()


def test_a_constant_signal_gives_the_mean() -> None:
    score = [1.0] * 30 + [0.0] * 10
    found = fit_calibration([0.3] * 40, score, ["a"] * 40, ["law"] * 40).calibration
    np.testing.assert_allclose(found.predict([-1.0, 0.3, 9.0], ["a"] * 3, ["law"] * 3), 0.75)


def test_more_answers_lower_the_brier_score() -> None:
    signal, _, p = answers(4000, 0)
    mean = [
        np.mean([brier(_fitted(n, seed).predict(signal, ["a"] * 4000), p) for seed in range(1, 6)])
        for n in (30, 300, 3000)
    ]
    assert mean[0] > 2 * mean[1] > 4 * mean[2]


def _fitted(n: int, seed: int) -> Calibration:
    return fit_calibration(*answers(n, seed)[:2], ["a"] * n).calibration


def test_a_model_seldom_seen_leans_on_the_others_and_one_often_seen_on_itself() -> None:
    """Three alike models, of which one was seen on 15 prompts, and one for which the signal is worth less."""
    parts = [("a", *answers(600, 1)), ("b", *answers(600, 2)), ("few", *answers(15, 3))]
    signal, score = (np.concatenate([part[at] for part in parts]) for at in (1, 2))
    models = [name for name, *columns in parts for _ in columns[0]]
    found = fit_calibration(signal, score, models).calibration
    fresh, _, p = answers(2000, 9)
    alone = fit_calibration(parts[2][1], parts[2][2], ["few"] * 15).calibration
    together = brier(found.predict(fresh, ["few"] * 2000), p)
    assert together < 0.2 * brier(alone.predict(fresh, ["few"] * 2000), p)


def test_models_and_domains_that_differ_keep_their_own_curves() -> None:
    low, high = answers(1500, 1, shift=-3), answers(1500, 2, shift=3)
    signal, score, truth = (np.concatenate(pair) for pair in zip(low, high, strict=True))
    names, one = ["low"] * 1500 + ["high"] * 1500, ["one"] * 3000
    for models, domains in ((names, None), (one, names)):
        fit = fit_calibration(signal, score, models, domains)
        assert fit.calibration.strength <= 30
        assert brier(fit.left_out, truth) < 0.01
        pooled = fit_calibration(signal, score, one)
        assert brier(fit.left_out, truth) < 0.1 * brier(pooled.left_out, truth)


def test_what_is_left_out_has_not_seen_the_prompt() -> None:
    """Scores by chance, the same twice a prompt: isotonic regression learns them by heart."""
    rng = np.random.default_rng(0)
    signal, score = np.repeat(rng.random(200), 2), np.repeat(rng.integers(0, 2, 200), 2).astype(float)
    ids = [str(at // 2) for at in range(400)]
    fit = fit_calibration(signal, score, ["a"] * 400, prompt_ids=ids)
    assert brier(fit.calibration.predict(signal, ["a"] * 400), score) < 0.25 < brier(fit.left_out, score)


def test_it_makes_the_round_trip_through_json() -> None:
    signal, score, _ = answers(200, 4)
    models, domains = ["a", "b"] * 100, ["law", None, "art", "law"] * 50
    found = fit_calibration(signal, score, models, domains, rising=False).calibration
    again = Calibration.from_dict(json.loads(json.dumps(found.to_dict())))
    np.testing.assert_array_equal(
        again.predict(signal, models, domains), found.predict(signal, models, domains)
    )


def test_a_missing_signal_has_no_probability() -> None:
    found = fit_calibration([0.0, 1.0], [0.0, 1.0], ["a", "a"]).calibration
    assert np.isnan(found.predict([float("nan"), 0.5], ["a", "new"])).tolist() == [True, False]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": 2}, "format 1"),
        ({"models": None}, "not whole"),
        ({"strength": -1}, "strength must be"),
        ({"rising": "no"}, "rising must be"),
        ({"overall": {"n": 2, "signal": [0, 1], "p_correct": [0.5, 0.4]}}, "never falls"),
        ({"overall": {"n": 2, "signal": [0, 0], "p_correct": [0.4, 0.5]}}, "ascending"),
        ({"overall": {"n": 2, "signal": [], "p_correct": []}}, "must have points"),
        ({"overall": {"n": 2, "signal": [0], "p_correct": [1.5]}}, "within 0 and 1"),
        ({"overall": {"n": 2, "signal": [0, 1], "p_correct": [0.5]}}, "lengths must agree"),
        ({"overall": {"signal": [0], "p_correct": [0.5]}}, "not whole"),
    ],
)
def test_a_broken_file_is_refused(change: dict[str, Any], says: str) -> None:
    saved = Calibration(Curve(1, np.zeros(1), np.ones(1))).to_dict() | change
    with pytest.raises(InputError, match=says):
        Calibration.from_dict(saved)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: fit_calibration([], [], []), "at least one answer"),
        (
            lambda: fit_calibration([float("nan")], [1.0], ["a"]),
            r"signal\[0\] must be a finite number, got nan",
        ),
        (lambda: fit_calibration([1.0], [1.5], ["a"]), "score.*within 0 and 1"),
        (lambda: fit_calibration([1.0], [1.0], ["a", "b"]), "lengths must agree"),
        (lambda: fit_calibration([1.0], [1.0], ["a"], ["law", "art"]), "domain"),
        (lambda: fit_calibration([1.0], [1.0], ["a"], prompt_ids=[]), "lengths must agree"),
        (lambda: _fitted(30, 0).predict([float("inf")], ["a"]), "or NaN where there is none"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(call: Callable[[], object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        call()
