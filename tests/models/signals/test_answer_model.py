"""What answers tell: drawn from a known observation model, and found again."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.special import ndtr, ndtri

from routoo.data.errors import InputError
from routoo.data.observation import ObservationModel
from routoo.data.outcomes import Outcomes
from routoo.models.signals.agreement import answer_codes, member_agreement
from routoo.models.signals.answer_model import AnswerModel
from routoo.models.signals.answer_model_fit import fit_answer_model
from routoo.models.signals.calibration import Calibration, Curve
from routoo.models.signals.fusion import Fusion
from routoo.models.signals.generation import Vector

NAN = float("nan")
MODELS = ("twin", "copy", "alone", "silent")
LOADING = np.array([0.7, 0.6, 0.2, -0.1])
SHARES = {True: np.array([0.1, 0.3, 0.6]), False: np.array([0.6, 0.3, 0.1])}
"""Of the values of the signal, of right and of wrong answers."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Outcomes of four models, and what was expected of them.

    Wrong answers are one of four, but `copy` repeats six in ten wrong answers of `twin`. `alone` spells two
    in ten right answers in its own way. `silent` has no signal.
    """

    outcomes: Outcomes
    p_correct: Vector
    score: Vector


def drawn(n: int, seed: int = 0, missing: float = 0.1) -> Drawn:
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.1, 0.9, (n, 4))
    theta = rng.normal(size=(n, 1))
    right = rng.random((n, 4)) < ndtr((ndtri(p) + LOADING * theta) / np.sqrt(1 - LOADING**2))
    wrong = rng.integers(4, size=(n, 4)).astype(str)
    wrong[:, 1] = np.where(rng.random(n) < 0.6, wrong[:, 0], wrong[:, 1])
    answer = np.where(right, "Right.", wrong)
    answer[:, 2] = np.where(right[:, 2] & (rng.random(n) < 0.2), "in my words", answer[:, 2])
    signal = np.where(right, rng.choice(3, (n, 4), p=SHARES[True]), rng.choice(3, (n, 4), p=SHARES[False]))
    rows = [
        {
            "prompt_id": f"{i:05}",
            "model": MODELS[j],
            "score": float(right[i, j]),
            "response": str(answer[i, j]),
            "signal_sequence_log_prob_mean": None if MODELS[j] == "silent" else float(signal[i, j]),
        }
        for i in range(n)
        for j in range(4)
        if rng.random() > missing
    ]
    prompts = pl.DataFrame(
        {"prompt_id": [f"{i:05}" for i in range(n)], "prompt": [f"q {i}" for i in range(n)]}
    )
    return Drawn(Outcomes(prompts, pl.DataFrame(rows)), p, right.astype(float))


@pytest.fixture(scope="module")
def fitted() -> AnswerModel:
    data = drawn(5000)
    found = fit_answer_model(data.outcomes, MODELS, data.p_correct)
    assert found is not None
    return found


def test_the_fit_finds_the_observation_model_that_answers_were_drawn_from(fitted: AnswerModel) -> None:
    found = fitted.observation
    assert found.n_prompts == 5000
    np.testing.assert_allclose(found.loading, LOADING, atol=0.15)
    pairs = np.triu_indices(4, 1)
    shared, true = (np.outer(of, of)[pairs] for of in (found.loading, LOADING))
    np.testing.assert_allclose(shared, true, atol=0.05)
    twin, copy, alone, silent = range(4)
    both = [1, 1, 0.8, 1]
    for a, b, wrong in ((twin, copy, 0.6 + 0.4 / 4), (twin, alone, 0.25), (copy, silent, 0.25)):
        np.testing.assert_allclose(found.agreement[a, b], [wrong, 0, both[a] * both[b]], atol=0.03)
    np.testing.assert_allclose(found.level_right[silent], 1 / 3)
    np.testing.assert_allclose(found.level_wrong[silent], 1 / 3)


def test_levels_are_the_values_of_the_signal_where_there_are_three(fitted: AnswerModel) -> None:
    right, wrong = fitted.observation.level_right, fitted.observation.level_wrong
    np.testing.assert_allclose(right[:3], [SHARES[True]] * 3, atol=0.06)
    np.testing.assert_allclose(wrong[:3], [SHARES[False]] * 3, atol=0.06)


def test_the_log_ratio_is_that_of_the_shares_of_the_signal(fitted: AnswerModel) -> None:
    values, names = [0.0, 1.0, 2.0], ["twin"] * 3
    found = fitted.log_ratio({"sequence_log_prob_mean": values, "refusal": [0.0] * 3}, [0.5] * 3, names)
    np.testing.assert_allclose(found, np.log(SHARES[True] / SHARES[False]), atol=0.25)
    assert fitted.log_ratio({"sequence_log_prob_mean": [NAN]}, [0.3], ["silent"]).tolist() == [0]
    assert fitted.log_ratio({}, [0.3], ["silent"]).tolist() == [0]


def test_graded_scores_and_few_prompts_give_rates_within_bounds() -> None:
    data = drawn(6, missing=0.5)
    outcomes = Outcomes(
        data.outcomes.prompts, data.outcomes.outcomes.with_columns(pl.col("score") * 0.5 + 0.25)
    )
    found = fit_answer_model(outcomes, MODELS, data.p_correct)
    assert found is not None
    tables = found.observation
    for shares in (tables.level_right, tables.level_wrong, tables.agreement):
        assert ((shares > 0) & (shares < 1)).all()


def test_a_model_alone_follows_no_factor() -> None:
    data = drawn(60)
    found = fit_answer_model(data.outcomes.select(["twin"]), ["twin"], data.p_correct[:, :1])
    assert found is not None
    assert found.observation.loading.tolist() == [0]


def test_without_answers_there_is_none() -> None:
    data = drawn(40)
    silent = Outcomes(data.outcomes.prompts, data.outcomes.outcomes.drop("response"))
    assert fit_answer_model(silent, MODELS, data.p_correct) is None


def test_an_answer_that_is_empty_is_known_to_be_wrong() -> None:
    data = drawn(2000)
    rng = np.random.default_rng(1)
    empty = (pl.Series(rng.random(len(data.outcomes.outcomes)) < 0.3)) & (pl.col("score") == 0)
    said = pl.when(empty).then(pl.lit("")).otherwise(pl.col("response"))
    rows = data.outcomes.outcomes.with_columns(response=said).drop("signal_sequence_log_prob_mean")
    found = fit_answer_model(Outcomes(data.outcomes.prompts, rows), MODELS, data.p_correct)
    assert found is not None
    assert found.signals == ("answered",)
    none, some = found.log_ratio({"answered": [0.0, 1.0]}, [0.5, 0.5], ["twin", "twin"])
    assert none < -3
    assert some == pytest.approx(-np.log(0.7), abs=0.1)


def test_without_signals_agreement_is_fitted_alone() -> None:
    data = drawn(40)
    outcomes = Outcomes(data.outcomes.prompts, data.outcomes.outcomes.drop("signal_sequence_log_prob_mean"))
    found = fit_answer_model(outcomes, MODELS, data.p_correct)
    assert found is not None
    assert (found.signals, found.fusion) == ((), None)
    np.testing.assert_allclose(found.observation.level_right, 1 / 3)
    assert found.log_ratio({"refusal": [1.0]}, [0.5], ["twin"]).tolist() == [0]


def test_answers_have_the_same_number_where_two_members_agree() -> None:
    rows: list[list[str | None]] = [
        ["The cat", "cat", "dog", None],
        ["", "  ", "3.5", "3,5"],
        ["Cat!", "a dog", "35", "3.5"],
    ]
    codes = answer_codes(rows)
    assert codes.shape == (3, 4)
    for row, numbers in zip(rows, codes, strict=True):
        for a, first in zip(row, numbers, strict=True):
            for b, second in zip(row, numbers, strict=True):
                same = a is not None and b is not None and member_agreement(a, b) == 1
                assert (first == second and first >= 0) == same
    assert answer_codes([]).shape == (0, 0)


def test_it_makes_the_round_trip_through_json(fitted: AnswerModel) -> None:
    again = AnswerModel.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again.to_dict() == fitted.to_dict()
    signals = {"sequence_log_prob_mean": [0.0, 1.5, 2.0]}
    args = (signals, [0.2, 0.5, 0.9], ["twin", "alone", "new"])
    np.testing.assert_array_equal(again.log_ratio(*args), fitted.log_ratio(*args))


def test_those_of_some_models_keep_their_order(fitted: AnswerModel) -> None:
    some = fitted.select(["alone", "twin"])
    assert some.models == ("alone", "twin")
    assert some.observation.agreement[0, 1].tolist() == fitted.observation.agreement[2, 0].tolist()
    with pytest.raises(InputError, match="none of"):
        fitted.select(["none of these"])


def _small() -> AnswerModel:
    levels = np.ones((1, 1))
    observation = ObservationModel(("a",), np.zeros(1), levels, levels, np.ones((1, 1, 3)))
    curve = Curve(10, np.array([0.0, 2.0]), np.array([0.25, 0.75]))
    return AnswerModel(observation, {"refusal": Calibration(curve)}, Fusion((0.0, 1.0, 1.0)))


def test_the_log_ratio_by_hand() -> None:
    """Odds of 3 by the signal at weight 1, those before taken out again."""
    found = _small().log_ratio({"refusal": [2.0, NAN]}, [0.9, 0.9], ["a", "a"])
    np.testing.assert_allclose(found, [np.log(3), 0])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": 0}, "format 1"),
        ({"fusion": None}, "joins 0 signals, and 1"),
        ({"calibrations": {"refusal": 1}}, "calibrations"),
        ({"observation": None}, "observation model"),
    ],
)
def test_a_broken_file_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        AnswerModel.from_dict(_small().to_dict() | change)


def test_a_saved_one_that_lacks_a_part_is_refused() -> None:
    saved = _small().to_dict()
    saved.pop("fusion")
    with pytest.raises(InputError, match="lacks 'fusion'"):
        AnswerModel.from_dict(saved)


def test_signals_of_another_number_of_answers_are_refused() -> None:
    with pytest.raises(InputError, match="lengths must agree"):
        _small().log_ratio({"refusal": [1.0]}, [0.5, 0.5], ["a", "a"])
    with pytest.raises(InputError, match="joins 1 signals"):
        replace(_small(), calibrations={})
