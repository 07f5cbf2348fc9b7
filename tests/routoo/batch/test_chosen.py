"""From a bundle to batch files and back: tiers are chosen by deadlines, and failures routed again by it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from batch_server import BatchServer
from typer.testing import Result

from routoo.data.call import Call
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool

Routoo = Callable[..., Result]
pytestmark = [
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),  # LiteLLM's own records
    pytest.mark.filterwarnings("ignore:Items? .* using the `ReadOnly` qualifier:UserWarning"),
]
URGENT = 3
PROMPTS = 8


@pytest.fixture
def here(tmp_path: Path, simulated: Outcomes, simulated_models: Pool, server: BatchServer) -> Path:
    """Prompts of which some are urgent, and a pool of two models with batch prices."""
    call = Call(kind="provider", model="openai/mini", api_base=server.openai, api_key_env="BATCH_KEY")
    models = [
        replace(
            model,
            call=call,
            usd_per_1m_batch_input=model.usd_per_1m_input / 2,
            usd_per_1m_batch_output=model.usd_per_1m_output / 2,
            time_to_first_token_s=1.0,
            tokens_per_second=100.0,
        )
        for model in simulated_models.models[:2]
    ]
    Pool(tuple(models)).write(tmp_path / "pool.toml")
    rows = [
        {
            "prompt_id": f"q{n}",
            "prompt": text + (" [mini:400]" if n == PROMPTS - 1 else ""),
            "max_latency_s": 60 if n < URGENT else None,
        }
        for n, text in enumerate(simulated.texts[:PROMPTS])
    ]
    (tmp_path / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


def test_a_bundle_chooses_among_tiers_by_the_deadline(
    here: Path, bundle_folder: Path, routoo: Routoo
) -> None:
    tiers, prompts = here / "tiers.toml", here / "prompts.jsonl"
    assert routoo("pool", "batch", here / "pool.toml", "-o", tiers).exit_code == 0
    predictions, plans = here / "predictions.parquet", [here / "plan.parquet", here / "streamed.parquet"]
    routoo("predict", bundle_folder, prompts, "--pool", tiers, "-o", predictions)
    for source, plan in zip(([bundle_folder, prompts], [predictions]), plans, strict=True):
        result = routoo(
            "assign",
            *source,
            "--pool",
            tiers,
            "--budget-usd",
            1,
            "-o",
            plan,
            "--max-requests",
            "simulated-tiny=3",
            "--max-requests",
            "simulated-small=0",
        )
        assert result.exit_code == 0, result.output
    found, streamed = (pl.read_parquet(plan).sort("prompt_id") for plan in plans)
    assert found["model"].to_list() == streamed["model"].to_list()
    assert found.columns == streamed.columns
    assert found["model"].str.ends_with("@batch").to_list() == [False] * URGENT + [True] * (PROMPTS - URGENT)
    assert found["latency_s"][-1] == 86_400
    written = routoo("batch", "write", plans[0], prompts, "--pool", tiers, "-o", here / "batch", "--json")
    document = json.loads(written.stdout)
    assert document["at_once"] == URGENT
    tokens = found.filter(pl.col("model").str.ends_with("@batch")).select(
        pl.col("input_tokens") + pl.col("output_tokens")
    )
    assert sum(file["tokens"] for file in document["files"]) == pytest.approx(tokens.sum().item(), rel=1e-6)

    def batch(verb: str, *words: object) -> dict[str, Any]:  # Any: values of JSON
        result = routoo("batch", verb, here / "batch", *words, "--json")
        assert result.exit_code == 0, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    assert batch("submit")["asked_at_once"] == URGENT
    batch("status")
    ended = batch("collect", "--bundle", bundle_folder, "--budget-usd", 1)
    assert (ended["answered"], ended["failed"], ended["to_come"]) == (PROMPTS - 1, 0, 1)
    again = pl.read_parquet(here / "batch" / "plan-2.parquet")
    assert again["prompt_id"].to_list() == [f"q{PROMPTS - 1}"]
    assert again["model"].item().removesuffix("@batch") != found["model"][-1].removesuffix("@batch")
