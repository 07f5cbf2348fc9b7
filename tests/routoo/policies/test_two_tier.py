"""TwoTier on scripted members: what is asked and paid, failures, and streams that were killed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import routoo
from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.errors import CallError, InputError
from routoo.data.request import Request
from routoo.lab.shipped import lab_outcomes
from routoo.members.calling import Retries
from routoo.members.member import OnAnswer
from routoo.members.recorded import RecordedModel
from routoo.policies.two_tier import TwoTierAnswer
from routoo.solver.cascade.quantile import QuantileRule

ONCE = Retries(tries=1)
N = 60


@dataclass
class Scripted:
    """Answers at a price with the signal that its prompt ends in, and fails where it is told to."""

    name: str
    usd: float
    fails: frozenset[str] = frozenset()
    fails_usd: float | None = 0.0
    asked: list[str] = field(default_factory=list)

    def most_usd(self, request: Request) -> float:
        return self.usd

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        self.asked.append(request.prompt_id)
        await asyncio.sleep(0)
        if request.prompt_id in self.fails:
            raise CallError("out of order", cost_usd=self.fails_usd)
        read = {name: float(request.text.split()[-1]) for name in signals}
        return Answer(
            prompt_id=request.prompt_id,
            model=self.name,
            answer=self.name,
            cost_usd=self.usd,
            signals=read,
        )

    def answer(
        self, requests: Sequence[Request], *, signals: Sequence[str] = (), on_answer: OnAnswer | None = None
    ) -> Answers:
        raise NotImplementedError


def pair(**options: Any) -> tuple[Scripted, Scripted]:
    return Scripted("small", 1, **options), Scripted("large", 5)


def text(at: int) -> str:
    return f"signal {(at * 37) % N - 30}"


def run(two_tier: routoo.TwoTier, prompts: Sequence[int] = range(N)) -> list[TwoTierAnswer]:
    return [two_tier.answer(text(at), prompt_id=f"p{at}") for at in prompts]


def summary(came: Sequence[TwoTierAnswer]) -> list[tuple[str, str | None]]:
    return [(each.step, None if each.answer is None else each.answer.answer) for each in came]


def test_it_decides_as_the_rule_does_and_pays_what_calls_cost() -> None:
    small, large = pair()
    two_tier = routoo.TwoTier(150, N, small=small, large=large, small_usd=1, large_usd=5, retries=ONCE)
    came = run(two_tier)
    rule = QuantileRule(150, N, small_cost=1, large_cost=5)
    for at, each in enumerate(came):
        assert each.step == rule.begin()
        escalated = each.step == "large"
        if not escalated:
            rule.pay("small", 1)
        if each.step == "read":
            escalated = rule.escalates(float(text(at).split()[-1]))
        if escalated:
            rule.pay("large", 5)
        assert each.answer is not None
        assert each.answer.answer == ("large" if escalated else "small")
    assert two_tier.spent_usd == rule.spent == sum(each.cost_usd or 0 for each in came) <= 150
    assert two_tier.spent_usd == len(small.asked) + 5 * len(large.asked)
    assert {"read", "large"} <= {each.step for each in came}


def test_the_large_model_gets_low_signals() -> None:
    small, large = pair()
    two_tier = routoo.TwoTier(130, N, small=small, large=large, retries=ONCE)
    came = [each for each in run(two_tier) if each.signal is not None]
    escalated = [each.signal for each in came if each.large is not None]
    kept = [each.signal for each in came[21:] if each.large is None]
    assert escalated
    assert max(s for s in escalated if s is not None) < sum(s for s in kept if s is not None) / len(kept)


def test_a_signal_that_falls_is_turned_around() -> None:
    small, large = pair()
    two_tier = routoo.TwoTier(100, N, small=small, large=large, signal="refusal", retries=ONCE)
    assert two_tier.answer("signal 1").signal == -1


@pytest.mark.parametrize(("fails_usd", "paid"), [(0.25, 0.25), (None, 1.0)])
def test_a_small_model_that_fails_is_paid_as_it_was_and_passed_over(
    fails_usd: float | None, paid: float
) -> None:
    """Where nobody knows what the failure cost, it counts as its most."""
    small, large = pair(fails=frozenset({"p0"}), fails_usd=fails_usd)
    two_tier = routoo.TwoTier(100, N, small=small, large=large, retries=ONCE)
    (came,) = run(two_tier, [0])
    assert (came.step, came.signal) == ("read", None)
    assert came.small is not None
    assert came.small.error == "out of order"
    assert came.answer is not None
    assert came.answer.answer == "large"
    assert two_tier.spent_usd == paid + 5


def test_a_large_model_that_fails_leaves_the_small_answer() -> None:
    small, large = pair()
    large.fails, large.fails_usd = frozenset(f"p{at}" for at in range(N)), 2.0
    two_tier = routoo.TwoTier(150, N, small=small, large=large, retries=ONCE)
    came = run(two_tier)
    assert large.asked
    assert [step for step, _ in summary(came)].count("large") > 0
    assert {answer for _, answer in summary(came)} == {"small"}
    assert two_tier.spent_usd == len(small.asked) + 2 * len(large.asked)


def test_prompts_under_way_together_never_overspend() -> None:
    small, large = pair()
    two_tier = routoo.TwoTier(90.5, N, small=small, large=large, retries=ONCE)

    async def together() -> list[TwoTierAnswer]:
        return await asyncio.gather(*(two_tier.answer_async(text(at)) for at in range(N)))

    came = asyncio.run(together())
    assert all(each.answer is not None for each in came)
    assert two_tier.spent_usd == len(small.asked) + 5 * len(large.asked) <= 90.5


def test_without_money_nobody_is_asked() -> None:
    small, large = pair()
    two_tier = routoo.TwoTier(2.5, N, small=small, large=large, retries=ONCE)
    assert [each.step for each in run(two_tier, range(4))] == ["small", "small", "none", "none"]
    assert len(small.asked) == 2


def test_a_stream_that_was_killed_goes_on_wherever_it_was(tmp_path: Path) -> None:
    """Cut after each line, as a kill would: what was answered is not asked again, and the budget holds."""
    path = tmp_path / "state.jsonl"
    small, large = pair(fails=frozenset({"p7", "p30"}), fails_usd=0.5)
    whole = routoo.TwoTier(150, N, small=small, large=large, state=path, retries=ONCE)
    expected = summary(run(whole))
    whole.close()
    lines = path.read_bytes().splitlines(keepends=True)
    for cut in range(1, len(lines) + 1, 5):
        path.write_bytes(b"".join(lines[:cut]))
        known = [json.loads(line) for line in lines[:cut]]
        before = sum({"small": 1, "large": 5}[line["model"]] for line in known if line["event"] == "try")
        under_way = known[-1]["event"] == "try"
        small, large = pair(fails=frozenset({"p7", "p30"}), fails_usd=0.5)
        again = routoo.TwoTier(150, N, small=small, large=large, state=path, retries=ONCE)
        found = summary(run(again))
        again.close()
        answered = {(line["prompt_id"], line["model"]) for line in known if line.get("row")}
        assert not answered & {(name, member.name) for member in (small, large) for name in member.asked}
        assert before + len(small.asked) + 5 * len(large.asked) - 0.5 * 2 <= 150 + 1
        assert again.spent_usd <= 150
        if not under_way:
            assert found == expected
            assert again.spent_usd == whole.spent_usd


def test_a_line_that_was_cut_off_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    small, large = pair()
    with routoo.TwoTier(150, N, small=small, large=large, state=path, retries=ONCE) as two_tier:
        run(two_tier, range(3))
    *before, paid, _read = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(before) + paid[:-9])
    again = routoo.TwoTier(150, N, small=small, large=large, state=path, retries=ONCE)
    assert again.spent_usd == 3
    run(again, [2])
    assert small.asked == ["p0", "p1", "p2", "p2"]
    assert again.spent_usd == 4


def test_another_stream_and_another_prompt_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    small, large = pair()
    two_tier = routoo.TwoTier(150, N, small=small, large=large, state=path, retries=ONCE)
    run(two_tier, [0])
    with pytest.raises(InputError, match="prompt_id p0 was that of another prompt"):
        two_tier.answer("signal 9", prompt_id="p0")
    with pytest.raises(InputError, match="every prompt needs a prompt_id"):
        two_tier.answer("signal 9")
    other = routoo.TwoTier(150, N, small=small, large=large, state=path)
    with pytest.raises(InputError, match="another run writes it"):
        run(other, [1])
    assert small.asked == ["p0"]
    two_tier.close()
    with pytest.raises(InputError, match="another budget"):
        routoo.TwoTier(151, N, small=small, large=large, state=path)
    with pytest.raises(InputError, match="another member"):
        routoo.TwoTier(150, N, small=small, large=large, signal="member_agreement")
    path.write_text("{}\n")
    with pytest.raises(InputError, match="line 1: damaged"):
        routoo.TwoTier(150, N, small=small, large=large, state=path)


def test_recorded_models_of_the_lab_keep_the_budget() -> None:
    outcomes = lab_outcomes(200)
    small, large = (RecordedModel(name, outcomes) for name in ("qwen-0.5b", "qwen-1.5b"))
    budget = 200 * 4e-6
    two_tier = routoo.TwoTier(budget, 200, small=small, large=large)
    rows = outcomes.prompts.select("prompt_id", "prompt").iter_rows()
    came = [two_tier.answer(prompt, prompt_id=name) for name, prompt in rows]
    assert sum(each.answer is None for each in came) <= 2  # the last ones cost more than the mean
    assert 0.9 * budget < two_tier.spent_usd <= budget
