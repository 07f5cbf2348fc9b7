"""What answers tell: Brier scores of P(correct) of asked and of other models, by how many have answered.

    python benchmarks/answer_beliefs.py [DATA] [--seeds 0 1 2]

DATA is a folder of outcomes with answers (such as ../shared/data/mmlu_pro); the shipped record of the lab
when not given. For each seed the prompts are split anew, the default predictor learns from train and val, and
its answer model with it; all figures are of test prompts. Each prompt asks models in four random orders.
Nothing is known of its domain.

*signals* is what is believed by signals alone, *agreement* adds who agrees with whom, *factor* that models
err together. A difference is to the column before; its range holds 95 % of 1,000 resamples of all seeds'
prompts.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from lab_signals import recorded_answers
from rich.console import Console
from rich.table import Table

import routoo
from routoo.data.observation import ObservationModel
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.evaluation.in_words import number
from routoo.policies.evidence import Evidence
from routoo.solver.cascade.belief import Beliefs, place_of_same

Array = npt.NDArray[np.float64]
Errors = dict[tuple[int, str, str], Array]
"""Mean squared errors of each prompt, by how many were asked, of whom, and by what."""

ORDERS, MOST, RESAMPLES = 4, 3, 1000
PARTS = ("prediction", "signals", "agreement", "factor")


def variants(model: ObservationModel) -> dict[str, ObservationModel]:
    """The observation model without what is left out, by its last part."""
    alone = replace(model, loading=np.zeros_like(model.loading), loading_slope=0.0)
    blind = replace(alone, agreement=np.full_like(model.agreement, 0.5), agreement_slope=0.0)
    return {"signals": blind, "agreement": alone, "factor": model}


def errors_of(outcomes: Outcomes, pool: Pool, seed: int) -> Errors:
    """Errors on the test prompts of a seed."""
    split = outcomes.with_split(seed=seed)
    test = split.part("test")
    predictor = routoo.train(split, pool, seed=seed, progress=False)
    known = predictor.answer_model
    if known is None:
        raise SystemExit(f"{outcomes.name} holds no answers: a column response is needed")
    scores = predictor.predict(test.texts)
    evidence = Evidence.of(test, scores, known)
    score = test.to_matrices(scores.models).score
    whole = np.flatnonzero((~np.isnan(score)).sum(1) > MOST)
    rows = np.repeat(whole, ORDERS)
    keys = np.random.default_rng(seed).random((len(rows), score.shape[1]))
    order = np.where(np.isnan(score[rows]), np.inf, keys).argsort(1)[:, :MOST]
    found: Errors = {}
    for part, model in variants(known.observation).items():
        beliefs = Beliefs.start(scores.p_correct[rows], model)
        for asked in range(MOST + 1):
            if asked:
                beliefs = _after(beliefs, evidence, rows, order[:, asked - 1])
            for name, p in (("prediction", beliefs.p_correct), (part, beliefs.expected)):
                for whom, error in _errors(p, score[rows], order[:, :asked]).items():
                    found[asked, whom, name] = error.reshape(-1, ORDERS).mean(1)
    return found


def _after(
    beliefs: Beliefs, evidence: Evidence, rows: npt.NDArray[np.intp], member: npt.NDArray[np.intp]
) -> Beliefs:
    """What is believed once these models have answered too."""
    code = evidence.code[rows, member]
    codes = np.take_along_axis(evidence.code[rows], beliefs.asked, 1)
    return beliefs.after(member, evidence.log_ratio[rows, member], place_of_same(codes, code))


def _errors(p: Array, score: Array, asked: npt.NDArray[np.intp]) -> dict[str, Array]:
    """Mean squared errors of each row, of the asked models and of the others."""
    of = np.zeros(p.shape, bool)
    np.put_along_axis(of, asked, True, 1)
    square = (p - score) ** 2
    masks = {"asked": of, "others": ~of & ~np.isnan(score)}
    return {
        whom: np.where(mask, square, 0).sum(1) / mask.sum(1) for whom, mask in masks.items() if mask.any()
    }


def _cells(errors: Errors, asked: int, whom: str) -> list[str]:
    """Brier scores by part, with the difference to the part before and its range."""
    columns = [errors[asked, whom, part] for part in PARTS]
    draws = np.random.default_rng(0).integers(len(columns[0]), size=(RESAMPLES, len(columns[0])))
    cells = [number(float(columns[0].mean()))]
    for before, after in pairwise(columns):
        away = after - before
        low, high = np.percentile(away[draws].mean(1), [2.5, 97.5])
        cells.append(f"{number(float(after.mean()))} {away.mean():+.4f} ({low:+.4f} to {high:+.4f})")
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    given = parser.parse_args()
    outcomes, pool = recorded_answers(given.data)
    seeds = [errors_of(outcomes, pool, seed) for seed in given.seeds]
    errors = {key: np.concatenate([each[key] for each in seeds]) for key in seeds[0]}
    table = Table("asked", "of", *PARTS, title=f"{outcomes.name}, {len(pool)} models")
    for asked in range(MOST + 1):
        for whom in ("asked", "others"):
            if (asked, whom, "prediction") in errors:
                table.add_row(str(asked), whom, *_cells(errors, asked, whom))
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
