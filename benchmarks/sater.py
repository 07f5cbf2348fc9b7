"""SATER on SmolLM2: how refusals follow the threshold, and what they save beside a large model.

Three parts, each kept in a folder and gone on with after a kill:

1. `warm`: SmolLM2 is fine-tuned on worked answers, short and long-winded, as a team would; untouched it is
   right on 3 to 10 % of these tasks, which is too little to learn from.
2. `train`: both stages of SATER on prompts that are not in the lab's record.
3. `judge`: greedy answers at each threshold and samples for votes, on recorded prompts whose numbers were in
   no training prompt; the large model is `qwen-1.5b-code`, whose answers the record holds, at the prices of
   the pool.

Usage: python benchmarks/sater.py FOLDER
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import polars as pl

from routoo.collect.prompts import PromptsToAsk, read_to_ask
from routoo.data.pool import PoolModel
from routoo.data.request import Request
from routoo.lab.members import lab_pool
from routoo.lab.shipped import lab_outcomes
from routoo.lab.tasks.registry import lab_prompts
from routoo.lab.tasks.worked import STYLES, WORKING, worked
from routoo.members.ask import ask_of
from routoo.models.baselines.base_learner import Recorded, remembered
from routoo.models.baselines.registry import BASELINES
from routoo.models.encoder.encoder import MINILM
from routoo.models.encoder.features import EncoderFeatures
from routoo.models.signals.refusal import refusal
from routoo.sater.metrics import TradeOff, TwoModels, overheads
from routoo.sater.pairs import right_fraction
from routoo.sater.run import SaterRun, train_sater
from routoo.sater.sampling import sample_answers
from routoo.sater.settings import THRESHOLDS, SaterSettings
from routoo.sater.voting import ConfidenceVote, ranged
from routoo.tuning.low_rank import LowRank

Array = npt.NDArray[np.float64]

LARGE = "qwen-1.5b-code"
LEVELS = {"addition": "01", "multiplication": "01", "conversion": "012", "percentage": "0123"}
JUDGED = ("addition", "multiplication", "conversion")
TEMPLATE = '{prompt}\nEnd with "Answer:" and the answer.'
TEMPERATURE, SAMPLES = 0.8, 5
RESAMPLES = 2000


@dataclass(frozen=True)
class Warm:
    """A round of fine-tuning on worked answers."""

    n_drawn: int
    n_taken: int | None
    seed: int
    styles: tuple[str, ...]
    easy: bool
    learning_rate: float
    alike: bool


WARM = (
    Warm(2300, None, 1_000_004, STYLES, easy=False, learning_rate=1e-3, alike=True),
    Warm(2200, 384, 1_000_006, ("steps", "long"), easy=True, learning_rate=6e-4, alike=False),
)


def recorded_texts() -> frozenset[str]:
    return frozenset(lab_outcomes().texts)


def warm(folder: Path, ask: Path) -> Path:
    """The folder of the adapter that learned worked answers."""
    from routoo.members.causal.prompt_tokens import prompt_tokens
    from routoo.tuning.examples import Example
    from routoo.tuning.low_rank import adapted
    from routoo.tuning.training import answering, tuned

    adapter: Path | None = None
    for at, step in enumerate(WARM):
        output = folder / f"warm-{at}"
        if not output.is_dir():
            settings = LowRank(learning_rate=step.learning_rate, upper=1 / 3, dtype="bfloat16")
            smol = lab_pool()["smol"].call
            assert smol is not None
            model = adapted(smol.model, settings, adapter=None if adapter is None else str(adapter))
            draw, examples, seen = Random(at), list[Example](), recorded_texts()
            for row in lab_prompts(step.n_drawn, seed=step.seed, families=tuple(WORKING)).iter_rows(
                named=True
            ):
                if row["prompt"] in seen or (step.easy and row["level"] not in LEVELS[row["domain"]]):
                    continue
                text = worked(row["prompt"], row["domain"], row["answer"], style=draw.choice(step.styles))
                sent = prompt_tokens(
                    model.tokenizer, Request(row["prompt_id"], row["prompt"]), ask_of(str(ask))
                )
                said = model.tokenizer(text + model.tokenizer.eos_token, add_special_tokens=False)
                examples.append(Example(sent, tuple(said["input_ids"])))
            examples = examples[: step.n_taken]
            sizes = [example.size if step.alike else 0 for example in examples]
            checkpoint = output.with_suffix(".safetensors")
            tuned(model, sizes, answering(model, examples), settings, output, checkpoint=checkpoint)
        adapter = output
    assert adapter is not None
    return adapter


def training_prompts(skip: int, n: int) -> PromptsToAsk:
    """Prompts at the levels that the member half knows, none of which is in the record."""
    seen = recorded_texts()
    rows = lab_prompts(5400, seed=1_000_005, families=tuple(WORKING))
    kept = [
        row["prompt"] not in seen and row["level"] in LEVELS[row["domain"]]
        for row in rows.iter_rows(named=True)
    ]
    rows = rows.filter(pl.Series(kept)).slice(skip, n)
    return read_to_ask(rows.filter(pl.col("domain").is_in(JUDGED)))


def numbers_of(row: dict[str, str]) -> tuple[str, ...]:
    """What a prompt is about, however it is worded: its family, numbers, signs and units."""
    words = re.findall(r"\d+(?:\.\d+)?|[-+]|[a-z]+s\b", row["prompt"])
    return row["domain"], *(word for word in words if word not in ("times", "is"))


def judged_prompts(training: PromptsToAsk) -> pl.DataFrame:
    """Recorded prompts of these families whose numbers are in no training prompt."""
    rows = lab_outcomes().prompts.filter(pl.col("domain").is_in(JUDGED))
    known = {numbers_of(row) for row in training.frame.iter_rows(named=True)}
    return rows.filter(pl.Series([numbers_of(row) not in known for row in rows.iter_rows(named=True)]))


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

    def gain(self, ways: Sequence[Routed], at: npt.NDArray[np.intp]) -> float:
        return self.rows(at).gain_ratio([self.point(way, at) for way in ways])

    def cost_of(self, ways: Sequence[Routed], score: float, at: npt.NDArray[np.intp]) -> float:
        """Least mean cost of a score, by mixing ways and the two models."""
        two = self.rows(at)
        points = [two.small, two.large, *(self.point(way, at) for way in ways)]
        best = np.inf
        for low in points:
            for high in points:
                if low.score <= score <= high.score:
                    share = (score - low.score) / (high.score - low.score) if high.score > low.score else 0.0
                    best = min(best, low.cost + share * (high.cost - low.cost))
        return float(best)


def predicted(run: Path, training: PromptsToAsk, prompts: PromptsToAsk) -> Array:
    """How often a baseline that reads prompts expects the member to be right, ``(n_prompts,)``.

    It learns from what fraction of the samples before training was right of each training prompt.
    """
    right = right_fraction(pl.concat([pl.read_parquet(part) for part in (run / "samples-before").iterdir()]))
    score = np.array([[right[prompt.prompt_id]] for prompt in training.prompts])
    texts = [prompt.request.text for prompt in training.prompts]
    domains = [prompt.domain for prompt in training.prompts]
    known = Recorded(("small",), texts, domains, score, score.mean(0), np.zeros(1), np.zeros(1))
    learner = BASELINES["mean of four"](remembered(EncoderFeatures(MINILM, last_layer=True)))
    learner.learn(known)
    asked = [prompt.request.text for prompt in prompts.prompts]
    return learner.expected(asked, [prompt.domain for prompt in prompts.prompts])[:, 0]


def interval(values: Sequence[float]) -> str:
    low, high = np.nanquantile(values, [0.025, 0.975])
    return f"[{low:.3f}, {high:.3f}]"


def seconds_of(models: Sequence[PoolModel], prompts: PromptsToAsk, n: int) -> tuple[float, float]:
    """Processor seconds of a call alone: what each takes, and each token of its answer."""
    from routoo.members.local import LocalModel

    rows = []
    for model in models:
        member = LocalModel(model)
        asyncio.run(member.answer_one(prompts.prompts[0].request))
        for prompt in prompts.prompts[:n]:
            started = time.process_time()
            answer = asyncio.run(member.answer_one(prompt.request))
            rows.append((answer.output_tokens or 0.0, time.process_time() - started))
    tokens, seconds = np.array(rows).T
    slope, start = np.polyfit(tokens, seconds, 1)
    return float(start), float(slope)


def judge(
    run: SaterRun, prompts: PromptsToAsk, expected: Array, folder: Path, *, ratio: float, alone: int
) -> None:
    """Prints what came of it; `ratio` multiplies the large model's prices."""
    outcomes = lab_outcomes().outcomes.filter(pl.col("model") == LARGE)
    large = {row["prompt_id"]: row for row in outcomes.iter_rows(named=True)}
    ids = [prompt.prompt_id for prompt in prompts.prompts]
    prices = (run.member.usd_per_1m_input * 1e-6, run.member.usd_per_1m_output * 1e-6)
    plain = said(run.member, prompts, folder)
    ground = Ground(
        at_once(plain, prices),
        np.array([float(large[name]["score"] >= 0.5) for name in ids]),
        np.array([large[name]["cost_usd"] for name in ids]) * ratio,
    )
    everyone = np.arange(len(ids))
    two = ground.rows(everyone)
    start, slope = seconds_of((run.member, run.at(0.5)), prompts, alone) if alone else (np.nan, np.nan)
    print(f"\n{len(ids)} prompts; large costs {two.large.cost / two.small.cost:.1f} times the small model")
    print(f"small {two.small}, large {two.large}, golden {two.golden}")
    print(f"a call: {start:.3f} s and {slope:.4f} s a token (processor seconds, alone)")
    short = at_once(said(run.short, prompts, folder), prices)
    print(
        f"tokens {ground.small.tokens.mean():.1f}, after stage one {short.tokens.mean():.1f}; "
        f"right {ground.small.right.mean():.3f}, {short.right.mean():.3f}"
    )
    refusing = [at_once(said(run.at(threshold), prompts, folder), prices) for threshold in THRESHOLDS]
    print("threshold refused tokens right|answered | routed: score, usd per 1,000")
    for threshold, way in zip(THRESHOLDS, refusing, strict=True):
        kept = ~way.sent
        at = ground.point(way, everyone)
        answered = way.right[kept].mean() if kept.any() else np.nan
        print(
            f"{threshold:.1f} {way.sent.mean():.3f} {way.tokens.mean():.1f} {answered:.3f} | "
            f"{at.score:.3f} {1e3 * at.cost:.5f}"
        )
    sampled = said(run.member, prompts, folder, samples=SAMPLES)
    fixed = said(run.at(0.5), prompts, folder, samples=SAMPLES)
    spread = [said(run.at(threshold), prompts, folder, samples=1) for threshold in ranged(SAMPLES)]
    shares = np.arange(1, SAMPLES + 1) / SAMPLES - 0.01
    ways = {
        "pre-generation": refusing,
        "predictor": [
            ground.small.asked_unless(sent)
            for sent in (expected <= np.quantile(expected, share) for share in np.arange(1, 20) / 20)
        ],
        "self-consistency": [
            by_vote(
                ConfidenceVote((None,) * SAMPLES, share), [(sampled, at) for at in range(SAMPLES)], prices
            )
            for share in shares
        ],
        "fixed vote, 0.5": [
            by_vote(ConfidenceVote((0.5,) * SAMPLES, share), [(fixed, at) for at in range(SAMPLES)], prices)
            for share in shares
        ],
        "ranged vote": [
            by_vote(ConfidenceVote(ranged(SAMPLES), share), [(came, 0) for came in spread], prices)
            for share in shares
        ],
    }
    draw = np.random.default_rng(0)
    drawn = [draw.integers(len(ids), size=len(ids)) for _ in range(RESAMPLES)]
    targets = [two.small.score + share * (two.large.score - two.small.score) for share in (0.5, 0.8)]
    print("way | ToGR, 95 % | usd per 1,000 at half and at four fifths of the gain | AGL, AROL (tokens; s)")
    for name, several in ways.items():
        gains = [ground.gain(several, at) for at in drawn]
        cost = [1e3 * ground.cost_of(several, target, everyone) for target in targets]
        best = min(several, key=lambda way: abs(ground.point(way, everyone).score - targets[1]))
        tokens = overheads(best.tokens, best.sent)
        seconds = overheads(start * best.calls + slope * best.tokens, best.sent)
        print(
            f"{name} | {ground.gain(several, everyone):.3f} {interval(gains)} | "
            f"{cost[0]:.5f} {cost[1]:.5f} | {tokens.agl:.1f} {tokens.arol:.1f}; "
            f"{seconds.agl:.2f} {seconds.arol:.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--skip", type=int, default=832, help="training prompts to pass over")
    parser.add_argument("--prompts", type=int, default=1168, help="training prompts, percentages included")
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--per-threshold", type=int, default=120)
    parser.add_argument("--ratios", type=float, nargs="*", default=[1.0, 5.0], help="of the large prices")
    parser.add_argument("--alone", type=int, default=12, help="prompts that are timed one at a time")
    given = parser.parse_args()
    folder = given.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    ask = folder / "ask.txt"
    ask.write_text(TEMPLATE)
    smol = lab_pool()["smol"]
    assert smol.call is not None
    call = replace(smol.call, adapter=str(warm(folder, ask)), ask=str(ask), max_tokens=96, dtype="bfloat16")
    training = training_prompts(given.skip, given.prompts)
    settings = SaterSettings(
        samples=4,
        temperature=TEMPERATURE,
        most_pairs=given.pairs,
        per_threshold=given.per_threshold,
        preference=LowRank(learning_rate=2e-4, batch_size=8, upper=1 / 3, dtype="bfloat16"),
        refusal=LowRank(learning_rate=1e-3, batch_size=16, upper=1 / 3, dtype="bfloat16"),
    )
    run = train_sater(
        replace(smol, name="smol-worked", call=call), training, folder / "run", settings=settings
    )
    print(f"{len(training)} prompts, {run.pairs} pairs, {run.lessons} lessons\n{run.before}\n{run.after}")
    prompts = read_to_ask(judged_prompts(training))
    expected = predicted(folder / "run", training, prompts)
    for at, ratio in enumerate(given.ratios):
        alone = 0 if at else given.alone
        judge(run, prompts, expected, folder / "judged", ratio=ratio, alone=alone)


if __name__ == "__main__":
    main()
