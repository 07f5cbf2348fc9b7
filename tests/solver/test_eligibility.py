"""No choice breaks a window, a tag or a rate of the pool, whoever makes it."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.errors import InfeasibleError, InputError, RoutooError
from routoo.data.pool import Pool, PoolModel
from routoo.data.scores import Scores, repriced
from routoo.solver.limits import ModelLimit
from routoo.solver.pacer import Pacer
from routoo.solver.problem import Problem
from routoo.solver.results.frontier import frontier
from routoo.solver.select import select
from routoo.solver.solve import solve
from routoo.solver.streaming import prediction_files
from routoo.solver.streaming.stream import assign_parquet

TAGS = ("vision", "tools")


def model(name: str, **stated: Any) -> PoolModel:  # Any: fields of PoolModel
    return PoolModel(name=name, usd_per_1m_input=1, usd_per_1m_output=2, **stated)


def drawn(seed: int) -> tuple[Scores, Pool, list[list[str]]]:
    """Predictions, a pool with windows, tags and rates, and the tags that each prompt needs."""
    rng = np.random.default_rng(seed)
    n, names = int(rng.integers(1, 30)), ("a", "b", "c", "d")

    def some(value: object) -> object:
        return value if rng.random() < 0.5 else None

    pool = Pool(
        (
            model("a", tags=TAGS),
            *(
                model(
                    name,
                    context_window=some(int(rng.integers(50, 600))),
                    requests_per_minute=some(int(rng.integers(1, 10))),
                    tokens_per_minute=some(int(rng.integers(100, 3000))),
                    concurrency=some(int(rng.integers(1, 4))),
                    tags=[tag for tag in TAGS if rng.random() < 0.7],
                )
                for name in names[1:]
            ),
        )
    )
    scores = Scores(
        rng.random((n, 4)).astype(np.float32),
        rng.lognormal(-6, 1, (n, 4)).astype(np.float32),
        rng.gamma(2, 1, (n, 4)).astype(np.float32),
        names,
        output_tokens=rng.integers(1, 300, (n, 4)).astype(np.float32),
        input_tokens=rng.integers(1, 400, (n, 4)).astype(np.float32),
    )
    needed = [[tag for tag in TAGS if rng.random() < 0.2] for _ in range(n)]
    return scores, pool, needed


def tokens_of(scores: Scores) -> np.ndarray:
    assert scores.input_tokens is not None
    assert scores.output_tokens is not None
    return scores.input_tokens + scores.output_tokens


def takes(pool: Pool, scores: Scores, row: int, column: int, tags: list[str]) -> bool:
    """Whether a model can take a prompt, said as plainly as can be."""
    stated = pool[scores.models[column]]
    window = stated.context_window
    fits = window is None or tokens_of(scores)[row, column] <= window
    return bool(fits and set(tags) <= set(stated.tags))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1, 600), st.sampled_from(["dual", "exact"]))
def test_no_assignment_breaks_a_window_a_tag_or_a_rate(seed: int, period_s: float, solver: str) -> None:
    scores, pool, tags = drawn(seed)
    if not any(m.requests_per_minute or m.tokens_per_minute or m.concurrency for m in pool.models):
        return
    limits: dict[str, Any] = {"pool": pool, "tags": tags, "period_s": period_s}
    plan = solve(Problem(scores=scores, **limits), solver=solver)
    assert plan.found  # model a takes everything
    for row, column in enumerate(plan.choice):
        assert takes(pool, scores, row, column, tags[row])
    for column, stated in enumerate(pool.models):
        own = plan.choice == column
        slack = 1 + 1e-9
        if stated.requests_per_minute is not None:
            assert own.sum() <= stated.requests_per_minute * period_s / 60 * slack
        if stated.tokens_per_minute is not None:
            assert tokens_of(scores)[own, column].sum() <= stated.tokens_per_minute * period_s / 60 * slack
        if stated.concurrency is not None:
            assert scores.latency[own, column].sum() <= stated.concurrency * period_s * slack


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 10.0]))
def test_select_frontier_and_a_batch_of_one_agree(seed: int, price: float) -> None:
    scores, pool, tags = drawn(seed)
    each = []
    for row in range(len(scores)):
        one = scores.rows(np.array([row]))
        each.append(scores.models.index(select(one, price=price, pool=pool, tags=tags[row]).model))
        assert takes(pool, scores, row, each[row], tags[row])
        if price == 0:
            assert solve(Problem(scores=one, pool=pool, tags=tags[row])).choice.tolist() == each[row:]
    if price == 0:
        best = frontier(Problem(scores=scores, pool=pool, tags=tags)).score[-1]
        assert best == pytest.approx(scores.p_correct[np.arange(len(each)), each].sum(dtype=np.float64))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_pace_breaks_a_window_a_tag_or_a_rate(seed: int) -> None:
    scores, pool, tags = drawn(seed)
    rng = np.random.default_rng(seed)
    pool = Pool((model("a", tags=TAGS, requests_per_minute=8), *pool.models[1:]))
    pacer, now = Pacer(1e3, expected_prompts=100), 0.0
    under_way: dict[int | None, str] = {}
    sent: list[tuple[float, str, float]] = []
    for row in rng.integers(0, len(scores), 60).tolist():
        now += float(rng.choice([0.0, 0.3, 5.0, 40.0]))
        for ticket in [ticket for ticket in under_way if rng.random() < 0.3]:
            del under_way[ticket]
            pacer.settle(ticket, 0.001)
        try:
            made = pacer.select(scores.rows(np.array([row])), pool=pool, tags=tags[row], now_s=now)
        except InfeasibleError as refusal:
            assert "is free" in str(refusal)  # noqa: PT017 - some prompts are served, some have to wait
            continue
        column = scores.models.index(made.model)
        assert takes(pool, scores, row, column, tags[row])
        under_way[made.ticket] = made.model
        sent.append((now, made.model, tokens_of(scores)[row, column]))
        for stated in pool.models:
            if stated.concurrency is not None:
                assert Counter(under_way.values())[stated.name] <= stated.concurrency
            minute = [used for at, name, used in sent if name == stated.name and at >= now - 60]
            if stated.requests_per_minute is not None:
                assert len(minute) <= stated.requests_per_minute
            if stated.tokens_per_minute is not None:
                assert sum(minute) <= stated.tokens_per_minute


NAMES = ("large", "small")
THREE = Scores(
    np.array([[0.9, 0.4]] * 3),
    np.array([[0.02, 0.001]] * 3),
    np.full((3, 2), 2.0),
    NAMES,
    prompt_ids=["p", "q", "r"],
    input_tokens=np.array([[90, 80], [990, 880], [90, 80]]),
    output_tokens=np.full((3, 2), 10),
)
WINDOWS = Pool((model("large", context_window=100), model("small", context_window=890, tags=["tools"])))


def test_a_prompt_fills_a_window_to_the_last_token() -> None:
    assert solve(Problem(scores=THREE, pool=WINDOWS)).chosen == ["large", "small", "large"]
    longer = replace(THREE, output_tokens=np.full((3, 2), 10.5))
    plan = solve(Problem(scores=longer, pool=WINDOWS))
    assert plan.status == "infeasible"
    assert plan.reason == (
        "prompt 'q' takes 890 tokens with the answer that is expected, and of the models allowed to it small "
        "has the largest context_window, 890"
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"allowed": ["large"]},
            "prompt 'q' takes 1,000 tokens .* large has the largest context_window, 100",
        ),
        ({"tags": ["tools"], "allowed": ["large"]}, "prompt 'p' needs a model with tag tools, and none"),
        (
            {"tags": [["tools"], [], ["tools"]], "max_cost_usd": 1e-4},
            "prompt 'p' has no model within max_cost",
        ),
    ],
    ids=str,
)
def test_why_a_prompt_has_no_model_is_said(fields: dict[str, Any], words: str) -> None:
    reason = solve(Problem(scores=THREE, pool=WINDOWS, **fields)).reason
    assert reason is not None
    assert re.match(words, reason), reason
    with pytest.raises(InputError, match=words):
        frontier(Problem(scores=THREE, pool=WINDOWS, **fields))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"pool": None, "tags": ["tools"]}, "tags need the pool"),
        ({"pool": "pool.toml"}, "pool must be a Pool, got str; Pool.read"),
        ({"tags": "tools"}, "tags must be a list of texts, got one text: put it in a list"),
        ({"tags": [3]}, "tags must be a list of texts, got a number"),
        ({"tags": [["tools"]]}, "3 prompts need as many lists of tags, got 1"),
        ({"tags": [["tools"], "tools", []]}, "got both in one"),
        ({"tags": ["sight", "tools"]}, "no model of the pool has the tag 'sight'; tags there are: tools"),
        ({"pool": WINDOWS.select(["small"])}, "large: predicted, and not in the pool, which has small"),
        ({"scores": replace(THREE, input_tokens=None)}, "context_window needs input_tokens"),
        ({"period_s": 60}, "period_s limits nothing: no model of the pool states"),
        ({"period_s": np.inf}, "period_s must be a finite number of seconds above 0"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Problem(**{"scores": THREE, "pool": WINDOWS, **fields}).limits  # noqa: B018 - checked on entry


def test_of_two_limits_on_a_model_the_tighter_holds() -> None:
    pool = Pool((model("large", requests_per_minute=60, concurrency=2), model("small", tokens_per_minute=30)))
    given = {"large": ModelLimit(max_requests=4, budget_usd=1.0, max_concurrency=3)}
    for period_s, requests in ((2, 2.0), (60, 4.0)):
        limits = Problem(scores=THREE, pool=pool, period_s=period_s, model_limits=given).limits
        assert {limit.name: limit.bound for limit in limits} == {
            "max_requests of large": requests,
            "budget_usd of large": 1.0,
            "max_concurrency of large": 2.0 * period_s,
            "max_tokens of small": 0.5 * period_s,
        }


def test_concurrency_needs_the_latencies_of_its_own_model_alone() -> None:
    pool = Pool((model("large", concurrency=1), model("small")))
    known = replace(THREE, latency_s=np.where([True, False], THREE.latency, np.nan))
    plan = solve(Problem(scores=known, pool=pool, period_s=4))
    assert sorted(plan.chosen) == ["large", "large", "small"]
    with pytest.raises(InputError, match=r"concurrency.*time_to_first_token_s and tokens_per_second"):
        Problem(scores=replace(THREE, latency_s=None), pool=pool, period_s=4)


@pytest.fixture
def predictions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(prediction_files, "CHUNK", 2)
    THREE.to_polars().write_parquet(tmp_path / "predictions.parquet")
    return tmp_path / "predictions.parquet"


def test_a_file_is_assigned_at_the_prices_and_within_the_windows_of_a_pool(
    predictions: Path, tmp_path: Path
) -> None:
    plan = assign_parquet(predictions, tmp_path / "choices.parquet", pool=WINDOWS, budget_usd=1.0)
    assert plan.chosen == ["large", "small", "large"]
    written = pl.read_parquet(tmp_path / "choices.parquet")
    np.testing.assert_allclose(written["cost_usd"], [110e-6, 900e-6, 110e-6], rtol=1e-6)
    assert plan.cost_usd == pytest.approx(1120e-6)
    assert written["latency_s"].to_list() == [2.0, 2.0, 2.0]


def test_a_pool_of_fewer_models_is_all_that_a_file_is_assigned_to(predictions: Path, tmp_path: Path) -> None:
    pool = Pool((model("small", requests_per_minute=3, tags=["tools"]),))
    output = tmp_path / "choices.parquet"
    plan = assign_parquet(predictions, output, pool=pool, tags=["tools"], period_s=60)
    assert plan.models == ("small",)
    assert pl.read_parquet(output)["model"].to_list() == ["small"] * 3
    short = assign_parquet(predictions, output, pool=pool, period_s=40)
    assert "max_requests of small 2" in str(short.reason)


def test_a_pool_that_a_file_cannot_be_priced_by_is_refused(predictions: Path, tmp_path: Path) -> None:
    output = tmp_path / "choices.parquet"
    with pytest.raises(InputError, match=r"the pool has other, and .* predicts large, small"):
        assign_parquet(predictions, output, pool=Pool((model("other"),)))
    pl.read_parquet(predictions).drop("input_tokens").write_parquet(predictions)
    with pytest.raises(InputError, match="no column input_tokens"):
        assign_parquet(predictions, output, pool=WINDOWS)
    assert not output.exists()


def test_what_is_closed_in_one_chunk_alone_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction_files, "CHUNK", 300)
    rng = np.random.default_rng(0)
    shape = (1000, 2)
    scores = Scores(
        np.sort(rng.random(shape)),
        np.sort(rng.lognormal(-6, 1, shape)),
        np.where(np.arange(1000)[:, None] // 100 == [[9, 4]], np.inf, 1.0),
        NAMES,
        input_tokens=np.where(np.arange(2000).reshape(shape) // 200 == 2, 200, 20).astype(np.float32),
        output_tokens=np.ones(shape, np.float32),
    )
    scores.to_polars().write_parquet(tmp_path / "predictions.parquet")
    pool = Pool((model("large"), model("small", context_window=100)))
    limits: dict[str, Any] = {
        "pool": pool,
        "budget_usd": 0.05,
        "model_limits": {"large": ModelLimit(max_requests=700)},
    }
    whole = solve(Problem(scores=repriced(scores, pool), **limits))
    plan = assign_parquet(tmp_path / "predictions.parquet", tmp_path / "choices.parquet", **limits)
    assert whole.found, whole.reason
    assert plan.chosen == whole.chosen


ODD: tuple[Any, ...] = (  # Any: the point of the test
    None, True, 0, -1, 1.5, float("nan"), float("inf"), 10**400, "", "x", b"x", (), ["tools"], ["x"], [1],
    [None], [["tools"], None, []], {"tools"}, {"tools": 1}, iter(["tools"]), np.array(["tools"]),
    np.array([[1]]), np.nan, object(), WINDOWS, THREE,
)  # fmt: skip


@pytest.mark.parametrize("first", ODD, ids=lambda value: f"{type(value).__name__} {str(value)[:9]}")
def test_odd_arguments_end_in_an_answer_or_in_words(first: Any) -> None:
    rated = Pool((replace(WINDOWS["large"], requests_per_minute=3), replace(WINDOWS["small"], concurrency=1)))
    one = THREE.rows(np.array([0]))
    for second in ODD:
        calls: tuple[dict[str, Any], ...] = (
            {"pool": rated, "tags": first, "period_s": second},
            {"pool": first, "tags": second},
        )
        for fields in calls:
            with suppress(RoutooError):
                solve(Problem(scores=THREE, **fields))
        for fields in ({"pool": rated, "tags": first, "now_s": second}, {"pool": first, "now_s": second}):
            with suppress(RoutooError):
                Pacer(1.0, expected_prompts=3).select(one, **fields)
