"""What a contract of 98 % at 95 % confidence saves on recorded outcomes, and whether it holds on the rest.

    routoo train lab-outcomes/ -o predictor && routoo export predictor -o bundle
    python benchmarks/contract_savings.py lab bundle [--share 0.98] [--confidence 0.95] [--halves 20]

DATA is ``lab`` or a folder of outcomes (../shared/data/mmlu_pro). Of the prompts that the bundle has not
learned from a random half makes the contract, the other half judges it: what the policy at its price saves
of the reference's cost there, which share of the reference's mean score it has, and in how many halves that
is at least what was promised. It is estimated on so few prompts that a promise which just holds is missed
there in half of the cases. A row shows means over the halves that made a contract. The table is printed as
Markdown.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

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


def half_of(policy: Candidate, rows: npt.NDArray[np.intp]) -> Candidate:
    """The policy on these prompts."""
    return Candidate(policy.price, policy.chosen[rows], policy.cost_usd[rows])


def row(
    name: str,
    whole: Calibration,
    policies: list[Candidate],
    *,
    reference: int,
    share: float,
    confidence: float,
    halves: int,
) -> str:
    """A row of the table."""
    n, found = len(whole.score), []
    for seed in range(halves):
        order = np.random.default_rng(seed).permutation(n)
        half, rest = order[: n // 2], order[n // 2 :]
        try:
            policy, _ = cheapest_kept(
                [half_of(each, half) for each in policies],
                of_rows(whole, half),
                reference=reference,
                of_score=ScorePromise(share),
                of_spend=None,
                alpha=1 - confidence,
            )
        except InfeasibleError:
            continue
        on_rest = half_of(next(each for each in policies if each.price == policy.price), rest)
        score = whole.score[rest, on_rest.chosen].mean() / whole.score[rest, reference].mean()
        saved = 1 - on_rest.cost_usd.mean() / whole.cost_usd[rest, reference].mean()
        found.append((policy.price, score, saved))
    cells = [name, f"{n // 2:,}", f"{len(found)} of {halves}"]
    if found:
        price, score, saved = np.array(found).T
        kept = int((score >= share).sum())
        cells += [f"{np.median(price):.3g}", f"{saved.mean():.1%} [{saved.min():.1%}, {saved.max():.1%}]"]
        cells += [f"{score.mean():.2%}", f"{kept} of {len(found)}"]
    return "| " + " | ".join(cells) + " |"


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
    given = parser.parse_args()
    router = Router.from_pretrained(given.bundle)
    recorded = lab_outcomes() if given.data == "lab" else Outcomes.read(given.data)
    outcomes = Outcomes(recorded.prompts.drop("split", strict=False), recorded.outcomes, recorded.name)
    if router.validation is None:
        raise SystemExit("the bundle does not say which model is best on validation")
    reference = router.validation.models[router.validation.best]
    whole = Calibration.of(router, outcomes)
    print(f"{outcomes.name}, {len(router.pool)} models, reference {reference}\n")
    print("| policy | prompts | contracts | price | saved on the rest | score there | kept there |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for calls in (1, 3):
        if calls > 1 and (router.answer_model is None or not whole.outcomes.records("response")):
            continue
        line = row(
            "router" if calls == 1 else "cascades",
            whole,
            [*candidates(whole, max_calls=calls, answer_model=router.answer_model)],
            reference=router.pool.names.index(reference),
            share=given.share,
            confidence=given.confidence,
            halves=given.halves,
        )
        print(line, flush=True)


if __name__ == "__main__":
    main()
