"""Each learned baseline finds what it can read: the kind of a prompt, or the answer to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from routoo.data.outcomes import Outcomes
from routoo.evaluation.metrics.ranking import auc
from routoo.policies.baselines.baseline import Pair
from routoo.policies.baselines.registry import BASELINES

PAIR: Pair = ("small", "large")
QUICK: dict[str, Any] = {
    "encoder": "tiny",
    "tune": "full",
    "epochs": 8,
    "members": 3,
    "width": 32,
    "batch_size": 16,
    "encoder_learning_rate": 2e-3,
    "max_tokens": 32,
    "cache_dir": None,
    "accelerator": "cpu",
}


def outcomes(n: int, seed: int, *, by: str) -> Outcomes:
    """The large model is always right, the small one on sums, or where it answers with certainty."""
    rng = np.random.default_rng(seed)
    kinds, sure = rng.integers(2, size=n), rng.integers(2, size=n)
    right = (kinds if by == "prompt" else sure).astype(float)
    ids = [f"{seed}-{at:03}" for at in range(n)]
    verbs = ("translate the word", "add the numbers")
    texts = [f"{verbs[kind]} {rng.integers(100)} and {rng.integers(100)}" for kind in kinds]
    small = pl.DataFrame(
        {
            "prompt_id": ids,
            "model": "small",
            "score": right,
            "response": [("perhaps this", "certainly that")[each] for each in sure],
        }
    )
    large = small.with_columns(model=pl.lit("large"), score=pl.lit(1.0))
    return Outcomes(pl.DataFrame({"prompt_id": ids, "prompt": texts}), pl.concat([small, large]))


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_ranks_gains_by_what_it_reads(name: str) -> None:
    kind = BASELINES[name]
    learned = kind.learn(outcomes(160, 0, by=kind.reads), [PAIR], **QUICK)
    new = outcomes(80, 1, by=kind.reads)
    signal = learned.signals(new, [PAIR])[PAIR]
    assert signal.shape == (80,)
    assert auc(signal, new.to_matrices().score[:, 1]) > 0.9
