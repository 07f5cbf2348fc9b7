"""The quantile rule: its modes by hand, its share, its budget, and that it goes on where it was saved."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.errors import InputError
from routoo.solver.cascade.quantile import QuantileRule
from routoo.solver.cascade.replay import Vector, replay

COSTS = st.floats(0.01, 5)


def asked(rule: QuantileRule, signal: float, small: float, large: float) -> tuple[bool, bool]:
    """Whether each model was asked, of a prompt on which they cost this and no more."""
    at_prompt = signal if rule.reads == "prompt" else None
    step = rule.begin(at_prompt, small_most=small, large_most=large)
    if step in ("small", "read"):
        rule.pay("small", small)
    escalated = step == "large" or (step == "read" and rule.escalates(signal, large_most=large))
    if escalated:
        rule.pay("large", large)
    return step in ("small", "read"), escalated


def stream(rule: QuantileRule, signal: Vector, small: Vector, large: Vector) -> list[tuple[bool, bool]]:
    return [asked(rule, *row) for row in zip(signal.tolist(), small.tolist(), large.tolist(), strict=True)]


def test_modes_by_hand() -> None:
    """Costs 1 and 5: 10 prompts at 9 leave one out, at 10 are frugal, at 11 are read, at 50 are rich."""

    def first(budget: float, **options: Any) -> str:
        return QuantileRule(budget, 10, small_cost=1, large_cost=5, **options).begin()

    assert [first(budget) for budget in (0.5, 9, 10, 11, 49, 50)] == [
        "none", "small", "small", "read", "read", "large",
    ]  # fmt: skip
    assert first(50, large_better=False) == "read"


def test_the_twenty_first_signal_is_the_first_to_be_judged() -> None:
    """A share of one half of 21 signals: below the tenth of 20 steps, so the rank must be 0 to 9."""
    for rank, expected in ((0, True), (9, True), (10, False), (20, False)):
        rule = QuantileRule(3000, 1000, small_cost=1, large_cost=4)
        others = [float(at) for at in range(21) if at != rank]
        assert not any(escalated for _, escalated in (asked(rule, x, 1, 4) for x in others))
        assert asked(rule, rank, 1, 4) == (True, expected)


@pytest.mark.parametrize("hold_back", [True, False])
def test_an_escalation_leaves_the_small_model_for_the_rest(hold_back: bool) -> None:
    """30 prompts, 10 spare: an escalation of 11 takes the last prompt's money, unless that is held back."""
    rule = QuantileRule(40, 30, small_cost=1, large_cost=11, large_better=False, hold_back=hold_back)
    found = stream(rule, -np.arange(30.0), np.ones(30), np.full(30, 11.0))
    assert sum(large for _, large in found) == (0 if hold_back else 1)
    assert found[-1][0] is hold_back


@settings(max_examples=150, deadline=None)
@given(data=st.data(), n=st.integers(1, 60), reads=st.sampled_from(["answer", "prompt"]))
def test_the_budget_holds_and_the_replay_decides_alike(data: st.DataObject, n: int, reads: str) -> None:
    """Any costs and signals in any order, ties included, at five budgets, means given or learned."""
    signal = np.array(
        data.draw(st.lists(st.integers(-2, 2) | st.floats(-2, 2), min_size=n, max_size=n)), float
    )
    small, large = (np.array(data.draw(st.lists(COSTS, min_size=n, max_size=n))) for _ in range(2))
    means = data.draw(st.none() | st.tuples(COSTS, COSTS))
    options: dict[str, Any] = {
        "reads": reads,
        "hold_back": data.draw(st.booleans()),
        "large_better": data.draw(st.booleans()),
    }
    budgets = np.linspace(0, 1.2, 5) * (small.sum() + large.sum())
    found = replay(signal, small, large, budgets, means=means, **options)
    assert (found.spent <= budgets * (1 + 1e-9)).all()
    for at, budget in enumerate(budgets):
        c1, c2 = means or (None, None)
        rule = QuantileRule(float(budget), n, small_cost=c1, large_cost=c2, **options)
        assert stream(rule, signal, small, large) == [
            (bool(s), bool(b)) for s, b in zip(found.small[:, at], found.large[:, at], strict=True)
        ]
        assert rule.spent == found.spent[at]


@pytest.mark.parametrize("reads", ["answer", "prompt"])
@pytest.mark.parametrize("values", [None, 2, 3])
@pytest.mark.parametrize("share", [0.1, 0.4, 0.7])
def test_the_target_share_is_reached(reads: str, values: int | None, share: float) -> None:
    """Of 4,000 prompts, whether signals are all different or two or three; the large model costs 4."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=4000) if values is None else rng.integers(values, size=4000).astype(float)
    each = 1 + share * (4 if reads == "answer" else 3)
    found = replay(
        signal, np.ones(4000), np.full(4000, 4.0), np.array([4000 * each]), means=(1, 4), reads=reads
    )
    first = slice(0, 3600)  # before what is left over is spent
    assert found.large[first].mean() == pytest.approx(share, abs=0.02)
    assert found.spent[0] == pytest.approx(4000 * each, rel=0.01)


def test_of_equal_signals_all_lower_ones_go_first() -> None:
    rng = np.random.default_rng(1)
    signal = rng.integers(3, size=3000).astype(float)
    found = replay(signal, np.ones(3000), np.full(3000, 4.0), np.array([3000 * 3.0]), means=(1, 4))
    shares = [found.large[100:2700, 0][signal[100:2700] == value].mean() for value in range(3)]
    assert shares == pytest.approx([1, 0.5, 0], abs=0.05)


@pytest.mark.parametrize("saved_at", [5, 40])
def test_a_saved_rule_goes_on_as_it_would_have(saved_at: int) -> None:
    rng = np.random.default_rng(2)
    signal, small, large = rng.normal(size=80), rng.random(80), 3 * rng.random(80)
    whole = QuantileRule(100, 80)
    expected = stream(whole, signal, small, large)
    rule = QuantileRule(100, 80)
    found = stream(rule, signal[:saved_at], small[:saved_at], large[:saved_at])
    rule = QuantileRule.from_dict(json.loads(json.dumps(rule.to_dict())))
    found += stream(rule, signal[saved_at:], small[saved_at:], large[saved_at:])
    assert found == expected
    assert rule.to_dict() == whole.to_dict()


def test_calls_under_way_count_as_spent_where_a_rule_is_saved() -> None:
    rule = QuantileRule(10, 5, small_cost=1, large_cost=3)
    rule.hold(3)
    assert QuantileRule.from_dict(rule.to_dict()).free == rule.free == 7
    rule.pay("large", 2, held=3)
    assert rule.free == 8


def test_what_cannot_be_used_is_refused() -> None:
    with pytest.raises(InputError, match="n_prompts must be a whole number of at least 1"):
        QuantileRule(1, 0)
    with pytest.raises(InputError, match="give small_most"):
        QuantileRule(1, 1).begin()
    with pytest.raises(InputError, match="read off the answer"):
        QuantileRule(1, 1, small_cost=1, large_cost=2).begin(0.5)
    with pytest.raises(InputError, match="finite"):
        QuantileRule(1, 1, small_cost=1, large_cost=2).escalates(float("inf"))
    saved = QuantileRule(1, 1).to_dict()
    for broken in ({}, {**saved, "format": 0}, {**saved, "spent": "1"}, {**saved, "signals": [float("nan")]}):
        with pytest.raises(InputError):
            QuantileRule.from_dict(broken)
    del saved["paid"]
    with pytest.raises(InputError, match="not whole"):
        QuantileRule.from_dict(saved)
