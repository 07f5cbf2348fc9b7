"""Signals that were recorded beside outcomes, as they are learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from routoo.data.checks.arguments import text_of
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.tables.columns import SIGNAL, SIGNALS, gated
from routoo.models.signals.calibration_fit import CalibrationFit, fit_calibration
from routoo.models.signals.generation import Generation, Vector
from routoo.models.signals.registry import SIGNALS as KNOWN
from routoo.models.signals.registry import read_signals

_OF_TWO = "member_agreement"


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


def answer_signals(outcomes: Outcomes, models: Sequence[str]) -> dict[str, Vector]:
    """Signals of single answers by name, each ``(n_prompts, n_models)``; NaN where one is not known.

    Those of the registry that were recorded, and of those that read the text of an answer alone what they
    make of ``response``, no answer being an empty one. What is of two answers (`member_agreement`) is left
    out.

    Raises:
        InputError: A recorded signal is no finite number, or an answer no text.
    """
    found = outcomes.signals([name for name in KNOWN if name != _OF_TWO], models)
    texts = [name for name, signal in KNOWN.items() if signal.needs == ("text",) and name not in found]
    if texts and outcomes.records("response"):
        answers = outcomes.responses(models)
        ran = ~np.isnan(outcomes.to_matrices(models).score)
        said = {text for row in answers for text in row}
        read = {text: read_signals(Generation(text=text or ""), texts) for text in said}
        for name in texts:
            values = np.array([[read[text][name] for text in row] for row in answers])
            found[name] = np.where(ran, values, np.nan)
    return found


def _domain(outcomes: Outcomes) -> pl.Expr:
    return pl.col("domain") if "domain" in outcomes.prompts.columns else pl.lit(None, pl.String)
