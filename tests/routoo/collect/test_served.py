"""Collecting from a server over HTTP, whatever it answers, and however its runs end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from answering_server import ANSWERS, FAULTS
from kill_collections import bill, server

from routoo.collect.collect import collect
from routoo.data.call import Call
from routoo.data.errors import MissingExtraError
from routoo.data.pool import Pool, PoolModel
from routoo.members.calling import Retries

FUZZ = Path(__file__).parents[2] / "fuzz"
AGAIN = ("429", "429-after", "500", "broken", "closed", "empty")
"""After what a request is made again."""

REASONS = {
    "null": "no answer",
    "filter": "a content filter of the provider left no answer",
    "429-always": "the provider was asked too often (429)",
    "429-after-always": "the provider was asked too often (429)",
    "500-always": "the provider failed (500)",
    "broken-always": "the connection broke, or what came cannot be read",
    "closed-always": "the connection broke, or what came cannot be read",
    "empty-always": "the provider gave an empty answer",
}
"""Why there is no score."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with server(keys=False) as found:
        yield found


def _pool(address: str, **limits: Any) -> Pool:
    call = Call(kind="provider", model="openai/small", api_base=f"{address}/v1", max_tokens=10)
    return Pool((PoolModel(name="small", usd_per_1m_input=1, usd_per_1m_output=1, call=call, **limits),))


def test_every_prompt_is_scored_or_has_a_reason(
    address: str,
    tmp_path: Path,
    jumping: Any,  # Any: a clock of the conftest
) -> None:
    faults = sorted({*FAULTS, *REASONS})
    prompts = pl.DataFrame(
        {
            "prompt_id": faults,
            "prompt": [f"What is {n}? [{fault}]" for n, fault in enumerate(faults)],
            "answer": [str(n) for n in range(len(faults))],
        }
    )
    before = bill(address)["usd"]
    collected = collect(
        prompts,
        _pool(address),
        tmp_path / "collected",
        budget_usd=1,
        grader="number",
        retries=Retries(tries=3),
        clock=jumping.clock,
    )
    billed = bill(address)
    assert collected.answers is not None
    assert collected.outcomes is not None
    known = collected.answers.rows.select("prompt_id", "error", "finish_reason").rows_by_key("prompt_id")
    scored = set(collected.outcomes.outcomes["prompt_id"])
    assert scored == set(faults) - set(REASONS)
    assert collected.outcomes.outcomes["score"].unique().to_list() == [1.0]
    assert known.keys() == set(faults)
    reasons = pl.Series(list(REASONS.values())).value_counts().rows()
    assert collected.models["small"].unscored == dict(reasons)
    requests = {what.partition("[")[2].rstrip("]"): n for what, n in billed["requests"].items()}
    assert all(requests[fault] == 2 for fault in AGAIN)
    assert all(requests[fault] == 1 for fault in (*ANSWERS.keys() - {"empty"}, "slow"))
    assert billed["usd"] - before <= collected.spent_usd
    assert collected.complete


def test_without_what_calls_providers_nothing_is_set_aside(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise MissingExtraError("pip install 'routoo[providers]'")

    monkeypatch.setattr("routoo.collect.collection.load", missing)
    prompts = pl.DataFrame({"prompt": ["What is 1?"], "answer": ["1"]})
    with pytest.raises(MissingExtraError):
        collect(prompts, _pool(address), tmp_path / "collected", budget_usd=1, grader="number")
    assert not (tmp_path / "collected").exists()


def test_no_more_calls_are_under_way_than_the_pool_allows(tmp_path: Path) -> None:
    prompts = pl.DataFrame({"prompt": [f"What is {n}?" for n in range(12)], "answer": ["1"] * 12})
    with server(keys=False) as address:
        pool = _pool(address, concurrency=3)
        collected = collect(prompts, pool, tmp_path / "collected", budget_usd=1, grader="number")
        assert bill(address)["most_at_once"] == 3
    assert collected.models["small"].scored == 12


def test_runs_that_are_killed_twenty_times_lose_nothing_and_pay_nothing_twice() -> None:
    command = [sys.executable, str(FUZZ / "kill_collections.py"), "--kills", "20", "--seed", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20 kills, nothing lost" in done.stdout
