"""`Router.cascade` and `routoo answer --cascade`: a prompt, or a file of them, by what was recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import Result

import routoo as package
from routoo.data.call import Call
from routoo.data.errors import InfeasibleError, InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.request import Request
from routoo.members.registry import members_of
from routoo.policies.cascade_answer import CascadeAnswer

Routoo = Callable[..., Result]


@pytest.fixture
def router(bundle_folder: Path) -> package.Router:
    return package.Router.from_pretrained(bundle_folder)


@pytest.fixture
def prompts(simulated: Outcomes, tmp_path: Path) -> Path:
    simulated.prompts.select("prompt_id", "prompt").head(30).write_parquet(tmp_path / "prompts.parquet")
    return tmp_path / "prompts.parquet"


def paid(came: CascadeAnswer) -> float:
    return sum(answer.cost_usd or 0.0 for answer in came.asked)


def test_a_router_asks_while_it_is_worth_its_price(router: package.Router, simulated: Outcomes) -> None:
    members = members_of(router.pool, answers=simulated)
    asked = {
        price: router.cascade_batch(
            simulated.texts[:60], prompt_ids=simulated.prompt_ids[:60], members=members, price=price
        )
        for price in (0.0, 20.0, 1e6)
    }
    calls = [np.mean([len(came.asked) for came in found]) for found in asked.values()]
    assert calls[0] > calls[1] >= calls[2] == 1
    text, name = simulated.texts[3], simulated.prompt_ids[3]
    request = Request(name, text)
    alone = router.cascade(request, members=members, price=20.0)
    assert [answer.model for answer in alone.asked] == [answer.model for answer in asked[20.0][3].asked]
    awaited = asyncio.run(router.cascade_async(request, members=members, price=20.0))
    assert awaited.answer == alone.answer


def test_one_call_is_what_select_chooses(router: package.Router, simulated: Outcomes) -> None:
    members = members_of(router.pool, answers=simulated)
    for price in (0.0, 5.0, 100.0):
        found = router.cascade_batch(
            simulated.texts[:40],
            prompt_ids=simulated.prompt_ids[:40],
            members=members,
            price=price,
            max_calls=1,
        )
        chosen = [router.select(text, price=price).model for text in simulated.texts[:40]]
        assert [came.asked[0].model for came in found] == chosen


def test_a_budget_for_a_batch_is_kept(router: package.Router, simulated: Outcomes) -> None:
    members = members_of(router.pool, answers=simulated)
    texts, names = simulated.texts[:60], simulated.prompt_ids[:60]
    least = router.assign(texts, min_mean_score=0.0).cost_usd
    for budget in (2 * least, 20 * least):
        found = router.cascade_batch(texts, prompt_ids=names, members=members, budget_usd=budget)
        assert sum(map(paid, found)) <= budget
        assert [came.prompt_id for came in found] == names


def test_a_pacer_sets_the_price_and_is_given_what_was_paid(
    router: package.Router, simulated: Outcomes
) -> None:
    members = members_of(router.pool, answers=simulated)
    scores = router.predict(simulated.texts[:30])
    pacer = package.Pacer(float(scores.cost_usd.mean(1).sum()), expected_prompts=30, calibration=scores)
    spent = 0.0
    for name, text in zip(simulated.prompt_ids[:30], simulated.texts[:30], strict=True):
        request = Request(name, text)
        spent += paid(router.cascade(request, members=members, pacer=pacer))
    assert pacer.spent_usd == pytest.approx(spent)
    assert spent <= 1.05 * pacer.budget_usd  # true costs are not those that were predicted


def test_what_cannot_be_asked_is_refused(
    router: package.Router, simulated: Outcomes, bundle_folder: Path
) -> None:
    members = members_of(router.pool, answers=simulated)
    with pytest.raises(InputError, match=r"options has unknown keys max_cals; did you mean max_calls"):
        router.cascade("x", members=members, max_cals=2)
    with pytest.raises(InputError, match="leave price out"):
        router.cascade_batch(["x"], members=members, price=1.0, budget_usd=1.0)
    with pytest.raises(InfeasibleError, match="max_cost_usd"):
        router.cascade("x", members=members, max_cost_usd=0.0)
    with pytest.raises(InputError, match="does not say how"):
        router.cascade("x")
    router.answer_model = None  # as of an older bundle
    with pytest.raises(InputError, match="does not know what answers tell"):
        router.cascade("x", members=members)


def test_one_prompt_from_the_command_line(
    routoo: Routoo, bundle_folder: Path, data_folder: Path, simulated: Outcomes
) -> None:
    arguments = ("answer", bundle_folder, simulated.texts[0], "--cascade", "--answers", data_folder)
    result = routoo(*arguments, "--price", "0")
    assert result.stdout in ("right\n", "wrong\n")
    assert "its answer counts" in result.stderr
    assert "right with probability" in result.stderr
    found = json.loads(routoo(*arguments, "--price", "0", "--json").stdout)
    assert found["answer"] in ("right", "wrong")
    assert len(found["asked"]) <= 3
    one = json.loads(routoo(*arguments, "--price", "0", "--max-calls", "1", "--json").stdout)
    assert len(one["asked"]) == 1


def test_a_file_from_the_command_line(
    routoo: Routoo, bundle_folder: Path, data_folder: Path, prompts: Path, tmp_path: Path
) -> None:
    written = tmp_path / "answers.parquet"
    arguments = ("answer", bundle_folder, prompts, "--cascade", "--answers", data_folder, "-o", written)
    result = routoo(*arguments, "--budget-usd", "0.5")
    assert "30 prompts: 0 without an answer" in result.stdout
    rows = pl.read_parquet(written)
    assert rows["prompt_id"].to_list() == pl.read_parquet(prompts)["prompt_id"].to_list()
    assert float(rows["cost_usd"].sum()) <= 0.5
    assert (rows["calls"] == rows["asked"].list.len()).all()


def test_flags_that_do_not_go_together(routoo: Routoo, bundle_folder: Path, data_folder: Path) -> None:
    result = routoo("answer", bundle_folder, "x", "--answers", data_folder, "--max-calls", "2")
    assert "add --cascade" in result.stderr
    result = routoo(
        "answer", bundle_folder, "x", "--answers", data_folder, "--cascade", "--confidence", "0.9"
    )
    assert "leave one out" in result.stderr


def test_a_run_over_a_file_that_was_broken_off_goes_on(
    routoo: Routoo,
    bundle_folder: Path,
    prompts: Path,
    tmp_path: Path,
    data_folder: Path,
    simulated_models: Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was paid for before is not asked for again, and counts in the budget."""
    from routoo.members.recorded import RecordedModel

    called = Pool(
        tuple(
            replace(model, call=Call(kind="recorded", model=str(data_folder)))
            for model in simulated_models.models
        )
    )
    called.write(tmp_path / "pool.toml")
    asked: list[str] = []
    answer_one = RecordedModel.answer_one

    async def counting(self: RecordedModel, request, *, signals=()):  # type: ignore[no-untyped-def]
        if len(asked) == 12:
            raise OSError("the disk is full")
        asked.append(f"{self.name} {request.prompt_id}")
        return await answer_one(self, request, signals=signals)

    monkeypatch.setattr(RecordedModel, "answer_one", counting)
    written = tmp_path / "answers.jsonl"
    arguments = (
        "answer",
        bundle_folder,
        prompts,
        "--cascade",
        "--pool",
        tmp_path / "pool.toml",
        "-o",
        written,
    )
    with pytest.raises(OSError, match="full"):
        routoo(*arguments)
    assert (tmp_path / "answers.jsonl.journal").exists()
    asked.append("a pause")
    routoo(*arguments)
    assert len(set(asked)) == len(asked)
    assert not (tmp_path / "answers.jsonl.journal").exists()
    assert len(written.read_text().splitlines()) == 30


