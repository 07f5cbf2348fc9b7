"""How often SMART misses its promise, as published and certified, where the promise is hardest to keep.

    python benchmarks/coverage.py [--runs 10000] [--published-runs 2000] [--items 500 5000 100000]
        [--candidates 1 3 5] [--seed 0] [--speed]

Simulated batches: every candidate differs from the reference on a tenth of the items in expectation, and the
share that is allowed lies under, just under, at and just above that. Failures of candidates are independent,
or go together by a shared difficulty (normal, correlation 0.5). The confidence promised is 0.95. Shown is the
share of misses, with the upper 99 % limit of the largest of the certified ones; the published variants are
shown where what is allowed lies just under. With --speed: the time of 10,000 batches side by side, beside
that of a plain loop over batches whose every item is drawn.
"""

from __future__ import annotations

import argparse
import time
from itertools import product

import numpy as np

from routoo.solver.bounds.fixed_sample import clopper_pearson
from routoo.solver.smart.batches import Recorded, Simulated, failing_together
from routoo.solver.smart.certified import CertifiedSmart
from routoo.solver.smart.published import PublishedSmart
from routoo.solver.smart.replay import Method, replay
from routoo.solver.smart.terms import Terms

RATE = 0.1
JUST_UNDER = 0.099
TOLERANCES = (0.09, JUST_UNDER, RATE, 0.101)
CORRELATIONS = {"independent": 0.0, "together": 0.5}
PUBLISHED = ("exhaustive", "multi-model")


def missed(method: Method, *, correlation: float, seed: int) -> int:
    """In how many runs more answers differ than may."""
    runs, n_candidates = method.asked.shape
    law = failing_together([RATE] * n_candidates, correlation=correlation)
    batches = Simulated(law, n_runs=runs, n_items=method.terms.n_items, seed=seed)
    return int((replay(method, batches).deviation > method.terms.tolerance + 1e-9).sum())


def terms_of(n_items: int, n_candidates: int, tolerance: float) -> Terms:
    """Candidates thirty times as cheap as the reference, each a little dearer than the last."""
    costs = (1 + 0.1 * np.arange(n_candidates)) / 30
    return Terms(n_items, tolerance, 0.95, costs=costs, reference_cost=1)


def row(n_items: int, n_candidates: int, failures: str, options: argparse.Namespace) -> str:
    """One line of the table: all that may be allowed."""
    law = {"correlation": CORRELATIONS[failures], "seed": options.seed}
    terms = {tolerance: terms_of(n_items, n_candidates, tolerance) for tolerance in TOLERANCES}
    certified = [missed(CertifiedSmart(each, n_runs=options.runs), **law) for each in terms.values()]
    few = options.published_runs
    published = [
        missed(PublishedSmart(terms[JUST_UNDER], variant=name, n_runs=few), **law) for name in PUBLISHED
    ]
    most = float(clopper_pearson(max(certified), options.runs, confidence=0.98)[1])
    shares = [f"{count / options.runs:.2%}" for count in certified]
    others = [f"{count / few:.1%}" for count in published]
    cells = [f"{n_items:,}", str(n_candidates), failures, *shares, f"{most:.2%}", *others]
    return f"| {' | '.join(cells)} |"


def speed(runs: int, seed: int) -> str:
    """Seconds for batches of 10,000 items, side by side and one after the other, every item drawn."""
    terms, alone = terms_of(10_000, 3, RATE), 5
    start = time.process_time()
    missed(CertifiedSmart(terms, n_runs=runs), correlation=0, seed=seed)
    together = time.process_time() - start
    draw = np.random.default_rng(seed)
    start = time.process_time()
    for _ in range(alone):
        replay(CertifiedSmart(terms), Recorded(draw.random((1, 10_000, 3)) < RATE))
    each = (time.process_time() - start) / alone
    return (
        f"{runs:,} batches of 10,000 items, 3 candidates: {together:.0f} s side by side; "
        f"{each:.2f} s each in a loop: {each * runs / together:.0f} times as long"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--published-runs", type=int, default=2_000)
    parser.add_argument("--items", type=int, nargs="+", default=[500, 5_000, 100_000])
    parser.add_argument("--candidates", type=int, nargs="+", default=[1, 3, 5])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--speed", action="store_true")
    options = parser.parse_args()
    if options.speed:
        print(speed(options.runs, options.seed))
        return
    allowed = [f"{tolerance:.3f}" for tolerance in TOLERANCES]
    names = ("items", "candidates", "failures", *allowed, "at most", *PUBLISHED)
    print(f"| {' | '.join(names)} |\n| ---: | ---: | --- |{' ---: |' * (len(names) - 3)}")
    for n_items, n_candidates, failures in product(options.items, options.candidates, CORRELATIONS):
        if n_candidates > 1 or not CORRELATIONS[failures]:
            print(row(n_items, n_candidates, failures, options), flush=True)


if __name__ == "__main__":
    main()
