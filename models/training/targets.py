"""What a network is trained towards: recorded outcomes as tensors, with masks for what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.data.domains import Attribute
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.models.gaps import shrunk_means

Array = npt.NDArray[np.float32]

_LEAST_IN_DOMAIN = 10
_MOST_DOMAINS = 256
_REST = "(all other domains)"


@dataclass(frozen=True, eq=False)
class Targets:
    """Recorded outcomes of ``n_prompts`` prompts, NaN where nothing was recorded.

    Args:
        score: ``(n_prompts, n_models)`` in [0, 1].
        log_tokens: Log of the output tokens, at least one, the same shape; None where none were recorded.
        log_latency: Log of the seconds, likewise.
        domain: Number of the domain of each prompt, ``(n_prompts,)``; -1 where it is not known.
        domains: Names of the domains.
        attribute: Number of each attribute's value, ``(n_prompts, n_attributes)``; -1 where it is not known.
        attributes: The attributes beside the domain.
    """

    score: Array
    log_tokens: Array | None
    log_latency: Array | None
    domain: npt.NDArray[np.int64]
    domains: tuple[str, ...]
    attribute: npt.NDArray[np.int64] | None = None
    attributes: tuple[Attribute, ...] = ()

    @property
    def observed(self) -> npt.NDArray[np.int64]:
        """Numbers of the domain, if any, and the other attributes, ``(n_prompts, n_attributes)``."""
        domain = [self.domain[:, None]] if self.domains else []
        attribute = [] if self.attribute is None else [self.attribute]
        return np.concatenate([np.zeros((len(self.domain), 0), np.int64), *domain, *attribute], axis=1)

    def unrecorded(self, models: Sequence[str]) -> tuple[str, ...]:
        """The models, named in the order of the columns, of which no output tokens were recorded."""
        if self.log_tokens is None:
            return tuple(models)
        by_model = zip(models, self.log_tokens.T, strict=True)
        return tuple(name for name, recorded in by_model if np.isnan(recorded).all())

    def rows(self, index: npt.NDArray[np.intp]) -> Targets:
        """The targets of these prompts."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        cut: dict[str, Any] = {n: a[index] for n, a in arrays.items() if isinstance(a, np.ndarray)}
        return replace(self, **cut)


def targets_of(
    outcomes: Outcomes,
    models: tuple[str, ...],
    *,
    fitting: npt.NDArray[np.bool_],
    attributes: Sequence[str] = (),
) -> Targets:
    """The targets that outcomes give for these models.

    Args:
        outcomes: Recorded outcomes.
        models: Names of the columns.
        fitting: Prompts that are trained on, ``(n_prompts,)``: a domain counts when enough of them have it.
        attributes: Columns of the prompts that are learned beside the domain.

    Raises:
        InputError: There is no such column, or it has no two values that enough prompts have.
    """
    matrices = outcomes.to_matrices(models)
    domain, names, rest = _frequent(outcomes.domains or [None] * len(outcomes), fitting)
    known = outcomes.attributes(attributes)
    columns = {name: _frequent(values, fitting) for name, values in known.items()}
    if few := [name for name, (_, values, _) in columns.items() if not values]:
        raise InputError(
            f"{outcomes.name}: attributes {', '.join(few)} lack two values with {_LEAST_IN_DOMAIN} prompts "
            "each to train on, so that nothing can be learned of them: leave them out, or put rare values "
            "and ranges of numbers together"
        )
    return Targets(
        score=matrices.score.astype(np.float32),
        log_tokens=_log(np.maximum(matrices.output_tokens, 1)),
        log_latency=_log(np.maximum(matrices.latency_s, 1e-3)),
        domain=domain,
        domains=(*names, _REST) if rest else names,
        attribute=np.stack([numbers for numbers, _, _ in columns.values()], axis=1) if columns else None,
        attributes=tuple(Attribute(name, values, rest) for name, (_, values, rest) in columns.items()),
    )


def shrunk_log_odds(targets: Targets) -> Array:
    """Log-odds of the mean score per domain and model, ``(max(n_domains, 1), n_models)``.

    Each cell is shrunk towards its model's overall mean (see `shrunk_means`).
    """
    score = targets.score
    count = (~np.isnan(score)).sum(0)
    overall = (np.nansum(score, 0) + 0.5) / (count + 1.0)
    groups = [targets.domain == at for at in range(len(targets.domains))] or [np.ones(len(score), bool)]
    mean = shrunk_means(score, groups, overall).clip(0.01, 0.99)
    return np.asarray(np.log(mean / (1 - mean)), np.float32)


def _frequent(
    values: list[str | None], fitting: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], tuple[str, ...], bool]:
    """Numbers of the values with enough prompts to learn from, these values, and whether there are others.

    All others together have one more number.
    """
    seen = Counter(x for x, used in zip(values, fitting, strict=True) if used and x is not None)
    frequent = sorted(seen, key=lambda name: (-seen[name], name))[: _MOST_DOMAINS - 1]
    names = sorted(name for name in frequent if seen[name] >= _LEAST_IN_DOMAIN)
    if len(names) < 2:
        return np.full(len(values), -1, np.int64), (), False
    place = {name: at for at, name in enumerate(names)}
    rest = len(names) < len(seen)
    other = len(names) if rest else -1
    numbers = np.array([-1 if x is None else place.get(x, other) for x in values], np.int64)
    return numbers, tuple(names), rest


def _log(values: npt.NDArray[np.float64]) -> Array | None:
    return None if np.isnan(values).all() else np.log(values).astype(np.float32)
