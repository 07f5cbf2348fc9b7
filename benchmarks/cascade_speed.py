"""What deciding costs: one step of a cascade, before and after answers, for one prompt and for many.

    python benchmarks/cascade_speed.py [--prompts 100] [--skip-lab]

Ten members, up to three calls. On a random pool with three levels of signals, where no model can be left out,
and on the lab's members with a trained predictor (seed 0), at the price at which half of what its best member
costs is spent, and at that for a fifth. A step is the choice of whom to ask next; the update by an answer
comes before all but the first. The ratio is to enumerating the same plans in plain Python, which has to find
the same value. Times are processor time, the least of several runs; with many prompts, of each.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from cascade_routing import trained
from rich.console import Console
from rich.table import Table

from routoo.data.observation import ObservationModel
from routoo.lab.members import lab_pool
from routoo.lab.shipped import lab_outcomes
from routoo.policies.evidence import Evidence
from routoo.solver.cascade.belief import Array, Beliefs
from routoo.solver.cascade.course import Course
from routoo.solver.cascade.steps import next_steps
from routoo.solver.cascade.terms import Terms

REPEAT = 7

State = dict[tuple[tuple[int, ...], int], float]
"""Weight of which asked models are right, and of a node of the factor."""


@dataclass(frozen=True)
class Plain:
    """Plans of one prompt in plain Python numbers.

    Args:
        right: Of each model at each node.
        levels: Shares of each model's wrong and right answers by level.
        odds: Log-odds of agreeing, by two models and how many of them are right.
        charge: Score that a call must be worth.
    """

    right: list[list[float]]
    levels: list[list[list[float]]]
    odds: list[list[list[float]]]
    charge: list[float]

    @classmethod
    def of(cls, beliefs: Beliefs, charge: Array) -> Plain:
        """Those of the first row."""
        model, x = beliefs.model, beliefs.log_odds[0]
        odds = model.agreement_log_odds.copy()
        odds[..., 0] += model.agreement_slope * (x[:, None] + x) / 2
        levels = np.stack([model.level_wrong, model.level_right], 1)
        return cls(beliefs.right[0].tolist(), levels.tolist(), odds.tolist(), charge.tolist())

    def looks(
        self, state: State, asked: tuple[int, ...], same: tuple[int, ...], member: int
    ) -> Iterator[tuple[int, State]]:
        """What an answer may look like: the group that it joins, and the weights then."""
        groups = [*sorted(set(same)), len(asked)]
        levels = range(len(self.levels[member][0]))
        found: dict[tuple[int, int], State] = {(level, group): {} for level in levels for group in groups}
        for (bits, node), weight in state.items():
            for good in (0, 1):
                mass = dict.fromkeys(groups[:-1], 0.0)
                for other, group, bit in zip(asked, same, bits, strict=True):
                    mass[group] += self.odds[other][member][bit + good] / len(asked)
                mass = {group: math.exp(pull) for group, pull in mass.items()} | {groups[-1]: 1.0}
                total = sum(mass.values())
                chance = self.right[member][node] if good else 1 - self.right[member][node]
                for level in levels:
                    of_level = weight * chance * self.levels[member][good][level] / total
                    for group in groups:
                        found[level, group][(*bits, good), node] = of_level * mass[group]
        for (_, group), then in found.items():
            yield group, then

    def best(self, state: State) -> float:
        """Weight of the answer that is rather right than any other."""
        n = len(next(iter(state))[0])
        return max(sum(weight for (bits, _), weight in state.items() if bits[at]) for at in range(n))

    def worth(self, state: State, member: int) -> float:
        """What asking a model is worth, as far as it is known to be right."""
        right = self.right[member]
        return sum(weight * (right[node] - self.charge[member]) for (_, node), weight in state.items())

    def value(self, state: State, asked: tuple[int, ...], same: tuple[int, ...], calls: int) -> float:
        """The most that a plan is worth, or stopping."""
        had = self.best(state) if asked else -math.inf
        open_ = [member for member in range(len(self.charge)) if member not in asked]
        return max([had, *(self.first(state, asked, same, member, calls) for member in open_)])

    def first(
        self, state: State, asked: tuple[int, ...], same: tuple[int, ...], member: int, calls: int
    ) -> float:
        """Of plans that ask this one first."""
        value = -self.charge[member] * sum(state.values())
        now = (*asked, member)
        for group, then in self.looks(state, asked, same, member):
            found = self.best(then)
            if calls > 1:
                others = [other for other in range(len(self.charge)) if other not in now]
                by_worth = sorted(others, key=lambda other: -self.worth(then, other))
                for other in others:
                    third = next((at for at in by_worth if at != other), None) if calls > 2 else None
                    found = max(found, self.second(then, now, (*same, group), other, third))
            value += found
        return value

    def second(
        self, state: State, asked: tuple[int, ...], same: tuple[int, ...], member: int, third: int | None
    ) -> float:
        """Of asking this one second, and a third where that is worth it."""
        value = -self.charge[member] * sum(state.values())
        for _, then in self.looks(state, asked, same, member):
            found = self.best(then)
            value += found if third is None else max(found, self.worth(then, third))
        return value


def plain_value(beliefs: Beliefs, terms: Terms) -> float:
    """The value of the next step of the first row, by enumeration."""
    asked, same = tuple(beliefs.asked[0].tolist()), tuple(beliefs.same[0].tolist())
    states = [tuple(map(int, f"{at:b}".zfill(len(asked)))) if asked else () for at in range(2 ** len(asked))]
    weight = beliefs.weight[0]
    state = {
        (bits, node): float(weight[at, node])
        for at, bits in enumerate(states)
        for node in range(weight.shape[1])
    }
    return Plain.of(beliefs, terms.charge[0]).value(state, asked, same, terms.calls_left)


def seconds(work: Callable[[], object]) -> float:
    """The least processor time of several runs."""
    times = []
    for _ in range(REPEAT):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


@dataclass(frozen=True, eq=False)
class Pool:
    """Prompts of a pool of members, and what was answered."""

    name: str
    model: ObservationModel
    p_correct: Array
    cost: Array
    price: float
    log_ratio: Array

    def rows(self, table: Table, count: int) -> None:
        """Adds a row for each number of answers."""
        beliefs = Beliefs.start(self.p_correct[:count], self.model)
        for asked in range(3):
            beliefs = self._row(table, beliefs, asked)
        table.add_section()

    def _row(self, table: Table, beliefs: Beliefs, asked: int) -> Beliefs:
        n = len(beliefs)
        terms = Terms.of(self.cost[:n], price=self.price, calls_left=3 - asked)
        ones = [(beliefs.rows(np.array([at])), terms.rows(np.array([at]))) for at in range(n)]
        one = seconds(lambda: [next_steps(*each) for each in ones]) / n
        many = seconds(lambda: next_steps(beliefs, terms)) / n
        started = time.process_time()
        plain = [plain_value(*each) for each in ones[:3]]
        by_hand = (time.process_time() - started) / len(plain)
        steps = next_steps(beliefs, terms)
        assert np.allclose(steps.value[:3], plain, atol=1e-9)
        open_ = terms.open.copy()
        open_[np.arange(n)[:, None], beliefs.asked] = False
        member = np.where(steps.first < 0, open_.argmax(1), steps.first)
        ratio, group = self.log_ratio[np.arange(n), member], np.full(n, asked)

        def update() -> None:
            for at, (each, _) in enumerate(ones):
                each.after(member[[at]], ratio[[at]], group[[at]])

        updates = seconds(update) / n
        cells = (f"{1e6 * value:,.0f}" for value in (one, updates, many, by_hand))
        table.add_row(self.name if asked == 0 else "", str(asked), *cells, f"{by_hand / one:,.0f}")
        return beliefs.after(member, ratio, group)


def random_pool(n: int) -> Pool:
    """Members of which any may be worth a call."""
    draw = np.random.default_rng(0)
    ranges = ((0.0, 0.5), (0.0, 0.1), (0.5, 1.0))
    rates = np.stack([draw.uniform(*span, (10, 10)) for span in ranges], -1)
    model = ObservationModel(
        tuple(f"m{at}" for at in range(10)),
        draw.uniform(-0.5, 0.9, 10),
        draw.dirichlet(np.ones(3), 10),
        draw.dirichlet(np.ones(3), 10),
        (rates + rates.transpose(1, 0, 2)) / 2,
        agreement_slope=0.3,
    )
    p, cost = draw.uniform(0.1, 0.9, (n, 10)), np.tile(draw.exponential(size=10), (n, 1))
    return Pool("random", model, p, cost, 0.02, draw.normal(size=(n, 10)))


def lab_pools() -> Iterator[Pool]:
    """The lab's members, at two prices."""
    outcomes = lab_outcomes().with_split(seed=0)
    of = trained(outcomes, lab_pool().select(outcomes.models), 0)
    evidence = Evidence.of(of.test, of.scores, of.answers)
    p, cost = of.scores.p_correct.astype(np.float64), of.scores.cost_usd.astype(np.float64)
    best = cost[:, p.mean(0).argmax()].mean()
    for share in (0.5, 0.2):
        course = Course(Beliefs.start(p, of.answers.observation), Terms.of(cost, calls_left=3))
        price = course.price_within(share * best * len(p))[0]
        yield Pool(f"lab, {share:.0%}", of.answers.observation, p, cost, price, evidence.log_ratio)


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prompts", type=int, default=100)
    parser.add_argument("--skip-lab", action="store_true", help="the random pool alone")
    given = parser.parse_args()
    columns = ("answers", "us a step", "us an update", "us a step of many", "us in plain Python", "ratio")
    table = Table("pool", *columns)
    random_pool(given.prompts).rows(table, given.prompts)
    for pool in () if given.skip_lab else lab_pools():
        pool.rows(table, given.prompts)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
