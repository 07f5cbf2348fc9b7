"""An overview counts what is there, and says nothing of what is not."""

import json
from dataclasses import replace

import polars as pl
import pytest

from routoo.data.outcomes import Outcomes
from routoo.data.overview import Overview

PROMPTS = pl.DataFrame(
    {
        "prompt_id": ["a", "b", "c", "d"],
        "prompt": ["Name a river.", "name a RIVER", "2 + 2?", "Who wrote Faust?"],
        "domain": ["facts", "facts", "sums", None],
        "split": ["train", "test", "train", "val"],
    }
)
RUNS = pl.DataFrame(
    {
        "prompt_id": ["a", "b", "c", "d", "a", "b"],
        "model": ["large", "large", "large", "large", "small", "small"],
        "score": [1.0, 1.0, 1.0, 0.0, 1.0, 0.0],
        "cost_usd": [0.2, 0.4, 0.2, 0.4, None, None],
    }
)


def test_models_are_counted_the_best_first() -> None:
    large, small = Overview.of(Outcomes(PROMPTS, RUNS)).models
    assert (large.name, large.score, large.coverage) == ("large", 0.75, 1.0)
    assert (small.name, small.score, small.coverage) == ("small", 0.5, 0.5)
    assert large.cost_usd == pytest.approx(0.3)
    assert small.cost_usd is None
    assert large.latency_s is None


def test_parts_domains_and_duplicates_are_counted() -> None:
    overview = Overview.of(Outcomes(PROMPTS, RUNS))
    assert (overview.prompts, overview.outcomes) == (4, 6)
    assert overview.split == {"train": 2, "val": 1, "test": 1}
    assert overview.straddling == 2
    assert list(overview.domains.items()) == [("facts", 2), ("sums", 1)]
    assert overview.recorded == ("cost_usd",)


def test_what_is_not_known_is_left_empty() -> None:
    overview = Overview.of(Outcomes(PROMPTS.drop("split", "domain"), RUNS.drop("cost_usd")))
    assert (overview.split, overview.straddling, overview.domains, overview.recorded) == ({}, None, {}, ())
    assert json.loads(json.dumps(overview.to_dict()))["models"][0]["name"] == "large"


@pytest.mark.parametrize(
    ("name", "models", "simulated"),
    [
        ("mine", ["a", "b"], False),
        ("simulated sample", ["a", "b"], True),
        ("mine", ["simulated-a"] * 2, True),
    ],
)
def test_simulated_outcomes_are_called_so(name: str, models: list[str], simulated: bool) -> None:
    runs = RUNS.with_columns(pl.col("model").replace_strict(["large", "small"], models)).unique(
        ["prompt_id", "model"]
    )
    assert Overview.of(replace(Outcomes(PROMPTS, runs), name=name)).simulated == simulated
