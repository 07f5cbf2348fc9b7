"""What recorded calls cost: one rule for every cell, and in words how many costs follow from what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.words import some

Matrix = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

BYTES_PER_TOKEN = 4.0
"""Bytes of UTF-8 that count as a token of a prompt of which no model's input tokens were recorded."""


@dataclass(frozen=True, eq=False)
class RecordedCosts:
    """Costs of calls to the models of a pool, ``(n_prompts, n_models)``, by the first of these that is known.

    - The cost that was recorded.
    - The output tokens that were recorded, and the input tokens, at the pool's prices.
    - For a model of which neither is recorded on any prompt: its list price, at the output tokens that the
      pool states for it, else those that other models used on the prompt, else `NOMINAL_OUTPUT_TOKENS`.

    Input is always priced. Where a call's input tokens were not recorded they are those that other models
    were sent for the prompt, else a token for four bytes of text.

    Args:
        cost_usd: The costs; NaN where a model has records of other prompts alone.
        paid: Where a cost was recorded.
        by_tokens: Where tokens were, and no cost.
        by_list: Where neither was, of the model on any prompt.
        counted: Where a cost that was not recorded counts input tokens that were not recorded either.
        models: Names of the columns.
    """

    cost_usd: Matrix
    paid: Mask
    by_tokens: Mask
    by_list: Mask
    counted: Mask
    models: tuple[str, ...]

    @classmethod
    def of(cls, outcomes: Outcomes, pool: Pool) -> RecordedCosts:
        """What the outcomes record of the models of a pool, in its order."""
        recorded = outcomes.to_matrices(pool.names)
        paid, received = ~np.isnan(recorded.cost_usd), ~np.isnan(recorded.output_tokens)
        by_tokens = received & ~paid
        by_list = np.broadcast_to(~(paid | received).any(0), paid.shape)
        unpaid, known = by_tokens | by_list, ~np.isnan(recorded.input_tokens)
        sent = tokens_sent(outcomes, recorded.input_tokens)
        stated = pool.rates("output_tokens")
        usual = np.where(np.isnan(stated), _usual(recorded.output_tokens), stated)
        listed = pool.cost_usd(sent, np.where(received, recorded.output_tokens, usual))
        cost = np.where(paid, recorded.cost_usd, np.where(unpaid, listed, np.nan))
        counted = unpaid & ~known & (pool.rates("usd_per_1m_input") > 0)
        return cls(cost, paid, by_tokens, by_list, counted, pool.names)

    @property
    def unrecorded(self) -> tuple[str, ...]:
        """Models of which no cost and no output tokens are recorded on any prompt."""
        return tuple(name for name, listed in zip(self.models, self.by_list.T, strict=True) if listed.all())

    def in_words(self, rows: Mask | slice = slice(None)) -> tuple[str, ...]:
        """How many of the costs on these prompts were not recorded, and what they follow from instead."""
        size, said = self.cost_usd[rows].size, []
        if by_tokens := int(self.by_tokens[rows].sum()):
            said.append(
                f"{by_tokens:,} of {size:,} costs were not recorded and are those of the recorded tokens at "
                "the pool's prices"
            )
        if by_list := int(self.by_list[rows].sum()):
            said.append(
                f"{by_list:,} of {size:,} costs are nominal, list prices, since no usage of "
                f"{some(self.unrecorded)} was recorded: record it, or state output_tokens in the pool"
            )
        if counted := int(self.counted[rows].sum()):
            said.append(
                f"input tokens of {counted:,} of these costs were not recorded: they are those of other "
                f"models, or one for {BYTES_PER_TOKEN:g} bytes of text"
            )
        return tuple(said)


def tokens_sent(outcomes: Outcomes, recorded: Matrix) -> Matrix:
    """Input tokens of every call, ``(n_prompts, n_models)``; see `RecordedCosts` for those not recorded."""
    by_bytes = outcomes.prompts["prompt"].str.len_bytes().to_numpy() / BYTES_PER_TOKEN
    return np.where(np.isnan(recorded), _row_means(recorded, by_bytes), recorded)


def recorded_cost_usd(outcomes: Outcomes, pool: Pool) -> Matrix:
    """What recorded calls cost, ``(n_prompts, n_models)`` in the order of the pool; see `RecordedCosts`."""
    return RecordedCosts.of(outcomes, pool).cost_usd


def _usual(tokens: Matrix) -> Matrix:
    """Output tokens that models are recorded to use on each prompt, ``(n_prompts, 1)``; NaN where none."""
    known = ~np.isnan(tokens)
    overall = tokens[known].mean() if known.any() else np.nan
    return _row_means(tokens, np.full(len(tokens), overall))


def _row_means(values: Matrix, otherwise: npt.NDArray[np.float64]) -> Matrix:
    """Mean of what is known in each row, ``(n_rows, 1)``."""
    known = ~np.isnan(values)
    means = np.where(known, values, 0.0).sum(1) / np.maximum(known.sum(1), 1)
    return np.where(known.any(1), means, otherwise)[:, None]
