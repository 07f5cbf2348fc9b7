"""Two-tier selection on recorded answers: areas under the curve of score over budgets, by signal.

    python benchmarks/two_tier.py [--mmlu-pro ../shared/data/mmlu_pro] [--seeds 0 1 2]

Settings are groups of families of the lab's record with pairs of members, all families together, each family
by itself, and MMLU-Pro where its folder is given. Prompts are shuffled (seed 0); of each set the first 1,000
are learned from, by baselines, calibrations and fusions, and the others (2,000 of MMLU-Pro) are judged. A
seed is one of training and of three orders of the stream; ranges hold 95 % of 1,000 resamples of the prompts.
Every curve has 100 budgets from the mean cost of the small model to that of the large one. Fixed costs, each
model's mean, are of all seeds; true costs by tokens, whose means the rule learns, and mean seconds are of the
first. UCCI is installed into an environment of its own, under ~/.cache/routoo/benchmarks. Tables are printed
as Markdown.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from two_tier_methods import READ, Column, Ranked, Two, part, ranked
from two_tier_ucci import thresholds

from routoo.data.outcomes import Outcomes
from routoo.evaluation.in_words import number
from routoo.evaluation.metrics.ranking import auc
from routoo.evaluation.trial.bootstrap import Interval, Resamples, interval
from routoo.evaluation.two_tier import Tier, two_tier_curve
from routoo.lab.shipped import lab_outcomes
from routoo.policies.baselines.baseline import Pair
from routoo.policies.baselines.registry import BASELINES

Vector = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

RESERVED, MOST_JUDGED, BUDGETS, ORDERS = 1000, 2000, 100, 3
FEW = 200  # prompts of a setting with which UCCI would calibrate and validate too little: families
OURS = ("margin", "log-prob mean", "log-prob sum", "agreement", "fused", "fused gain")
METHODS = ("random mixing", *BASELINES, "UCCI", "committee", *OURS, "oracle")
COSTS = {"fixed": "cost_usd", "tokens": "cost_usd", "seconds": "latency_s"}

NUMBERS = ("addition", "multiplication", "story", "percentage", "conversion", "ranking")
WORDS = ("sorting", "counting", "reversing", "picking", "program")
TEXTS = ("fact", "fields", "tone", "topic", "date", "weekday")
FAMILIES = NUMBERS + WORDS + TEXTS


def _five(small: str, large: str, other: str = "smol") -> Two:
    return Two(small, large, other, committee="qwen-0.5b-five")


LAB: list[tuple[str, tuple[str, ...], Two]] = [
    ("numbers", NUMBERS, _five("qwen-0.5b", "qwen-1.5b")),
    ("numbers", NUMBERS, _five("qwen-0.5b", "qwen-1.5b-code")),
    ("numbers", NUMBERS, Two("smol", "qwen-1.5b", "smol-dates")),
    ("words", WORDS, Two("smol", "qwen-1.5b-code", "smol-words")),
    ("words", WORDS, Two("qwen-0.5b-steps", "qwen-1.5b-code", "smol-words")),
    ("words", WORDS, Two("smol", "qwen-0.5b", "smol-words")),
    ("texts", TEXTS, Two("smol-texts", "qwen-1.5b", "smol-words")),
    ("texts", TEXTS, _five("qwen-0.5b", "qwen-1.5b", "smol-texts")),
    ("texts", TEXTS, Two("smol-dates", "qwen-1.5b", "smol-words")),
    ("all", FAMILIES, _five("qwen-0.5b", "qwen-1.5b")),
    ("all", FAMILIES, Two("smol-texts", "qwen-1.5b", "smol-words")),
    ("all", FAMILIES, Two("qwen-0.5b-code", "qwen-1.5b", "smol")),
]
MMLU = [
    Two("Phi-3-mini-4k-instruct", "Meta-Llama-3_1-70B-Instruct", "mathstral-7B"),
    Two("Phi-3-mini-4k-instruct", "Meta-Llama-3-70B", "Mistral-7B-v0.1"),
    Two("Meta-Llama-3_1-8B-Instruct", "Meta-Llama-3_1-70B-Instruct", "Phi-3-mini-4k-instruct"),
]


@dataclass(frozen=True, eq=False)
class Setting:
    """A task and a pair.

    Args:
        task: Its name.
        two: The pair.
        rows: Which of the judged prompts.
        known: Which of those that are learned from.
    """

    task: str
    two: Two
    rows: Rows
    known: Rows


@dataclass(eq=False)
class Set:
    """Outcomes in two parts.

    Args:
        learn: What is learned from.
        judged: What is judged.
        settings: What is judged of it.
    """

    learn: Outcomes
    judged: Outcomes
    settings: list[Setting]


def lab_set() -> Set:
    """The lab's record: groups, all, and each family with those pairs of its group that are worth it."""
    outcomes = lab_outcomes()
    learn, judged = _parts(outcomes, len(outcomes))
    here, before = (np.array(each.domains, object) for each in (judged, learn))
    settings = [
        Setting(name, two, *(np.flatnonzero(np.isin(each, some)) for each in (here, before)))
        for name, some, two in LAB
    ]
    known = Column(learn)
    for family in FAMILIES:
        for two in {two.pair: two for _, some, two in LAB if family in some}.values():
            small, large = (known.number(name, "score")[before == family].mean() for name in two.pair)
            if large >= small + 0.05:
                rows = np.flatnonzero(here == family), np.flatnonzero(before == family)
                settings.append(Setting(f"family: {family}", two, *rows))
    return Set(learn, judged, settings)


