"""Cascades on members that answer, fail, come late and cost what they cost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from routoo.collect.kept_answers import KeptAnswers
from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.call import Call
from routoo.data.errors import CallError, InputError
from routoo.data.observation import ObservationModel
from routoo.data.pool import Pool, PoolModel
from routoo.data.request import Request
from routoo.data.scores import Scores
from routoo.members.calling import Retries
from routoo.members.clock import Clock
from routoo.members.member import Member, OnAnswer
from routoo.models.signals.answer_model import AnswerModel
from routoo.policies.cascade import Cascade
from routoo.policies.cascade_answer import CascadeAnswers

MODELS = ("small", "other", "large")
USD = {"small": 1e-4, "other": 2e-4, "large": 3e-3}
ONCE = Retries(tries=1)


@dataclass
class Script:
    """A member that says what it is told to, or raises it.

    Args:
        name: Of the member.
        says: By prompt; an exception is raised. Others answer ``right``.
        costs: What a call costs; what it may cost at most is twice as much.
        takes_s: How long an answer takes.
    """

    name: str
    says: Mapping[str, str | Exception] = field(default_factory=dict)
    costs: float = 1e-4
    takes_s: float = 0.0
    asked: list[str] = field(default_factory=list)

    def most_usd(self, request: Request) -> float:
        return 2 * self.costs

    def answer(
        self, requests: Sequence[Request], *, signals: Sequence[str] = (), on_answer: OnAnswer | None = None
    ) -> Answers:
        raise NotImplementedError

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        self.asked.append(request.prompt_id)
        await asyncio.sleep(self.takes_s)
        says = self.says.get(request.prompt_id, "right")
        if isinstance(says, Exception):
            raise says
        return Answer(
            prompt_id=request.prompt_id,
            model=self.name,
            answer=says,
            cost_usd=self.costs,
            latency_s=self.takes_s,
        )


def knows(signal: float = 0.5) -> AnswerModel:
    """Right answers agree, wrong ones hardly; a right one has a high signal in this share of the cases."""
    right, wrong = np.tile([1 - signal, signal], (3, 1)), np.tile([signal, 1 - signal], (3, 1))
    same = np.tile([0.1, 0.001, 0.999], (3, 3, 1))
    return AnswerModel(ObservationModel(MODELS, np.zeros(3), right, wrong, same))


def scored(n: int, p: Sequence[float] = (0.6, 0.6, 0.9), latency_s: float | None = None) -> Scores:
    cost = np.tile([USD[name] for name in MODELS], (n, 1))
    seconds = None if latency_s is None else np.full((n, 3), latency_s)
    return Scores(np.tile(p, (n, 1)), cost, seconds, models=MODELS)


def members(**changed: Script) -> dict[str, Script]:
    return {name: changed.get(name, Script(name, costs=USD[name])) for name in MODELS}


def run(
    cascade: Cascade, n: int = 1, scores: Scores | None = None, budget_usd: float | None = None
) -> CascadeAnswers:
    requests = [Request(str(at), f"prompt {at}") for at in range(n)]
    work = cascade.run(requests, scored(n) if scores is None else scores, budget_usd=budget_usd)
    return asyncio.run(work)


def cascade_of(members: Mapping[str, Member], **options: float | Retries | Clock | int | None) -> Cascade:
    return Cascade(members=members, model=knows(), **{"retries": ONCE, **options})  # type: ignore[arg-type]


def test_two_cheap_ones_that_agree_are_believed() -> None:
    asked = members()
    (came,) = run(cascade_of(asked, price=50))
    assert [answer.model for answer in came.asked] == ["small", "other"]
    assert came.answer is not None
    assert came.answer.answer == "right"
    assert came.p_correct > 0.95
    assert came.cost_usd == pytest.approx(3e-4)
    assert asked["large"].asked == []


def test_where_they_differ_the_large_one_decides() -> None:
    asked = members(other=Script("other", {"0": "wrong"}, USD["other"]))
    (came,) = run(cascade_of(asked, price=50))
    assert [answer.model for answer in came.asked] == ["small", "other", "large"]
    assert came.answer is not None
    assert came.answer.answer == "right"


def test_a_member_that_fails_is_skipped_and_paid_as_it_was() -> None:
    broken = Script("small", {"0": CallError("busy", retryable=True, cost_usd=5e-5)})
    (came,) = run(cascade_of(members(small=broken), price=50))
    assert came.asked[0].error == "busy"
    assert [answer.model for answer in came.asked[1:]][:1] != ["small"]
    assert came.answer is not None
    assert came.cost_usd == pytest.approx(5e-5 + sum(USD[answer.model] for answer in came.asked[1:]))


def test_all_fail() -> None:
    asked = members(**{name: Script(name, {"0": CallError("down")}) for name in MODELS})
    (came,) = run(cascade_of(asked))
    assert came.answer is None
    assert came.p_correct == 0
    assert len(came.asked) == 3


def test_empty_answers_do_not_confirm_one_another() -> None:
    asked = {name: Script(name, {"0": ""}, USD[name]) for name in ("small", "other")}
    (came,) = run(cascade_of(asked, price=50))
    assert len(came.asked) == 2
    assert came.p_correct < 0.001


def test_calls_and_money_for_a_prompt_have_their_caps() -> None:
    differ = {"other": Script("other", {"0": "wrong"}, USD["other"])}
    (came,) = run(cascade_of(members(**differ), max_calls=1))
    assert [answer.model for answer in came.asked] == ["large"]
    (came,) = run(cascade_of(members(**differ), max_cost_usd=1e-3))
    assert [answer.model for answer in came.asked] in (["small"], ["other"])  # a second would settle nothing


def test_a_deadline_breaks_off_what_is_under_way_and_keeps_the_best_so_far() -> None:
    slow = members(
        other=Script("other", {"0": "wrong"}, USD["other"]), large=Script("large", costs=3e-3, takes_s=30)
    )
    (came,) = run(cascade_of(slow, price=50, max_latency_s=0.3), scores=scored(1, latency_s=0.01))
    assert came.answer is not None
    assert came.asked[-1].error == "no answer within the deadline"
    assert came.cost_usd is None  # nobody knows what the last one did
    (came,) = run(cascade_of(slow, max_latency_s=0.3), scores=scored(1, latency_s=1.0))
    assert came.asked == ()  # none is expected to keep it


def test_two_are_asked_at_once_where_there_is_no_time_for_one_after_the_other() -> None:
    slow = members(**{name: Script(name, costs=USD[name], takes_s=0.05) for name in MODELS})
    hasty = Cascade(members=slow, model=knows(0.9), price=100, max_latency_s=0.4, retries=ONCE)
    (came,) = run(hasty, scores=scored(1, latency_s=0.3))
    assert {answer.model for answer in came.asked} == {"small", "other"}


@pytest.mark.parametrize("seed", range(4))
def test_a_budget_is_never_overspent_in_any_order(seed: int) -> None:
    """True costs are up to what was set aside for them, and half of the members fail now and then."""
    draw = np.random.default_rng(seed)
    n = 40

    @dataclass
    class Erratic(Script):
        async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
            spent = float(draw.uniform(0.2, 2)) * self.costs
            bill.append(spent)
            if draw.uniform() < 0.2:
                raise CallError("busy", cost_usd=spent)
            says = "right" if draw.uniform() < 0.7 else str(draw.integers(9))
            return Answer(prompt_id=request.prompt_id, model=self.name, answer=says, cost_usd=spent)

    for budget in (0.004, 0.02, 0.08, 1.0):
        bill: list[float] = []
        asked = {name: Erratic(name, costs=USD[name]) for name in MODELS}
        came = run(cascade_of(asked), n, scored(n), budget_usd=budget)
        assert sum(bill) <= budget
        assert sum(answer.cost_usd or 0.0 for answer in came) == pytest.approx(sum(bill))
        assert [answer.prompt_id for answer in came] == [str(at) for at in range(n)]
        planned = [each.spent_usd + each.expected_usd for each in came.rounds[:1]]
        assert budget < 0.02 or max(planned) <= budget + 1e-12
        assert [each.spent_usd for each in came.rounds] == sorted(each.spent_usd for each in came.rounds)
    assert sum(answer.answer is not None for answer in came) >= n - 2
    assert np.mean([len(answer.asked) for answer in came]) > 1.5


def test_more_money_buys_more() -> None:
    draw = np.random.default_rng(0)
    n = 60
    p = draw.uniform(0.3, 0.9, (n, 3)).astype(np.float32)
    says = {
        name: {
            str(row): "right" if draw.uniform() < p[row, at] else str(draw.integers(9)) for row in range(n)
        }
        for at, name in enumerate(MODELS)
    }
    right = []
    for budget in (0.008, 0.05, 0.3):
        asked = {name: Script(name, says[name], USD[name]) for name in MODELS}
        scores = Scores(p, scored(n).cost_usd, models=MODELS)
        came = run(cascade_of(asked), n, scores, budget_usd=budget)
        right.append(sum(answer.answer is not None and answer.answer.answer == "right" for answer in came))
    assert right[0] <= right[1] <= right[2] > right[0]


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="members must be a mapping from names to members, got a list"):
        cascade_of([*members().values()])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="retries must be Retries"):
        cascade_of(members(), retries=3)
    with pytest.raises(InputError, match="none of the members"):
        cascade_of({"nobody": Script("nobody")})
    with pytest.raises(InputError, match="max_calls"):
        cascade_of(members(), max_calls=0)
    with pytest.raises(InputError, match="same prompt_id"):
        asyncio.run(cascade_of(members()).run([Request("a", "x"), Request("a", "y")], scored(2)))


def test_all_prompts_are_answered_where_calls_cost_more_than_predicted() -> None:
    """What calls really cost is known before the last ones are planned, so that there is one for all."""
    dear = members(small=Script("small", costs=1.3e-4))
    came = run(cascade_of(dear), 300, budget_usd=300 * 1.4e-4)
    assert all(each.answer is not None for each in came)
    assert 0.9 * 300 * 1.4e-4 <= came.cost_usd <= 300 * 1.4e-4
    assert sum(made.calls for made in came.rounds) == sum(len(each.asked) for each in came)


def test_a_blank_answer_counts_as_wrong_however_sure_the_prediction() -> None:
    blank = members(large=Script("large", {"0": " "}, USD["large"]))
    (came,) = run(cascade_of(blank, price=1), scores=scored(1, (0.6, 0.6, 0.999)))
    assert came.answer is not None
    assert (came.asked[0].model, came.answer.answer) == ("large", "right")


@dataclass
class Killed(Script):
    """A script that ends the run when so many calls were made in all."""

    calls: list[int] = field(default_factory=list)

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        if not self.calls[0]:
            raise OSError("killed")
        self.calls[0] -= 1
        return await super().answer_one(request, signals=signals)


def test_runs_that_were_broken_off_share_one_budget(tmp_path: Path) -> None:
    """However often it is killed, all runs together spend no more than the budget, failures included."""
    call = Call(kind="provider", model="openai/x")
    pool = Pool(
        tuple(PoolModel(name=name, usd_per_1m_input=1, usd_per_1m_output=1, call=call) for name in MODELS)
    )
    says, budget, left = {str(at): CallError("busy", cost_usd=9e-5) for at in range(0, 40, 3)}, 6e-3, [0]
    asked = {name: Killed(name, says if name == "small" else {}, USD[name], calls=left) for name in MODELS}
    came, runs = None, 0
    while came is None:
        left[0], runs = 15, runs + 1
        with KeptAnswers(tmp_path / "journal", pool) as kept, suppress(OSError):
            came = run(Cascade(members=asked, model=knows(), retries=ONCE, kept=kept), 40, budget_usd=budget)
    tried = [(name, prompt) for name in MODELS for prompt in asked[name].asked]
    paid = [call for call in tried if call[0] != "small" or call[1] not in says]
    assert runs > 1
    assert len({*paid}) == len(paid)  # no answer is paid twice
    assert 0.3 * budget < sum(USD[name] for name, _ in paid) + 9e-5 * (len(tried) - len(paid)) <= budget
