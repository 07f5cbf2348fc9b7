"""A cluster of two workers on this machine: the same answers, also when a worker dies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import Result

import routoo.ray
from routoo.data.errors import InfeasibleError
from routoo.data.scores import Scores
from routoo.ray.cluster import connected
from routoo.ray.crew import Crew
from routoo.ray.predicting import predicted_blocks
from routoo.router import Router
from routoo.solver.limits import DomainLimit, LatencyTail, ModelLimit
from routoo.solver.problem import Problem
from routoo.solver.solve import solve

ray = pytest.importorskip("ray")
fsspec = pytest.importorskip("fsspec")

Routoo = Callable[..., Result]

pytestmark = pytest.mark.filterwarnings("ignore")  # of Ray's own

N, M = 200_000, 5


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Ray on this machine, with two processors and little memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_memory_monitor_refresh_ms", "0")  # which ends workers where others fill the memory
        connected(num_cpus=2, object_store_memory=300_000_000)
        yield
        ray.shutdown()


def test_workers_give_way_to_others_no_more_than_this_process(cluster: None) -> None:
    def niceness() -> int:
        return os.nice(0)

    assert ray.get(ray.remote(niceness).remote()) == os.nice(0)


@pytest.fixture(scope="module")
def scores() -> Scores:
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 1, (N, 1))
    p = 1 / (1 + np.exp(hard + rng.normal(0, 0.7, (N, M)) - np.linspace(-1, 1, M)))
    return Scores(
        p.astype(np.float32),
        (np.geomspace(1e-4, 1e-2, M) * rng.lognormal(0, 0.5, (N, M))).astype(np.float32),
        rng.gamma(2, 1, (N, M)).astype(np.float32),
        models=tuple(f"model {at}" for at in range(M)),
    )


TENANTS = np.array(["a", "b", "c"])[np.arange(N) % 3].tolist()
LIMITS: dict[str, dict[str, Any]] = {
    "budget": {"budget_usd": 200.0},
    "budget, latency and caps": {
        "budget_usd": 250.0,
        "max_mean_latency_s": 1.7,
        "model_limits": {"model 4": ModelLimit(max_requests=20_000), "model 0": ModelLimit(budget_usd=4.0)},
    },
    "tail and each prompt's own": {
        "budget_usd": 300.0,
        "latency_tail": LatencyTail(above_s=3.0, max_share=0.1),
        "max_cost_usd": np.where(np.arange(N) % 2 == 0, 0.02, 1.0).astype(np.float32),
        "weights": np.linspace(0.5, 1.5, N),
    },
    "floor on the score": {"min_mean_score": 0.62},
    "tenants and a budget": {
        "budget_usd": 220.0,
        "domains": TENANTS,
        "domain_limits": {"a": DomainLimit(budget_usd=40.0), "b": DomainLimit(min_mean_score=0.6)},
    },
}


def test_every_choice_is_that_of_memory_also_when_a_worker_dies(
    cluster: None, scores: Scores, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, workers = scores.to_polars(), routoo.ray.start_workers(2)
    asked, killed = list[int](), list[int]()
    whole = Crew.ask

    def ask_and_kill(self: Crew, at: int, question: str, *given: object) -> Any:
        asked.append(1)
        answer = whole(self, at, question, *given)
        if len(asked) % 37 == 0:  # anywhere in a search: while it works, or when it is done
            ray.kill(self.workers[at], no_restart=False)
            killed.append(len(asked))
        return answer

    monkeypatch.setattr(Crew, "ask", ask_and_kill)
    for limits in LIMITS.values():
        here = solve(Problem(scores=scores, **limits), solver="dual")
        there = routoo.ray.assign(table, workers=workers, **limits).to_assignment()
        np.testing.assert_array_equal(there.choice, here.choice)
        assert (there.bound, there.objective, there.prices) == (here.bound, here.objective, here.prices)
        assert here.found
        assert there.limits == here.limits
    assert len(killed) > 4


def test_prompts_are_predicted_and_assigned_as_by_a_router(
    cluster: None, bundle_folder: Path, tmp_path: Path
) -> None:
    texts = [f"Say {word} {at} times." for at in range(40) for word in ("yes", "no", "perhaps")]
    router = Router.from_pretrained(bundle_folder)
    here = router.predict(texts)
    prompts = pl.DataFrame({"prompt_id": [str(at) for at in range(len(texts))], "prompt": texts})
    for part in range(3):
        prompts[40 * part : 40 * part + 40].write_parquet(tmp_path / f"part-{part}.parquet")
    blocks = predicted_blocks(ray, texts, bundle_folder, None, 2)
    found = pl.concat([block.read(ray) for block in blocks])
    expected = here.to_polars()
    assert found.select("prompt_id", "model").equals(expected.select("prompt_id", "model"))
    np.testing.assert_allclose(found["p_correct"], expected["p_correct"], rtol=1e-5)
    budget = float(here.cost_usd.min(1).sum() * 1.2)
    there = routoo.ray.assign(str(tmp_path), bundle=bundle_folder, workers=1, budget_usd=budget)
    plan = router.assign(here, budget_usd=budget)
    assert there.to_assignment().prompt_ids == [str(at) for at in range(len(texts))]
    assert there.to_assignment().chosen == plan.chosen
    assert there.objective == pytest.approx(plan.objective)


def test_datasets_are_taken_and_given(
    cluster: None, bundle_folder: Path, scores: Scores, tmp_path: Path
) -> None:
    texts = [f"Say {word} {at} times." for at in range(40) for word in ("yes", "no", "perhaps")]
    prompts = pl.DataFrame({"prompt_id": [f"q{at}" for at in range(len(texts))], "prompt": texts})
    prompts.write_parquet(tmp_path / "prompts.parquet")
    router = Router.from_pretrained(bundle_folder)
    expected = router.assign(router.predict(texts), budget_usd=0.02)
    for source in (ray.data.from_arrow(prompts.to_arrow()), f"file://{tmp_path}/prompts.parquet"):
        predictions = routoo.ray.predict(source, bundle_folder, workers=2)
        assert predictions.schema().names[:2] == ["prompt_id", "model"]
        plan = routoo.ray.assign(predictions, workers=2, budget_usd=0.02)
        assert [row["model"] for row in plan.choices.take_all()] == expected.chosen
        assert plan.shares() == expected.shares()


def test_choices_are_written_without_the_driver(cluster: None, scores: Scores, tmp_path: Path) -> None:
    table = scores.to_polars()
    table.write_parquet(tmp_path / "predictions.parquet")
    here = solve(Problem(scores=scores, budget_usd=200.0), solver="dual")
    for source in (ray.data.from_arrow(table.to_arrow()), f"file://{tmp_path}/predictions.parquet"):
        plan = routoo.ray.assign(source, workers=2, budget_usd=200.0)
        assert (len(plan), plan.bound, plan.summary()) == (N, here.bound, here.summary())
        plan.choices.write_parquet(str(tmp_path / "choices"), mode="overwrite")
        written = pl.read_parquet(tmp_path / "choices" / "*.parquet")
        assert len(list((tmp_path / "choices").iterdir())) > 1
        assert written.sort(pl.col("prompt_id").cast(pl.Int64)).equals(here.to_polars())
    assert routoo.ray.assign(table, workers=2, budget_usd=1.0).status == "infeasible"
    with pytest.raises(InfeasibleError, match="budget_usd 1 is too little"):
        _ = routoo.ray.assign(table, workers=2, budget_usd=1.0).choices


def test_the_command_line_works_on_a_cluster(
    cluster: None, routoo: Routoo, bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    memory = fsspec.filesystem("memory")
    texts = [f"Say {word} {at} times." for at in range(20) for word in ("yes", "no", "perhaps")]
    (tmp_path / "prompts").mkdir()
    for part in range(2):
        own = range(30 * part, 30 * part + 30)
        frame = pl.DataFrame({"prompt_id": [f"q{at}" for at in own], "prompt": [texts[at] for at in own]})
        frame.write_parquet(tmp_path / "prompts" / f"part-{part}.parquet")
    for verb, place, *options in (
        ("predict", "predictions"),
        ("assign", "choices.parquet", "--budget-usd", 0.01),
    ):
        found = list[pl.DataFrame]()
        for engine in ((), ("--engine", "ray")):
            target = tmp_path / f"{'on-ray-' if engine else ''}{place}"
            line = (verb, bundle_folder, tmp_path / "prompts", *options, *engine, "-o", target)
            result = routoo(*line)
            assert result.exit_code == 0, result.stderr
            found.append(pl.read_parquet(target if target.suffix else f"{target}/*.parquet"))
        assert found[0].equals(found[1])
        memory.put(f"{tmp_path}/prompts/", "/prompts/", recursive=True)
        line = (
            verb,
            bundle_folder,
            "memory://prompts",
            *options,
            "--engine",
            "ray",
            "-o",
            f"memory://{verb}",
        )
        assert routoo(*line).exit_code == 0
        sent = [pl.read_parquet(memory.cat_file(path)) for path in sorted(memory.find(verb))]
        assert found[0].equals(pl.concat(sent))
        memory.store.clear()