def mmlu_set(folder: Path) -> Set:
    """MMLU-Pro, of which option letters are recorded."""
    outcomes = Outcomes.read(folder)
    names = {name for two in MMLU for name in (two.small, two.large, two.other)}
    rows = outcomes.outcomes.filter(outcomes.outcomes["model"].is_in(sorted(names)))
    whole = rows.group_by("prompt_id").len().filter(len=len(names))["prompt_id"].sort().to_list()
    kept = part(Outcomes(outcomes.prompts.drop("split"), rows, "mmlu_pro"), whole)
    learn, judged = _parts(kept, RESERVED + MOST_JUDGED)
    everything = np.arange(len(judged)), np.arange(len(learn))
    return Set(learn, judged, [Setting("mmlu_pro", two, *everything) for two in MMLU])


def _parts(outcomes: Outcomes, most: int) -> tuple[Outcomes, Outcomes]:
    ids = np.random.default_rng(0).permutation(np.array(sorted(outcomes.prompt_ids)))[:most].tolist()
    return part(outcomes, ids[:RESERVED]), part(outcomes, ids[RESERVED:])


class Judge:
    """Each prompt's part of the areas of a set's settings, by seed; costs but the first ones of one seed."""

    def __init__(self, data: Set, costs: Sequence[str]) -> None:
        self.data, self.costs = data, costs
        self.known, self.new = Column(data.learn), Column(data.judged)
        self._parts: dict[tuple[str, int, str], list[Vector]] = {}
        self.last: dict[Pair, dict[str, Ranked]] = {}

    def add(self, seed: int) -> None:
        """Trains with a seed and adds its areas."""
        twos = {setting.two.pair: setting.two for setting in self.data.settings}
        found = ranked(self.data.learn, self.data.judged, list(twos.values()), seed=seed)
        self.last = found
        orders = [seed * ORDERS + at for at in range(ORDERS)]
        for at, setting in enumerate(self.data.settings):
            methods = dict(found[setting.two.pair])
            gain = self.score(setting.two.small) - self.score(setting.two.large)
            methods["oracle"] = Ranked(gain, "answer", setting.two.small, (setting.two.small,))
            once = setting.task.startswith("family") or self._parts.get((self.costs[-1], at, "oracle"))
            for costs in self.costs[:1] if once else self.costs:
                if not self._dearer(setting, costs):
                    continue
                for name, method in methods.items():
                    self._count((costs, at, name), self._curve(setting, method, costs, orders))
                if self.data.learn.records(f"signal_{READ['log-prob mean']}") and len(setting.known) >= FEW:
                    self._count((costs, at, "UCCI"), self._ucci(setting, costs, orders))

    def score(self, model: str) -> Vector:
        """Of a model on all judged prompts."""
        return self.new.number(model, "score")

    def mean(self, costs: str, at: int, name: str) -> Vector | None:
        """The mean part of each prompt, where the method was judged."""
        found = self._parts.get((costs, at, name))
        return None if found is None else np.mean(found, axis=0)

    def _count(self, key: tuple[str, int, str], parts: Vector) -> None:
        self._parts.setdefault(key, []).append(parts)

    def tier(self, answers: str, paid: Sequence[str], rows: Rows, costs: str) -> Tier:
        """Answers of a model, at the cost of all who are paid for them."""
        cost = np.sum([self.new.number(name, COSTS[costs]) for name in paid], axis=0)[rows]
        if costs == "seconds":  # not measured of every prompt
            cost = np.full(len(rows), np.nanmean(cost))
        return Tier(self.score(answers)[rows], cost)

    def _dearer(self, setting: Setting, costs: str) -> bool:
        """Whether the large model costs more: of seconds it may take fewer."""
        small, large = (self.tier(name, (name,), setting.rows, costs) for name in setting.two.pair)
        return small.mean_cost < large.mean_cost

    def _curve(self, setting: Setting, method: Ranked, costs: str, orders: list[int]) -> Vector:
        rows, two = setting.rows, setting.two
        return two_tier_curve(
            method.signal[rows],
            self.tier(method.answers, method.paid, rows, costs),
            self.tier(two.large, (two.large,), rows, costs),
            reads=method.reads,
            learn_costs=costs == "tokens",
            plain=self.tier(two.small, (two.small,), rows, costs),
            n_budgets=BUDGETS,
            orders=orders,
        ).parts

    def _ucci(self, setting: Setting, costs: str, orders: list[int]) -> Vector:
        """UCCI keeps its threshold, and escalates as long as there is money beyond the small model's."""
        two, rows = setting.two, setting.rows
        small, large = (self.tier(name, (name,), rows, costs) for name in two.pair)
        budgets = np.linspace(small.mean_cost, large.mean_cost, BUDGETS)
        column = f"signal_{READ['log-prob mean']}"
        learned = {
            "u": _uncertainty(self.known.number(two.small, column)[setting.known]),
            "small": self.known.number(two.small, "score")[setting.known],
            "large": self.known.number(two.large, "score")[setting.known],
        }
        u = _uncertainty(self.new.number(two.small, column)[rows])
        p_wrong, threshold = thresholds(learned, u, budgets, (small.mean_cost, large.mean_cost))
        spare = len(rows) * (budgets - small.mean_cost)
        weight = np.r_[0.5, np.ones(BUDGETS - 2), 0.5] / (BUDGETS - 1)
        parts = np.zeros(len(rows))
        for seed in orders:
            order = np.random.default_rng(seed).permutation(len(rows))
            wanted = p_wrong[order, None] > threshold
            paid = np.cumsum(wanted * (large.cost[order, None] if costs == "tokens" else large.mean_cost), 0)
            go = wanted & (paid <= spare * (1 + 1e-9))
            came = np.where(go, large.score[order, None], small.score[order, None])
            parts[order] += came @ weight / len(orders)
        return parts


