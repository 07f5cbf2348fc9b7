"""A folder with what `routoo batch` is given."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from routoo.data.pool import Pool


@dataclass
class Here:
    """A folder with prompts, a pool and a plan."""

    root: Path
    pool: Pool

    @property
    def prompts(self) -> Path:
        return self.root / "prompts.jsonl"

    @property
    def plan(self) -> Path:
        return self.root / "plan.parquet"

    @property
    def pool_file(self) -> Path:
        return self.root / "pool.toml"

    @property
    def folder(self) -> Path:
        return self.root / "batch"

    def ask(self, prompts: list[str], models: list[str]) -> None:
        """Writes prompts ``q0``, ``q1`` and so on, and the plan that gives them to these models."""
        rows = [{"prompt_id": f"q{n}", "prompt": text, "answer": str(n)} for n, text in enumerate(prompts)]
        self.prompts.write_text("\n".join(map(json.dumps, rows)))
        ids = [row["prompt_id"] for row in rows]
        pl.DataFrame({"prompt_id": ids, "model": models, "cost_usd": [0.01] * len(ids)}).write_parquet(
            self.plan
        )
