"""Signals by which `two_tier.py` has a large model asked: read off answers, learned, and both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from routoo.data.outcomes import Outcomes
from routoo.models.signals.agreement import member_agreement
from routoo.models.signals.calibration_fit import fit_calibration
from routoo.models.signals.fusion_fit import fit_fusion
from routoo.policies.baselines.baseline import Pair
from routoo.policies.baselines.meta_model import MetaModel
from routoo.policies.baselines.registry import BASELINES

Vector = npt.NDArray[np.float64]

FOLDS = 5
READ = {
    "margin": "open_margin_log_odds",
    "log-prob mean": "sequence_log_prob_mean",
    "log-prob sum": "sequence_log_prob_sum",
}


@dataclass(frozen=True)
class Two:
    """A small and a large model, and what may be asked beside the small one.

    Args:
        small: Who answers first.
        large: Who answers then.
        other: A cheap member whose agreement with the small one is a signal.
        committee: A member that is the majority of samples of the small one, where that was recorded.
    """

    small: str
    large: str
    other: str
    committee: str | None = None

    @property
    def pair(self) -> Pair:
        """Both names."""
        return self.small, self.large


@dataclass(frozen=True, eq=False)
class Ranked:
    """A signal of every judged prompt.

    Args:
        signal: Low where the large model is to be asked.
        reads: Off what: ``prompt`` or ``answer``.
        answers: Whose answer stands where the large model is not asked.
        paid: Who is paid for signal and answer.
    """

    signal: Vector
    reads: str
    answers: str
    paid: tuple[str, ...]


class Column:
    """Columns of outcomes as vectors in the order of the prompts."""

    def __init__(self, outcomes: Outcomes) -> None:
        self.outcomes = outcomes
        self._known: dict[tuple[str, str], Any] = {}  # Any: vectors of numbers or of texts

    def of(self, model: str, column: str) -> Any:  # Any: of numbers or of texts
        """A column of a model, ``(n_prompts,)``."""
        if (model, column) not in self._known:
            rows = self.outcomes.outcomes.filter(pl.col("model") == model).select("prompt_id", column)
            prompts = self.outcomes.prompts.select("prompt_id")
            joined = prompts.join(rows, on="prompt_id", how="left", maintain_order="left")
            self._known[model, column] = joined[column].to_numpy()
        return self._known[model, column]

    def number(self, model: str, column: str) -> Vector:
        """The same as floats."""
        return np.asarray(self.of(model, column), np.float64)

    def agreement(self, model: str, other: str) -> Vector:
        """Whether both gave the same answer."""
        pairs = zip(self.of(model, "response"), self.of(other, "response"), strict=True)
        return np.array([member_agreement(str(a or ""), str(b or "")) for a, b in pairs])


def part(outcomes: Outcomes, prompt_ids: Sequence[str]) -> Outcomes:
    """The outcomes of these prompts."""
    kept = pl.DataFrame({"prompt_id": list(prompt_ids)})
    prompts = outcomes.prompts.join(kept, on="prompt_id", how="semi")
    return Outcomes(prompts, outcomes.outcomes.join(kept, on="prompt_id", how="semi"), outcomes.name)


def ranked(
    learn: Outcomes, judged: Outcomes, twos: Sequence[Two], *, seed: int
) -> dict[Pair, dict[str, Ranked]]:
    """All signals of all pairs, by name.

    Args:
        learn: What baselines, calibrations and fusions learn from.
        judged: What is judged, of which scores are not looked at.
        twos: The pairs.
        seed: Of training, and of random mixing.
    """
    known, new, pairs = Column(learn), Column(judged), [two.pair for two in twos]
    found: dict[Pair, dict[str, Ranked]] = {pair: {} for pair in pairs}
    for pair in pairs:
        random = np.random.default_rng(seed).random(len(judged))
        found[pair]["random mixing"] = Ranked(random, "prompt", pair[0], (pair[0],))
    for name, kind in BASELINES.items():
        learned = kind.learn(learn, pairs, seed=seed)
        for pair, signal in learned.signals(judged, pairs).items():
            found[pair][name] = Ranked(signal, kind.reads, pair[0], (pair[0],))
        if isinstance(learned, MetaModel):
            expected = learned.p_correct(judged)
    before = _left_out(learn, pairs, seed)
    for two in twos:
        small, rows = two.small, found[two.pair]
        alone: tuple[str, ...] = (small,)
        beside = (*alone, two.other)
        if two.committee is not None:
            votes = new.number(two.committee, "signal_sample_agreement")
            rows["committee"] = Ranked(votes, "answer", two.committee, (two.committee,))
        here = {name: column for name, column in READ.items() if learn.records(f"signal_{column}")}
        for name, column in here.items():
            rows[name] = Ranked(new.number(small, f"signal_{column}"), "answer", small, alone)
        agrees = new.agreement(small, two.other)
        rows["agreement"] = Ranked(agrees, "answer", small, beside)
        read = {name: (known.number(small, f"signal_{c}"), rows[name].signal) for name, c in here.items()}
        paid = alone
        if not read:  # nothing but agreement is known
            read, paid = {"agreement": (known.agreement(small, two.other), agrees)}, beside
        right = _fused(read, before[small], expected[small], known.number(small, "score"), small, seed)
        rows["fused"] = Ranked(right, "answer", small, paid)
        rows["fused gain"] = Ranked(right - expected[two.large], "answer", small, paid)
    return found


def _fused(
    read: dict[str, tuple[Vector, Vector]],
    before: Vector,
    expected: Vector,
    score: Vector,
    model: str,
    seed: int,
) -> Vector:
    """P(the small model's answer is right), from its signals and what its prompt let expect."""
    fits = [fit_calibration(signal, score, [model] * len(score), seed=seed) for signal, _ in read.values()]
    left_out = np.column_stack([fit.left_out for fit in fits])
    fusion = fit_fusion(left_out, before, score, [model] * len(score), seed=seed)
    names = [model] * len(expected)
    after = [fit.calibration.predict(new, names) for fit, (_, new) in zip(fits, read.values(), strict=True)]
    return fusion.predict(np.column_stack(after), expected, names)


def _left_out(learn: Outcomes, pairs: Sequence[Pair], seed: int) -> dict[str, Vector]:
    """What is predicted of prompts that were learned from, by predictors that did not see them."""
    fold = np.random.default_rng(seed).permutation(len(learn)) % FOLDS
    ids = np.array(learn.prompt_ids)
    found = {model: np.empty(len(learn)) for pair in pairs for model in pair}
    for at in range(FOLDS):
        model = MetaModel.learn(part(learn, ids[fold != at].tolist()), pairs, seed=seed)
        for name, p in model.p_correct(part(learn, ids[fold == at].tolist())).items():
            found[name][fold == at] = p
    return found
