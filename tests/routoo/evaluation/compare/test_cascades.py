"""Cascades beside routers: the same metrics at the same cost, and what they do to get there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from answered import Answered

from routoo.data.curves import choices, curve, hull
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.evaluation.compare.cascades import CASCADE_AIMS, compared_cascades
from routoo.evaluation.compare.differences import COMPARED, Difference
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.trial import cascades as cascades_module
from routoo.evaluation.trial.bootstrap import Interval, Resamples
from routoo.evaluation.trial.cascades import MOST_CALLS, cascades_of
from routoo.evaluation.trial.policy import CASCADE, ORACLE, cascading
from routoo.evaluation.trial.trial import trial_of
from routoo.policies.replayed import ReplayedCascades


def test_cascades_are_a_row_beside_the_router(with_cascades: Evaluation) -> None:
    assert [row.name for row in with_cascades.rows][-3:] == ["router", CASCADE, ORACLE]
    row, router = with_cascades.row(CASCADE), with_cascades.row("router")
    assert router.area < row.area < with_cascades.row(ORACLE).area
    assert row.area_interval is not None
    assert row.over_single is not None
    assert np.isnan(row.brier)
    assert set(row.score_at) == set(router.score_at)
    assert CASCADE in with_cascades.published
    assert CASCADE not in with_cascades.deferral


def test_the_difference_is_that_of_the_rows_on_the_same_draws(with_cascades: Evaluation) -> None:
    found = with_cascades.cascades
    assert found is not None
    assert found.over_router is not None
    gap = found.over_router.metrics["area"]
    assert gap.value == pytest.approx(with_cascades.row(CASCADE).area - with_cascades.row("router").area)
    back = with_cascades.over(CASCADE).metrics["area"]
    assert (gap.low, gap.high) == pytest.approx((-back.high, -back.low))
    assert gap.high - gap.low < 0.05  # unpaired it would be twice that
    assert {"hull@0.5", "cost@0.95"} <= set(found.over_router.metrics) <= set(COMPARED) - {"brier"}


def test_what_cascades_do_is_told_at_the_settings_that_were_picked(with_cascades: Evaluation) -> None:
    found, best = with_cascades.cascades, with_cascades.best_single
    assert found is not None
    assert tuple(setting.aim for setting in found.settings) == CASCADE_AIMS
    read = with_cascades.curves[CASCADE]
    assert found.settled.sum(1) == pytest.approx(1)
    for setting in found.settings:
        at = int(np.flatnonzero(read.prices == setting.price)[0])
        assert setting.kept == pytest.approx(read.score[at] / best.score)
        assert setting.cost == pytest.approx(read.cost_usd[at] / best.cost_usd)
        assert setting.settled == pytest.approx(found.settled[at])
        assert setting.calls == pytest.approx(float(np.dot(setting.settled, [1, 2, 3])))
        assert setting.timed == 1
        assert setting.median_s % 2 == 0  # every call is predicted to take two seconds
    keep, half, full = found.settings
    assert keep.kept >= 0.95
    assert half.cost <= 0.5
    assert full.cost <= 1
    assert half.calls > 1
    assert 0 < half.wasted < 1


def test_asking_one_model_alone_is_no_cascade(answered: Answered) -> None:
    alone = answered.evaluation(max_calls=1, samples=0)
    assert alone.cascades is None
    assert CASCADE not in [row.name for row in alone.rows]
    silent = Outcomes(answered.outcomes.prompts, answered.outcomes.outcomes.drop("response"), "silent")
    assert replace(answered, outcomes=silent).evaluation(samples=0).cascades is None
    with pytest.raises(InputError, match=f"max_calls must .* {MOST_CALLS}"):
        answered.evaluation(max_calls=MOST_CALLS + 1)


def test_where_no_second_model_is_asked_a_cascade_is_the_router(
    answered: Answered, with_cascades: Evaluation
) -> None:
    found, read = with_cascades.cascades, with_cascades.curves[CASCADE]
    assert found is not None
    once = np.flatnonzero(found.settled[:, 0] == 1)
    assert len(once) > 5
    trial = trial_of(answered.outcomes, answered.pool, "test")
    chosen = choices(answered.scores.p_correct, answered.scores.cost_usd, read.prices[once])
    assert read.points[once] == pytest.approx(curve(chosen, trial.earned, trial.cost_usd))


def test_settings_lie_from_all_calls_to_one(with_cascades: Evaluation) -> None:
    found = with_cascades.cascades
    assert found is not None
    read = with_cascades.curves[CASCADE]
    assert read.prices[0] == 0
    assert 40 <= len(read.prices) <= 100
    assert found.settled[0, 2] > 0.5  # where two agree, a third answer would change nothing
    assert found.settled[-1, 0] == 1
    steps = -np.diff(read.cost_usd[1:]) / np.ptp(read.cost_usd)
    assert steps.max() < 0.2


def replayed(answered: Answered, *, max_calls: int = 3, prices: Sequence[float] = ()) -> ReplayedCascades:
    trial = trial_of(answered.outcomes, answered.pool, "test")
    found = cascades_of(
        answered.outcomes,
        answered.scores,
        answered.answer_model,
        trial,
        prices=np.array(prices),
        max_calls=max_calls,
        open_=None,
    )
    assert found is not None
    return found


def test_many_prompts_are_replayed_part_by_part(answered: Answered, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = replayed(answered, max_calls=2)
    monkeypatch.setattr(cascades_module, "_AT_ONCE", 64)
    parts = replayed(answered, max_calls=2)
    assert (whole.asked == parts.asked).all()
    assert whole.cost_usd == pytest.approx(parts.cost_usd)


def test_cascades_are_looked_at_where_the_router_is_at_its_best(
    answered: Answered, with_cascades: Evaluation
) -> None:
    assert {7.0, 7000.0} <= set(replayed(answered, max_calls=2, prices=(7.0, 7000.0)).prices.tolist())
    router = with_cascades.curves["router"]
    vertices = {tuple(vertex) for vertex in hull(router.points).tolist()}
    at = [at for at, point in enumerate(router.points.tolist()) if tuple(point) in vertices]
    read = with_cascades.curves[CASCADE].prices
    found = {router.points[n].tobytes() for n in at if router.prices[n] in read}
    assert len(found) == len(vertices)


def test_draws_of_the_prompts_pay_for_every_call(answered: Answered) -> None:
    trial = trial_of(answered.outcomes, answered.pool, "test")
    found = replayed(answered)
    policy = cascading(found, trial)
    cost, score = policy.realised(trial)
    assert cost == pytest.approx(found.cost_usd)
    assert policy.points == pytest.approx(np.stack([cost.mean(1), score.mean(1)], axis=1))
    resamples = Resamples(len(trial.score), 3)
    points, in_area = policy.resampled(np.zeros((3, 3, 2)), trial, resamples)
    drawn = resamples.counts[1] @ cost[7] / len(trial.score)
    assert points[1, 7, 0] == pytest.approx(drawn, rel=1e-5)
    assert in_area.tolist() == list(range(len(found.prices)))


def test_numbers_by_hand(answered: Answered) -> None:
    trial = trial_of(answered.outcomes, answered.pool, "test")
    two = replace(
        trial,
        prompt_ids=["a", "b"],
        score=np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]),
        cost_usd=np.array([[9.0, 3.0, 1.0], [9.0, 3.0, 1.0]]),
    )
    found = ReplayedCascades(
        prices=np.array([0.0]),
        asked=np.array([[[2, -1], [1, 2]]]),
        chosen=np.array([[2, 2]]),
        p_correct=np.array([[0.9, 0.4]]),
        cost_usd=np.array([[1.0, 4.0]]),
        latency_s=np.array([[2.0, np.nan]]),
    )
    policy = cascading(found, two)
    at = compared_cascades(found, policy, "router", {}, two).setting("spend@1")
    assert at is not None
    assert at.settled == (0.5, 0.5)
    assert at.calls == 1.5
    assert at.wasted == pytest.approx(3 / 5)
    assert (at.median_s, at.p95_s, at.timed) == (2, 2, 0.5)
    assert at.brier == pytest.approx((0.1**2 + 0.4**2) / 2)
    assert (at.kept, at.cost) == pytest.approx((0.5, 2.5 / 9))


def test_the_document_holds_it_all(with_cascades: Evaluation) -> None:
    document = json.loads(json.dumps(with_cascades.to_dict()))
    assert document["cascades"]["max_calls"] == 3
    assert [found["aim"] for found in document["cascades"]["settings"]] == list(CASCADE_AIMS)
    assert "area" in document["cascades"]["over_router"]["figures"]
    assert CASCADE in [row["name"] for row in document["rows"]]


def test_the_verdict_names_what_is_sure_alone(with_cascades: Evaluation) -> None:
    found = with_cascades.cascades
    assert found is not None
    assert found.over_router is not None
    gap = found.over_router.metrics["area"]
    assert gap.low > 0
    assert "; reading answers, with up to 3 calls a prompt, adds ." in str(with_cascades.verdict())
    unsure = Difference(CASCADE, "router", {"area": Interval(0.01, -0.001, 0.02)})
    assert replace(found, over_router=unsure).gain_in_words() == ""
    assert replace(found, over_router=None).gain_in_words() == ""
