"""What a contract means for a router that serves by it: its price, or the reference model once it lapsed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from routoo.data.assignment import Assignment
from routoo.data.errors import InfeasibleError, InputError
from routoo.data.words import some
from routoo.policies.contracts.contract import Contract
from routoo.solver.results.infeasible import unserved
from routoo.solver.select import best_at

if TYPE_CHECKING:
    from routoo.data.pool import Pool
    from routoo.data.scores import Scores
    from routoo.solver.problem import Problem


class Serving(Protocol):
    """What a contract has to know of a router."""

    @property
    def pool(self) -> Pool:
        """The models it chooses from."""

    @property
    def fingerprints(self) -> tuple[str, str]:
        """Hashes of pool and bundle."""


@dataclass(frozen=True)
class Terms:
    """How to choose under a contract.

    Args:
        price: Score per USD.
        max_calls: Most models that a prompt is sent to.
        models: The reference alone where the contract has lapsed; None for all.
        lapsed: Why it has, in words; None while it holds.
    """

    price: float
    max_calls: int
    models: tuple[str, ...] | None
    lapsed: str | None


def terms_of(
    contract: Contract | str | Path,
    serving: Serving,
    *,
    beside: Mapping[str, object],
    cascade: bool = False,
) -> Terms:
    """How this router chooses under a contract now; where that has lapsed, a warning says so.

    Args:
        contract: The contract, or its file, which is read each time, so that an alarm that is written there
            is heeded.
        serving: The router.
        beside: What else was asked of the choice, by name: None for what was not.
        cascade: Whether it is cascades that are to choose.

    Raises:
        InputError: Something else was asked that would choose otherwise than the contract does, it is of
            cascades, or it has lapsed and the reference has left the pool.
    """
    agreed = contract if isinstance(contract, Contract) else Contract.read(contract)
    refuse_beside(beside)
    if agreed.max_calls > 1 and not cascade:
        raise InputError(
            "this contract is of cascades: use Router.cascade or `routoo answer --cascade`, or make one "
            "without cascade"
        )
    why = agreed.lapsed or _changed(agreed, serving)
    if why is None:
        return Terms(agreed.price, agreed.max_calls, None, None)
    if agreed.reference not in serving.pool.names:
        raise InputError(
            f"the contract has lapsed ({why}), and its reference {agreed.reference} is not in the pool any "
            "more: make another one"
        )
    warnings.warn(f"the contract has lapsed, and {agreed.reference} answers everything: {why}", stacklevel=3)
    return Terms(0.0, 1, (agreed.reference,), why)


def refuse_beside(beside: Mapping[str, object]) -> None:
    """Refuses what would choose otherwise than a contract does.

    Args:
        beside: What was asked, by name: None for what was not.

    Raises:
        InputError: Something was.
    """
    if given := [name for name, value in beside.items() if value is not None]:
        raise InputError(
            f"a contract holds for choices at its price alone: leave out {', '.join(given)}, or the contract"
        )


def cascade_options(
    serving: Serving, options: Mapping[str, Any], beside: Mapping[str, object]
) -> dict[str, Any]:  # Any: each option has its own type
    """The options of `RoutedCascade` with a contract among them, as those that it stands for.

    Raises:
        InputError: See `terms_of`; or a model of the pool cannot be asked.
    """
    free = {name: options[name] for name in ("members", "retries", "kept") if name in options}
    others = {name: value for name, value in options.items() if name not in {*free, "contract"}}
    terms = terms_of(options["contract"], serving, beside={**others, **beside}, cascade=True)
    asked = free.get("members") or [model.name for model in serving.pool.models if model.call is not None]
    if terms.lapsed is None and (missing := [name for name in serving.pool.names if name not in asked]):
        raise InputError(
            f"a contract is of all models of the pool, but {some(missing)} cannot be asked: give members, or "
            "say in the pool how they are called"
        )
    found = {"price": terms.price, "max_calls": terms.max_calls, "models": terms.models}
    return {**free, **found, "lapsed": terms.lapsed}


def assigned(scores: Scores, problem: Problem, terms: Terms) -> Assignment:
    """The model that every prompt is given at the price of a contract.

    Raises:
        InfeasibleError: A prompt fits no model.
    """
    choice, value = best_at(problem.rows(slice(None)), terms.price)
    if np.isneginf(value).any():
        raise InfeasibleError(str(unserved(problem)))
    rows = np.arange(len(choice))
    p, cost, latency = (array[rows, choice] for array in (scores.p_correct, scores.cost_usd, scores.latency))
    total = float(value.sum(dtype=np.float64))
    return Assignment(
        models=scores.models,
        choice=choice.astype(np.int32),
        status="optimal",
        score=float(p.sum(dtype=np.float64)),
        cost_usd=float(cost.sum(dtype=np.float64)),
        objective=total,
        bound=total,
        solver="price",
        prompt_ids=scores.prompt_ids,
        chosen_p_correct=p,
        chosen_cost_usd=cost,
        chosen_latency_s=latency,
        lapsed=terms.lapsed,
    )


def _changed(contract: Contract, serving: Serving) -> str | None:
    """What is no longer as it was when the contract was made."""
    pool, bundle = serving.fingerprints
    if bundle != contract.bundle_sha256:
        return "the bundle is another one"
    return "models or prices of the pool have changed" if pool != contract.pool_sha256 else None
