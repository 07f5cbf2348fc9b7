"""What SMART saves over its reference, as published and with a promise that holds, on its own simulation.

    python benchmarks/smart.py [--runs 1000] [--seed 0] [--rows SMS:0.10 ...]

The published experiment draws, for each item and model, whether the model agrees with GPT-4: independently,
at the rates of a hundred items each. Factors are the reference's fee over the mean fee, and in brackets
single runs from the 5th to the 95th of a hundred. *Kept* is how much of the saving, and of the factor, of the
published mixing variant the certified one has, with a 95 % interval (bootstrap over runs); *missed* the share
of runs in which more than the promised share of answers differ, with its upper 99 % limit.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

import numpy as np

from routoo.solver.bounds.fixed_sample import clopper_pearson
from routoo.solver.smart.batches import Simulated, failing_together
from routoo.solver.smart.certified import CertifiedSmart
from routoo.solver.smart.published import VARIANTS, PublishedSmart
from routoo.solver.smart.replay import Method, Replayed, replay
from routoo.solver.smart.terms import Terms

AGREEMENT = {"SMS": (0.94, 0.88), "IMDB": (0.94, 0.96), "AG": (0.90, 0.94)}
"""Of GPT-3.5-turbo and -instruct; davinci-002 and babbage-002 hardly ever agree."""

ITEMS = {"SMS": 5_574, "IMDB": 50_000, "AG": 127_600}
TOKENS = {"SMS": 60, "IMDB": 300, "AG": 90}
"""Of a prompt, by guess: one of the answer. The prices' ratios hardly depend on them."""

PRICES = {
    "turbo": (0.001, 0.002),
    "instruct": (0.0015, 0.002),
    "davinci": (0.002, 0.002),
    "babbage": (0.0004, 0.0004),
}
REFERENCE = (0.03, 0.06)
"""USD per thousand tokens, read and written."""

RESAMPLES = 1000

ROWS = (
    *(("SMS", tolerance) for tolerance in (0.02, 0.06, 0.1, 0.2)),
    *(("IMDB", tolerance) for tolerance in (0.02, 0.05, 0.1)),
    *(("AG", tolerance) for tolerance in (0.06, 0.1, 0.2)),
)


def terms_of(data: str, tolerance: float) -> Terms:
    def cost(price: tuple[float, float]) -> float:
        return (TOKENS[data] * price[0] + price[1]) / 1000

    return Terms(
        ITEMS[data],
        tolerance,
        0.95,
        costs=[cost(price) for price in PRICES.values()],
        reference_cost=cost(REFERENCE),
    )


def row(data: str, tolerance: float, *, runs: int, seed: int) -> dict[str, Replayed]:
    """Every method on as many batches of the same law."""
    terms = terms_of(data, tolerance)
    law = failing_together(1 - np.array([*AGREEMENT[data], 0.005, 0.005]))
    methods: dict[str, Method] = {
        name: PublishedSmart(terms, variant=name, n_runs=runs) for name in VARIANTS[1:]
    }
    methods["certified"] = CertifiedSmart(terms, n_runs=runs)
    return {
        name: replay(method, Simulated(law, n_runs=runs, n_items=terms.n_items, seed=seed + at))
        for at, (name, method) in enumerate(methods.items())
    }


def kept(found: Mapping[str, Replayed], whole: float, *, factors: bool, seed: int) -> str:
    """What the certified variant keeps of the published one's saving, or factor, with its 95 % interval."""
    draw = np.random.default_rng(seed)
    fees = [found[name].cost / whole for name in ("multi-model", "certified")]
    drawn = [draw.choice(fee, (RESAMPLES, len(fee))).mean(-1) for fee in fees]
    means = [np.append(each, fee.mean()) for each, fee in zip(drawn, fees, strict=True)]
    share = means[0] / means[1] if factors else (1 - means[1]) / (1 - means[0])
    low, high = np.quantile(share[:-1], (0.025, 0.975))
    return f"{share[-1]:.1%} ({low:.1%} to {high:.1%})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", nargs="*", help="as SMS:0.10; all when not given")
    options = parser.parse_args()
    wanted = [(name, float(rate)) for name, rate in (text.split(":") for text in options.rows or ())] or ROWS
    names = ["data, tolerance", *VARIANTS[1:], "certified", "kept of the saving", "of the factor"]
    names += ["missed: multi-model", "certified"]
    print(f"| {' | '.join(names)} |\n|{' ---: |' * len(names)}")
    for data, tolerance in wanted:
        found = row(data, tolerance, runs=options.runs, seed=options.seed)
        fee = terms_of(data, tolerance)
        whole = fee.n_items * fee.reference_cost
        cells = [f"{data} {tolerance:.2f}"]
        for each in found.values():
            low, high = np.quantile(each.factor, (0.05, 0.95))
            cells.append(f"{whole / each.cost.mean():.2f} ({low:.1f} to {high:.1f})")
        cells += [kept(found, whole, factors=factors, seed=options.seed) for factors in (False, True)]
        for name in ("multi-model", "certified"):
            missed = int((found[name].deviation > tolerance + 1e-9).sum())
            most = float(clopper_pearson(missed, options.runs, confidence=0.98)[1])
            cells.append(f"{missed / options.runs:.1%} ({most:.1%})")
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
