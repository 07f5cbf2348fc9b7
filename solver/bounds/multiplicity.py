"""Several hypotheses under one error: which of them are rejected.

Any p-values will do; the reciprocal of a capital is one that may be looked at again and again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def fixed_sequence(p_values: npt.ArrayLike, *, alpha: float) -> int:
    """How many hypotheses are rejected, in an order fixed beforehand, each at the whole of `alpha`.

    The first that is not rejected ends the list: a false one is rejected with probability at most `alpha`.
    Candidates whose failures rise as their price falls belong in the order from dear to cheap.

    Example:
        >>> fixed_sequence([0.001, 0.04, 0.2, 0.001], alpha=0.05)
        2
    """
    kept = np.asarray(p_values, float) > alpha
    return int(np.argmax(kept)) if kept.any() else len(kept)


def holm(p_values: npt.ArrayLike, *, alpha: float) -> npt.NDArray[np.bool_]:
    """Which hypotheses are rejected, ``(n,)``: a false one with probability at most `alpha` (Holm 1979).

    It needs no order, and rejects whatever Bonferroni's split does.

    Example:
        >>> holm([0.001, 0.04, 0.02], alpha=0.05).tolist()
        [True, True, True]
        >>> holm([0.001, 0.04, 0.03], alpha=0.05).tolist()
        [True, False, False]
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    rejected = np.zeros(len(p), bool)
    share = alpha / np.arange(len(p), 0, -1)
    rejected[order[: fixed_sequence(p[order] - share, alpha=0.0)]] = True
    return rejected
