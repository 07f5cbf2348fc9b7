"""Send every prompt to the model that should answer it.

Names are fetched when they are first used: importing routoo loads nothing heavy.

Example:
    >>> import routoo
    >>> pool = routoo.Pool((routoo.PoolModel(name="a", usd_per_1m_input=1, usd_per_1m_output=2),))
    >>> pool.names
    ('a',)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routoo.data.assignment import Assignment
    from routoo.data.errors import BundleError, InfeasibleError, InputError, MissingExtraError, RoutooError
    from routoo.data.outcomes import Outcomes
    from routoo.data.pool import Pool, PoolModel
    from routoo.data.scores import Scores
    from routoo.evaluation import evaluate
    from routoo.predictor import Predictor, train
    from routoo.router import Router, Selection

_HOME = {
    "Assignment": "routoo.data.assignment",
    "BundleError": "routoo.data.errors",
    "InfeasibleError": "routoo.data.errors",
    "InputError": "routoo.data.errors",
    "MissingExtraError": "routoo.data.errors",
    "Outcomes": "routoo.data.outcomes",
    "Pool": "routoo.data.pool",
    "PoolModel": "routoo.data.pool",
    "Predictor": "routoo.predictor",
    "Router": "routoo.router",
    "RoutooError": "routoo.data.errors",
    "Scores": "routoo.data.scores",
    "Selection": "routoo.router",
    "evaluate": "routoo.evaluation",
    "train": "routoo.predictor",
}

__all__ = [
    "Assignment",
    "BundleError",
    "InfeasibleError",
    "InputError",
    "MissingExtraError",
    "Outcomes",
    "Pool",
    "PoolModel",
    "Predictor",
    "Router",
    "RoutooError",
    "Scores",
    "Selection",
    "evaluate",
    "train",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'routoo' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
