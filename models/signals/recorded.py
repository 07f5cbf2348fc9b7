"""A signal that was recorded beside outcomes, as a calibration is fitted on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from routoo.data.checks.arguments import text_of
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.tables.columns import SIGNAL, SIGNALS, gated
from routoo.models.signals.calibration_fit import CalibrationFit, fit_calibration
from routoo.models.signals.generation import Vector
from routoo.models.signals.registry import SIGNALS as KNOWN


@dataclass(frozen=True, eq=False)
class RecordedSignal:
    """A signal of every answer of which it was recorded.

    Args:
        name: Of the signal, without ``signal_``.
        signal: Its values, ``(n_answers,)``.
        score: What the answers achieved, the same shape.
        models: That gave them.
        domains: Of their prompts; None where one is not known.
        prompt_ids: Of their prompts.
    """

    name: str
    signal: Vector
    score: Vector
    models: list[str]
    domains: list[str | None]
    prompt_ids: list[str]

    def calibrated(self, *, seed: int = 0) -> CalibrationFit:
        """Its calibration to P(correct), by model and domain; see `fit_calibration`."""
        rising = self.name not in KNOWN or KNOWN[self.name].rising
        return fit_calibration(
            self.signal,
            self.score,
            self.models,
            self.domains,
            prompt_ids=self.prompt_ids,
            rising=rising,
            seed=seed,
        )


def recorded_signal(outcomes: Outcomes, name: str) -> RecordedSignal:
    """The signal in the column ``signal_NAME`` of recorded outcomes.

    Raises:
        InputError: There is no such column, it holds nothing, or something else than finite numbers.

    >>> prompts = pl.DataFrame({"prompt_id": ["q"], "prompt": ["2 + 2?"], "domain": ["sums"]})
    >>> row = {"prompt_id": ["q"], "model": ["m"], "score": [1.0], "signal_refusal": [0.0]}
    >>> recorded_signal(Outcomes(prompts, pl.DataFrame(row)), "refusal").domains
    ['sums']
    """
    column = SIGNALS + text_of("name", name)
    if column not in outcomes.outcomes.columns:
        known = [found for found in outcomes.outcomes.columns if found.startswith(SIGNALS)]
        has = ", ".join(found.removeprefix(SIGNALS) for found in known) or "none"
        raise InputError(f"{outcomes.name} has no signal {name}; it has {has}")
    rows = gated(outcomes.outcomes, {column: SIGNAL}, outcomes.name).drop_nulls([column, "score"])
    if rows.is_empty():
        raise InputError(f"{outcomes.name}: the column {column} holds no value")
    domains = outcomes.prompts.select("prompt_id", _domain(outcomes).alias("domain"))
    rows = rows.join(domains, on="prompt_id", how="left", maintain_order="left")
    return RecordedSignal(
        name,
        rows[column].to_numpy().astype(np.float64),
        rows["score"].to_numpy().astype(np.float64),
        rows["model"].to_list(),
        rows["domain"].to_list(),
        rows["prompt_id"].to_list(),
    )


def _domain(outcomes: Outcomes) -> pl.Expr:
    return pl.col("domain") if "domain" in outcomes.prompts.columns else pl.lit(None, pl.String)
