"""What SMART saves over its reference, as published and with a promise that holds, on its own simulation.

    python benchmarks/smart.py [--runs 20] [--seed 0] [--rows SMS:0.10 ...]

The published experiment draws, for each item and model, whether the model agrees with GPT-4: independently,
at the rates of a hundred items each. Factors are the reference's fee over the mean fee; *kept* is how much
of the money that the published mixing variant saves is saved by the certified one, and in brackets the ratio
of their factors; *missed* is the share of runs in which more than the promised share of answers differ.
"""

from __future__ import annotations

import argparse

import numpy as np

from routoo.solver.smart.certified import CertifiedSmart
from routoo.solver.smart.published import VARIANTS, PublishedSmart
from routoo.solver.smart.replay import Replayed, replay
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
    """Every method on the same draws."""
    terms = terms_of(data, tolerance)
    draw = np.random.default_rng(seed)
    rate = 1 - np.array([*AGREEMENT[data], 0.005, 0.005], np.float32)
    failed = np.stack([draw.random((terms.n_items, len(rate)), np.float32) < rate for _ in range(runs)])
    methods = {name: PublishedSmart(terms, variant=name, n_runs=runs) for name in VARIANTS[1:]}
    return {name: replay(method, failed) for name, method in methods.items()} | {
        "certified": replay(CertifiedSmart(terms, n_runs=runs), failed)
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", nargs="*", help="as SMS:0.10; all when not given")
    options = parser.parse_args()
    wanted = [(name, float(rate)) for name, rate in (text.split(":") for text in options.rows or ())] or ROWS
    names = ("data, tolerance", *VARIANTS[1:], "certified", "kept", "missed: multi-model", "certified")
    print(f"| {' | '.join(names)} |\n|{' ---: |' * len(names)}")
    for data, tolerance in wanted:
        found = row(data, tolerance, runs=options.runs, seed=options.seed)
        fee = terms_of(data, tolerance)
        whole = fee.n_items * fee.reference_cost
        share = {name: float(x.cost.mean()) / whole for name, x in found.items()}
        kept = (1 - share["certified"]) / (1 - share["multi-model"])
        ratio = share["multi-model"] / share["certified"]
        missed = [
            f"{np.mean(found[name].deviation > tolerance + 1e-9):.0%}"
            for name in ("multi-model", "certified")
        ]
        factors = [f"{1 / at:.2f}" for at in share.values()]
        cells = (f"{data} {tolerance:.2f}", *factors, f"{kept:.1%} ({ratio:.0%})", *missed)
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
