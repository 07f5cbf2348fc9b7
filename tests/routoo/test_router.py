"""The Python API of the README, typed as it stands, and what it says to those who mistype it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

import routoo

if TYPE_CHECKING:
    from pathlib import Path

    from routoo.predictor import Predictor


def test_the_lines_of_the_readme(bundle_folder: Path) -> None:
    router = routoo.Router.from_pretrained(bundle_folder)
    choice = router.select("What is the capital of Australia?", max_cost_usd=0.002)
    plan = router.assign(["First prompt", "Second prompt"], budget_usd=5.0)
    assert choice.model in router.pool.names
    assert choice.cost_usd <= 0.002
    assert plan.cost_usd <= 5.0
    assert "2 prompts" in plan.summary()


def test_the_least_budget_is_enough(bundle_folder: Path) -> None:
    router = routoo.Router.from_pretrained(bundle_folder)
    with pytest.raises(routoo.InfeasibleError) as caught:
        router.assign(["First prompt", "Second prompt"], budget_usd=1e-12)
    least = caught.value.least_budget_usd
    assert least is not None
    assert router.assign(["First prompt", "Second prompt"], budget_usd=least).status == "optimal"


def test_a_mistyped_limit_is_named(bundle_folder: Path) -> None:
    router = routoo.Router.from_pretrained(bundle_folder)
    with pytest.raises(routoo.InputError, match=r"unknown limits budget; known: .*budget_usd"):
        router.assign(["First prompt"], budget=5.0)


def test_a_predictor_reads_what_a_router_reads(tiny_predictor: Predictor) -> None:
    expected = tiny_predictor.predict(["First prompt", "Second prompt"]).p_correct
    for prompts in (("First prompt", "Second prompt"), pl.Series(["First prompt", "Second prompt"])):
        np.testing.assert_array_equal(tiny_predictor.predict(prompts).p_correct, expected)
    nothings: tuple[Any, ...] = ([], None, "one text")
    for nothing in nothings:
        with pytest.raises(routoo.InputError, match="prompts must be a list of"):
            tiny_predictor.predict(nothing)


def test_a_known_domain_and_caution_reach_the_choice(tiny_predictor: Predictor, bundle_folder: Path) -> None:
    router = routoo.Router.from_pretrained(bundle_folder, int8=False)
    asked = ["First prompt", "Second prompt", "Third prompt"]
    learned = tiny_predictor.trained.domains
    assert len(learned) >= 2
    inferred = router.predict(asked)
    told = router.predict(asked, domains=[learned[0], None, "no such domain"])
    assert np.abs(told.p_correct[0] - inferred.p_correct[0]).max() > 1e-4
    np.testing.assert_allclose(told.p_correct[1:], inferred.p_correct[1:], atol=1e-5)
    same = tiny_predictor.predict(asked, domains=[learned[0], None, "no such domain"])
    np.testing.assert_allclose(told.p_correct, same.p_correct, atol=1e-4)
    chosen = router.select(asked[0], price=0, domain=learned[0])
    assert chosen.p_correct == pytest.approx(float(told.p_correct[0].max()), abs=1e-5)
    careful = router.select(asked[0], price=0, domain=learned[0], confidence=0.9)
    assert careful.cautious_p_correct == pytest.approx(float(told.cautious(0.9).p_correct[0].max()), abs=1e-5)
    plan = router.assign(asked, domains=[learned[0]] * 3, confidence=0.9, budget_usd=5.0)
    assert plan.objective < router.assign(asked, domains=[learned[0]] * 3, budget_usd=5.0).objective
    with pytest.raises(routoo.InputError, match="names or None, one for each of 3 prompts, got 1"):
        router.predict(asked, domains=["one"])
    for wrong in (["history"], 3):
        with pytest.raises(routoo.InputError, match="domains: each must be a name or None, got"):
            router.select(asked[0], domain=wrong)  # type: ignore[arg-type]


def test_caution_chooses_and_the_expected_score_is_reported(bundle_folder: Path) -> None:
    router = routoo.Router.from_pretrained(bundle_folder)
    asked = ["First prompt", "Second prompt", "Third prompt"]
    expected, cautious = (
        scores.p_correct for scores in (router.predict(asked), router.predict(asked).cautious(0.9))
    )
    pacer = routoo.Pacer(5.0, expected_prompts=9)
    for choice in (
        router.select(asked[0], price=0, confidence=0.9),
        router.select(asked[0], confidence=0.9, pacer=pacer),
    ):
        column = router.pool.names.index(choice.model)
        assert column == cautious[0].argmax()
        assert choice.p_correct == pytest.approx(float(expected[0, column]), abs=1e-5)
        assert choice.cautious_p_correct == pytest.approx(float(cautious[0, column]), abs=1e-5)
    assert router.select(asked[0]).cautious_p_correct is None
    plan = router.assign(asked, confidence=0.9, budget_usd=5.0)
    rows = np.arange(3)
    assert plan.choice.tolist() == cautious.argmax(axis=1).tolist()
    assert plan.score == pytest.approx(float(expected[rows, plan.choice].sum()), abs=1e-4)
    assert plan.objective == pytest.approx(float(cautious[rows, plan.choice].sum()), abs=1e-4)
    np.testing.assert_allclose(plan.to_polars()["p_correct"], expected[rows, plan.choice], atol=1e-5)


def test_a_floor_on_the_score_is_held_by_the_cautious_scores(bundle_folder: Path) -> None:
    router = routoo.Router.from_pretrained(bundle_folder)
    scores = router.predict(["First prompt", "Second prompt", "Third prompt"])
    low, most = scores.cautious(0.9).p_correct, float(scores.cautious(0.9).p_correct.max(axis=1).mean())
    plan = router.assign(scores, confidence=0.9, min_mean_score=most - 1e-6)
    assert low[np.arange(3), plan.choice].mean() >= most - 1e-6
    assert plan.score / 3 > most
    with pytest.raises(routoo.InfeasibleError):
        router.assign(scores, confidence=0.9, min_mean_score=most + 1e-3)


def test_a_budget_confidence_keeps_a_reserve(bundle_folder: Path, simulated_models: routoo.Pool) -> None:
    router = routoo.Router.from_pretrained(bundle_folder)
    asked = [f"What is {at} plus {at + 1}?" for at in range(40)]
    scores = router.predict(asked)
    budget = float(scores.cost_usd.max(1).sum()) / 2
    plain = router.assign(scores, budget_usd=budget)
    plan = router.assign(scores, budget_usd=budget, budget_confidence=0.95)
    assert plain.reserve is None
    assert plan.reserve is not None
    assert plan.reserve.usd > 0
    assert plan.cost_usd + plan.reserve.usd <= budget * (1 + 1e-9)
    with pytest.raises(routoo.InputError, match="budget_confidence speaks of a budget"):
        router.assign(scores, budget_confidence=0.95)
    with pytest.raises(routoo.InputError, match=r"budget_confidence must be at least 0\.5"):
        router.assign(scores, budget_usd=budget, budget_confidence=95)
    dearer = routoo.Pool(
        tuple(dataclasses.replace(model, usd_per_1m_output=9.0) for model in simulated_models.models)
    )
    for pool in (dearer, simulated_models.select(simulated_models.names[:2])):
        other = routoo.Router.from_pretrained(bundle_folder, pool=pool)
        assert other.validation is None
        with pytest.raises(routoo.InputError, match="does not know how far true costs are"):
            other.assign(asked, budget_usd=5.0, budget_confidence=0.95)
    turned = simulated_models.select(simulated_models.names[::-1])
    assert routoo.Router.from_pretrained(bundle_folder, pool=turned).validation is not None


def test_what_answers_tell_is_of_the_models_of_the_router(
    tiny_predictor: Predictor, bundle_folder: Path, simulated_models: routoo.Pool
) -> None:
    known = tiny_predictor.answer_model
    whole = routoo.Router.from_pretrained(bundle_folder).answer_model
    assert known is not None
    assert whole is not None
    assert whole.to_dict() == known.to_dict()
    some = simulated_models.select(simulated_models.names[2::-1])
    part = routoo.Router.from_pretrained(bundle_folder, pool=some).answer_model
    assert part is not None
    assert part.models == some.names
    assert part.to_dict() == known.select(some.names).to_dict()


def test_a_path_in_place_of_outcomes_is_refused() -> None:
    with pytest.raises(routoo.InputError, match=r"must be routoo\.Outcomes, got str; routoo\.Outcomes\.read"):
        routoo.train("outcomes.parquet")  # type: ignore[arg-type]


def test_the_pool_of_a_router_is_kept_wherever_it_chooses(bundle_folder: Path) -> None:
    known = routoo.Router.from_pretrained(bundle_folder)
    scores = known.predict(["2 + 2?", "Name a river. " * 400])
    assert scores.input_tokens is not None
    best = scores.models[int(scores.p_correct[1].argmax())]
    stated = {best: {"context_window": 300, "requests_per_minute": 1}}
    pool = routoo.Pool(
        tuple(
            dataclasses.replace(model, **stated.get(model.name, {"tags": ["long"]}))
            for model in known.pool.models
        )
    )
    router = routoo.Router.from_pretrained(bundle_folder, pool=pool)
    asked = ["2 + 2?", "Name a river. " * 400]
    assert known.select(asked[1], price=0).model == best
    assert router.select(asked[1], price=0).model != best
    assert best not in router.assign(asked[1:]).chosen
    assert best not in router.assign(asked, tags=["long"]).chosen
    assert router.assign(asked, tags=["long"], pool=pool).chosen == router.assign(asked, tags=["long"]).chosen
    with pytest.raises(routoo.InfeasibleError, match="tokens with the answer that is expected"):
        router.select(asked[1], models=[best])
    for models, words in ((["z"], "^models names z; known: "), ([], "^models names no model")):
        with pytest.raises(routoo.InputError, match=words):
            router.select("2 + 2?", models=models)
    shorts = [f"{at} + 2?" for at in range(5)]
    assert router.assign(shorts, period_s=120).chosen.count(best) <= 2
    pacer = routoo.Pacer(50.0, expected_prompts=5)
    made = [router.select(short, models=None, pacer=pacer, now_s=1.0).model for short in shorts]
    assert made.count(best) <= 1
    with pytest.raises(routoo.InputError, match="give the time as now_s"):
        router.select(shorts[0], pacer=pacer)
    with pytest.raises(routoo.InputError, match="now_s is for a pacer"):
        router.select(shorts[0], now_s=1.0)
    with pytest.raises(routoo.InputError, match="progress is for a pacer"):
        router.select(shorts[0], progress=0.5)
    told = routoo.Pacer(50.0)
    assert router.select(shorts[0], pacer=told, progress=0.5, now_s=1.0).ticket == 1
    with pytest.raises(
        routoo.InputError, match="no model of the pool has the tag 'vision'; tags there are: long"
    ):
        router.select(shorts[0], tags=["vision"])


def test_names_that_come_too_late_are_refused(bundle_folder: Path) -> None:
    router = routoo.Router.from_pretrained(bundle_folder)
    scores = router.predict(["First prompt"])
    with pytest.raises(routoo.InputError, match="prompt_ids are given when scores are predicted"):
        router.assign(scores, prompt_ids=["x"], budget_usd=1)


def test_a_limit_that_is_no_number_asks_for_a_number(bundle_folder: Path) -> None:
    router = routoo.Router.from_pretrained(bundle_folder)
    limits: tuple[dict[str, Any], ...] = ({"max_cost_usd": "1"}, {"max_latency_s": True})
    for limit in limits:
        with pytest.raises(routoo.InputError, match="must be a number of at least 0, got"):
            router.select("First prompt", **limit)
