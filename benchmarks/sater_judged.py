"""What SATER's members said to judged prompts, the ways of routing that follow, and what these cost and
achieve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from routoo.collect.prompts import PromptsToAsk
from routoo.data.pool import PoolModel
from routoo.members.ask import ask_of
from routoo.models.signals.refusal import refusal
from routoo.sater.metrics import TradeOff, TwoModels, overheads
from routoo.sater.sampling import sample_answers
from routoo.sater.voting import ConfidenceVote

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Figures = dict[str, float]

TEMPERATURE = 0.8
TARGETS = (0.5, 0.8, 0.95)  # shares of the way from the small model's score to the large one's


@dataclass(frozen=True, eq=False)
class Came:
    """What a member said to each judged prompt, sample by sample: ``(n_prompts, n_samples)`` each."""

    answers: list[list[str | None]]  # None is a refusal
    right: npt.NDArray[np.bool_]
    tokens: Array
    sent: Array  # tokens of the prompt, (n_prompts,)


def said(model: PoolModel, prompts: PromptsToAsk, folder: Path, *, samples: int = 0) -> Came:
    """What a member says, from where it was asked before; greedy, once, where no sample is taken."""
    assert model.call is not None
    call = replace(model.call, samples=max(samples, 1), temperature=TEMPERATURE if samples else 0.0)
    rows = sample_answers(call, prompts, folder / f"{model.name}-{samples}").sort("prompt_id", "sample")
    samples = call.samples
    ask, n = ask_of(call.ask, threshold=call.threshold), len(prompts)
    order = np.argsort([prompt.prompt_id for prompt in prompts.prompts], kind="stable")
    back = np.argsort(order)
    texts = [None if refusal(text) else ask.read(text) or "" for text in rows["text"]]
    answers = [texts[at * samples : (at + 1) * samples] for at in back]
    from transformers import AutoTokenizer

    from routoo.members.causal.language_model import model_folder
    from routoo.members.causal.prompt_tokens import prompt_tokens

    tokenizer = AutoTokenizer.from_pretrained(model_folder(call.model))
    return Came(
        answers,
        rows["correct"].to_numpy().reshape(n, samples)[back],
        rows["tokens"].list.len().to_numpy().astype(float).reshape(n, samples)[back],
        np.array([float(len(prompt_tokens(tokenizer, one.request, ask))) for one in prompts.prompts]),
    )


@dataclass(frozen=True, eq=False)
class Routed:
    """A way of routing on each judged prompt, ``(n_prompts,)`` each: whether it was sent on, what the small
    model got right, its tokens, and what it cost."""

    sent: npt.NDArray[np.bool_]
    right: Array
    tokens: Array
    usd: Array
    calls: Array

    def asked_unless(self, sent: npt.NDArray[np.bool_]) -> Routed:
        """The same where some prompts go to the large model at once."""
        spared = (np.where(sent, 0.0, value) for value in (self.tokens, self.usd, self.calls))
        return Routed(sent, self.right, *spared)


def at_once(came: Came, prices: tuple[float, float]) -> Routed:
    """Pre-generation routing by refusals."""
    sent = np.array([answers[0] is None for answers in came.answers])
    usd = came.sent * prices[0] + came.tokens[:, 0] * prices[1]
    return Routed(sent, came.right[:, 0].astype(float), came.tokens[:, 0], usd, np.ones(len(sent)))


def by_vote(vote: ConfidenceVote, voters: Sequence[tuple[Came, int]], prices: tuple[float, float]) -> Routed:
    """A cascade by a vote that stops early; a voter is what a member said, and which sample of it counts."""
    n = len(voters[0][0].sent)
    found = Routed(np.ones(n, bool), *(np.zeros(n) for _ in range(4)))
    for at in range(n):
        drawn: list[str | None] = []
        for came, sample in voters:
            drawn.append(came.answers[at][sample])
            found.calls[at] += 1
            found.tokens[at] += came.tokens[at, sample]
            found.usd[at] += came.sent[at] * prices[0] + came.tokens[at, sample] * prices[1]
            verdict = vote.after(drawn)
            if verdict.decided:
                break
        if verdict.answer is not None:
            place = drawn.index(verdict.answer)
            found.sent[at] = False
            found.right[at] = float(voters[place][0].right[at, voters[place][1]])
    return found


@dataclass(frozen=True, eq=False)
class Ground:
    """The two models without any training, between which all ways of routing are placed."""

    small: Routed
    large_right: Array
    large_usd: Array

    def rows(self, at: npt.NDArray[np.intp]) -> TwoModels:
        return TwoModels(self.small.right[at], self.large_right[at], self.small.usd[at], self.large_usd[at])

    def point(self, way: Routed, at: npt.NDArray[np.intp]) -> TradeOff:
        score = np.where(way.sent, self.large_right, way.right)[at].mean()
        return TradeOff(float((way.usd + way.sent * self.large_usd)[at].mean()), float(score))


def cost_of(points: Sequence[TradeOff], score: float) -> float:
    """Least mean cost of a score, by mixing these."""
    best = np.inf
    for low in points:
        for high in points:
            if low.score <= score <= high.score:
                share = (score - low.score) / (high.score - low.score) if high.score > low.score else 0.0
                best = min(best, low.cost + share * (high.cost - low.cost))
    return float(best)


@dataclass(frozen=True, eq=False)
class Judged:
    """What one training came to on the judged prompts."""

    plain: Routed  # greedy, before training
    short: Routed  # greedy, after stage one
    refusing: Mapping[float, Routed]  # greedy, by threshold
    ways: Mapping[str, Sequence[Routed]]
    large_right: Array
    large_usd: Array
    seconds: tuple[float, float]  # of a call, and of each token of its answer

    def answers(self, at: Rows) -> Figures:
        """Lengths, scores and refusals of greedy answers to some of the prompts."""
        found = {
            "tokens, before": self.plain.tokens[at].mean(),
            "tokens, after stage one": self.short.tokens[at].mean(),
            "tokens, after to before": self.short.tokens[at].mean() / self.plain.tokens[at].mean(),
            "right, before": self.plain.right[at].mean(),
            "right, after stage one": self.short.right[at].mean(),
            "right, after less before": (self.short.right - self.plain.right)[at].mean(),
        }
        for threshold, way in self.refusing.items():
            kept = at[~way.sent[at]]
            found |= {
                f"{threshold:g}: refused": way.sent[at].mean(),
                f"{threshold:g}: right where answered": way.right[kept].mean() if len(kept) else np.nan,
                f"{threshold:g}: tokens": way.tokens[at].mean(),
            }
        return {name: float(value) for name, value in found.items()}

    def routing(self, at: Rows, ratio: float) -> Figures:
        """What each way gains and costs where the large model's prices are multiplied."""
        ground = Ground(self.plain, self.large_right, self.large_usd * ratio)
        two, found = ground.rows(at), Figures()
        targets = [two.small.score + share * (two.large.score - two.small.score) for share in TARGETS]
        for name, several in (*self.ways.items(), ("at random", ())):
            points = [ground.point(way, at) for way in several]
            found[f"{name}: ToGR"] = two.gain_ratio(points)
            for share, target in zip(TARGETS, targets, strict=True):
                cost = cost_of([two.small, two.large, *points], target) / two.large.cost
                found[f"{name}: cost at {share:g}"] = cost
        return found

    def latencies(self, at: Rows, share: float) -> Figures:
        """AGL and AROL of the setting of each way that comes nearest to a share of the way in score."""
        ground = Ground(self.plain, self.large_right, self.large_usd)
        two, found = ground.rows(at), Figures()
        target = two.small.score + share * (two.large.score - two.small.score)
        start, slope = self.seconds
        for name, several in self.ways.items():
            best = min(several, key=lambda way: abs(ground.point(way, at).score - target))
            tokens = overheads(best.tokens[at], best.sent[at])
            seconds = overheads((start * best.calls + slope * best.tokens)[at], best.sent[at])
            found |= {
                f"{name}: AGL tokens": tokens.agl,
                f"{name}: AROL tokens": tokens.arol,
                f"{name}: AGL s": seconds.agl,
                f"{name}: AROL s": seconds.arol,
                f"{name}: sent": float(best.sent[at].mean()),
            }
        return found
