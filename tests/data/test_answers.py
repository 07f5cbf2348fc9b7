"""Answers are checked on entry, make the round trip, and graded they are outcomes like any other."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from routoo.data.answers import Answers
from routoo.data.errors import InputError
from routoo.data.grade import Grade
from routoo.data.outcomes import Outcomes

PROMPTS = pl.DataFrame(
    {"prompt_id": ["a", "b"], "prompt": ["2 + 2?", "Name a river."], "answer": ["4", None]}
)
ROWS: dict[str, Any] = {
    "prompt_id": ["b", "a", "a"],
    "model": ["small", "small", "small"],
    "sample": [0, 1, 0],
    "answer": [None, "5", "4"],
    "output_tokens": [0, 3, 1],
    "cost_usd": [0.1, 0.3, 0.1],
    "latency_s": [1.0, 4.0, 2.0],
    "latency_first_s": [None, 1.0, 0.5],
    "finish_reason": ["content_filter", "stop", "stop"],
    "signal_margin": [None, -2.5, 1.5],
}
GRADES = [Grade(1), Grade(0), Grade(None, "no answer")]


def answers_of(**changed: Any) -> Answers:
    """Three answers of one model, with these columns put in their place."""
    return Answers(pl.DataFrame({**ROWS, **changed}))


def test_rows_are_sorted_and_signals_may_be_negative() -> None:
    answers = answers_of()
    assert answers.rows.select("prompt_id", "sample", "answer").rows() == [
        ("a", 0, "4"),
        ("a", 1, "5"),
        ("b", 0, None),
    ]
    assert (answers.models, answers.signals, len(answers)) == (("small",), ("signal_margin",), 3)
    assert answers.rows["signal_margin"].to_list() == [1.5, -2.5, None]


def test_without_numbers_of_samples_each_answer_is_the_first() -> None:
    rows = pl.DataFrame({"prompt_id": ["a"], "model": [" small "], "answer": [4]})
    assert Answers(rows).rows.to_dicts() == [{"prompt_id": "a", "model": "small", "answer": "4", "sample": 0}]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sample": [0, 0, 0]}, r"\(prompt_id, model, sample\) is repeated: 2 of 3 rows.*number the samples"),
        ({"sample": [0.0, 0.5, 1.0]}, "sample is no whole number from 0 on: 1 of 3 rows, such as row 2"),
        ({"sample": [0.0, 1e300, 1.0]}, "sample is no whole number"),
        ({"sample": [0, -1, 1]}, "sample is negative"),
        ({"sample": [0, None, 1]}, "sample is null"),
        ({"sample": ["x", "1", "2"]}, "answers: sample must be a whole number"),
        ({"prompt_id": ["a", None, "b"]}, "prompt_id is null"),
        ({"model": ["m", " ", "m"]}, "model is blank"),
        ({"answer": [["x"], ["y"], ["z"]]}, "answer must be text or a number, got a list"),
        ({"cost_usd": [0.1, -1, 0.1]}, "cost_usd is negative"),
        ({"latency_first_s": [math.inf, 1, 1]}, "latency_first_s is negative, NaN or infinite"),
        ({"signal_margin": [math.nan, 1.0, 1.0]}, "signal_margin is NaN or infinite"),
        ({"signal_margin": ["high", "1", "1"]}, "signal_margin must be a number"),
        ({"score": [1, 0, 1]}, "score is a column of outcomes"),
    ],
)
def test_a_fault_is_named(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        answers_of(**changed)


def test_what_is_no_table_of_answers_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected a polars\.DataFrame, got list"):
        Answers([])  # type: ignore[arg-type]  # what a caller may give
    with pytest.raises(InputError, match="missing columns answer"):
        Answers(pl.DataFrame({"prompt_id": ["a"], "model": ["m"]}))
    with pytest.raises(InputError, match="at least one row"):
        Answers(pl.DataFrame(schema={"prompt_id": pl.String, "model": pl.String, "answer": pl.String}))


def test_parquet_makes_the_round_trip(tmp_path: Path) -> None:
    answers = answers_of(note=["x", "y", "z"])
    answers.write(tmp_path / "lab.parquet")
    again = Answers.read(tmp_path / "lab.parquet")
    assert again.rows.equals(answers.rows)
    assert again.rows.schema == answers.rows.schema
    assert again.name == "lab"


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        Answers.read(tmp_path / "none.parquet")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"cut\.parquet: cannot be read as Parquet"):
        Answers.read(tmp_path / "cut.parquet")
    pl.DataFrame({"prompt_id": ["a"]}).write_parquet(tmp_path / "other.parquet")
    with pytest.raises(InputError, match=r"other\.parquet: answers: missing columns model, answer"):
        Answers.read(tmp_path / "other.parquet")


def test_the_first_sample_graded_is_an_outcome_and_what_has_no_score_is_counted() -> None:
    remarks: list[str] = []
    outcomes = answers_of().graded(GRADES, PROMPTS, on_remark=remarks.append)
    (row,) = outcomes.outcomes.to_dicts()
    assert (row["prompt_id"], row["score"], row["response"], row["sample"]) == ("a", 1.0, "4", 0)
    assert row["latency_first_s"] == 0.5
    assert remarks == ["1 of 2 answers have no score: 1 no answer"]
    assert outcomes.prompts["answer"].to_list() == ["4", None]


def test_the_mean_over_samples_is_over_those_with_a_score() -> None:
    outcomes = answers_of().graded(GRADES, PROMPTS, samples="mean").outcomes
    (row,) = outcomes.to_dicts()
    assert (row["score"], row["output_tokens"], row["latency_s"]) == (0.5, 2.0, 3.0)
    assert row["cost_usd"] == pytest.approx(0.2)
    assert (row["response"], row["finish_reason"]) == (None, "stop")
    half = [Grade(1), Grade(None, "no number"), Grade(None, "no answer")]
    assert answers_of().graded(half, PROMPTS, samples="mean").outcomes["score"].to_list() == [1.0]


def test_grades_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="one an answer: expected 3, got 1"):
        answers_of().graded(GRADES[:1], PROMPTS)
    with pytest.raises(InputError, match=r"grades\[0\] must be Grade, got a number"):
        answers_of().graded([1.0] * 3, PROMPTS)  # type: ignore[list-item]  # what a caller may give
    with pytest.raises(InputError, match="answers: no answer has a score: 2 no number"):
        answers_of().graded([Grade(None, "no number")] * 3, PROMPTS)
    with pytest.raises(InputError, match="samples must be one of first, mean"):
        answers_of().graded(GRADES, PROMPTS, samples="last")  # type: ignore[arg-type]  # what a caller may give
    with pytest.raises(InputError, match="prompt_id is not among the prompts"):
        answers_of(prompt_id=["b", "z", "z"]).graded([Grade(1)] * 3, PROMPTS)


@pytest.mark.parametrize(
    ("score", "words"), [(1.5, "at most 1"), (math.nan, "score must be"), (True, "score")]
)
def test_a_grade_is_a_score_or_a_reason(score: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Grade(score)
    with pytest.raises(InputError, match="needs a reason"):
        Grade(None)


def test_outcomes_of_answers_are_read_like_any_other(tmp_path: Path) -> None:
    outcomes = answers_of().graded(GRADES, PROMPTS)
    outcomes.write(tmp_path / "folder")
    again = Outcomes.read(tmp_path / "folder")
    assert again.outcomes.equals(outcomes.outcomes)
    np.testing.assert_array_equal(again.to_matrices().latency_s, [[2.0], [math.nan]])


def test_columns_of_answers_stay_with_the_outcomes_of_a_tidy_file(tmp_path: Path) -> None:
    asked = {"prompt_id": ["a", "b"], "prompt": ["2 + 2?", "River?"], "model": ["m", "m"]}
    rows = {
        **asked,
        "score": [1, 0],
        "sample": [0, 0],
        "latency_first_s": [0.5, 0.5],
        "confidence_margin": [0.9, 0.8],
        "signal_margin": [1.0, -1.0],
        "finish_reason": ["stop", "stop"],
    }
    pl.DataFrame(rows).write_parquet(tmp_path / "tidy.parquet")
    found = Outcomes.read(tmp_path / "tidy.parquet")
    assert found.prompts.columns == ["prompt_id", "prompt"]
    assert {"sample", "latency_first_s", "confidence_margin", "signal_margin"} <= set(found.outcomes.columns)


def test_a_folder_may_call_the_text_of_an_answer_answer(tmp_path: Path) -> None:
    rows = pl.DataFrame({"prompt_id": ["a"], "model": ["m"], "score": [1], "answer": ["4"]})
    Outcomes(PROMPTS, rows).write(tmp_path / "folder")
    assert Outcomes.read(tmp_path / "folder").outcomes["answer"].to_list() == ["4"]