def test_tags_of_a_prompt_reach_its_cascade(
    routoo: Routoo, bundle_folder: Path, data_folder: Path, simulated: Outcomes, tmp_path: Path
) -> None:
    first, *others = package.Router.from_pretrained(bundle_folder).pool.models
    Pool((replace(first, tags=("tools",)), *others)).write(tmp_path / "pool.toml")
    pl.DataFrame(
        {
            "prompt_id": simulated.prompt_ids[:2],
            "prompt": simulated.texts[:2],
            "required_tags": ["tools", ""],
        }
    ).write_parquet(tmp_path / "tagged.parquet")
    options = ("--pool", tmp_path / "pool.toml", "--answers", data_folder, "--price", "0", "--json")
    found = json.loads(
        routoo("answer", bundle_folder, tmp_path / "tagged.parquet", "--cascade", *options).stdout
    )
    assert found["answers"][0]["asked"] == [first.name]
    assert found["answers"][1]["asked"] != [first.name]


def test_what_the_budget_has_nothing_left_for_says_so(
    routoo: Routoo, bundle_folder: Path, data_folder: Path, prompts: Path
) -> None:
    options = ("--cascade", "--answers", data_folder, "--budget-usd", "0", "--json")
    found = json.loads(routoo("answer", bundle_folder, prompts, *options).stdout)
    assert found["failed"] == 30
    assert {row["error"] for row in found["answers"]} == {"the budget has nothing left for a call"}
