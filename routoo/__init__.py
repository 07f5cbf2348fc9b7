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
    from routoo.answering import answer
    from routoo.data.assignment import Assignment
    from routoo.data.errors import BundleError, InfeasibleError, InputError, MissingExtraError, RoutooError
    from routoo.data.outcomes import Outcomes
    from routoo.data.pool import Pool, PoolModel
    from routoo.data.scores import Scores
    from routoo.design.finding import Finding
    from routoo.design.lint import lint_pool
    from routoo.design.pick import PoolPick, pick_pool
    from routoo.evaluation.evaluate import evaluate
    from routoo.members.registry import members_of
    from routoo.policies.contracts.contract import Contract
    from routoo.policies.contracts.make import contract
    from routoo.policies.contracts.watch import ContractWatch
    from routoo.policies.smart.smart import smart
    from routoo.policies.smart.verifying import verify
    from routoo.policies.two_tier import TwoTier
    from routoo.predictor import Predictor, train
    from routoo.router import Router, Selection
    from routoo.solver.limits import DomainLimit, LatencyTail, ModelLimit
    from routoo.solver.pacer import Pacer
    from routoo.solver.problem import Problem
    from routoo.solver.results.frontier import Frontier, frontier
    from routoo.solver.results.price_words import prices_in_words
    from routoo.solver.solve import solve

_HOME = {
    "Assignment": "routoo.data.assignment",
    "BundleError": "routoo.data.errors",
    "Contract": "routoo.policies.contracts.contract",
    "ContractWatch": "routoo.policies.contracts.watch",
    "DomainLimit": "routoo.solver.limits",
    "Finding": "routoo.design.finding",
    "Frontier": "routoo.solver.results.frontier",
    "InfeasibleError": "routoo.data.errors",
    "InputError": "routoo.data.errors",
    "LatencyTail": "routoo.solver.limits",
    "MissingExtraError": "routoo.data.errors",
    "ModelLimit": "routoo.solver.limits",
    "Outcomes": "routoo.data.outcomes",
    "Pacer": "routoo.solver.pacer",
    "Pool": "routoo.data.pool",
    "PoolModel": "routoo.data.pool",
    "PoolPick": "routoo.design.pick",
    "Predictor": "routoo.predictor",
    "Problem": "routoo.solver.problem",
    "Router": "routoo.router",
    "RoutooError": "routoo.data.errors",
    "Scores": "routoo.data.scores",
    "Selection": "routoo.router",
    "TwoTier": "routoo.policies.two_tier",
    "answer": "routoo.answering",
    "contract": "routoo.policies.contracts.make",
    "evaluate": "routoo.evaluation.evaluate",
    "frontier": "routoo.solver.results.frontier",
    "lint_pool": "routoo.design.lint",
    "members_of": "routoo.members.registry",
    "pick_pool": "routoo.design.pick",
    "prices_in_words": "routoo.solver.results.price_words",
    "smart": "routoo.policies.smart.smart",
    "solve": "routoo.solver.solve",
    "train": "routoo.predictor",
    "verify": "routoo.policies.smart.verifying",
}

__all__ = [
    "Assignment",
    "BundleError",
    "Contract",
    "ContractWatch",
    "DomainLimit",
    "Finding",
    "Frontier",
    "InfeasibleError",
    "InputError",
    "LatencyTail",
    "MissingExtraError",
    "ModelLimit",
    "Outcomes",
    "Pacer",
    "Pool",
    "PoolModel",
    "PoolPick",
    "Predictor",
    "Problem",
    "Router",
    "RoutooError",
    "Scores",
    "Selection",
    "TwoTier",
    "answer",
    "contract",
    "evaluate",
    "frontier",
    "lint_pool",
    "members_of",
    "pick_pool",
    "prices_in_words",
    "smart",
    "solve",
    "train",
    "verify",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'routoo' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
