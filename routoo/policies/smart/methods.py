"""What decides how far to profile and who answers the rest, by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from routoo.solver.bounds.failures import Counts
from routoo.solver.bounds.fixed_sample import clopper_pearson
from routoo.solver.smart.certified import CertifiedSmart
from routoo.solver.smart.published import PublishedSmart
from routoo.solver.smart.replay import Method
from routoo.solver.smart.terms import Terms

METHODS: dict[str, Callable[[Terms], Method]] = {"valid": CertifiedSmart, "published": PublishedSmart}


def bounds_of(method: Method, seen: int, differed: Counts) -> Counts:
    """What a method makes of the answers of each candidate that differ in the whole batch: at most so many.

    Those of the published method are Clopper-Pearson bounds for a sample that is looked at once.
    """
    if isinstance(method, CertifiedSmart):
        return np.asarray(method.bounds[0])
    if not seen:
        return np.full(differed.shape, method.terms.n_items)
    confidence = method.terms.confidence
    high = clopper_pearson(differed, np.full(differed.shape, seen), confidence=confidence)[1]
    return np.ceil(high * method.terms.n_items).astype(np.int64)
