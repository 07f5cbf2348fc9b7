"""What decides how far to profile and who answers the rest, by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from routoo.data.errors import InputError
from routoo.solver.bounds.failures import Counts
from routoo.solver.bounds.fixed_sample import clopper_pearson
from routoo.solver.smart.certified import CertifiedSmart
from routoo.solver.smart.published import PublishedSmart
from routoo.solver.smart.replay import Method
from routoo.solver.smart.terms import Flags, Terms

METHODS: dict[str, Callable[[Terms], Method]] = {"valid": CertifiedSmart, "published": PublishedSmart}


def method_of(name: str, terms: Terms, *, in_sequence: bool) -> Method:
    """The method of this name, for candidates that are models, or in sequence for a router's policies.

    Raises:
        InputError: The published method has no sequences.
    """
    if not in_sequence:
        return METHODS[name](terms)
    if name != "valid":
        raise InputError(
            f"method {name} knows models alone as candidates: leave the router out, or take valid"
        )
    return CertifiedSmart(terms, in_sequence=True)


def bounds_of(method: Method, seen: int, differed: Counts) -> list[int | None]:
    """What a method makes of the answers of each candidate that differ in the whole batch: at most so many;
    None of one that will not be used.

    Those of the published method are Clopper-Pearson bounds for a sample that is looked at once.
    """
    if isinstance(method, CertifiedSmart):
        return _named(method.bounds[0], method.dropped[0])
    if not seen:
        return _named(np.full(differed.shape, method.terms.n_items), ~method.asked[0])
    confidence = method.terms.confidence
    high = clopper_pearson(differed, np.full(differed.shape, seen), confidence=confidence)[1]
    return _named(np.ceil(high * method.terms.n_items).astype(np.int64), ~method.asked[0])


def _named(bounds: Counts, dropped: Flags) -> list[int | None]:
    return [None if out else most for most, out in zip(bounds.tolist(), dropped.tolist(), strict=True)]
