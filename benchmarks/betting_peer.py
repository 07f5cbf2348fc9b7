"""Our capital beside that of confseq, by the authors of the method: the largest difference of logarithms.

    pip download --no-deps confseq==0.0.11 && tar xzf confseq-0.0.11.tar.gz
    python benchmarks/betting_peer.py confseq-0.0.11/src

Its source is read in place: to install it takes a compiler and Boost, of which this part makes no use. Means
that no batch could have, which it refutes from above too, are left out.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np

from routoo.solver.bounds.betting import log_capital
from routoo.solver.bounds.stakes import KEPT, WEIGHTS

SAMPLE = 250


def confseq_betting(source: Path) -> ModuleType:
    """Its module of betting, without what that imports for plots, processes and compiled bounds."""
    np.__dict__.setdefault("float_", np.float64)  # of numpy 1, for which it is written
    for name in ("matplotlib", "matplotlib.pyplot", "multiprocess", "confseq"):
        sys.modules[name] = ModuleType(name)
    sys.modules["matplotlib"].__dict__["pyplot"] = sys.modules["matplotlib.pyplot"]
    sys.modules["confseq"].__path__ = [str(source / "confseq")]
    return importlib.import_module("confseq.betting")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="the folder src of confseq")
    theirs = confseq_betting(parser.parse_args().source)
    draw = np.random.default_rng(0)
    found = []
    for batch in (None, 300, 2000):
        size = batch or SAMPLE
        for population in (draw.beta(4, 0.5, size), (draw.random(size) < 0.93) * 1.0, draw.random(size)):
            values = draw.permutation(population)[:SAMPLE]
            for mean in (0.3, 0.5, 0.8, 0.9, 0.95, 0.99):
                capital = sum(
                    weight
                    * theirs.betting_mart(
                        values,
                        mean,
                        lambdas_fn_positive=lambda x, m: np.full(len(x), np.inf),
                        N=batch,
                        theta=1,
                        trunc_scale=1 - kept,
                    )[-1]
                    for kept, weight in zip(KEPT, WEIGHTS, strict=True)
                )
                if np.isfinite(capital):
                    found.append(abs(np.log(capital) - float(log_capital(values, mean, batch=batch))))
    print(
        f"{len(found)} capitals, with and without replacement: logarithms differ by at most {max(found):.1g}"
    )


if __name__ == "__main__":
    main()
