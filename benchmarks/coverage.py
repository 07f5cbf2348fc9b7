"""How often SMART misses its promise, as published and certified, where the promise is hardest to keep.

    python benchmarks/coverage.py [--runs 1000] [--items 500 5000] [--candidates 1 3 5] [--seed 0]

Simulated batches: every candidate differs from the reference on a tenth of the items in expectation, and the
share that is allowed lies at, just under and just above that. Failures of candidates are independent, or go
together by a shared difficulty (normal, correlation 0.5). The confidence promised is 0.95; beside each share
of misses stands its upper 99 % limit. The last line is the time of one cell, side by side and run by run.
"""

from __future__ import annotations

import argparse
import time
from itertools import product
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from routoo.solver.bounds.fixed_sample import clopper_pearson
from routoo.solver.smart.certified import CertifiedSmart
from routoo.solver.smart.published import PublishedSmart
from routoo.solver.smart.replay import Method, replay
from routoo.solver.smart.terms import Terms

RATE = 0.1
TOLERANCES = (0.09, 0.095, 0.1, 0.105)
CORRELATIONS = (0.0, 0.5)
CHUNK = 20_000_000
"""Values that are drawn at once."""


def draws(
    n_runs: int, n_items: int, n_candidates: int, *, correlation: float, seed: int
) -> npt.NDArray[np.bool_]:
    """Whether candidates fail, ``(n_runs, n_items, n_candidates)``."""
    draw = np.random.default_rng(seed)
    shape = (n_runs, n_items, n_candidates)
    if not correlation:
        return draw.random(shape, np.float32) < RATE
    shared = draw.standard_normal((*shape[:2], 1), np.float32) * correlation**0.5
    own = draw.standard_normal(shape, np.float32) * (1 - correlation) ** 0.5
    return np.asarray(shared + own < NormalDist().inv_cdf(RATE))


def misses(terms: Terms, n_runs: int, *, correlation: float, seed: int) -> dict[str, int]:
    """In how many runs more answers differ than may."""
    found = {"certified": 0, "exhaustive": 0, "multi-model": 0}
    n_candidates = len(terms.gains)
    size = max(1, CHUNK // (terms.n_items * n_candidates))
    for start in range(0, n_runs, size):
        runs = min(size, n_runs - start)
        failed = draws(runs, terms.n_items, n_candidates, correlation=correlation, seed=seed + start)
        for name in found:
            method: Method = (
                CertifiedSmart(terms, n_runs=runs)
                if name == "certified"
                else PublishedSmart(terms, variant=name, n_runs=runs)
            )
            found[name] += int((replay(method, failed).deviation > terms.tolerance + 1e-9).sum())
    return found


def terms_of(n_items: int, n_candidates: int, tolerance: float) -> Terms:
    """Candidates thirty times as cheap as the reference, each a little dearer than the last."""
    costs = (1 + 0.1 * np.arange(n_candidates)) / 30
    return Terms(n_items, tolerance, 0.95, costs=costs, reference_cost=1)


def shown(count: int, n_runs: int) -> str:
    return f"{count / n_runs:.2%} ({float(clopper_pearson(count, n_runs, confidence=0.98)[1]):.2%})"


def speed(seed: int) -> str:
    """Seconds for batches of 10,000 items, side by side and one after the other."""
    terms, runs, alone = terms_of(10_000, 1, 0.11), 1000, 5
    failed = draws(runs, 10_000, 1, correlation=0, seed=seed)
    start = time.process_time()
    replay(CertifiedSmart(terms, n_runs=runs), failed)
    together = time.process_time() - start
    start = time.process_time()
    for run in range(alone):
        replay(CertifiedSmart(terms), failed[run : run + 1])
    each = (time.process_time() - start) / alone
    return (
        f"{runs:,} batches of 10,000 items: {together:.1f} s side by side; "
        f"{each:.2f} s each alone: {each * runs / together:.0f} times as long"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--items", type=int, nargs="+", default=[500, 5000])
    parser.add_argument("--candidates", type=int, nargs="+", default=[1, 3, 5])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| items | candidates | failures | allowed | certified | exhaustive | multi-model |")
    print("| ---: | ---: | --- | ---: | ---: | ---: | ---: |")
    for n_items, n_candidates, correlation, tolerance in product(
        options.items, options.candidates, CORRELATIONS, TOLERANCES
    ):
        if correlation and n_candidates == 1:
            continue
        found = misses(
            terms_of(n_items, n_candidates, tolerance),
            options.runs,
            correlation=correlation,
            seed=options.seed,
        )
        together = "together" if correlation else "independent"
        cells = [f"{n_items:,}", str(n_candidates), together, f"{tolerance:.3f}"]
        cells += [shown(count, options.runs) for count in found.values()]
        print(f"| {' | '.join(cells)} |", flush=True)
    print(speed(options.seed))


if __name__ == "__main__":
    main()
