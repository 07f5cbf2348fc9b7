"""How often a bound by a judge is ever too high, and how high it is, for judges from bad to good.

    python benchmarks/judge_coverage.py [--runs 2000] [--seed 0]

Simulated batches of 2,000 answers, of which 85 % are right and at most 200 have a human label; error 0.05.
The judge agrees with the labels on a share of the answers, and errs either way, or only in favour. *Missed*
is the share of runs in which the bound after 50, 100 or 200 labels is above the batch's mean, with its upper
99 % limit.
"""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np

from routoo.solver.bounds.betting import mean_lower
from routoo.solver.bounds.fixed_sample import clopper_pearson
from routoo.solver.bounds.prediction_powered import judged_mean_lower

ITEMS, RATE, ALPHA, LOOKS = 2000, 0.85, 0.05, (50, 100, 200)
AGREEMENTS = (0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw = np.random.default_rng(options.seed)
    truth = draw.permuted(np.tile(np.arange(ITEMS) < RATE * ITEMS, (options.runs, 1)), axis=1) * 1.0
    alone = mean_lower(truth[:, : LOOKS[-1]], alpha=ALPHA, batch=ITEMS).mean()
    print(f"labels alone, {LOOKS[-1]} of them: {alone:.3f}\n")
    print("| agreement | errs | missed | mean bound |\n| ---: | --- | ---: | ---: |")
    for agreement, favours in product(AGREEMENTS, (False, True)):
        slip = draw.random(truth.shape)
        if favours:
            judge = np.where(slip * (1 - RATE) < 1 - agreement, 1.0, truth)
        else:
            judge = np.where(slip < 1 - agreement, 1 - truth, truth)
        if favours and agreement < RATE:
            continue
        bounds = [
            judged_mean_lower(truth[:, :n], judge[:, :n], judge=judge, alpha=ALPHA).round(9) for n in LOOKS
        ]
        missed = int((np.max(bounds, 0) > RATE).sum())
        most = float(clopper_pearson(missed, options.runs, confidence=0.98)[1])
        way = "in favour" if favours else "either way"
        cells = (
            f"{agreement:.2f}",
            way,
            f"{missed / options.runs:.1%} ({most:.1%})",
            f"{bounds[-1].mean():.3f}",
        )
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
