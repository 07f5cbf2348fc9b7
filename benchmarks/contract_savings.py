"""What a contract of 98 % at 95 % confidence saves on recorded outcomes, and whether it holds on the rest.

    routoo train lab-outcomes/ -o predictor && routoo export predictor -o bundle
    python benchmarks/contract_savings.py DATA bundle [--share 0.98] [--confidence 0.95] [--halves 20]

DATA is ``lab`` or a folder of outcomes (../shared/data/mmlu_pro). Of the prompts that the bundle has not
learned from a random half makes the contract, the other half judges it: what the policy at its price saves
of the reference's cost there, which share of the reference's mean score it has, and in how many halves that
is at least what was promised. It is estimated on few prompts, and what one half has too much of the other
lacks, so that this errs against the contract. In the last column all these prompts are the traffic, so that
what holds of it is known: of contracts made from as many draws with replacement, the share that is broken.
A row shows means over the halves that made a contract. The table is printed as Markdown.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from routoo.data.errors import InfeasibleError
from routoo.data.outcomes import Outcomes
from routoo.lab.shipped import lab_outcomes
from routoo.policies.contracts.calibration import Calibration
from routoo.policies.contracts.candidates import Candidate, candidates
from routoo.policies.contracts.promise import ScorePromise
from routoo.policies.contracts.risk_control import cheapest_kept
from routoo.router import Router


def of_rows(whole: Calibration, rows: npt.NDArray[np.intp]) -> Calibration:
    """The calibration prompts in these rows, in their order."""
    return replace(
        whole,
        scores=whole.scores.rows(rows),
        score=whole.score[rows],
        cost_usd=whole.cost_usd[rows],
        open_=None if whole.open_ is None else whole.open_[rows],
        order=np.arange(len(rows)),
    )


def part_of(policy: Candidate, rows: npt.NDArray[np.intp]) -> Candidate:
    """The policy on these prompts."""
    return Candidate(policy.price, policy.chosen[rows], policy.cost_usd[rows])


@dataclass(frozen=True)
class Asked:
    """What a contract is to promise, and of whom."""

    reference: int
    share: float
    confidence: float

    def price_of(
        self, whole: Calibration, policies: list[Candidate], rows: npt.NDArray[np.intp]
    ) -> float | None:
        """The price of the contract that these prompts make; None where they make none."""
        try:
            policy, _ = cheapest_kept(
                [part_of(each, rows) for each in policies],
                of_rows(whole, rows),
                reference=self.reference,
                of_score=ScorePromise(self.share),
                of_spend=None,
                alpha=1 - self.confidence,
            )
        except InfeasibleError:
            return None
        return policy.price

    def score_of(self, whole: Calibration, policy: Candidate, rows: npt.NDArray[np.intp]) -> float:
        """Mean score of the policy on these prompts, as a share of the reference's."""
        return float(whole.score[rows, policy.chosen[rows]].mean() / whole.score[rows, self.reference].mean())


def row(
    name: str, whole: Calibration, policies: list[Candidate], asked: Asked, *, halves: int, draws: int
) -> str:
    """A row of the table."""
    n, found, broken = len(whole.score), [], 0
    at = {policy.price: policy for policy in policies}
    for seed in range(halves):
        order = np.random.default_rng(seed).permutation(n)
        half, rest = order[: n // 2], order[n // 2 :]
        price = asked.price_of(whole, policies, half)
        if price is not None:
            saved = 1 - at[price].cost_usd[rest].mean() / whole.cost_usd[rest, asked.reference].mean()
            found.append((price, asked.score_of(whole, at[price], rest), saved))
    for seed in range(draws):
        price = asked.price_of(whole, policies, np.random.default_rng(seed).integers(n, size=n // 2))
        broken += price is not None and asked.score_of(whole, at[price], np.arange(n)) < asked.share
    cells = [name, f"{n // 2:,}", f"{len(found)} of {halves}"]
    if found:
        prices, score, saved = np.array(found).T
        kept = int((score >= asked.share).sum())
        cells += [f"{np.median(prices):.3g}", f"{saved.mean():.1%} [{saved.min():.1%}, {saved.max():.1%}]"]
        cells += [f"{score.mean():.1%}", f"{kept} of {len(found)}"]
    else:
        cells += [""] * 4
    return "| " + " | ".join([*cells, f"{broken} of {draws}"]) + " |"


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="lab, or a folder of outcomes")
    parser.add_argument("bundle", help="folder of a bundle that was trained on them")
    parser.add_argument("--share", type=float, default=0.98)
    parser.add_argument("--confidence", type=float, default=0.95)
    parser.add_argument("--halves", type=int, default=20)
    parser.add_argument("--draws", type=int, default=200)
    given = parser.parse_args()
    router = Router.from_pretrained(given.bundle)
    recorded = lab_outcomes() if given.data == "lab" else Outcomes.read(given.data)
    outcomes = Outcomes(recorded.prompts.drop("split", strict=False), recorded.outcomes, recorded.name)
    if router.validation is None:
        raise SystemExit("the bundle does not say which model is best on validation")
    reference = router.validation.models[router.validation.best]
    whole = Calibration.of(router, outcomes)
    print(f"{outcomes.name}, {len(router.pool)} models, reference {reference}\n")
    print("| policy | prompts | contracts | price | saved on the rest | score there | kept there | broken |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for calls in (1, 3):
        if calls > 1 and (router.answer_model is None or not whole.outcomes.records("response")):
            continue
        line = row(
            "router" if calls == 1 else "cascades",
            whole,
            [*candidates(whole, max_calls=calls, answer_model=router.answer_model)],
            Asked(router.pool.names.index(reference), given.share, given.confidence),
            halves=given.halves,
            draws=given.draws,
        )
        print(line, flush=True)


if __name__ == "__main__":
    main()
