"""The shipped record of dialogues is what it says."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from routoo.collect.graders.grader import Reference
from routoo.collect.graders.registry import grader_of
from routoo.data.outcomes import Outcomes
from routoo.lab.dialogues.corpus import recorded_turns
from routoo.lab.dialogues.members import MEMBERS
from routoo.lab.dialogues.shipped import RECORD, lab_dialogues
from routoo.orchestra.joint_goal import joint_goal

_MOST_BYTES = 200_000


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    return lab_dialogues()


def test_the_turns_are_those_that_are_generated(outcomes: Outcomes) -> None:
    expected = recorded_turns().filter(pl.col("prompt_id").is_in(outcomes.prompt_ids)).sort("prompt_id")
    assert outcomes.prompts.select(expected.columns).equals(expected)
    test = outcomes.part("test").prompts
    whole = recorded_turns().filter(pl.col("dialogue").is_in(test["dialogue"].unique().implode()))
    assert sorted(whole["prompt_id"]) == sorted(test["prompt_id"])


def test_small_and_large_answered_every_turn(outcomes: Outcomes) -> None:
    assert set(outcomes.models) == set(MEMBERS)
    coverage = outcomes.coverage()
    assert coverage["smol-turns"] == coverage["qwen-1.5b-turns"] == 1
    assert outcomes.part("test").coverage()["qwen-0.5b-turns"] > 0.5
    shipped = (files("routoo.lab.dialogues") / RECORD).iterdir()
    assert sum(Path(str(file)).stat().st_size for file in shipped) < _MOST_BYTES


def test_scores_are_what_the_grader_says_and_joint_goals_are_scores(outcomes: Outcomes) -> None:
    score, said = outcomes.to_matrices().score, outcomes.responses()
    for row, (prompt, answer, spec) in enumerate(
        outcomes.prompts.select("prompt", "answer", "grader").head(60).iter_rows()
    ):
        grader, reference = grader_of(spec), Reference(prompt, (answer,))
        found = [grader.grade(text, reference).score for text in said[row] if text is not None]
        assert found == score[row, ~np.isnan(score[row])].tolist()
    for column in range(len(outcomes.models)):
        goal = joint_goal(outcomes, np.full(len(outcomes), column))
        np.testing.assert_array_equal(goal.turn, score[:, column] == 1)  # NaN where it was not asked


def test_the_members_are_worth_routing_between(outcomes: Outcomes) -> None:
    score = outcomes.to_matrices(("smol-turns", "qwen-1.5b-turns")).score
    assert score.max(1).mean() > score.mean(0).max() + 0.05
