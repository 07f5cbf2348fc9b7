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
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from sater_judged import TEMPERATURE, Array, Came, Judged, Routed, at_once, by_vote, said
from sater_shown import save, show

import routoo
from routoo.collect.prompts import PromptsToAsk, read_to_ask
from routoo.commands.terminal import stages
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.data.request import Request
from routoo.lab.members import lab_pool
from routoo.lab.shipped import lab_outcomes
from routoo.lab.tasks.registry import lab_prompts
from routoo.lab.tasks.worked import worked
from routoo.members.ask import ask_of
from routoo.sater.pairs import right_fraction
from routoo.sater.run import SaterRun, train_sater
from routoo.sater.settings import THRESHOLDS, SaterSettings
from routoo.sater.voting import ConfidenceVote, ranged
from routoo.tuning.low_rank import LowRank

LARGE = "qwen-1.5b-code"
LEVELS = {"addition": "012", "multiplication": "01", "conversion": "0123"}
"""Those of which the member gets at least one training sample in twenty right, or nearly so."""
TEMPLATE = '{prompt}\nEnd with "Answer:" and the answer.'
SAMPLES = 5


def numbers_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What a prompt is about, however it is worded: its family, numbers, signs and units."""
    words = re.findall(r"\d+(?:\.\d+)?|[-+]|[a-z]+s\b", row["prompt"])
    return row["domain"], *(word for word in words if word not in ("times", "is"))


def of_these_levels(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(
        pl.any_horizontal(
            (pl.col("domain") == family) & pl.col("level").is_in(list(levels))
            for family, levels in LEVELS.items()
        )
    )


def judged_prompts() -> pl.DataFrame:
    """The recorded prompts of these families and levels, which the large model answered."""
    return of_these_levels(lab_outcomes().prompts)


def fresh_prompts(n: int, seed: int) -> pl.DataFrame:
    """Others of the same families, with numbers that no recorded prompt has."""
    recorded = lab_outcomes().prompts.filter(pl.col("domain").is_in(list(LEVELS)))
    known = {numbers_of(row) for row in recorded.iter_rows(named=True)}
    rows = lab_prompts(3 * n, seed=seed, families=tuple(LEVELS))
    return rows.filter(pl.Series([numbers_of(row) not in known for row in rows.iter_rows(named=True)]))


def warm(folder: Path, ask: Path, n: int) -> Path:
    """The folder of the adapter that learned worked answers."""
    from routoo.members.causal.prompt_tokens import prompt_tokens
    from routoo.tuning.examples import Example
    from routoo.tuning.low_rank import adapted
    from routoo.tuning.training import answering, tuned

    output = folder / "warm"
    if output.is_dir():
        return output
    smol = lab_pool()["smol"].call
    assert smol is not None
    settings = LowRank(learning_rate=1e-3, upper=0.5, dtype="bfloat16")
    model, draw, examples = adapted(smol.model, settings), Random(0), list[Example]()
    for row in fresh_prompts(n, seed=1_000_004).head(n).iter_rows(named=True):
        text = worked(row["prompt"], row["domain"], row["answer"], style=draw.choice(("steps", "long")))
        sent = prompt_tokens(model.tokenizer, Request(row["prompt_id"], row["prompt"]), ask_of(str(ask)))
        said = model.tokenizer(text + model.tokenizer.eos_token, add_special_tokens=False)
        examples.append(Example(sent, tuple(said["input_ids"])))
    sizes, checkpoint = [example.size for example in examples], folder / "warm.safetensors"
    return tuned(model, sizes, answering(model, examples), settings, output, checkpoint=checkpoint)


def predicted(run: Path, training: PromptsToAsk, prompts: PromptsToAsk, member: PoolModel) -> Array:
    """How often the default predictor expects the member to be right, ``(n_prompts,)``.

    It learns what fraction of the samples before training was right of each training prompt.
    """
    right = right_fraction(pl.concat([pl.read_parquet(part) for part in (run / "samples-before").iterdir()]))
    outcomes = Outcomes(
        training.frame.select("prompt_id", "prompt", "domain"),
        pl.DataFrame(
            {"prompt_id": list(right), "model": [member.name] * len(right), "score": [*right.values()]}
        ),
    )
    predictor = routoo.train(outcomes, Pool((member,)))
    found = predictor.predict([prompt.request.text for prompt in prompts.prompts])
    return found.p_correct[:, 0].astype(np.float64)


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


def judged(
    run: SaterRun,
    prompts: PromptsToAsk,
    expected: Array,
    folder: Path,
    shared: Path,
    seconds: tuple[float, float],
) -> Judged:
    """Asks the members that a training made, and replays all ways of routing on what they said."""
    outcomes = lab_outcomes().outcomes.filter(pl.col("model") == LARGE)
    large = {row["prompt_id"]: row for row in outcomes.iter_rows(named=True)}
    ids = [prompt.prompt_id for prompt in prompts.prompts]
    prices = (run.member.usd_per_1m_input * 1e-6, run.member.usd_per_1m_output * 1e-6)
    plain = at_once(said(run.member, prompts, shared), prices)
    short = at_once(said(run.short, prompts, shared), prices)
    refusing = {at: at_once(said(run.at(at), prompts, folder), prices) for at in THRESHOLDS}
    sampled = said(run.member, prompts, shared, samples=SAMPLES)
    fixed = said(run.at(0.5), prompts, folder, samples=SAMPLES)
    spread = [said(run.at(threshold), prompts, folder, samples=1) for threshold in ranged(SAMPLES)]
    shares = np.arange(1, SAMPLES + 1) / SAMPLES - 0.01

    def votes(thresholds: Sequence[float | None], voters: Sequence[tuple[Came, int]]) -> list[Routed]:
        return [by_vote(ConfidenceVote(tuple(thresholds), share), voters, prices) for share in shares]

    same = range(SAMPLES)
    ways = {
        "refusals": [short, *refusing.values()],
        "fixed vote at 0.5": votes([0.5] * SAMPLES, [(fixed, at) for at in same]),
        "ranged vote": votes(ranged(SAMPLES), [(came, 0) for came in spread]),
        "self-consistency, untouched": votes([None] * SAMPLES, [(sampled, at) for at in same]),
        "predictor, untouched": [plain.asked_unless(sent) for sent in hardest(expected)],
        "predictor, after stage one": [short.asked_unless(sent) for sent in hardest(expected)],
    }
    right = np.array([float(large[name]["score"] >= 0.5) for name in ids])
    usd = np.array([large[name]["cost_usd"] for name in ids])
    return Judged(plain, short, refusing, ways, right, usd, seconds)


def hardest(expected: Array) -> list[npt.NDArray[np.bool_]]:
    """The prompts of the lowest expectations, from a twentieth of them to all but one."""
    return [expected <= np.quantile(expected, share) for share in np.arange(1, 20) / 20]


def settings_of(seed: int, given: argparse.Namespace) -> SaterSettings:
    usual = SaterSettings()
    return SaterSettings(
        samples=4,
        temperature=TEMPERATURE,
        most_pairs=given.pairs,
        most_lessons=given.lessons,
        preference=replace(usual.preference, dtype="bfloat16", seed=seed),
        refusal=replace(usual.refusal, dtype="bfloat16", seed=seed),
        seed=seed,
    )


def trained(member: PoolModel, training: PromptsToAsk, folder: Path, settings: SaterSettings) -> SaterRun:
    """One training; all but the first go on from its samples and its stage one, and differ in stage two."""
    run, first = folder / f"seed-{settings.seed}", folder / "seed-0"
    for name in ("samples-before", "stage-one", "samples-after"):
        if run != first and not (run / name).is_dir():
            shutil.copytree(first / name, run / name)
    with stages() as tell:
        return train_sater(member, training, run, settings=settings, on_progress=tell)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--worked", type=int, default=3200, help="worked answers the member learns first")
    parser.add_argument("--prompts", type=int, default=2048, help="training prompts")
    parser.add_argument("--pairs", type=int, default=480)
    parser.add_argument("--lessons", type=int, default=1400, help="answers, and refusals, of stage two")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0], help="trainings of stage two, 0 first")
    parser.add_argument("--ratios", type=float, nargs="*", default=[1.0, 10.0], help="of the large prices")
    parser.add_argument("--figure", type=Path, help="where to draw thresholds and trade-offs")
    parser.add_argument("--alone", type=int, default=12, help="prompts that are timed one at a time")
    given = parser.parse_args()
    folder = given.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    ask = folder / "ask.txt"
    ask.write_text(TEMPLATE)
    smol = lab_pool()["smol"]
    assert smol.call is not None
    adapter = warm(folder, ask, given.worked)
    call = replace(smol.call, adapter=str(adapter), ask=str(ask), max_tokens=96, dtype="bfloat16")
    member = replace(smol, name="smol-worked", call=call)
    training = read_to_ask(of_these_levels(fresh_prompts(given.prompts, seed=1_000_005)).head(given.prompts))
    runs = [trained(member, training, folder, settings_of(seed, given)) for seed in given.seeds]
    for run in runs:
        print(f"{len(training)} prompts, {run.pairs} pairs, {run.lessons} lessons\n{run.before}\n{run.after}")
    prompts = read_to_ask(judged_prompts())
    expected = predicted(folder / "seed-0", training, prompts, member)
    seconds = seconds_of((member, runs[0].at(0.5)), prompts, given.alone)
    print(f"a call: {seconds[0]:.3f} s and {seconds[1]:.4f} s a token (processor seconds, alone)")
    found = [
        judged(run, prompts, expected, folder / f"judged-{seed}", folder / "judged", seconds)
        for seed, run in zip(given.seeds, runs, strict=True)
    ]
    show("greedy answers", found, Judged.answers, len(prompts))
    for ratio in given.ratios:
        dearer = found[0].large_usd.mean() * ratio / found[0].plain.usd.mean()
        title = f"large model {dearer:.1f} times as dear as the untouched member; costs as shares of its own"
        show(title, found, partial(Judged.routing, ratio=ratio), len(prompts))
    show("the small model's work at four fifths", found, partial(Judged.latencies, share=0.8), len(prompts))
    if given.figure:
        save(found, len(prompts), given.ratios[-1], given.figure)


if __name__ == "__main__":
    main()
