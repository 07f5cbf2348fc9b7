"""A router's policies: what they save, what is promised, and what a certificate of them says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from counted import Counted, answered_in, deviation, lines_of

import routoo as package
from routoo.data.errors import InputError
from routoo.data.observation import ObservationModel
from routoo.data.pool import Pool, PoolModel
from routoo.data.request import Request
from routoo.data.scores import Scores
from routoo.members.calling import Retries
from routoo.models.signals.answer_model import AnswerModel
from routoo.models.signals.calibration import Calibration, Curve
from routoo.models.signals.fusion import Fusion
from routoo.policies.smart.page import render_page
from routoo.policies.smart.predicted import Predicted
from routoo.policies.smart.progress import SmartProgress
from routoo.policies.smart.smart import SmartAnswers
from routoo.policies.smart.verifying import verify
from routoo.router import Router

N = 800
USD = {"large": 0.01, "small": 0.001, "tiny": 0.0005}


class Known:
    """A router that knows how probably each model is right on each item."""

    def __init__(self, p_correct: Mapping[str, Sequence[float]], model: AnswerModel | None = None) -> None:
        self._p, self.usd, self.answer_model = dict(p_correct), USD, model
        self.pool = Pool(
            tuple(PoolModel(name=name, usd_per_1m_input=1.0, usd_per_1m_output=1.0) for name in self._p)
        )
        self.fingerprints = "pool", "bundle"

    def predict(self, prompts: Sequence[str]) -> Scores:
        names = tuple(self._p)
        p = np.stack([np.array(self._p[name])[: len(prompts)] for name in names], 1)
        return Scores(
            p.astype(np.float32),
            np.tile([self.usd[name] for name in names], (len(prompts), 1)).astype(np.float32),
            models=names,
        )


def batch(n: int = N, *names: str, seed: int = 0) -> tuple[dict[str, Counted], Router]:
    """A reference that says yes, others that say it as probably as the router says, from always to never."""
    draw = np.random.default_rng(seed)
    p: dict[str, list[float]] = {
        "large": [1.0] * n,
        **{name: (draw.permutation(n) / n).tolist() for name in names or ("small",)},
    }
    members = {
        name: Counted(
            name,
            ["yes" if u < one else "no" for u, one in zip(draw.random(n), right, strict=True)],
            USD[name],
        )
        for name, right in p.items()
    }
    return members, cast(Router, Known(p))


def run(members: Mapping[str, Counted], router: Router | None, **options: object) -> SmartAnswers:
    n = len(members["large"].texts)
    given: dict[str, object] = {"reference": "large", "retries": Retries(tries=1), "delta": 0.1, **options}
    return package.smart([f"Question {at}?" for at in range(n)], members, router=router, **given)  # type: ignore[arg-type]  # options of smart


def test_predictions_save_more_and_nothing_is_asked_in_vain() -> None:
    members, router = batch(2000)
    found = run(members, router)
    without = run(batch(2000)[0], None)
    promised = found.certificate
    assert promised.saved > without.certificate.saved + 0.1
    assert deviation(found) <= 0.1
    assert promised.spent_usd == pytest.approx(
        sum(USD[name] * member.asked.total() for name, member in members.items())
    )
    assert max(count for member in members.values() for count in member.asked.values()) == 1
    last = promised.looks[-1]
    profiled = {str(at) for at in np.random.default_rng(0).permutation(2000)[: last.seen]}
    given = {answer.prompt_id for answer in found.answers if answer.model == "small"}
    assert members["small"].asked.keys() - profiled == given
    assert last.cost_usd == {"small": 0.001, "large": 0.01}


def test_the_certificate_says_whom_the_policy_asks() -> None:
    members, router = batch(2000)
    found = run(members, router).certificate
    assert found.rule.startswith("small where its predicted agreement is at least 0.")
    threshold = float(found.rule.split("at least ")[1].split(",")[0])
    assert found.answered["small"] == pytest.approx((1 - threshold) * (2000 - found.profiled), rel=0.05)
    page = render_page(found)
    assert "small where its predicted agreement is at least" in page
    assert page.count("<polyline") <= 6
    several, router = batch(2000, "small", "tiny")
    found = run(several, router).certificate
    assert found.rule.startswith("the model of the most predicted agreement less ")
    assert all(f"{name} " in found.rule for name in ("small", "tiny", "large"))
    assert found.answered["tiny"] > 100


def test_no_more_differs_than_promised() -> None:
    """The share that differs is what it is; the order of the batch alone is drawn."""
    runs = [run(*batch(400, "small", "tiny"), seed=seed, delta=0.2) for seed in range(25)]
    assert sum(deviation(found) > 0.2 for found in runs) <= 4
    assert np.mean([found.certificate.saved for found in runs]) > 0.1


def test_progress_tells_the_price_that_may_be_used_and_the_next() -> None:
    told: list[SmartProgress] = []
    found = run(*batch(1000), on_progress=told.append).certificate
    prices = found.promise.policies
    assert all(len(step.most) <= 2 for step in told)
    taken = next(name for name in prices if found.policy[name])
    now, following = told[-1].most
    assert (now, prices.index(following)) == (taken, prices.index(taken) + 1)
    assert (told[-1].most[now] or 0) <= 0.1 < (told[-1].most[following] or 0)


def test_predictions_that_are_wrong_cost_money_and_break_no_promise() -> None:
    members, router = batch(1000)
    known = cast(Known, router)
    known._p["small"] = [1 - p for p in known._p["small"]]
    found = run(members, router)
    assert deviation(found) <= 0.1
    assert found.certificate.answered["large"] > 600


def test_a_run_killed_at_any_line_goes_on_and_pays_nothing_twice(tmp_path: Path) -> None:
    members, router = batch(40, "small", "tiny")
    options: dict[str, object] = {"delta": 0.3, "seed": 3}
    whole = run(members, router, journal=tmp_path / "whole", **options)
    lines = lines_of(tmp_path / "whole")
    for at in range(1, len(lines), 3):
        path = tmp_path / f"{at}"
        path.write_bytes(b"".join(lines[:at]) + lines[at][: len(lines[at]) // 2])
        members, router = batch(40, "small", "tiny")
        known = cast(Known, router)
        known._p["small"] = [p * (1 - 1e-6) for p in known._p["small"]]  # another machine, another last digit
        found = run(members, router, journal=path, **options)
        asked = Counter({(m.name, name): count for m in members.values() for name, count in m.asked.items()})
        assert not asked & answered_in(lines[:at])
        assert [a.row() for a in found.answers] == [a.row() for a in whole.answers]
        assert found.certificate.looks == whole.certificate.looks
        assert (found.certificate.rule, found.certificate.policy) == (
            whole.certificate.rule,
            whole.certificate.policy,
        )


def test_a_certificate_follows_from_its_journal_alone(tmp_path: Path) -> None:
    members, router = batch(300)
    found = run(members, router, journal=tmp_path / "journal.jsonl").certificate
    path = tmp_path / "certificate.json"
    found.write(path)
    assert verify(path) == []
    stated = json.loads(path.read_text())
    path.write_text(json.dumps({**stated, "rule": "small where it likes"}))
    assert [line.split(":")[0] for line in verify(path)] == ["rule"]
    moved = replace(found.promise, prices=(1.0,))
    replace(found, promise=moved).write(path)
    assert any(line.startswith("promise.prices") for line in verify(path))


def test_another_bundle_or_none_is_another_batch(tmp_path: Path) -> None:
    members, router = batch(50)
    run(members, router, journal=tmp_path / "journal")
    cast(Known, router).fingerprints = "pool", "another"
    for other in (None, router):
        with pytest.raises(InputError, match="that batch has another bundle"):
            run(members, other, journal=tmp_path / "journal")


def reading(n: int, *, seed: int = 0) -> tuple[dict[str, Counted], Router]:
    """The small model agrees on seven items in ten, and nine in ten of its other answers are refusals."""
    draw = np.random.default_rng(seed)
    agrees, told = draw.random(n) < 0.7, draw.random(n) < 0.9
    small = np.where(agrees, "yes", np.where(told, "I cannot help with that.", "no")).tolist()
    members = {
        "large": Counted("large", ["yes"] * n, USD["large"]),
        "small": Counted("small", small, USD["small"]),
    }
    curve = Curve(100, np.array([-1.0, 0.0]), np.array([0.01, 0.96]))
    same = np.tile([0.1, 0.0, 1.0], (2, 2, 1))
    levels = np.array([[0.9, 0.1]] * 2), np.array([[0.0, 1.0]] * 2)
    observation = ObservationModel(("large", "small"), np.zeros(2), levels[1], levels[0], same)
    model = AnswerModel(observation, {"refusal": Calibration(curve, rising=False)}, Fusion((0.0, 1.0, 0.0)))
    return members, cast(Router, Known({"large": [1.0] * n, "small": [0.7] * n}, model))


def test_a_cascade_reads_the_answer_and_hands_on_what_is_likely_to_differ() -> None:
    """No prediction tells items apart, so that choosing by it comes to all or nothing."""
    found = run(*reading(2000), cascade=True, delta=0.08).certificate
    alone = run(*reading(2000), delta=0.08).certificate
    assert alone.saved < 0.2 < 0.4 < found.saved
    members, router = reading(2000)
    answered = run(members, router, cascade=True, delta=0.08)
    assert deviation(answered) <= 0.08
    refused = {str(at) for at, text in enumerate(members["small"].texts) if str(text).startswith("I")}
    stands = {answer.prompt_id for answer in answered.answers if answer.model == "small"}
    assert not stands & refused
    assert refused <= members["large"].asked.keys()
    assert max(count for member in members.values() for count in member.asked.values()) == 1
    assert found.rule.startswith("the answer of the model that may save most, where it agrees with a")
    assert "small 2,000" in found.rule


def test_no_more_differs_than_a_cascade_promises() -> None:
    runs = [run(*reading(300, seed=seed), cascade=True, delta=0.06, seed=seed) for seed in range(25)]
    assert sum(deviation(found) > 0.06 for found in runs) <= 4
    assert np.mean([found.certificate.saved for found in runs]) > 0.1


def test_a_cascade_goes_on_after_a_kill_and_is_verified_by_its_journal_alone(tmp_path: Path) -> None:
    options: dict[str, object] = {"delta": 0.3, "seed": 3, "cascade": True}
    members, router = reading(60)
    whole = run(members, router, journal=tmp_path / "whole", **options)
    lines = lines_of(tmp_path / "whole")
    whole.certificate.write(tmp_path / "certificate.json")
    assert verify(tmp_path / "certificate.json") == []
    for at in range(1, len(lines), 7):
        path = tmp_path / f"{at}"
        path.write_bytes(b"".join(lines[:at]))
        members, router = reading(60)
        found = run(members, router, journal=path, **options)
        asked = Counter({(m.name, name): count for m in members.values() for name, count in m.asked.items()})
        assert not asked & answered_in(lines[:at])
        assert [a.row() for a in found.answers] == [a.row() for a in whole.answers]
        assert found.certificate.looks == whole.certificate.looks
    with pytest.raises(InputError, match="that batch has another cascade"):
        run(*reading(60), journal=tmp_path / "whole", delta=0.3, seed=3)


def test_an_answer_that_did_not_come_is_handed_on() -> None:
    members, router = reading(400)
    members["small"].texts = [None if text == "no" else text for text in members["small"].texts]
    found = run(members, router, cascade=True, delta=0.02)
    assert deviation(found) == 0
    assert found.certificate.answered["small"] > 100


def test_what_a_router_cannot_do_is_refused() -> None:
    members, router = batch(50)
    with pytest.raises(InputError, match="predicts nothing of tiny: name as candidates only models"):
        run(batch(50, "small", "tiny")[0], router)
    with pytest.raises(InputError, match="published knows models alone"):
        run(members, router, method="published")
    with pytest.raises(InputError, match="the router knows no signal of answers"):
        run(members, router, cascade=True)
    with pytest.raises(InputError, match="cascade needs a router"):
        run(members, None, cascade=True)


def test_two_models_agree_at_most_where_the_less_able_is_right() -> None:
    router = cast(Router, Known({"small": [0.9, 0.2, 0.987654321], "large": [0.8, 0.7, 1.0]}))
    requests = [Request(str(at), f"Question {at}?") for at in range(3)]
    found = Predicted.of(router, requests, ("small", "large"))
    assert found.agreement.ravel() == pytest.approx([0.8, 0.2, 0.987654321], abs=1e-6)
    kept = Predicted.from_json(json.loads(json.dumps(found.to_json())))
    assert (kept.agreement == found.agreement).all()
    assert (kept.policies.chosen == found.policies.chosen).all()


def test_free_models_have_no_price_to_choose_by() -> None:
    """All calls are free: nothing can be saved, and the reference answers."""
    members, router = batch(60)
    for member in members.values():
        member.usd = 0.0
    cast(Known, router).usd = dict.fromkeys(USD, 0.0)
    assert run(members, router).certificate.answered == {"large": 60, "small": 0}
