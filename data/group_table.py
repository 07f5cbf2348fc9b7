"""Expected scores by group of prompts and model, without the luck of the draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Groups = npt.NDArray[np.intp]

_ROUNDS = 50


@dataclass(frozen=True, eq=False)
class GroupTable:
    """Expected score of each model in each group of prompts.

    A recorded score is one noisy draw. The best of several models on each prompt, or the best mean in each
    group, is in part whoever was luckiest there (the winner's curse), so that models seem to complement one
    another even where all their answers are drawn from one urn. A posterior mean may be maximised without
    that penalty, as far as its prior is right.

    Here a score is the model's level, plus the ease of the prompt, which all models share, plus what the
    model is better or worse in this group, plus noise. Of the third term as much is believed as its spread
    over all groups and models exceeds what noise alone would spread (empirical Bayes: Efron and Morris
    1975). Where it does not exceed it, models differ by their levels alone, and none complements another.

    Args:
        expected: ``(n_groups, n_models)``, within 0..1.
        spread: Standard deviation, over groups and models, of what models are better or worse in a group than
            their level says; 0 where none is seen.
        share: Share of the prompts in each group, ``(n_groups,)``.
    """

    expected: Floats
    spread: float
    share: Floats

    @classmethod
    def of(cls, score: Floats, groups: Groups, n_groups: int) -> GroupTable:
        """The table of recorded scores.

        Args:
            score: ``(n_prompts, n_models)``, NaN where a model was not run.
            groups: Group of each prompt, ``(n_prompts,)``, below `n_groups`.
            n_groups: How many groups; one without a prompt gets the models' levels.

        >>> score = np.repeat([[1.0, 0.0], [0.0, 1.0]], 50, axis=0)
        >>> GroupTable.of(score, np.repeat([0, 1], 50), 2).expected.tolist()
        [[1.0, 0.0], [0.0, 1.0]]
        """
        level, ease = _effects(score)
        rest = score - level - ease[:, None]
        prompts = np.bincount(groups, minlength=n_groups)
        eases = np.bincount(groups, ease, minlength=n_groups) / np.maximum(prompts, 1)
        mean_ease = np.where(prompts > 0, eases, ease.mean())[:, None]
        seen = ~np.isnan(rest)
        counts = group_sums(seen, groups, n_groups)
        better = group_sums(np.where(seen, rest, 0.0), groups, n_groups) / np.maximum(counts, 1)
        free = np.maximum((counts - 1).clip(0).sum(0), 1)
        noise = (np.where(seen, rest - better[groups], 0.0) ** 2).sum(0) / free / np.maximum(counts, 1)
        moment = float((counts / max(float(counts.sum()), 1.0) * (better**2 - noise)).sum())
        variance = max(0.0, moment)  # of what `better` estimates, beyond the noise of its means
        belief = np.where(counts > 0, variance / np.maximum(variance + noise, 1e-300), 0.0)
        expected = np.clip(level + mean_ease + belief * better, 0.0, 1.0)
        return cls(expected, float(np.sqrt(variance)), prompts / max(len(groups), 1))


def without_gaps(score: Floats, domains: Sequence[str | None] | None) -> Floats:
    """The scores, and where a model was not run what is expected of it in the prompt's domain.

    Nothing else of the prompt is read: nobody gains by telling prompts apart where scores are missing.

    Args:
        score: ``(n_prompts, n_models)``, NaN where a model was not run.
        domains: Domain of each prompt, where any is known.
    """
    unknown = np.isnan(score)
    if not unknown.any():
        return score
    named, group = np.unique([domain or "" for domain in domains or [None] * len(score)], return_inverse=True)
    return np.where(unknown, GroupTable.of(score, group, len(named)).expected[group], score)


def _effects(score: Floats) -> tuple[Floats, Floats]:
    """Level of each model and ease of each prompt, by least squares in turns.

    A prompt on which one model alone was run says nothing of its ease, and keeps 0.
    """
    seen = ~np.isnan(score)
    filled = np.where(seen, score, 0.0)
    runs, models = np.maximum(seen.sum(0), 1), seen.sum(1)
    level = filled.sum(0) / runs
    ease = np.zeros(len(score))
    for _ in range(_ROUNDS):
        before = level
        ease = (filled - np.where(seen, level, 0.0)).sum(1) / np.maximum(models, 1) * (models > 1)
        level = (filled - np.where(seen, ease[:, None], 0.0)).sum(0) / runs
        if np.abs(level - before).max(initial=0.0) < 1e-9:
            break
    return np.where(seen.any(0), level, level[seen.any(0)].mean()), ease


def group_sums(
    values: npt.NDArray[np.float64] | npt.NDArray[np.bool_], groups: Groups, n_groups: int
) -> Floats:
    """Column sums of `values` ``(n_prompts, n_columns)`` over each group, ``(n_groups, n_columns)``."""
    out = np.zeros((n_groups, values.shape[1]))
    np.add.at(out, groups, values)
    return out
