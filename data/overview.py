"""What recorded outcomes hold, at a glance."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from routoo.data.outcomes import Outcomes
from routoo.data.splits import PARTS, count_straddling

_RECORDED = ("input_tokens", "output_tokens", "cost_usd", "latency_s", "confidence", "response")


@dataclass(frozen=True)
class ModelOverview:
    """What was recorded of one model: means over its outcomes, None where nothing was recorded.

    Args:
        coverage: Share of the prompts that it was run on.
    """

    name: str
    coverage: float
    score: float
    cost_usd: float | None
    latency_s: float | None
    output_tokens: float | None


@dataclass(frozen=True)
class Overview:
    """Counts and means of outcomes.

    Args:
        data: Name of the outcomes.
        prompts: How many.
        outcomes: How many.
        models: Those that were run, the best first.
        domains: Prompts in each domain, the largest first; empty where none is known.
        split: Prompts in each part; empty where there is no split.
        straddling: Prompts with a near-duplicate in another part; None where there is no split.
        recorded: Optional columns that hold anything.
        simulated: Whether the outcomes are simulated rather than recorded.
    """

    data: str
    prompts: int
    outcomes: int
    models: tuple[ModelOverview, ...]
    domains: Mapping[str, int]
    split: Mapping[str, int]
    straddling: int | None
    recorded: tuple[str, ...]
    simulated: bool

    @classmethod
    def of(cls, outcomes: Outcomes) -> Overview:
        """The overview of these outcomes.

        >>> prompts = pl.DataFrame({"prompt_id": ["a", "b"], "prompt": ["2 + 2?", "Name a river."]})
        >>> runs = {"prompt_id": ["a", "b", "a"], "model": ["s", "s", "l"], "score": [1.0, 0.0, 1.0]}
        >>> overview = Overview.of(Outcomes(prompts, pl.DataFrame(runs)))
        >>> overview.prompts, [(model.name, model.coverage) for model in overview.models]
        (2, [('l', 0.5), ('s', 1.0)])
        """
        parts = outcomes.prompts["split"].to_list() if outcomes.has_split else None
        return cls(
            data=outcomes.name,
            prompts=len(outcomes),
            outcomes=len(outcomes.outcomes),
            models=_models(outcomes),
            domains=_domains(outcomes),
            split={part: parts.count(part) for part in PARTS} if parts else {},
            straddling=count_straddling(outcomes.texts, parts) if parts else None,
            recorded=tuple(column for column in _RECORDED if outcomes.records(column)),
            simulated=outcomes.simulated,
        )

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """The same as plain JSON values."""
        return dataclasses.asdict(self)


def _models(outcomes: Outcomes) -> tuple[ModelOverview, ...]:
    means = [
        pl.col(column).mean() if column in outcomes.outcomes.columns else pl.lit(None).alias(column)
        for column in ("score", "cost_usd", "latency_s", "output_tokens")
    ]
    table = outcomes.outcomes.group_by("model").agg(pl.len().alias("run"), *means)
    return tuple(
        ModelOverview(
            name=row["model"],
            coverage=row["run"] / len(outcomes),
            score=row["score"],
            cost_usd=row["cost_usd"],
            latency_s=row["latency_s"],
            output_tokens=row["output_tokens"],
        )
        for row in table.sort("score", "model", descending=[True, False]).iter_rows(named=True)
    )


def _domains(outcomes: Outcomes) -> dict[str, int]:
    if "domain" not in outcomes.prompts.columns:
        return {}
    known = outcomes.prompts["domain"].drop_nulls()
    return dict(known.value_counts(name="prompts").sort("prompts", "domain", descending=[True, False]).rows())
