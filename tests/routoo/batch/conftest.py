"""A server of both batch endpoints, and a batch of ten prompts for a member at each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from batch_server import KEY, BatchServer, serving_batches
from batched import Here

from routoo.data.batch_tiers import with_batch_tiers
from routoo.data.call import Call
from routoo.data.pool import Pool, PoolModel


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchServer]:
    monkeypatch.setenv("BATCH_KEY", KEY)
    with serving_batches() as found:
        yield found


@pytest.fixture
def here(tmp_path: Path, server: BatchServer) -> Here:
    prices: dict[str, Any] = {  # Any: fields of a pool model
        "usd_per_1m_input": 100.0,
        "usd_per_1m_output": 1000.0,
        "usd_per_1m_batch_input": 50.0,
        "usd_per_1m_batch_output": 500.0,
    }

    def model(name: str, base: str) -> PoolModel:
        call = Call(kind="provider", model=name, api_base=base, api_key_env="BATCH_KEY", max_tokens=16)
        return PoolModel(name=name.partition("/")[2], call=call, **prices)

    models = model("openai/mini", server.openai), model("anthropic/claude-x", server.anthropic)
    found = Here(tmp_path, with_batch_tiers(Pool(models)))
    found.pool.write(found.pool_file)
    found.ask(
        [f"Which is {n}?" for n in range(10)],
        ["mini@batch", "claude-x@batch"] * 5,
    )
    return found
