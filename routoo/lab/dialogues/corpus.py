"""Which dialogues are for what: to fine-tune the small model on, to hold out for pools, to test on."""

from __future__ import annotations

import polars as pl

from routoo.lab import RECORDED_DIALOGUES
from routoo.lab.dialogues.simulate import lab_turns

CORPUS_DIALOGUES = 2000
TRAINING_DIALOGUES = CORPUS_DIALOGUES // 20
"""The 5 % of a corpus that are labelled: the small model learns from them, the large one reads a few."""

_TRAINING_SEED, _RECORDED_SEED = 1_000_003, 0


def training_turns(n_dialogues: int = TRAINING_DIALOGUES) -> pl.DataFrame:
    """The labelled turns (see `lab_turns`)."""
    return lab_turns(n_dialogues, seed=_TRAINING_SEED)


def recorded_turns(n_dialogues: int = RECORDED_DIALOGUES) -> pl.DataFrame:
    """The turns that models are asked, with a column `split`: ``train`` for pools, and ``test``.

    >>> recorded_turns(5).group_by("split").agg(pl.col("dialogue").n_unique()).sort("split").rows()
    [('test', 3), ('train', 2)]
    """
    turns = lab_turns(n_dialogues, seed=_RECORDED_SEED)
    held_out = pl.col("dialogue").rank("dense").cast(pl.Int64).sub(1).mod(5) < 2
    return turns.with_columns(split=pl.when(held_out).then(pl.lit("train")).otherwise(pl.lit("test")))
