"""Batches answered as a reference would answer them, and what goes wrong on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from counted import Counted, answered_in, deviation, lines_of

import routoo as package
from routoo.collect.purse import BudgetSpentError
from routoo.data.answer import Answer
from routoo.data.errors import CallError, InputError
from routoo.data.request import Request
from routoo.members.calling import Retries
from routoo.policies.smart.progress import SmartProgress
from routoo.policies.smart.smart import SmartAnswers

ONCE = Retries(tries=1)


class Judge(Counted):
    """Says whether two texts begin alike, and is paid for it."""

    def __init__(self, name: str, usd: float) -> None:
        super().__init__(name, (), usd)

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        self.asked[request.prompt_id] += 1
        text = "Yes." if "<first>\nyes" in request.text else "no"
        return Answer(prompt_id=request.prompt_id, model=self.name, answer=text, cost_usd=self.usd)


def texts_like(n: int, differ: float, *, seed: int = 0) -> list[str | None]:
    """Answers of which this share says something else than ``yes``."""
    wrong = np.random.default_rng(seed).permutation(n) < round(differ * n)
    return ["no" if other else "yes" for other in wrong]


def pool(n: int = 1000, **differ: float) -> dict[str, Counted]:
    """A reference that says yes, and candidates by the share on which they do not."""
    members = {"large": Counted("large", ["yes"] * n, 0.01)}
    for at, (name, share) in enumerate(differ.items()):
        members[name] = Counted(name, texts_like(n, share, seed=at + 1), 0.001)
    return members


def run(members: Mapping[str, Counted], n: int = 1000, **options: object) -> SmartAnswers:
    given: dict[str, object] = {"reference": "large", "retries": ONCE, **options}
    prompts = given.pop("prompts", [f"Question {at}?" for at in range(n)])
    return package.smart(prompts, members, **given)  # type: ignore[arg-type]  # options of smart


def test_a_candidate_answers_what_the_bounds_allow() -> None:
    members = pool(2000, small=0.02, wrong=0.5)
    found = run(members, 2000, delta=0.05)
    promised = found.certificate
    assert deviation(found) <= 0.05
    assert promised.answered["small"] > 1500
    assert promised.spent_usd < 0.4 * promised.reference_usd
    paid = 0.01 * members["large"].asked.total() + 0.001 * (
        members["small"].asked.total() + members["wrong"].asked.total()
    )
    assert promised.spent_usd == pytest.approx(paid)
    assert promised.reference_usd == pytest.approx(20.0)
    first = found.certificate.looks[-1].seen
    profiled = {str(at) for at in np.random.default_rng(0).permutation(2000)[:first]}
    assert all(answer.model == "large" for answer in found.answers if answer.prompt_id in profiled)
    assert [answer.prompt_id for answer in found.answers] == [str(at) for at in range(2000)]
    assert max(count for member in members.values() for count in member.asked.values()) == 1


def test_a_candidate_that_differs_too_often_answers_hardly_more_than_may_differ() -> None:
    found = run(pool(wrong=0.6), delta=0.05)
    assert found.certificate.answered["wrong"] <= 50 / 0.6
    assert deviation(found) <= 0.05


def test_the_order_is_that_of_the_seed() -> None:
    orders = [[*run(pool(small=0.2), seed=seed).certificate.looks] for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize("n", [1, 2, 15, 25])
def test_a_batch_too_small_to_profile_is_the_references_but_for_what_may_differ(n: int) -> None:
    found = run(pool(n, small=1.0), n, delta=0.05)
    assert found.certificate.answered["large"] >= n - int(0.05 * n)
    assert deviation(found) <= 0.05


def test_with_delta_0_only_the_reference_answers() -> None:
    members = pool(small=0.0)
    found = run(members, delta=0.0)
    assert found.certificate.answered == {"large": 1000, "small": 0}
    assert members["small"].asked.total() < 500  # no bound below 1000 items shows that none differs


def test_with_delta_1_the_cheapest_answers_all_and_nothing_is_profiled() -> None:
    members = pool(small=1.0)
    found = run(members, delta=1.0)
    assert found.certificate.answered == {"large": 0, "small": 1000}
    assert not members["large"].asked


def test_candidates_dearer_than_the_reference_are_not_asked() -> None:
    members = pool(dear=0.0)
    members["large"] = Counted("large", ["yes"] * 1000, 0.0005)
    found = run(members)
    assert not members["dear"].asked
    assert found.certificate.answered["large"] == 1000


def test_of_two_at_one_price_the_one_that_differs_less_answers() -> None:
    found = run(pool(2000, one=0.3, other=0.01), 2000)
    assert found.certificate.answered["other"] > 1000 > found.certificate.answered["one"]
    equal = run(pool(2000, one=0.01, other=0.01), 2000)
    assert equal.certificate.answered["one"] + equal.certificate.answered["other"] > 1000


def test_items_that_ask_the_same_are_asked_once() -> None:
    members = pool(1000, small=0.0)
    prompts = [f"Question {at % 100}?" for at in range(1000)]
    found = run(members, prompts=prompts, delta=0.1)
    assert all(member.asked.total() <= 100 for member in members.values())
    assert (found.certificate.items, found.certificate.distinct) == (1000, 100)
    assert len(found.answers) == 1000
    assert found.certificate.reference_usd == pytest.approx(1.0)


def test_a_candidate_that_always_fails_leaves_the_rest_to_others() -> None:
    members = pool(small=0.01)
    members["broken"] = Counted("broken", [None] * 1000, 0.0001)
    found = run(members)
    assert found.certificate.answered["broken"] == 0
    assert members["broken"].asked.total() <= 70  # what may differ, and what shows that it fails
    assert not found.certificate.unanswered
    alone = pool()
    alone["broken"] = members["broken"]
    assert run(alone).certificate.answered == {"large": 1000, "broken": 0}


def test_a_candidate_that_fails_now_and_then_is_stood_in_for_by_the_reference() -> None:
    members = pool(2000)
    members["small"] = Counted("small", [None if at % 50 == 0 else "yes" for at in range(2000)], 0.001)
    found = run(members, 2000)
    assert found.certificate.answered["small"] > 1000
    assert deviation(found) == 0


def test_items_that_the_reference_cannot_answer_have_a_candidates_answer() -> None:
    members = pool(2000, small=0.0)
    members["large"] = Counted("large", [None if at % 10 == 7 else "yes" for at in range(2000)], 0.01)
    found = run(members, 2000, delta=0.2)
    assert not found.certificate.unanswered
    assert 0 < found.certificate.no_reference < 100
    assert found.certificate.looks[-1].differed["small"] == sum(
        1 for at in np.random.default_rng(0).permutation(2000)[: found.certificate.profiled] if at % 10 == 7
    )


def test_nobody_answers_what_all_fail_on() -> None:
    members = {
        name: Counted(name, ["yes"] * 9 + [None], usd) for name, usd in (("large", 1.0), ("small", 0.1))
    }
    found = run(members, 10)
    assert [answer.error for answer in found.answers if answer.answer is None] == ["out of service"]
    assert found.certificate.unanswered == 1


def test_a_reference_that_fails_for_good_ends_the_run_which_then_goes_on(tmp_path: Path) -> None:
    members = pool(small=0.01)
    order = np.random.default_rng(0).permutation(1000)
    broken = dict(members)
    good: list[str | None] = ["yes"] * 1000
    for at in order[50:]:
        good[at] = None
    broken["large"] = Counted("large", good, 0.01)
    with pytest.raises(
        CallError, match=r"large failed 20 times in a row, the last time: out of service; run ag"
    ):
        run(broken, journal=tmp_path / "journal")
    before = {name: Counter(member.asked) for name, member in broken.items()}
    found = run(members, journal=tmp_path / "journal")
    assert len(found.answers) == 1000
    assert not found.certificate.no_reference
    answered = {str(at) for at in order[:50]}
    assert not answered & members["large"].asked.keys()
    assert answered <= before["large"].keys()


def test_one_prompt_that_the_reference_refuses_is_no_outage_however_often_it_is_there() -> None:
    members = pool(300, small=0.0)
    members["large"] = Counted("large", [None] * 300, 0.01)
    found = run(members, prompts=["The same question?"] * 300)
    assert members["large"].asked.total() == 1
    assert (found.certificate.no_reference > 0, found.certificate.unanswered) == (True, 0)


def test_an_equivalence_that_raises_says_where_and_keeps_answers(tmp_path: Path) -> None:
    members = pool(small=0.2)

    def same(answer: str, reference: str) -> bool:
        return bool({"yes": True}[answer])

    with pytest.raises(
        InputError, match=r"function same raised KeyError: 'no' at item \d+, for 'no' and the"
    ):
        run(members, equivalence=same, journal=tmp_path / "journal")

    def same_mended(answer: str, reference: str) -> bool:
        return answer == reference

    same_mended.__name__ = "same"
    found = run(members, equivalence=same_mended, journal=tmp_path / "journal")
    assert len(found.answers) == 1000
    assert max(members["large"].asked.values()) == 1


def test_a_judge_says_which_answers_are_the_same_and_is_paid() -> None:
    members, judge = pool(small=0.3), Judge("judge", 0.002)
    found = run(members, equivalence=judge, delta=0.4)
    assert found.certificate.equivalence == "judge judge"
    assert judge.asked.total() == 2  # each pair of texts once
    calls = 0.01 * members["large"].asked.total() + 0.001 * members["small"].asked.total()
    assert found.certificate.spent_usd == pytest.approx(calls + 2 * 0.002)


def test_a_cap_of_money_holds_and_the_run_goes_on_with_more(tmp_path: Path) -> None:
    members, spent = pool(500, small=0.02), 0.0
    for budget in (0.5, 0.5, 1.0):
        before = sum(member.asked.total() for member in members.values())
        with pytest.raises(BudgetSpentError, match=r"which leaves no room for a call that can cost 0.01 USD"):
            run(members, 500, budget_usd=budget, journal=tmp_path / "journal")
        spent = sum(member.usd * member.asked.total() for member in members.values())
        assert budget - 0.011 < spent <= budget + 1e-9
    assert sum(member.asked.total() for member in members.values()) > before
    found = run(members, 500, budget_usd=10, journal=tmp_path / "journal")
    assert max(count for member in members.values() for count in member.asked.values()) == 1
    assert found.certificate.looks == run(pool(500, small=0.02), 500).certificate.looks
    assert (found.certificate.lost, found.certificate.unknown) == (0, 0)


def test_a_further_try_needs_money_too(tmp_path: Path) -> None:
    """A call that failed was paid for: it is tried again only where that can be paid as well."""

    class Broken(Counted):
        async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
            self.asked[request.prompt_id] += 1
            raise CallError("busy", retryable=True, cost_usd=self.usd)

    members = {"large": Broken("large", ["yes"], 0.01), "small": Counted("small", ["yes"], 0.001)}
    patient = Retries(tries=5, first_wait_s=0)
    with pytest.raises(BudgetSpentError, match="leaves no room for a further try"):
        run(members, 1, budget_usd=0.025, retries=patient, journal=tmp_path / "journal")
    assert members["large"].asked.total() == 2
    with pytest.raises(BudgetSpentError, match=r"0.02 USD of budget_usd 0.025 are spent"):
        run(members, 1, budget_usd=0.025, retries=patient, journal=tmp_path / "journal")
    assert members["large"].asked.total() == 2


def test_a_judge_is_within_the_cap_and_counts_as_it_may_cost(tmp_path: Path) -> None:
    members, judge = pool(60, small=0.5), Judge("judge", 0.5)
    with pytest.raises(BudgetSpentError, match=r"a call that can cost 0.5 USD"):
        run(members, 60, equivalence=judge, budget_usd=0.4, journal=tmp_path / "journal")
    assert not judge.asked
    run(members, 60, equivalence=judge, journal=tmp_path / "journal")
    lines = lines_of(tmp_path / "journal")
    verdict = next(at for at, line in enumerate(lines) if b'"verdict"' in line)
    (tmp_path / "killed").write_bytes(b"".join(lines[:verdict]))
    found = run(pool(60, small=0.5), 60, equivalence=Judge("judge", 0.5), journal=tmp_path / "killed")
    assert found.certificate.lost == 1


def test_a_dear_judge_is_asked_about_fewer_items() -> None:
    """What comparing costs counts when it is decided whether more of it pays."""
    profiled = []
    for usd in (0.0, 0.05):
        members = pool(1000)
        members["small"] = Counted("small", [f"yes, {at}" if at % 25 else "no" for at in range(1000)], 0.001)
        found = run(members, 1000, equivalence=Judge("judge", usd), delta=0.06)
        profiled.append(found.certificate.profiled)
    assert profiled[1] < profiled[0]


@pytest.mark.parametrize("n", [5, 60, 1000])
def test_the_published_method_is_there_to_compare(n: int) -> None:
    found = run(pool(n, small=0.02, wrong=0.5), n, delta=0.1, method="published")
    assert len(found.answers) == n
    assert found.certificate.promise.method == "published"
    if n == 1000:
        assert found.certificate.answered["small"] > 500


def test_progress_says_what_is_spent_saved_and_bounded() -> None:
    told: list[SmartProgress] = []
    found = run(pool(2000, small=0.01), 2000, on_progress=told.append)
    assert told[-1].answered == 2000
    assert told[-1].spent_usd == pytest.approx(found.certificate.spent_usd)
    assert told[-1].saved == pytest.approx(found.certificate.saved)
    bounds = [most for step in told if (most := step.most.get("small")) is not None]
    assert bounds[0] == 1 > bounds[-1] > 0.01
    assert str(told[-1]).startswith("2,000/2,000 answered")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"delta": 1.5}, "delta must be a number of at least 0 and at most 1"),
        ({"confidence": 1.0}, "confidence must be above 0 and below 1"),
        ({"reference": "larg"}, "larg"),
        ({"candidates": ["large"]}, "large"),
        ({"candidates": []}, "candidates names no model"),
        ({"equivalence": "txt"}, "equivalence must be text, exact, number, a function"),
        ({"method": "best"}, "method must be"),
        ({"prompts": []}, "at least one prompt"),
        ({"prompt_ids": ["a"] * 1000}, "same prompt_id"),
    ],
)
def test_what_cannot_be_used_is_refused(options: Mapping[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        run(pool(small=0.1), **options)  # type: ignore[arg-type]  # options of smart


def test_a_run_killed_at_any_line_goes_on_and_pays_nothing_twice(tmp_path: Path) -> None:
    whole = run(pool(24, small=0.05, wrong=0.8), 24, delta=0.4, journal=tmp_path / "whole")
    lines = lines_of(tmp_path / "whole")
    assert len(lines) > 40
    for at in range(len(lines)):
        path = tmp_path / f"{at}"
        path.write_bytes(b"".join(lines[:at]) + lines[at][: len(lines[at]) // 2])
        members = pool(24, small=0.05, wrong=0.8)
        found = run(members, 24, delta=0.4, journal=path)
        asked = Counter({(m.name, name): count for m in members.values() for name, count in m.asked.items()})
        assert not asked & answered_in(lines[:at])
        assert max(answered_in(lines_of(path)).values()) == 1
        assert [a.row() for a in found.answers] == [a.row() for a in whole.answers]
        assert found.certificate.looks == whole.certificate.looks
        lost = found.certificate.spent_usd - whole.certificate.spent_usd
        assert 0 <= lost <= 0.01 * found.certificate.lost + 1e-9


def test_a_journal_of_another_batch_is_refused(tmp_path: Path) -> None:
    run(pool(50, small=0.0), 50, journal=tmp_path / "journal")
    for options in ({"delta": 0.2}, {"seed": 3}, {"equivalence": "exact"}):
        with pytest.raises(InputError, match="that batch has another"):
            run(pool(50, small=0.0), 50, journal=tmp_path / "journal", **options)