def _uncertainty(log_prob_mean: Vector) -> Vector:
    """UCCI's, 1 less the mean of p1 - p2 over tokens; p1 alone was recorded, and p2 counts as the rest."""
    return (2 * (1 - np.exp(log_prob_mean))).clip(0, 1)


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _table(head: Sequence[str], lines: Sequence[Sequence[object]]) -> None:
    print(_line(head), _line(["---"] * len(head)), *(_line(line) for line in lines), "", sep="\n")


def _gain(parts: Vector, than: Vector) -> Interval:
    gain = parts - than
    samples = Resamples(len(gain)).means(gain[:, None])[:, 0]
    found = interval(float(gain.mean()), samples)
    assert found is not None  # for the type checker: it is defined in every resample
    return found


def _best(judge: Judge, at: int, costs: str) -> tuple[str, Vector]:
    """The best learned baseline of a setting."""
    areas: dict[str, Any] = {name: judge.mean(costs, at, name) for name in (*BASELINES, "UCCI")}
    known = {name: parts for name, parts in areas.items() if parts is not None}
    best = max(known, key=lambda name: known[name].mean())
    return best, known[best]


def show(judges: Sequence[Judge], costs: Sequence[str]) -> None:
    """Prints all tables."""
    every = [(judge, at, each) for judge in judges for at, each in enumerate(judge.data.settings)]
    named = [row for row in every if not row[2].task.startswith("family")]
    lines = []
    for judge, at, setting in named:
        means = [judge.mean(costs[0], at, name) for name in METHODS]
        cells = ["" if parts is None else number(float(parts.mean())) for parts in means]
        lines.append([setting.task, " → ".join(setting.two.pair), *cells])
    print(f"Areas, {costs[0]} costs\n")
    _table(["task", "pair", *METHODS], lines)
    lines = []
    for judge, at, setting in named:
        small, large = (judge.tier(name, (name,), setting.rows, costs[0]) for name in setting.two.pair)
        best, than = _best(judge, at, costs[0])
        gains = []
        for name in ("margin", "log-prob sum", "agreement", "fused gain"):
            parts = judge.mean(costs[0], at, name)
            gains.append("" if parts is None else str(_gain(parts, than)))
        lines.append(
            [
                setting.task,
                " → ".join(setting.two.pair),
                f"{len(setting.rows):,}",
                f"{small.mean_cost / large.mean_cost:.2f}",
                f"{number(float(small.score.mean()))} / {number(float(large.score.mean()))}",
                *_signal_areas(judge, setting),
                best,
                *gains,
            ]
        )
    head = ["task", "pair", "n", "c1/c2", "scores", "right", "gain", "FORC's gain", "best learned"]
    print("Less the best learned baseline; AUC of the signal for a right answer, and for a gain\n")
    _table([*head, "margin", "log-prob sum", "agreement", "fused gain"], lines)
    groups = {"groups and all": [row for row in named if row[2].task != "mmlu_pro"]}
    groups["mmlu_pro"] = [row for row in named if row[2].task == "mmlu_pro"]
    groups["families"] = [row for row in every if row[2].task.startswith("family")]
    lines = []
    for group, rows in groups.items():
        for each in costs if group != "families" else costs[:1]:
            if rows and (each in rows[0][0].costs):
                judged = [row for row in rows if row[0].mean(each, row[1], "oracle") is not None]
                won = [_won(judged, each, name) for name in OURS]
                lines.append([group, each, str(len(judged)), *won])
    print("Settings above the best learned baseline (of these by their whole range), mean difference\n")
    _table(["settings", "costs", "n", *OURS], lines)


