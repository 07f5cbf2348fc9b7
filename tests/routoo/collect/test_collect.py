"""Collecting: what is asked, what it may cost, what is kept, and what a later run does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from routoo.collect.collected import Collected
from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.call import Call
from routoo.data.errors import CallError, InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.data.request import Request
from routoo.data.storage.locks import locked

Run = Callable[..., Collected]
Says = Callable[..., Callable[[Request, int], Answer]]
Scripted = Callable[..., Any]  # Any: a member of the conftest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "collected"


def outcomes_of(collected: Collected) -> Outcomes:
    assert collected.outcomes is not None
    return collected.outcomes


def test_every_prompt_is_answered_and_graded(run: Run, says: Says, scripted: Scripted, folder: Path) -> None:
    small, large = scripted("small", says("4")), scripted("large", says("2", model="large", cost_usd=1.0))
    collected = run(small, large)
    assert collected.complete
    assert collected.spent_usd == pytest.approx(6.0)
    assert (collected.models["small"].mean_score, collected.models["large"].mean_score) == (0.75, 0.25)
    outcomes = Outcomes.read(folder)
    assert outcomes.to_matrices(["small", "large"]).score.tolist() == [[1, 0], [0, 1], [1, 0], [1, 0]]
    assert outcomes.outcomes["cost_usd"].sum() == pytest.approx(6.0)
    assert len(Answers.read(folder / "answers.parquet")) == 8
    assert Pool.read(folder / "pool.toml").names == ("small", "large")


def test_nothing_is_asked_or_paid_twice(run: Run, says: Says, scripted: Scripted, folder: Path) -> None:
    run(scripted("small", says("4")))
    again = scripted("small", says("5"))
    collected = run(again)
    assert not again.asked
    assert collected.spent_usd == pytest.approx(2.0)
    assert collected.complete


def test_prompts_of_one_text_are_asked_apart(run: Run, says: Says, scripted: Scripted) -> None:
    small = scripted("small", says("4"))
    collected = run(small, prompts=pl.DataFrame({"prompt": ["2 + 2?"] * 3, "answer": ["4"] * 3}))
    assert len({request.key for request in small.asked}) == 3
    assert collected.models["small"].scored == 3


def test_the_cap_leaves_calls_that_it_has_no_room_for(
    run: Run, says: Says, scripted: Scripted, folder: Path
) -> None:
    small = scripted("small", says("4", cost_usd=0.5), most=1.0)
    collected = run(small, budget_usd=2.2)
    assert len(small.asked) == 3  # 0.5 each, and 0.7 is left, where the next one could cost 1
    assert collected.models["small"].not_asked == {"the budget is spent": 1}
    assert not collected.complete
    assert run(small, budget_usd=2.5).complete
    assert len(small.asked) == 4


def test_what_was_spent_before_counts(run: Run, says: Says, scripted: Scripted) -> None:
    run(scripted("small", says("4"), most=1.0), budget_usd=1.4)
    more = scripted("small", says("4"), most=1.0)
    run(more, budget_usd=2.0)
    assert len(more.asked) == 2


def test_an_unknown_cost_is_what_was_set_aside(run: Run, says: Says, scripted: Scripted) -> None:
    small = scripted("small", says("4", cost_usd=None), most=1.0)
    collected = run(small, budget_usd=3.5)
    assert collected.spent_usd == 3.0
    assert len(small.asked) == 3


def test_a_failed_call_has_a_reason_and_is_asked_again_by_the_next_run(
    run: Run, says: Says, scripted: Scripted, folder: Path
) -> None:
    def reply(request: Request, tries: int) -> CallError:
        return CallError("overloaded", retryable=True, cost_usd=0.0)

    collected = run(scripted("small", reply), scripted("large", says("4", model="large")))
    assert dict(collected.models["small"].unscored) == {"overloaded": 4}
    assert collected.complete
    assert Answers.read(folder / "answers.parquet").rows["error"].drop_nulls().to_list() == ["overloaded"] * 4
    later = run(scripted("small", says("4")), scripted("large", says("4", model="large")))
    assert later.models["small"].scored == 4


def test_a_model_that_always_fails_is_given_up(run: Run, says: Says, scripted: Scripted) -> None:
    prompts = pl.DataFrame({"prompt": [f"What is {n}?" for n in range(40)], "answer": ["4"] * 40})
    broken = scripted("broken", lambda request, tries: CallError("no such key", cost_usd=0.0))
    collected = run(broken, scripted("small", says("4")), prompts=prompts)
    assert 20 <= len(broken.asked) < 40
    (reason,) = collected.models["broken"].not_asked
    assert reason == "20 calls in a row failed, the last one: no such key"
    assert collected.models["small"].scored == 40


def test_where_no_answer_has_a_score_only_the_journal_is_written(
    run: Run, says: Says, scripted: Scripted, folder: Path
) -> None:
    collected = run(scripted("small", lambda request, tries: CallError("no such key", cost_usd=0.0)))
    assert collected.outcomes is None
    assert [path.name for path in folder.iterdir()] == ["journal.jsonl"]


def test_samples_are_asked_apart_and_averaged(run: Run, says: Says, scripted: Scripted, folder: Path) -> None:
    def reply(request: Request, tries: int) -> Answer:
        return says("4" if request.sample == 0 else "2")(request, tries)

    small = scripted("small", reply)
    run(small, samples=2)
    assert len({request.key for request in small.asked}) == 8
    assert [request.sample for request in small.asked] == [0] * 4 + [1] * 4
    assert Outcomes.read(folder).outcomes["score"].to_list() == [0.5] * 4


def test_a_sample_is_spread_over_domains_and_grows(run: Run, says: Says, scripted: Scripted) -> None:
    first, then = scripted("small", says("4")), scripted("small", says("4"))
    run(first, sample=2)
    run(then, sample=3)
    asked = {request.prompt_id for request in first.asked}
    assert len(asked) == 2
    assert "d" in asked or len(asked & {"a", "b", "c"}) == 2
    assert len(then.asked) == 1
    assert then.asked[0].prompt_id not in asked


def test_another_grader_grades_anew_and_asks_nobody(
    run: Run, says: Says, scripted: Scripted, folder: Path
) -> None:
    run(scripted("small", says("four")), grader="exact")
    again = scripted("small", says("never"))
    collected = run(again, grader="regex:pattern=^f")
    assert not again.asked
    assert collected.models["small"].mean_score == 1.0
    record = json.loads((folder / "collected.json").read_text())
    assert record["graders"]["regex:pattern=^f"]["pattern"] == "^f"
    assert [known["budget_usd"] for known in record["runs"]] == [100.0, 100.0]


def test_a_prompt_may_have_a_grader_of_its_own(
    run: Run, says: Says, scripted: Scripted, sums: pl.DataFrame
) -> None:
    own = sums.with_columns(grader=pl.Series([None, "number", None, None], dtype=pl.String))
    collected = run(scripted("small", says("it is 2")), prompts=own)
    assert outcomes_of(collected).outcomes["score"].to_list() == [0, 1, 0, 0]


def test_several_right_answers_may_be_given(
    run: Run, says: Says, scripted: Scripted, sums: pl.DataFrame
) -> None:
    several = sums.with_columns(answer=pl.Series([["4", "four"], ["2", "two"], ["4"], ["4"]]))
    collected = run(scripted("small", says("two")), prompts=several)
    assert outcomes_of(collected).outcomes["score"].to_list() == [0, 1, 0, 0]
    assert outcomes_of(collected).prompts["answer"][1] == '["2", "two"]'


def test_a_judge_is_paid_from_the_same_cap(run: Run, says: Says, scripted: Scripted, folder: Path) -> None:
    def judged(request: Request, tries: int) -> Answer:
        text = "Score: 5" if request.prompt_id.startswith("judged") else "4"
        return says(text, model="judge", cost_usd=0.25)(request, tries)

    judge = scripted("judge", judged)
    collected = run(scripted("small", says("4")), judge, grader="judge:judge,scale=1-5")
    # Each of four prompts: two answers, which are the same, so that one verdict serves both.
    assert collected.spent_usd == pytest.approx(4 * (0.5 + 0.25) + 4 * 0.25)
    assert collected.judge_usd == pytest.approx(1.0)
    assert collected.models["small"].mean_score == 1.0
    n_asked = len(judge.asked)
    run(scripted("small", says("4")), judge, grader="judge:judge,scale=1-5")
    assert len(judge.asked) == n_asked


REFUSED = {
    "another text": ({"prompt": pl.lit("?")}, r"other texts or options of prompts in .*: a, b, c and 1 more"),
    "another id": (
        {"prompt_id": pl.col("prompt_id") + "x"},
        "answers to prompts that prompts lacks: a, b, c",
    ),
}


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED)
def test_a_folder_of_other_prompts_is_refused(
    run: Run, says: Says, scripted: Scripted, sums: pl.DataFrame, change: dict[str, Any], words: str
) -> None:
    run(scripted("small", says("4")))
    with pytest.raises(InputError, match=words):
        run(scripted("small", says("4")), prompts=sums.with_columns(**change))


def test_a_model_that_is_called_in_another_way_is_refused(run: Run, says: Says, scripted: Scripted) -> None:
    def pool(max_tokens: int) -> Pool:
        call = Call(kind="provider", model="openai/small", max_tokens=max_tokens)
        return Pool((PoolModel(name="small", usd_per_1m_input=1, usd_per_1m_output=1, call=call),))

    run(scripted("small", says("4")), pool=pool(10))
    with pytest.raises(InputError, match="the pool now calls in another way: small; give them another name"):
        run(scripted("small", says("4")), pool=pool(20))


def test_models_may_join_and_leave(run: Run, says: Says, scripted: Scripted, folder: Path) -> None:
    run(scripted("small", says("4")))
    run(scripted("large", says("4", model="large")))
    assert Outcomes.read(folder).models == ("large", "small")
    assert Pool.read(folder / "pool.toml").names == ("large",)


def test_a_folder_is_collected_by_one_process_at_a_time(
    run: Run, says: Says, scripted: Scripted, folder: Path
) -> None:
    with locked(folder, ".collecting"), pytest.raises(InputError, match="another process collects"):
        run(scripted("small", says("4")))


def test_a_folder_of_other_outcomes_is_left_alone(
    run: Run, says: Says, scripted: Scripted, folder: Path
) -> None:
    rows = {"prompt_id": ["q"], "model": ["m"], "score": [1]}
    Outcomes(pl.DataFrame({"prompt_id": ["q"], "prompt": ["?"]}), pl.DataFrame(rows)).write(folder)
    with pytest.raises(InputError, match="holds outcomes that were not collected there"):
        run(scripted("small", says("4")))


LACKING = {
    "no grader": ({"grader": None}, "prompt a has no grader: name one for all by --grader"),
    "no judge": ({"grader": "judge:large"}, "unknown model 'large'"),
    "no such grader": ({"grader": "gues"}, "no grader is called 'gues'"),
    "no right answer": (
        {"prompts": pl.DataFrame({"prompt": ["Sing!"]})},
        "prompt 1: the grader text needs a right answer",
    ),
    "a negative budget": ({"budget_usd": -1}, "budget_usd must be a finite number of at least 0"),
}


@pytest.mark.parametrize(("options", "words"), LACKING.values(), ids=LACKING)
def test_what_cannot_be_collected_is_refused_before_anybody_is_asked(
    run: Run, says: Says, scripted: Scripted, folder: Path, options: dict[str, Any], words: str
) -> None:
    small = scripted("small", says("4"))
    with pytest.raises(InputError, match=words):
        run(small, **options)
    assert not small.asked
    assert not folder.exists()


def test_a_local_model_is_asked_in_batches(run: Run, says: Says, scripted: Scripted) -> None:
    call = Call(kind="local", model="here")
    pool = Pool((PoolModel(name="small", usd_per_1m_input=1, usd_per_1m_output=1, call=call),))
    collected = run(scripted("small", says("4")), pool=pool, budget_usd=2.2)
    assert collected.models["small"].scored == 3
    assert collected.models["small"].not_asked == {"the budget is spent": 1}


def test_chats_are_sent_as_they_are(run: Run, says: Says, scripted: Scripted, tmp_path: Path) -> None:
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"}]
    path = tmp_path / "prompts.jsonl"
    path.write_text("\n".join(json.dumps({"prompt": prompt, "answer": 4}) for prompt in (chat, "3 + 1?")))
    small = scripted("small", says("4"))
    collected = run(small, prompts=path)
    assert sorted((request.prompt for request in small.asked), key=str) == ["3 + 1?", chat]
    assert outcomes_of(collected).prompts["prompt"].to_list() == [
        "system: Be brief.\n\nuser: 2 + 2?",
        "3 + 1?",
    ]
