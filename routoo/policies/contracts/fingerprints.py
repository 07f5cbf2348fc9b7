"""Hashes of a contract and of what it rests on: the pool with its prices, the bundle, the outcomes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from routoo.data.outcomes import Outcomes
    from routoo.data.pool import Pool
    from routoo.export.runtime import Runtime

_OF_POOL = (
    *("name", "usd_per_1m_input", "usd_per_1m_output", "usd_per_call", "output_tokens", "context_window"),
    "call",
)
"""What of a model decides which prompts it is given, what that costs, and who answers."""


def of_pool(pool: Pool) -> str:
    """SHA-256 of the models, what they cost and how they are called, whatever their order, rates and tags.

    >>> from routoo.data.pool import Pool, PoolModel
    >>> one, other = (PoolModel(name=name, usd_per_1m_input=1, usd_per_1m_output=2) for name in "ab")
    >>> of_pool(Pool((one, other))) == of_pool(Pool((other, one))) != of_pool(Pool((one,)))
    True
    """
    rows = [{key: row.get(key) for key in _OF_POOL} for row in pool.to_records()]
    return of_json(sorted(rows, key=lambda row: str(row["name"])))


def of_bundle(runtime: Runtime) -> str:
    """SHA-256 of all that a bundle predicts by: its files, what it says of itself, and whether in int8."""
    files = {name: file.record.sha256 for name, file in runtime.bundle.files.items()}
    return of_json([runtime.bundle.description.to_dict(), files, runtime.int8])


def of_outcomes(outcomes: Outcomes) -> str:
    """SHA-256 of prompts, models and scores, whatever the order of the rows."""
    rows = outcomes.outcomes.sort("prompt_id", "model").select("prompt_id", "model", "score")
    return of_json([outcomes.prompt_ids, outcomes.texts, rows.rows()])


def of_json(document: Any) -> str:  # Any: a JSON document
    """SHA-256 of a document, whatever the order of its keys."""
    text = json.dumps(document, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
