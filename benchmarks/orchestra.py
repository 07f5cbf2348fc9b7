"""OrchestraLLM on dialogues that real models answered: joint goals, calls and FLOPs, beside its rivals.

    python benchmarks/orchestra.py [FOLDER] [--small smol-turns --large qwen-1.5b-turns --new qwen-0.5b-turns]

FOLDER holds outcomes of turns (docs/orchestra.md); the shipped record when not given. All that is learned or
chosen is so on the turns in train, the table is of those in test. Joint goal accuracy is that of turns (TLB)
and of states (DST); ranges are 95 % over resampled dialogues, differences are paired with the model that is
best alone on the turns in train. FLOPs are 2 x parameters x tokens read and written of all calls, those whose
answer is not taken too; saved is against the large model alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from rich.console import Console
from rich.table import Table

import routoo
from routoo.commands.pools import pool_for
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.lab.dialogues.corpus import TRAINING_DIALOGUES
from routoo.lab.dialogues.members import MEMBERS, dialogue_pool
from routoo.lab.dialogues.schema import SERVICES
from routoo.lab.dialogues.shipped import lab_dialogues
from routoo.lab.dialogues.simulate import lab_turns
from routoo.orchestra.embedding import Embedding
from routoo.orchestra.joint_goal import joint_goal
from routoo.orchestra.orchestra import Orchestra
from routoo.orchestra.pairs import expert_pairs, outcome_pairs, task_pairs

Floats = npt.NDArray[np.float64]
Chosen = npt.NDArray[np.intp]

_SIGNAL = "sequence_log_prob_sum"
_RESAMPLES = 2000
_OTHER_SEED = 7


@dataclass(frozen=True, eq=False)
class Policy:
    """Whom each test turn goes to, and whom it asks.

    Args:
        name: In the table.
        chosen: Column of the model whose answer is taken, ``(n_turns,)``.
        asked: Which models are asked, ``(n_turns, n_models)``.
    """

    name: str
    chosen: Chosen
    asked: npt.NDArray[np.bool_]

    @classmethod
    def routed(cls, name: str, chosen: Chosen, n_models: int) -> Policy:
        """One that asks whom it chooses."""
        return cls(name, chosen, chosen[:, None] == np.arange(n_models))


@dataclass(frozen=True, eq=False)
class Bench:
    """The record, and the models at hand: the small one first."""

    outcomes: Outcomes
    pool: Pool

    @property
    def held_out(self) -> Outcomes:
        """The turns that are learned from."""
        return self.outcomes.part("train").select(self.pool.names)

    @property
    def test(self) -> Outcomes:
        """The turns of the table."""
        return self.outcomes.part("test").select(self.pool.names)

    def voted(self, name: str, embedding: Embedding, **options: bool | int) -> Policy:
        """Policy of an orchestra."""
        made = Orchestra.learn(self.held_out, self.pool, embedding=embedding, **options)  # type: ignore[arg-type]  # bools and ints
        return self._best(name, made.predict(self.test.texts).p_correct)

    def predicted(self, seed: int) -> Policy:
        """That of the default predictor, the best expected score."""
        known = self.outcomes.select(self.pool.names)
        dialogues = known.part("train").prompts["dialogue"].unique().sort()
        val = dialogues.gather_every(5).implode()
        part = pl.when((pl.col("split") == "train") & pl.col("dialogue").is_in(val)).then(pl.lit("val"))
        split = known.prompts.with_columns(split=part.otherwise("split"))
        made = routoo.train(Outcomes(split, known.outcomes, known.name), self.pool, seed=seed, progress=False)
        return self._best("predictor", made.predict(self.test.texts).p_correct)

    def cascade(self) -> Policy:
        """The small model first, the large one below the threshold that is best on the turns held out."""
        signals, scores = {}, {}
        for part in ("train", "test"):
            known = self.outcomes.part(part)
            signals[part] = known.signals([_SIGNAL], self.pool.names)[_SIGNAL][:, 0]
            scores[part] = known.to_matrices(self.pool.names).score
        steps = np.unique(signals["train"])
        gains = [
            np.where(signals["train"] < step, scores["train"][:, -1], scores["train"][:, 0]).mean()
            for step in [*steps, np.inf]
        ]
        up = signals["test"] < [*steps, np.inf][int(np.argmax(gains))]
        last = len(self.pool) - 1
        asked = np.zeros((len(up), len(self.pool)), bool)
        asked[:, 0], asked[:, last] = True, up
        return Policy("cascade by sequence probability", np.where(up, last, 0), asked)

    def alone(self, column: int) -> Policy:
        """One model for all."""
        chosen = np.full(len(self.test), column)
        return Policy.routed(f"{self.pool.names[column]} alone", chosen, len(self.pool))

    def oracle(self) -> Policy:
        """The cheapest model that is right."""
        return self._best("oracle", self.test.to_matrices(self.pool.names).score)

    def _best(self, name: str, value: npt.NDArray[np.floating]) -> Policy:
        """The highest value; of a tie the first, which is the cheapest."""
        return Policy.routed(name, value.argmax(1), len(self.pool))


def policies(bench: Bench, embeddings: dict[str, Embedding], seed: int) -> Iterator[Policy]:
    """The rows of the table for two models."""
    yield bench.alone(0)
    yield bench.alone(1)
    yield bench.predicted(seed)
    yield bench.cascade()
    for name, embedding in embeddings.items():
        yield bench.voted(f"vote, {name}", embedding)
    for name in ("plain", "task and expert"):
        yield bench.voted(f"balanced vote, {name}", embeddings[name], balance=True)
        yield bench.voted(f"weighted mean of 30, {name}", embeddings[name], vote=False, k=30)
    yield bench.oracle()


def answered(outcomes: Outcomes, names: tuple[str, ...]) -> Outcomes:
    """The turns that all of these models answered; of those in test whole dialogues alone."""
    missing = np.isnan(outcomes.to_matrices(names).score).any(1)
    turns = outcomes.prompts.with_columns(missing=pl.Series(missing))
    whole = pl.col("missing").any().over("dialogue").not_()
    kept = turns.filter(pl.when(pl.col("split") == "test").then(whole).otherwise(pl.col("missing").not_()))
    return outcomes.subset(kept["prompt_id"])


def tuned(bench: Bench, seed: int) -> dict[str, Embedding]:
    """The embeddings, by what they were tuned to."""
    held, plain = bench.held_out, Embedding()
    task = task_pairs(held.prompts, seed=seed)
    expert = expert_pairs(held, bench.pool, plain)
    other = lab_turns(TRAINING_DIALOGUES, seed=_OTHER_SEED, domains=SERVICES)
    return {
        "plain": plain,
        "task": plain.tuned(held.texts, task, seed=seed),
        "expert": plain.tuned(held.texts, expert, seed=seed),
        "task and expert": plain.tuned(held.texts, task + expert, seed=seed),
        "by outcomes": plain.tuned(held.texts, outcome_pairs(held, seed=seed), seed=seed),
        "task, on other domains": plain.tuned(
            other["prompt"].to_list(), task_pairs(other, seed=seed), seed=seed
        ),
    }


def table_of(title: str, bench: Bench, rows: list[Policy], billions: Floats, seed: int) -> Table:
    """The rows with their figures."""
    test = bench.test
    matrices = test.to_matrices(bench.pool.names)
    tokens = np.nan_to_num(matrices.input_tokens) + np.nan_to_num(matrices.output_tokens)
    flops = 2e9 * billions * tokens
    columns = np.array([test.models.index(name) for name in bench.pool.names])
    goals = [joint_goal(test, columns[row.chosen]) for row in rows]
    dialogue = goals[0].dialogue
    draws = np.random.default_rng(seed).integers(0, dialogue.max() + 1, (_RESAMPLES, dialogue.max() + 1))
    counts = np.apply_along_axis(np.bincount, 1, draws, minlength=dialogue.max() + 1)
    weight = counts[:, dialogue]
    held = bench.held_out.to_matrices(bench.pool.names).score.mean(0)
    best = joint_goal(test, np.full(len(test), columns[int(held.argmax())]))
    over = f"over {bench.pool.names[int(held.argmax())]}"
    heads = ("", "TLB", over, "DST", over, "large calls", "FLOPs saved")
    table = Table(*heads, title=f"{title}: {len(test)} turns, {dialogue.max() + 1} dialogues")
    all_large = flops[:, -1].sum()
    for row, goal in zip(rows, goals, strict=True):
        cells = [row.name]
        for mine, others in ((goal.turn, best.turn), (goal.state, best.state)):
            cells += [f"{100 * mine.mean():.1f}", _range(mine.astype(float) - others, weight)]
        share = row.asked[:, -1].mean()
        saved = 1 - (flops * row.asked).sum() / all_large
        table.add_row(*cells, f"{100 * share:.0f} %", f"{100 * saved:.0f} %")
    return table


def _range(values: Floats, weight: npt.NDArray[np.int64]) -> str:
    """A mean in points, with the range of it over resampled dialogues."""
    means = 100 * (weight @ values) / weight.sum(1)
    low, high = np.quantile(means, (0.025, 0.975))
    return f"{100 * values.mean():+.1f} [{low:+.1f}, {high:+.1f}]"


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--small", default="smol-turns")
    parser.add_argument("--large", default="qwen-1.5b-turns")
    parser.add_argument("--new", default="qwen-0.5b-turns", help="a model that joins later")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    outcomes = lab_dialogues() if given.data is None else Outcomes.read(given.data)
    pool = dialogue_pool() if given.data is None else pool_for(outcomes, given.data, None)
    console = Console(width=150)

    def bench(*names: str) -> Bench:
        return Bench(answered(outcomes, names), pool.select(names))

    def billions(*names: str) -> Floats:
        return np.array([MEMBERS[name].billions if name in MEMBERS else 1.0 for name in names])

    first = (given.small, given.large)
    embeddings = tuned(bench(*first), given.seed)
    rows = list(policies(bench(*first), embeddings, given.seed))
    console.print(table_of("two models", bench(*first), rows, billions(*first), given.seed))
    task = {name: embeddings[name] for name in ("plain", "task", "task, on other domains")}
    for title, names in (
        ("a new large model, the same embeddings", (given.small, given.new)),
        ("a third model, the same embeddings", (given.small, given.new, given.large)),
    ):
        if given.new in outcomes.models:
            three = bench(*names)
            rows = [three.alone(0), three.alone(len(names) - 1)]
            rows += [three.voted(f"vote, {name}", embedding) for name, embedding in task.items()]
            rows += [three.voted("weighted mean of 30, task", task["task"], vote=False, k=30), three.oracle()]
            console.print(table_of(title, three, rows, billions(*names), given.seed))


if __name__ == "__main__":
    main()
