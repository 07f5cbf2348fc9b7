"""What signals of an answer say of its correctness on the lab's record: raw, calibrated, and fused.

    python benchmarks/lab_signals.py [DATA] [--seeds 0 1 2]

DATA is a folder of outcomes with columns `signal_*`; the shipped record when not given. For each seed the
prompts are split anew, the default predictor learns from train and val, and all figures are of test prompts:
calibrations and fusions of one fifth of them are fitted on the other four fifths. A raw signal counts as the
probability that its own scale suggests: the logistic function of a margin, the exponential of a mean
log-probability, a share of samples as it is. Areas under the ROC curve are means over models, within models.
Ranges hold 95 % of 200 resamples of the prompts of all seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

import routoo
from routoo.commands.pools import pool_for
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.data.tables.columns import SIGNALS
from routoo.evaluation.in_words import number
from routoo.evaluation.metrics.ranking import auc
from routoo.evaluation.metrics.reliability import brier, reliability
from routoo.evaluation.metrics.undefined import mean_known
from routoo.lab.members import lab_pool
from routoo.lab.shipped import lab_outcomes
from routoo.models.signals.fusion_fit import fit_fusion
from routoo.models.signals.recorded import RecordedSignal, recorded_signal

Vector = npt.NDArray[np.float64]

FOLDS, RESAMPLES = 5, 200
AS_PROBABILITY: dict[str, Callable[[Vector], Vector]] = {
    "open_margin_log_odds": lambda x: 1 / (1 + np.exp(-x)),
    "option_margin_log_odds": lambda x: 1 / (1 + np.exp(-x)),
    "sequence_log_prob_mean": lambda x: np.exp(x),
    "sequence_log_prob_sum": lambda x: np.exp(x),
    "refusal": lambda x: 1 - x,
}


@dataclass(frozen=True, eq=False)
class Judged:
    """Answers to test prompts and what is said of each, by estimate.

    Args:
        prompt: Number of the prompt of each answer, over all seeds.
        models: That gave it.
        score: What it achieved.
        estimates: Probabilities that it is correct, by name.
    """

    prompt: npt.NDArray[np.intp]
    models: npt.NDArray[np.object_]
    score: Vector
    estimates: dict[str, Vector]

    def figures(self, name: str, rows: npt.NDArray[np.intp] | None = None) -> tuple[float, float, float]:
        """Brier score, expected calibration error and area under the ROC curve of an estimate."""
        at = np.arange(len(self.score)) if rows is None else rows
        p, score, models = self.estimates[name][at], self.score[at], self.models[at]
        within = [auc(p[models == model], score[models == model]) for model in np.unique(models)]
        return brier(p[:, None], score[:, None]), reliability(p, score).ece, mean_known(np.array(within))

    def resamples(self) -> Iterator[npt.NDArray[np.intp]]:
        """Rows of prompts drawn with replacement."""
        order = np.argsort(self.prompt, kind="stable")
        _, starts, counts = np.unique(self.prompt[order], return_index=True, return_counts=True)
        draw = np.random.default_rng(0)
        for _ in range(RESAMPLES):
            chosen = draw.integers(len(starts), size=len(starts))
            yield np.concatenate([order[starts[at] : starts[at] + counts[at]] for at in chosen])


@dataclass(frozen=True, eq=False)
class Tested:
    """What the predictor of a seed says of its test prompts.

    Args:
        seed: Of the split and the training.
        outcomes: Those of the test prompts.
        scores: What is predicted of them.
    """

    seed: int
    outcomes: Outcomes
    scores: Scores


def tested(outcomes: Outcomes, pool: Pool, seed: int) -> Tested:
    """The default predictor, trained on train and val, on the test prompts of a split."""
    split = outcomes.with_split(seed=seed)
    test = split.part("test")
    predictor = routoo.train(split, pool, seed=seed, progress=False)
    return Tested(seed, test, predictor.predict(test.texts, domains=test.domains))


def judged_of(seeds: list[Tested], signal: str) -> Judged:
    """What all estimates say of the answers of which a signal was recorded."""
    parts = [_judged(recorded_signal(each.outcomes, signal), each) for each in seeds]
    offsets = np.cumsum([0, *(int(part.prompt.max()) + 1 for part in parts[:-1])])
    return Judged(
        np.concatenate([part.prompt + offset for part, offset in zip(parts, offsets, strict=True)]),
        np.concatenate([part.models for part in parts]),
        np.concatenate([part.score for part in parts]),
        {
            name: np.concatenate([part.estimates[name] for part in parts])
            for name in ("raw", "calibrated", "predictor", "fused")
        },
    )


def _judged(found: RecordedSignal, of: Tested) -> Judged:
    rows = {name: row for row, name in enumerate(of.outcomes.prompts["prompt_id"])}
    columns = {name: column for column, name in enumerate(of.scores.models)}
    prompt = np.array([rows[name] for name in found.prompt_ids])
    before = of.scores.p_correct[prompt, [columns[name] for name in found.models]].astype(np.float64)
    fold = np.random.default_rng(of.seed).permutation(len(rows))[prompt] % FOLDS
    calibrated, fused = np.empty_like(before), np.empty_like(before)
    for out in (fold == at for at in range(FOLDS)):
        rest, here = _rows(found, ~out), _rows(found, out)
        fit = rest.calibrated(seed=of.seed)
        fusion = fit_fusion(
            fit.left_out, before[~out], rest.score, rest.models, prompt_ids=rest.prompt_ids, seed=of.seed
        )
        calibrated[out] = fit.calibration.predict(here.signal, here.models, here.domains)
        fused[out] = fusion.predict(calibrated[out], before[out], here.models)
    raw = AS_PROBABILITY[found.name](found.signal) if found.name in AS_PROBABILITY else found.signal
    estimates = {"raw": raw, "calibrated": calibrated, "predictor": before, "fused": fused}
    return Judged(prompt, np.array(found.models, object), found.score, estimates)


def _rows(found: RecordedSignal, rows: npt.NDArray[np.bool_]) -> RecordedSignal:
    at = np.flatnonzero(rows)
    return RecordedSignal(
        found.name,
        found.signal[at],
        found.score[at],
        [found.models[row] for row in at],
        [found.domains[row] for row in at],
        [found.prompt_ids[row] for row in at],
    )


def _gain(judged: Judged, better: str, than: str) -> tuple[str, str]:
    """Differences of Brier score and area, with their ranges."""
    samples = np.array(
        [
            np.subtract(judged.figures(better, rows), judged.figures(than, rows))[[0, 2]]
            for rows in judged.resamples()
        ]
    )
    whole = np.subtract(judged.figures(better), judged.figures(than))[[0, 2]]
    low, high = np.nanpercentile(samples, [2.5, 97.5], axis=0)
    return tuple(  # type: ignore[return-value]  # two figures
        f"{value:+.4f} ({lo:+.4f} to {hi:+.4f})" for value, lo, hi in zip(whole, low, high, strict=True)
    )


def recorded_answers(data: Path | None) -> tuple[Outcomes, Pool]:
    """Recorded outcomes and the pool of their models: the lab's, where no folder is named."""
    if data is None:
        return (outcomes := lab_outcomes()), lab_pool().select(outcomes.models)
    return (outcomes := Outcomes.read(data)), pool_for(outcomes, data, None, quiet=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    given = parser.parse_args()
    outcomes, pool = recorded_answers(given.data)
    seeds = [tested(outcomes, pool, seed) for seed in given.seeds]
    console = Console(width=150)
    table = Table(
        "signal", "answers", "estimate", "Brier", "ECE", "AUC", "Brier less predictor's", "AUC over it"
    )
    columns = [name for name in outcomes.outcomes.columns if name.startswith(SIGNALS)]
    for name in [column.removeprefix(SIGNALS) for column in columns]:
        judged = judged_of(seeds, name)
        for at, estimate in enumerate(judged.estimates):
            gain = ("", "") if estimate == "predictor" else _gain(judged, estimate, "predictor")
            head = (name, f"{len(judged.score):,}") if at == 0 else ("", "")
            table.add_row(*head, estimate, *map(number, judged.figures(estimate)), *gain)
        table.add_section()
    console.print(table)


if __name__ == "__main__":
    main()
