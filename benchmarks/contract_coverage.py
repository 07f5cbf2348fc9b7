"""How often a contract is broken on fresh data, simulated: by labels alone, and by few labels and a judge.

    python benchmarks/contract_coverage.py [--runs 10000] [--judge-runs 2000]

The first table has policies at ten prices. Each answers more prompts otherwise than the reference, on 2 to
20 of a hundred, on the same prompts or each on its own, and loses more. The promise is 98 % of the
reference's mean score, with 95 % confidence. It is broken by a hair (a ten-thousandth) from the dearest
price on, the worst that can be asked, or from the sixth on. Of the runs: the share that made a contract;
that made one which is broken (at most 5 %), with its upper 99 % limit; that is broken where one takes the
cheapest price whose mean on the sample keeps the share; and how far contracts go on the way to the last
good price.

The second has one policy, 1,000 prompts that people labelled, and 20,000 others, all scored by a judge who
agrees with people on 60 to 95 % of the answers: errs at random, or only in favour of the policy. Of the
runs: the share that passed the policy when it breaks the promise by a hair (at most 5 %); when it is better
than that by 1.2 points; and by the labels alone then. Tables are printed as Markdown.
"""

from __future__ import annotations

import argparse

import numpy as np
import numpy.typing as npt

from routoo.policies.contracts.promise import ScorePromise
from routoo.solver.bounds.fixed_sample import clopper_pearson
from routoo.solver.bounds.planned_sample import planned_above, planned_judged_lower

Array = npt.NDArray[np.float64]

ALPHA, RIGHT = 0.05, 0.8
PROMISE = ScorePromise(0.98)
MOVED = np.linspace(0.02, 0.2, 10)
"""Share of the prompts that the policy answers otherwise than the reference, by price."""
ALLOWED = (1 - PROMISE.share) * RIGHT
"""What a policy may lose."""
BY_A_HAIR = 1e-4
LABELS, OTHERS, BETTER = 1000, 20_000, 0.012
AT_ONCE = 250


def losses(first_broken: int) -> Array:
    """What the policy loses at each price; at this one for the first time more than it may, by a hair."""
    before = ALLOWED * np.arange(first_broken) / max(first_broken, 1)
    after = ALLOWED * (1 + 0.25 * np.arange(len(MOVED) - first_broken))
    return np.concatenate([before, after + BY_A_HAIR])


def pair(
    draw: np.random.Generator, shape: tuple[int, ...], *, loss: float, moved: float
) -> tuple[Array, Array]:
    """Scores of a policy and of the reference, which the policy answers as on all but the moved prompts."""
    reference = draw.random(shape) < RIGHT
    otherwise = draw.random(shape) < moved
    right = draw.random(shape) < RIGHT - loss / moved
    return np.where(otherwise, right, reference).astype(float), reference.astype(float)


def priced(draw: np.random.Generator, runs: int, n: int, loss: Array, *, alike: bool) -> list[Array]:
    """What is kept of the promise at each price, ``(runs, n)`` each; alike: on the same prompts."""
    reference = draw.random((runs, n)) < RIGHT
    shared = draw.random((2, runs, n)) if alike else None
    found = []
    for lost, moved in zip(loss, MOVED, strict=True):
        one, other = draw.random((2, runs, n)) if shared is None else shared
        score = np.where(one < moved, other < RIGHT - lost / moved, reference)
        found.append(PROMISE.kept(score, reference))
    return found


def contracts(runs: int, n: int, first_broken: int, *, alike: bool) -> str:
    """A row of the first table."""
    draw, loss = np.random.default_rng(n + first_broken), losses(first_broken)
    made, broken, naive, way = 0, 0, 0, []
    for start in range(0, runs, AT_ONCE):
        kept = priced(draw, min(AT_ONCE, runs - start), n, loss, alike=alike)
        passed = np.stack([planned_above(values, PROMISE.floor, alpha=ALPHA) for values in kept], -1)
        reached = np.cumprod(passed, -1).sum(-1)  # how many prices passed before the first that did not
        made += int((reached > 0).sum())
        broken += int((reached > first_broken).sum())
        way.append(np.minimum(reached, first_broken))
        above = np.stack([values.mean(-1) >= PROMISE.floor for values in kept], -1)
        naive += int((above[:, first_broken:]).any(-1).sum())
    high = float(clopper_pearson(broken, runs, confidence=0.98)[1])
    gone = f"{np.mean(way) / first_broken:.0%}" if first_broken else ""
    place = "the dearest" if first_broken == 0 else f"price {first_broken + 1}"
    cells = [f"{n:,}", place, "alike" if alike else "each their own", f"{made / runs:.1%}"]
    cells += [f"{broken / runs:.2%}", f"{high:.2%}", f"{naive / runs:.1%}", gone]
    return "| " + " | ".join(cells) + " |"


def judged(draw: np.random.Generator, score: Array, agreement: float, *, favours: bool) -> Array:
    """What a judge says: wrong on so many, at random, or where that is in favour alone."""
    wrong = draw.random(score.shape) > agreement
    return np.where(wrong, 1.0 if favours else 1 - score, score)


def judges(runs: int, agreement: float, *, favours: bool) -> str:
    """A row of the second table; a judge who favours the policy judges the reference rightly."""
    draw, moved = np.random.default_rng(int(1000 * agreement) + favours), 0.1
    shares = []
    for loss in (ALLOWED + BY_A_HAIR, ALLOWED - BETTER):
        passed, alone = 0, 0
        for start in range(0, runs, AT_ONCE):
            shape = (min(AT_ONCE, runs - start), LABELS + OTHERS)
            score, reference = pair(draw, shape, loss=loss, moved=moved)
            said = judged(draw, score, agreement, favours=favours)
            same = score == reference
            # a judge says the same of the same answer
            of_reference = reference if favours else judged(draw, reference, agreement, favours=False)
            of_reference = np.where(same & (not favours), said, of_reference)
            kept, guess = PROMISE.kept(score, reference), PROMISE.kept(said, of_reference)
            labels, few, rest = kept[:, :LABELS], guess[:, :LABELS], guess[:, LABELS:]
            low = planned_judged_lower(labels, few, others=rest, alpha=ALPHA)
            passed += int((low >= PROMISE.floor).sum())
            alone += int(planned_above(labels, PROMISE.floor, alpha=ALPHA).sum())
        shares.append((passed, alone))
    (broken, _), (found, by_labels) = shares
    high = float(clopper_pearson(broken, runs, confidence=0.98)[1])
    cells = [f"{agreement:.0%}", "in favour" if favours else "at random", f"{broken / runs:.2%}"]
    cells += [f"{high:.2%}", f"{found / runs:.1%}", f"{by_labels / runs:.1%}"]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--judge-runs", type=int, default=2000)
    given = parser.parse_args()
    print("| prompts | broken from | changes | made | broken | upper 99 % | cheapest by mean | way |")
    print("| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for n in (500, 2000, 8000):
        for first_broken in (0, 5):
            for alike in (True, False):
                print(contracts(given.runs, n, first_broken, alike=alike), flush=True)
    print("\n| agreement | errs | broken | upper 99 % | passed if better | by labels alone |")
    print("| ---: | --- | ---: | ---: | ---: | ---: |")
    for agreement in (0.6, 0.7, 0.8, 0.9, 0.95):
        for favours in (False, True):
            print(judges(given.judge_runs, agreement, favours=favours), flush=True)


if __name__ == "__main__":
    main()
