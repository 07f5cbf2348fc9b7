"""Contracts made from outcomes, kept in a file, served by, and lapsed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import polars as pl
import pytest
from simulated.outcomes import simulated_outcomes

import routoo
from routoo.data.answers import Answers
from routoo.data.errors import InfeasibleError, InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.policies.contracts.calibration import Calibration, unseen_prompts
from routoo.policies.contracts.contract import Contract
from routoo.policies.contracts.fingerprints import of_outcomes, of_pool
from routoo.router import Router

LARGE = "simulated-large"


@pytest.fixture(scope="module")
def router(bundle_folder: Path) -> Router:
    return Router.from_pretrained(bundle_folder)


@pytest.fixture(scope="module")
def fresh() -> Outcomes:
    found = simulated_outcomes(1200, seed=9)
    right = pl.when(pl.col("score") > 0.5).then(pl.lit("right")).otherwise(pl.lit("wrong"))
    return dataclasses.replace(found, outcomes=found.outcomes.with_columns(response=right))


@pytest.fixture(scope="module")
def agreed(router: Router, fresh: Outcomes) -> Contract:
    return routoo.contract(router, fresh, share=0.9, confidence=0.9, reference=LARGE)


def test_a_contract_says_what_it_promises_and_what_it_rests_on(
    router: Router, fresh: Outcomes, agreed: Contract
) -> None:
    calibration = Calibration.of(router, fresh)
    assert 0 < agreed.prompts == len(calibration.score) <= len(fresh)
    assert agreed.score - 0.9 * agreed.reference_score > agreed.margin >= 0
    assert agreed.saved > 0
    assert agreed.data_sha256 == of_outcomes(calibration.outcomes)
    assert agreed.in_words() == f"at least 90 % of the mean score of {LARGE}, with 90 % confidence"
    less = routoo.contract(router, fresh, share=0.8, confidence=0.9, reference=LARGE)
    surer = routoo.contract(router, fresh, share=0.9, confidence=0.99, reference=LARGE)
    assert less.price >= agreed.price >= surer.price


def test_its_price_is_the_last_at_which_the_bound_holds(
    router: Router, fresh: Outcomes, agreed: Contract
) -> None:
    """The choices that it was tested on are those that the router makes at its price."""
    calibration = Calibration.of(router, fresh)
    choices = [router.select(text, price=agreed.price).model for text in calibration.outcomes.texts[:30]]
    plan = router.assign(calibration.outcomes.texts, contract=agreed)
    assert plan.chosen[:30] == choices
    scores = calibration.score[range(len(plan)), plan.choice]
    assert scores.mean() == pytest.approx(agreed.score)
    assert plan.objective == pytest.approx(plan.score - agreed.price * plan.cost_usd)


def test_a_file_of_it_is_read_as_it_was_written(agreed: Contract, tmp_path: Path) -> None:
    agreed.write(tmp_path / "contract.json")
    assert Contract.read(tmp_path / "contract.json") == agreed
    for text, words in (
        ("[]", "not a contract"),
        ("{", "not JSON"),
        ('{"format": 9}', "a contract of format 9 cannot be read"),
        ('{"format": 1}', "not a contract: .*missing"),
        (json.dumps({**agreed.to_dict(), "share": 2}), "share must be a number of at least 0 and at most 1"),
        (json.dumps({**agreed.to_dict(), "confidence": 1}), "confidence must be above 0 and below 1"),
        (json.dumps({**agreed.to_dict(), "share": 0.95}), "was edited after it was made"),
        (json.dumps({**agreed.to_dict(), "reference": 3}), "was edited after it was made"),
        (json.dumps({**agreed.lapse("an alarm").to_dict(), "lapsed": None}), "was edited after it was made"),
    ):
        (tmp_path / "odd.json").write_text(text)
        with pytest.raises(InputError, match=words):
            Contract.read(tmp_path / "odd.json")
    with pytest.raises(InputError, match="no contract there"):
        Contract.read(tmp_path / "none.json")


def test_a_router_serves_by_it(router: Router, agreed: Contract, tmp_path: Path) -> None:
    agreed.write(tmp_path / "contract.json")
    chosen = router.select("Name a river.", contract=tmp_path / "contract.json")
    assert chosen == router.select("Name a river.", price=agreed.price)
    members = routoo.members_of(
        router.pool,
        answers=Answers(
            pl.DataFrame(
                [{"prompt_id": "prompt", "model": name, "answer": "x"} for name in router.pool.names]
            )
        ),
    )
    came = router.cascade("Name a river.", members=members, contract=agreed)
    assert [answer.model for answer in came.asked] == [chosen.model]
    few = {chosen.model: members[chosen.model]}
    with pytest.raises(InputError, match=r"a contract is of all models of the pool, but .* cannot be asked"):
        router.cascade("Name a river.", members=few, contract=agreed)


def test_nothing_else_is_asked_beside_it(router: Router, agreed: Contract) -> None:
    with pytest.raises(InputError, match="at its price alone: leave out price, or the contract"):
        router.select("Name a river.", price=3.0, contract=agreed)
    with pytest.raises(InputError, match="leave out max_cost_usd, domain, or"):
        router.select("Name a river.", max_cost_usd=3.0, domain="code", contract=agreed)
    with pytest.raises(InputError, match="leave out budget_usd"):
        router.assign(["Name a river."], budget_usd=1.0, contract=agreed)
    with pytest.raises(InputError, match="leave out price"):
        router.cascade("Name a river.", price=1.0, contract=agreed)
    of_cascades = dataclasses.replace(agreed, max_calls=3)
    with pytest.raises(InputError, match="this contract is of cascades"):
        router.select("Name a river.", contract=of_cascades)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lapsed": "an alarm"}, "an alarm"),
        ({"pool_sha256": "0"}, "models or prices of the pool have changed"),
        ({"bundle_sha256": "0"}, "the bundle is another one"),
    ],
)
def test_once_it_has_lapsed_the_reference_answers_and_says_why(
    router: Router, agreed: Contract, change: dict[str, str], words: str
) -> None:
    lapsed = dataclasses.replace(agreed, **change)  # type: ignore[arg-type]  # by name
    with pytest.warns(UserWarning, match=f"{LARGE} answers everything: {words}"):
        chosen = router.select("Name a river.", contract=lapsed)
    assert (chosen.model, chosen.lapsed) == (LARGE, words)
    with pytest.warns(UserWarning, match=words):
        plan = router.assign(["Name a river.", "2 + 2?"], contract=lapsed)
    assert (plan.chosen, plan.lapsed) == ([LARGE, LARGE], words)
    rows = pl.DataFrame({"prompt_id": ["prompt"], "model": [LARGE], "answer": ["Rhine"]})
    members = routoo.members_of(router.pool, answers=Answers(rows), names=[LARGE])
    with pytest.warns(UserWarning, match=words):
        came = router.cascade("Name a river.", members=members, contract=lapsed)
    assert (came.lapsed, [answer.answer for answer in came.asked]) == (words, ["Rhine"])


def test_other_prices_are_another_pool_and_other_rates_are_not(router: Router) -> None:
    first, *others = router.pool.models
    dear = dataclasses.replace(first, usd_per_1m_input=9.0)
    slow = dataclasses.replace(first, requests_per_minute=9, tags=("eu",))
    pool = of_pool(router.pool)
    assert pool == of_pool(Pool((*others, slow))) != of_pool(Pool((dear, *others)))


def test_the_reference_must_be_there_when_it_is_needed(agreed: Contract, router: Router) -> None:
    small = router.pool.select([name for name in router.pool.names if name != LARGE])
    other = Router.from_pretrained(router.runtime.bundle.folder, pool=small)
    with pytest.raises(InputError, match=f"its reference {LARGE} is not in the pool"):
        other.select("Name a river.", contract=agreed)


def test_what_cannot_be_decided_is_refused_with_how_many_could(router: Router, simulated: Outcomes) -> None:
    """Of the outcomes that it was trained on only the prompts in test count, some forty of two hundred."""
    with pytest.raises(InfeasibleError, match=r"^\d\d labelled prompts show no price.*needs 165$"):
        routoo.contract(router, simulated, reference=LARGE)
    with pytest.raises(InputError, match="learned from every prompt"):
        routoo.contract(router, simulated.part("train"))
    with pytest.raises(InfeasibleError, match="a share of 1 needs a policy that is better"):
        routoo.contract(router, simulated, share=1.0, reference=LARGE)


def test_learned_prompts_and_what_is_like_them_do_not_count(router: Router, simulated: Outcomes) -> None:
    split = router.runtime.bundle.split()
    train, test = simulated.part("train"), simulated.part("test")
    texts = [f"{train.texts[0]} !", test.texts[0], f"{test.texts[0]} ?", "An entirely new question?"]
    ids = ["like train", "test", "like test", "new"]
    rows = pl.DataFrame({"prompt_id": ids, "model": ["m"] * 4, "score": [1.0] * 4})
    outcomes = Outcomes(pl.DataFrame({"prompt_id": ids, "prompt": texts}), rows)
    assert sorted(unseen_prompts(outcomes, split).prompt_ids) == ["like test", "new"]


def test_spend_is_promised_in_the_same_way(router: Router, fresh: Outcomes, agreed: Contract) -> None:
    assert agreed.of_spend is None
    both = routoo.contract(
        router,
        fresh,
        share=0.85,
        confidence=0.9,
        reference=LARGE,
        spend_usd=2 * agreed.reference_cost_usd,
        prompt_usd=50 * agreed.reference_cost_usd,
    )
    assert both.in_words().startswith(f"at least 85 % of the mean score of {LARGE}, and a mean spend of at")
    with pytest.raises(InfeasibleError, match="no price is shown to keep both promises"):
        routoo.contract(router, fresh, share=0.85, reference=LARGE, spend_usd=both.cost_usd, prompt_usd=9.0)
    with pytest.raises(InputError, match="a promise on spend_usd needs prompt_usd too"):
        routoo.contract(router, fresh, spend_usd=1.0)
    with pytest.raises(InputError, match="needs spend_usd above 0"):
        routoo.contract(router, fresh, spend_usd=1.0, prompt_usd=0.5)


def test_under_other_prices_recorded_costs_are_of_the_tokens(router: Router, fresh: Outcomes) -> None:
    """A contract on spend speaks of what the pool says, not of what was once paid."""
    twice = [
        dataclasses.replace(
            model, usd_per_1m_input=2 * model.usd_per_1m_input, usd_per_1m_output=2 * model.usd_per_1m_output
        )
        for model in router.pool.models
    ]
    other = Router.from_pretrained(router.runtime.bundle.folder, pool=Pool(tuple(twice)))
    before, after = (Calibration.of(each, fresh).cost_usd for each in (router, other))
    assert after == pytest.approx(2 * before)


def test_labels_by_people_and_a_judge(router: Router, fresh: Outcomes) -> None:
    """A judge who is always right lets four hundred labels do what the labels alone do not."""
    labelled = [*dict.fromkeys(fresh.outcomes["prompt_id"])][:400]
    known = pl.when(pl.col("prompt_id").is_in(labelled)).then(pl.col("score"))
    judged = dataclasses.replace(fresh, outcomes=fresh.outcomes.with_columns(human=known))
    found = routoo.contract(router, judged, share=0.8, confidence=0.9, reference=LARGE, human="human")
    alone = routoo.contract(router, fresh.subset(labelled), share=0.8, confidence=0.9, reference=LARGE)
    assert 390 < found.prompts <= 400
    assert found.judged > 600
    assert found.price >= alone.price
    for scores, words in (
        (known.fill_null(7.0), "human holds no human scores: .*score lies outside"),
        (pl.lit(None, pl.Float64), "human holds no human scores: .*at least one row"),
        (pl.when(pl.col("model") == LARGE).then(pl.col("score")), "human scores no prompt on every model"),
    ):
        odd = dataclasses.replace(fresh, outcomes=fresh.outcomes.with_columns(human=scores))
        with pytest.raises(InputError, match=words):
            routoo.contract(router, odd, human="human", reference=LARGE)
    with pytest.raises(InputError, match="no column 'people' of human scores"):
        routoo.contract(router, judged, human="people", reference=LARGE)


def test_what_it_cannot_be_made_of_is_refused(router: Router, fresh: Outcomes) -> None:
    with pytest.raises(InputError, match="confidence must be above 0 and below 1"):
        routoo.contract(router, fresh, confidence=1.0)
    with pytest.raises(InputError, match="share must be above 0"):
        routoo.contract(router, fresh, share=0.0)
    with pytest.raises(InputError, match="reference names huge"):
        routoo.contract(router, fresh, reference="huge")
    with pytest.raises(InputError, match="has no outcome of simulated-large"):
        routoo.contract(router, fresh.select(router.pool.names[:5]))
    prices = [dataclasses.replace(model, usd_per_1m_input=1.0) for model in router.pool.models]
    other = Router.from_pretrained(router.runtime.bundle.folder, pool=Pool(tuple(prices)))
    with pytest.raises(InputError, match="name the reference model"):
        routoo.contract(other, fresh)


def test_a_cascade_promises_too(router: Router, fresh: Outcomes) -> None:
    few = fresh.subset(fresh.prompt_ids[:300])
    found = routoo.contract(
        router, few, share=0.7, confidence=0.8, reference=LARGE, cascade=True, max_calls=2
    )
    assert found.max_calls == 2
    assert found.margin >= 0


def test_scores_are_hashed_whatever_their_order(fresh: Outcomes) -> None:
    turned = Outcomes(fresh.prompts.reverse(), fresh.outcomes.reverse(), "other")
    other = fresh.outcomes.with_columns(score=1 - pl.col("score"))
    assert of_outcomes(turned) == of_outcomes(fresh) != of_outcomes(Outcomes(fresh.prompts, other))
