"""How far a new record of the lab says what the shipped one does."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes

MARGIN = "signal_open_margin_log_odds"
_KEYS = ("prompt_id", "model")


@dataclass(frozen=True)
class Agreement:
    """Answers to the same prompts by the same members, in two records.

    Args:
        answers: How many are in both.
        equal: How many of them are equal, character by character.
        largest_margin_gap: Largest difference of their first tokens' margins, in log-odds; None where no
            margin is in both.
    """

    answers: int
    equal: int
    largest_margin_gap: float | None

    @property
    def share(self) -> float:
        """Share of the answers that are equal."""
        return self.equal / self.answers


def agreement_of(new: Outcomes, old: Outcomes) -> Agreement:
    """How far two records agree where they hold answers to the same text.

    Raises:
        InputError: They have no prompt and member in common.
    """
    both = _answers(new).join(_answers(old), on=[*_KEYS, "prompt"], suffix="_old")
    if both.is_empty():
        raise InputError(f"{new.name} and {old.name} have no prompt and model in common")
    gaps = both.select((pl.col("margin") - pl.col("margin_old")).abs().max()).item()
    equal = both.select(pl.col("response").eq_missing(pl.col("response_old")).sum()).item()
    return Agreement(len(both), int(equal), None if gaps is None else float(gaps))


def _answers(outcomes: Outcomes) -> pl.DataFrame:
    runs = outcomes.outcomes
    margin = pl.col(MARGIN) if MARGIN in runs.columns else pl.lit(None, pl.Float64)
    asked = runs.join(outcomes.prompts.select("prompt_id", "prompt"), on="prompt_id")
    return asked.select(*_KEYS, "prompt", "response", margin.alias("margin"))
