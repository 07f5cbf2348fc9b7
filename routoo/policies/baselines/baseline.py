"""What every learned way of choosing between two models can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
import polars as pl

import routoo
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.predictor import Predictor

Vector = npt.NDArray[np.float64]
Pair = tuple[str, str]
"""A small model and a large one, by name."""

_VAL_EVERY = 10  # with a frozen encoder train and val are learned from alike


class Baseline(Protocol):
    """A learned signal of pairs of models, low where the large one is to be asked."""

    reads: str
    """``prompt``, where one model is asked, or ``answer``, where the small one's answer is read first."""

    @classmethod
    def learn(cls, outcomes: Outcomes, pairs: Sequence[Pair], *, seed: int = 0, **options: Any) -> Self:
        """Learns from all of these outcomes, whatever their split; options are those of `routoo.train`."""
        ...

    def signals(self, outcomes: Outcomes, pairs: Sequence[Pair]) -> dict[Pair, Vector]:
        """Of each pair the signal of every prompt, ``(n_prompts,)``; scores are not looked at."""
        ...


def learned(prompts: pl.DataFrame, scores: pl.DataFrame, *, seed: int, **options: Any) -> Predictor:
    """The default predictor, learned from all of these prompts.

    Args:
        prompts: As `Outcomes` has them.
        scores: `prompt_id`, `model` and `score`; what is scored need not be a model.
        seed: Of the training.
        **options: Of `routoo.train`.
    """
    parts = ["val" if at % _VAL_EVERY == 0 else "train" for at in range(len(prompts))]
    outcomes = Outcomes(prompts.with_columns(pl.Series("split", parts)), scores)
    pool = Pool(
        tuple(PoolModel(name=name, usd_per_1m_input=1, usd_per_1m_output=1) for name in outcomes.models)
    )
    return routoo.train(outcomes, pool, seed=seed, progress=False, **options)
