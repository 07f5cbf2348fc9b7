"""The record refuses what cannot be used, names it, and keeps the rest as it was."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes

PROMPTS: dict[str, Any] = {"prompt_id": ["b", "a"], "prompt": ["Name a river.", "2 + 2?"]}
OUTCOMES: dict[str, Any] = {
    "prompt_id": ["a", "a", "b"],
    "model": ["large", "small", "small"],
    "score": [1.0, 0.0, 0.5],
}


def outcomes_of(prompts: dict[str, Any] | None = None, outcomes: dict[str, Any] | None = None) -> Outcomes:
    """Two prompts and three outcomes, with these columns put in their place."""
    return Outcomes(
        pl.DataFrame({**PROMPTS, **(prompts or {})}), pl.DataFrame({**OUTCOMES, **(outcomes or {})})
    )


def test_rows_are_sorted_by_prompt_and_cells_may_be_missing() -> None:
    outcomes = outcomes_of()
    assert outcomes.prompt_ids == ["a", "b"]
    assert outcomes.models == ("large", "small")
    assert outcomes.coverage() == {"large": 0.5, "small": 1.0}
    np.testing.assert_array_equal(outcomes.to_matrices().score, [[1, 0], [np.nan, 0.5]])
    np.testing.assert_array_equal(outcomes.to_matrices(["small"]).score, [[0], [0.5]])
    assert np.isnan(outcomes.to_matrices().cost_usd).all()
    assert outcomes.to_matrices([]).score.shape == (2, 0)


@pytest.mark.parametrize(
    ("prompts", "outcomes", "words"),
    [
        ({"prompt_id": ["a", "a"]}, {}, "prompt_id is repeated: 2 of 2 rows, such as row 1: prompt_id='a'"),
        ({"prompt_id": ["a", None]}, {}, "prompts: prompt_id is null"),
        ({"prompt": ["x", None]}, {}, "prompts: prompt is null: 1 of 2"),
        ({"prompt": ["x", " \n\t "]}, {}, "prompts: prompt is blank"),
        ({"prompt": ["x", "\0 \0"]}, {}, "prompts: prompt is blank"),
        (
            {"prompt": [["x"], ["y"]]},
            {},
            "prompt, row 1: message 1 must be a mapping with role and content, got",
        ),
        (
            {"prompt": [b"\xff", b"ok"]},
            {},
            "prompt must be text or a list of messages, got bytes; decode them as UTF",
        ),
        ({"split": ["train", "holdout"]}, {}, "split is not one of train"),
        ({"split": ["train", None]}, {}, "split is not one of train"),
        ({}, {"score": [1.0, 0, 1.5]}, "score lies outside 0..1: 1 of 3 rows, such as row 3: prompt_id='b'"),
        ({}, {"score": [1.0, 0, -0.1]}, "score lies outside 0..1"),
        ({}, {"score": [1.0, 0, float("nan")]}, "score lies outside 0..1"),
        ({}, {"score": [1.0, 0, float("inf")]}, "score lies outside 0..1"),
        ({}, {"score": [1.0, 0, None]}, "score is null"),
        (
            {},
            {"score": ["1", "0", "good"]},
            "score must be a number: 1 of 3 rows hold something else, such as row 3: 'good'",
        ),
        ({}, {"prompt_id": ["a", "a", "c"]}, "prompt_id is not among the prompts"),
        ({}, {"model": ["small", "small", "small"]}, r"\(prompt_id, model\) is repeated"),
        ({}, {"model": ["small", None, "small"]}, "model is null"),
        ({}, {"model": ["small", " ", "small"]}, "model is blank"),
        ({}, {"cost_usd": [0.1, float("nan"), 0.1]}, "cost_usd is negative, NaN or infinite"),
        ({}, {"output_tokens": [1, -1, 1]}, "output_tokens is negative"),
        ({}, {"latency_s": [1.0, float("inf"), 1]}, "latency_s is negative, NaN or infinite"),
    ],
)
def test_a_fault_is_named_with_its_count(
    prompts: dict[str, Any], outcomes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        outcomes_of(prompts, outcomes)


def test_missing_columns_and_empty_tables_are_refused() -> None:
    prompts, outcomes = pl.DataFrame(PROMPTS), pl.DataFrame(OUTCOMES)
    with pytest.raises(InputError, match="outcomes: missing columns model, score; found prompt_id"):
        Outcomes(prompts, outcomes.select("prompt_id"))
    with pytest.raises(InputError, match="prompts: missing columns prompt; found prompt_id"):
        Outcomes(prompts.select("prompt_id"), outcomes)
    with pytest.raises(InputError, match="prompts: expected at least one row"):
        Outcomes(prompts.clear(), outcomes)
    with pytest.raises(InputError, match="outcomes: expected at least one row"):
        Outcomes(prompts, outcomes.clear())


def test_the_sample_in_a_message_never_shows_a_prompt() -> None:
    with pytest.raises(InputError) as caught:
        outcomes_of({"prompt_id": ["a", "a"], "prompt": ["my secret", "my other secret"]})
    assert "secret" not in str(caught.value)


def test_columns_named_like_those_of_the_record_do_no_harm() -> None:
    extra = {"row": [7, 7, 7], "column": [0, 0, 0], "index": [1, 2, 3]}
    outcomes = outcomes_of({"row": [5, 6]}, extra)
    np.testing.assert_array_equal(outcomes.to_matrices().score, outcomes_of().to_matrices().score)
    with pytest.raises(InputError, match="score lies outside"):
        outcomes_of({}, {**extra, "score": [1, 2, 3]})


def test_types_are_cast() -> None:
    outcomes = outcomes_of({"prompt_id": [2, 1]}, {"prompt_id": [1, 1, 2], "score": [True, False, True]})
    assert outcomes.prompt_ids == ["1", "2"]
    np.testing.assert_array_equal(outcomes.to_matrices().score, [[1, 0], [np.nan, 1]])


def test_names_of_parts_are_made_one() -> None:
    outcomes = outcomes_of({"split": ["Validation", "TEST"]})
    assert outcomes.prompts["split"].to_list() == ["test", "val"]
    assert outcomes.part("test").prompt_ids == ["a"]
    with pytest.raises(InputError, match="no prompt in train"):
        outcomes.part("train")
    assert outcomes.with_split(seed=5) is outcomes


def test_parts_need_a_split() -> None:
    with pytest.raises(InputError, match="no split column; make one with `with_split`"):
        outcomes_of().part("train")
    split = outcomes_of().with_split(val=0, test=0.5)
    assert sorted(split.prompts["split"]) == ["test", "train"]


def test_select_keeps_every_prompt_and_refuses_unknown_models() -> None:
    chosen = outcomes_of().select(["large"])
    assert (len(chosen), chosen.models) == (2, ("large",))
    with pytest.raises(InputError, match="no outcomes of huge in outcomes; it has large, small"):
        outcomes_of().select(["large", "huge"])


def test_responses_are_placed_by_prompt_and_model() -> None:
    prompts = pl.DataFrame({"prompt_id": ["b", "a"], "prompt": ["2 + 2?", "3 + 3?"]})
    rows = {
        "prompt_id": ["a", "b", "b"],
        "model": ["y", "x", "y"],
        "score": [1, 0, 1],
        "response": [6, None, 4],
    }
    assert Outcomes(prompts, pl.DataFrame(rows)).responses() == [[None, "6"], [None, "4"]]
    assert Outcomes(prompts, pl.DataFrame(rows)).responses(["y"]) == [["6"], ["4"]]
    assert Outcomes(prompts, pl.DataFrame(rows).drop("response")).responses(["y"]) == [[None], [None]]
    listed = pl.DataFrame({**rows, "response": [["6"], ["5"], ["4"]]})
    with pytest.raises(InputError, match="response must be text or a number, got a list"):
        Outcomes(prompts, listed).responses()


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    outcomes = outcomes_of(
        {"domain": ["geography", None]}, {"cost_usd": [0.1, None, 0.2], "note": ["x", "y", "z"]}
    )
    outcomes.write(tmp_path / "set")
    again = Outcomes.read(tmp_path / "set")
    assert again.name == "set"
    assert again.prompts.equals(outcomes.prompts)
    assert again.outcomes.equals(outcomes.outcomes)
    outcomes.write(tmp_path / "set")


def test_writing_leaves_a_folder_of_somebody_else_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"holds other files \(thesis.tex\), which are left alone"):
        outcomes_of().write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("frame", [None, {"prompt_id": ["q1"]}, pl.LazyFrame({"prompt_id": ["q1"]})])
def test_what_is_no_frame_is_refused(frame: object) -> None:
    with pytest.raises(InputError, match=r"prompts: expected a polars\.DataFrame, got"):
        Outcomes(frame, pl.DataFrame())  # type: ignore[arg-type]  # what is refused is no frame


def test_a_value_that_does_not_fit_is_not_quoted() -> None:
    prompts = pl.DataFrame({"prompt_id": ["q1", "q2"], "prompt": ["a", "b"]})
    outcomes = pl.DataFrame({"prompt_id": ["q1", "q2"], "model": ["m", "m"], "score": ["1", "a secret"]})
    with pytest.raises(
        InputError, match="1 of 2 rows hold something else, such as row 2: text of 8 characters"
    ) as caught:
        Outcomes(prompts, outcomes)
    assert "secret" not in str(caught.value)


def test_an_attribute_is_no_column_of_the_outcomes() -> None:
    prompts = pl.DataFrame({"prompt_id": ["a", "b"], "prompt": ["x", "y"], "tags": [["u"], ["v"]]})
    scores = pl.DataFrame({"prompt_id": ["a", "b"], "model": "m", "score": 1.0})
    outcomes = Outcomes(prompts, scores.with_columns(tenant=pl.lit("north"), more=pl.lit([1])))
    for name, words in (
        ("tenant", "tenant is a column of the outcomes; an attribute is a column of the prompts"),
        ("more", "more must be text or a number, got a list"),
        ("tags", "tags must be text or a number, got a list"),
        ("Prompt", r"the prompts have no column Prompt; .*; did you mean prompt\?"),
    ):
        with pytest.raises(InputError, match=words):
            outcomes.attributes([name])
