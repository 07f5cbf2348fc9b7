"""Signals that were recorded beside outcomes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.models.signals.answer_signals import answer_signals
from routoo.models.signals.recorded import recorded_signal


def outcomes(**columns: Sequence[float | str | None]) -> Outcomes:
    prompts = pl.DataFrame({"prompt_id": ["a", "b", "c"], "prompt": ["1?", "2?", "3?"]})
    rows = {"prompt_id": ["a", "b", "c"], "model": ["m"] * 3, "score": [0.0, 1.0, 1.0], **columns}
    return Outcomes(prompts, pl.DataFrame(rows, strict=False), "runs")


def test_answers_without_the_signal_are_left_out() -> None:
    found = recorded_signal(outcomes(signal_margin=[None, 2.0, -1.0]), "margin")
    assert found.prompt_ids == ["b", "c"]
    assert found.signal.tolist() == [2.0, -1.0]
    assert found.score.tolist() == [1.0, 1.0]
    assert found.domains == [None, None]


@pytest.mark.parametrize(("name", "low"), [("sequence_log_prob_mean", 0), ("refusal", 2)])
def test_a_signal_is_calibrated_in_its_own_direction(name: str, low: int) -> None:
    score = [0.0, 1.0, 1.0] if name != "refusal" else [1.0, 1.0, 0.0]
    found = outcomes(**{f"signal_{name}": [0.0, 0.5, 1.0]})
    found = Outcomes(found.prompts, found.outcomes.with_columns(score=pl.Series(score, dtype=pl.Float32)))
    calibration = recorded_signal(found, name).calibrated().calibration
    p = calibration.predict(np.array([0.0, 0.5, 1.0]), ["m"] * 3, None)
    assert int(np.argmin(p)) == low


def test_a_signal_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(InputError, match="runs has no signal margin; it has refusal"):
        recorded_signal(outcomes(signal_refusal=[0.0, 0.0, 1.0]), "margin")


def test_signals_of_answers_are_recorded_or_read_off_the_text() -> None:
    rows = outcomes(
        signal_refusal=[0.0, None, 1.0], signal_strange=["a", "b", "c"], response=["4", None, "..."]
    )
    cells = rows.outcomes.select("prompt_id", "model").rows()
    found = answer_signals(rows, rows.models)
    assert set(found) == {"refusal", "answered"}
    at = [(rows.prompt_ids.index(prompt), rows.models.index(model)) for prompt, model in cells]
    np.testing.assert_array_equal([found["refusal"][cell] for cell in at], [0, np.nan, 1])
    np.testing.assert_array_equal([found["answered"][cell] for cell in at], [1, 0, 0])
    assert np.isnan(found["answered"]).sum() == found["answered"].size - 3


def test_a_signal_of_no_answer_is_refused() -> None:
    with pytest.raises(InputError, match="holds no value"):
        recorded_signal(outcomes(signal_margin=[None, None, None]), "margin")