def _signal_areas(judge: Judge, setting: Setting) -> tuple[str, str, str]:
    """How well the answer's signal ranks: right against wrong, and gain by the large model against none; and
    how well FORC's signal of the last seed ranks gain."""
    two, rows = setting.two, setting.rows
    if judge.data.learn.records(f"signal_{READ['log-prob sum']}"):
        signal = judge.new.number(two.small, f"signal_{READ['log-prob sum']}")[rows]
    else:
        signal = judge.new.agreement(two.small, two.other)[rows]
    small, large = judge.score(two.small)[rows], judge.score(two.large)[rows]
    gain, forc = (small >= large).astype(float), judge.last[two.pair]["FORC"].signal[rows]
    return number(auc(signal, small)), number(auc(signal, gain)), number(auc(forc, gain))


def _won(rows: Sequence[tuple[Judge, int, Setting]], costs: str, name: str) -> str:
    gains = []
    for judge, at, _ in rows:
        parts = judge.mean(costs, at, name)
        if parts is not None:
            gains.append(_gain(parts, _best(judge, at, costs)[1]))
    if not gains:
        return ""
    won = [gain for gain in gains if gain.value > 0]
    surely = sum(gain.low > 0 for gain in gains)
    return f"{len(won)} ({surely}), {np.mean([gain.value for gain in gains]):+.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mmlu-pro", type=Path, help="folder of its outcomes, ../shared/data/mmlu_pro")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    given = parser.parse_args()
    judges = [Judge(lab_set(), list(COSTS))]
    if given.mmlu_pro is not None:
        judges.append(Judge(mmlu_set(given.mmlu_pro), ["fixed", "tokens"]))
    for judge in judges:
        for seed in given.seeds:
            judge.add(seed)
            print(f"{judge.data.judged.name}, seed {seed}: done", file=sys.stderr, flush=True)
    show(judges, list(COSTS))


if __name__ == "__main__":
    main()
