"""What a network is trained towards: recorded outcomes as tensors, with masks for what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from routoo.data.outcomes import Outcomes

Array = npt.NDArray[np.float32]

_LEAST_IN_DOMAIN = 10
_MOST_DOMAINS = 256
_REST = "(all other domains)"


@dataclass(frozen=True, eq=False)
class Targets:
    """Recorded outcomes of ``n_prompts`` prompts, NaN where nothing was recorded.

    Args:
        score: ``(n_prompts, n_models)`` in [0, 1].
        log_tokens: Log of one plus the output tokens, the same shape; None when no model recorded any.
        log_latency: Log of the seconds, likewise.
        domain: Number of the domain of each prompt, ``(n_prompts,)``; -1 where it is not known.
        domains: Names of the domains.
        taught: What a teacher says of every score, ``(n_prompts, n_models)``: learned in place of `score`.
    """

    score: Array
    log_tokens: Array | None
    log_latency: Array | None
    domain: npt.NDArray[np.int64]
    domains: tuple[str, ...]
    taught: Array | None = None

    def rows(self, index: npt.NDArray[np.intp]) -> Targets:
        """The targets of these prompts."""
        return Targets(
            self.score[index],
            None if self.log_tokens is None else self.log_tokens[index],
            None if self.log_latency is None else self.log_latency[index],
            self.domain[index],
            self.domains,
            None if self.taught is None else self.taught[index],
        )


def targets_of(outcomes: Outcomes, models: tuple[str, ...], *, fitting: npt.NDArray[np.bool_]) -> Targets:
    """The targets that outcomes give for these models.

    Args:
        outcomes: Recorded outcomes.
        models: Names of the columns.
        fitting: Prompts that are trained on, ``(n_prompts,)``: a domain counts when enough of them have it.
    """
    matrices = outcomes.to_matrices(models)
    domain, names = _domains(outcomes.domains or [None] * len(outcomes), fitting)
    return Targets(
        score=matrices.score.astype(np.float32),
        log_tokens=_log(matrices.output_tokens + 1),
        log_latency=_log(np.maximum(matrices.latency_s, 1e-3)),
        domain=domain,
        domains=names,
    )


def shrunk_log_odds(targets: Targets, *, strength: float = 20.0) -> Array:
    """Log-odds of the mean score per domain and model, ``(max(n_domains, 1), n_models)``.

    Each cell is shrunk towards its model's overall mean as if by `strength` further prompts that score it.
    """
    score = targets.score
    count = (~np.isnan(score)).sum(0)
    overall = (np.nansum(score, 0) + 0.5) / (count + 1.0)
    groups = [targets.domain == at for at in range(len(targets.domains))] or [np.ones(len(score), bool)]
    cells = []
    for rows in groups:
        seen = (~np.isnan(score[rows])).sum(0)
        cells.append((np.nansum(score[rows], 0) + strength * overall) / (seen + strength))
    mean = np.clip(np.array(cells), 0.01, 0.99)
    return np.asarray(np.log(mean / (1 - mean)), np.float32)


def _domains(
    labels: list[str | None], fitting: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Domains with enough prompts to learn from, by name; the rest together as one more."""
    seen: dict[str, int] = {}
    for label, used in zip(labels, fitting, strict=True):
        if label is not None and used:
            seen[label] = seen.get(label, 0) + 1
    frequent = sorted(seen, key=lambda name: (-seen[name], name))[: _MOST_DOMAINS - 1]
    names = sorted(name for name in frequent if seen[name] >= _LEAST_IN_DOMAIN)
    if len(names) < 2:
        return np.full(len(labels), -1, np.int64), ()
    place = {name: at for at, name in enumerate(names)}
    rest = -1
    if len(names) < len(seen):
        rest = len(names)
        names.append(_REST)
    return np.array([-1 if x is None else place.get(x, rest) for x in labels], np.int64), tuple(names)


def _log(values: npt.NDArray[np.float64]) -> Array | None:
    return None if np.isnan(values).all() else np.log(values).astype(np.float32)
