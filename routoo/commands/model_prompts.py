"""Prompts that a new model may be scored on next: none in test, and none that was scored already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes

if TYPE_CHECKING:
    from routoo.data.prompts import Prompts


@dataclass(frozen=True, eq=False)
class Offer:
    """What may be scored next, and what was.

    Args:
        prompts: `prompt_id`, `prompt`, and where known `domain` and `split`; none has a text that is in test.
        scored: Texts from which the new model would be learned already.
    """

    prompts: pl.DataFrame
    scored: list[str]

    @classmethod
    def of(cls, asked: Prompts, model: str, *, scored: Path | None = None) -> Offer:
        """The offer in prompts that were read from a source.

        Args:
            asked: The prompts, with the column `split` where their source has one.
            model: The new model.
            scored: Outcomes that it has already.

        Raises:
            InputError: A split or the outcomes cannot be read, or every prompt is in test.
        """
        offered = _checked(asked, model)
        known = offered.clear() if scored is None else _scored_prompts(scored, model)
        tested = {*_texts_in_test(offered), *_texts_in_test(known)}
        prompts = offered.filter(~pl.col("prompt").is_in(list(tested)))
        if prompts.is_empty():
            raise InputError(f"{asked.source}: every prompt is in test, which no model is learned from")
        return cls(prompts, [text for text in known["prompt"] if text not in tested])


def _checked(asked: Prompts, model: str) -> pl.DataFrame:
    """The prompts, with their split in our words."""
    frame = asked.frame
    if "split" not in frame.columns:
        return frame
    # What `routoo model add` would refuse is refused before money is spent: these are its outcomes to be.
    to_be = frame.select("prompt_id", pl.lit(model).alias("model"), pl.lit(0.0).alias("score"))
    try:
        return Outcomes(frame, to_be, asked.source).prompts
    except InputError as error:
        raise InputError(f"{asked.source}: {error}") from None


def _scored_prompts(path: Path, model: str) -> pl.DataFrame:
    """The prompts on which the model has a score."""
    outcomes = Outcomes.read(path).select([model])
    return outcomes.subset(outcomes.outcomes["prompt_id"]).prompts


def _texts_in_test(prompts: pl.DataFrame) -> pl.Series:
    """The texts that the split of these prompts, if they have one, puts into test."""
    tested = prompts.filter(split="test") if "split" in prompts.columns else prompts.clear()
    return tested["prompt"]
