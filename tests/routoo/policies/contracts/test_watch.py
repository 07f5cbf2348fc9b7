"""Contracts watched on live prompts."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from routoo.data.errors import InputError
from routoo.policies.contracts.contract import Contract
from routoo.policies.contracts.watch import ContractWatch

CONTRACT = Contract(
    share=0.9,
    reference="large",
    confidence=0.95,
    price=3.0,
    prompts=900,
    score=0.8,
    reference_score=0.85,
    margin=0.01,
    cost_usd=1e-3,
    reference_cost_usd=3e-3,
    data="recorded",
    data_sha256="0",
    pool_sha256="1",
    bundle_sha256="2",
)


def told(watch: ContractWatch, draw: np.random.Generator, *, lost: float, prompts: int) -> int | None:
    """After how many prompts there is an alarm; the policy loses so many of what the reference solves."""
    for at in range(1, prompts + 1):
        reference = float(draw.random() < 0.8)
        score = reference * float(draw.random() >= lost)
        if watch.observe(score=score, reference_score=reference):
            return at
    return None


def test_it_is_quiet_while_the_promise_holds_and_loud_when_it_does_not() -> None:
    """At the promise itself, a share of 0.9, the worst that holds; then at 0.7."""
    draw = np.random.default_rng(0)
    alarms = sum(
        told(ContractWatch(CONTRACT, false_alarm=0.2), draw, lost=0.1, prompts=300) is not None
        for _ in range(60)
    )
    assert alarms / 60 < 0.2 + 3 * np.sqrt(0.16 / 60)
    watch = ContractWatch(CONTRACT)
    assert told(watch, draw, lost=0.02, prompts=1000) is None
    assert watch.contract == CONTRACT
    at = told(watch, draw, lost=0.3, prompts=1000)
    assert at is not None
    assert watch.alarm
    told_why = f"the score promised is not kept on live prompts: alarm after {1000 + at:,}, false with "
    assert watch.contract.lapsed == f"{told_why}probability 0.01"
    assert watch.observe(score=1, reference_score=1)
    assert watch.seen == 1000 + at


def test_spend_is_watched_too() -> None:
    watch = ContractWatch(dataclasses.replace(CONTRACT, spend_usd=0.001, prompt_usd=0.01))
    with pytest.raises(InputError, match="promises a spend: give cost_usd"):
        watch.observe(score=1, reference_score=1)
    assert not any(watch.observe(score=1, reference_score=1, cost_usd=0.0009) for _ in range(300))
    assert any(watch.observe(score=1, reference_score=1, cost_usd=0.003) for _ in range(300))
    assert str(watch.contract.lapsed).startswith("the spend promised")


def test_it_goes_on_where_it_was_written_down() -> None:
    draw = np.random.default_rng(1)
    watch = ContractWatch(CONTRACT, false_alarm=0.05)
    told(watch, draw, lost=0.15, prompts=50)
    again = ContractWatch.from_dict(json.loads(json.dumps(watch.to_dict())))
    for one in (watch, again):
        told(one, np.random.default_rng(2), lost=0.15, prompts=30)
    assert again.to_dict() == watch.to_dict()
    assert again.seen == 80
    with pytest.raises(InputError, match="a watch of format 9"):
        ContractWatch.from_dict({"format": 9})


def test_what_it_cannot_use_is_refused() -> None:
    watch = ContractWatch(CONTRACT)
    with pytest.raises(InputError, match="reference_score must be a number of at least 0 and at most 1"):
        watch.observe(score=1, reference_score=2)
    with pytest.raises(InputError, match="contract must be Contract, got a mapping"):
        ContractWatch({})  # type: ignore[arg-type]  # as a caller may
    assert watch.seen == 0
