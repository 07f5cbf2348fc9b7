"""A file of predictions is what it is taken for, or refused in words."""

import datetime as dt
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from routoo.data.errors import RoutooError
from routoo.data.tables.predictions import NUMBERS, open_predictions
from routoo.solver.streaming.stream import assign_parquet

GOOD = pl.DataFrame(
    {
        "prompt_id": ["a", "a", "b", "b"],
        "model": ["x", "y"] * 2,
        "p_correct": [0.5, 0.6, 0.7, 0.8],
        "cost_usd": [0.1, 0.2, 0.1, 0.2],
        "latency_s": [1.0, None, 1.0, 1.0],
    }
)


def written(frame: pl.DataFrame, folder: Path) -> Path:
    frame.write_parquet(folder / "predictions.parquet")
    return folder / "predictions.parquet"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("cost_usd", dt.date(2026, 1, 1), "cost_usd must be a number, got a date"),
        ("cost_usd", {"input": 1}, "cost_usd must be a number, got an object with input"),
        ("cost_usd", True, "cost_usd must be a number, got true or false"),
        ("p_correct", "x", "p_correct must be a number, got text"),
        ("latency_s", dt.timedelta(seconds=2), "latency_s must be a number, got a duration"),
        ("model", [1], "model must be text or a number, got a list"),
        ("model", None, "expected each model once a prompt, by its name"),
        ("model", "x", "expected each model once a prompt, by its name"),
        ("prompt_id", b"x", "prompt_id must be text or a number, got bytes"),
    ],
)
def test_columns_of_another_kind_are_refused(tmp_path: Path, name: str, value: Any, words: str) -> None:
    path = written(GOOD.with_columns(pl.Series(name, [value] * len(GOOD))), tmp_path)
    with pytest.raises(RoutooError, match=words):
        assign_parquet(path, tmp_path / "plan.parquet", budget_usd=1.0)


def test_missing_rows_and_columns_are_refused(tmp_path: Path) -> None:
    for frame, words in (
        (GOOD.clear(), "expected a row for each prompt and model, found none"),
        (GOOD.drop("model"), "expected columns prompt_id, model, p_correct, cost_usd"),
    ):
        with pytest.raises(RoutooError, match=words):
            assign_parquet(written(frame, tmp_path), tmp_path / "plan.parquet", budget_usd=1.0)


def test_what_is_not_known_of_any_prompt_is_allowed(tmp_path: Path) -> None:
    path = written(GOOD.with_columns(latency_s=pl.lit(None)), tmp_path)
    assert set(open_predictions(path).columns) & set(NUMBERS) == {"p_correct", "cost_usd", "latency_s"}
    assert assign_parquet(path, tmp_path / "plan.parquet", budget_usd=1.0).status == "optimal"


def test_damage_ends_in_a_plan_or_in_words(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    seed = int.from_bytes(os.urandom(4))
    rng = np.random.default_rng(seed)
    path = written(GOOD, tmp_path)
    content = path.read_bytes()
    for _ in range(100):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            assign_parquet(path, tmp_path / "plan.parquet", budget_usd=1.0)
        except RoutooError:
            pass
        except BaseException:
            print(f"seed {seed}")
            raise
    assert capfd.readouterr().err == ""
