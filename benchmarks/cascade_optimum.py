"""How far cascades stay behind the best possible policy, where that can be worked out.

    python benchmarks/cascade_optimum.py [--seeds 0 1 2 3] [--calls 3]

Simulated throughout: prompts of some types, each with known probabilities that four models are right; signals
of three levels; wrong answers that are the same where two models fall for the same wrong one. The optimum is
that of dynamic programming over everything that can be seen. Both it and what cascades achieve are exact
expectations under the true law, no samples. Cascades know either the true rates, or those that were fitted on
2,000 simulated prompts. The table shows score less price times cost, and the loss in per cent of the optimum.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from routoo.data.observation import ObservationModel
from routoo.models.signals.observation_fit import fit_observation
from routoo.solver.cascade.belief import Beliefs
from routoo.solver.cascade.steps import next_steps
from routoo.solver.cascade.terms import Terms

Array = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]

Node = tuple[int, Positions, tuple[int, ...]]
"""A row, the cases that are still possible there, and the models that it has asked."""

_RIGHT, _POPULAR, _OTHER = range(3)
"""An answer is right, the wrong one that many give, or wrong in its own way."""


@dataclass(frozen=True, eq=False)
class World:
    """A true law of answers.

    Args:
        p: Probability that each model is right, ``(n_types, n_models)``; types are as frequent.
        model: Loadings, and levels of signals; agreement follows from `popular`.
        popular: How often each model's wrong answers are the popular one, ``(n_models,)``.
        cost: Of a call, ``(n_models,)``.
    """

    p: Array
    model: ObservationModel
    popular: Array
    cost: Array

    @classmethod
    def drawn(cls, seed: int, *, n_types: int = 6, n_models: int = 4) -> World:
        """Any world: dearer models are better, on average."""
        draw = np.random.default_rng(seed)
        cost = np.sort(draw.uniform(0, 3, n_models))
        skill = np.linspace(-0.3, 1.2, n_models)
        p = 1 / (1 + np.exp(-(skill + draw.normal(0, 1, (n_types, n_models)))))
        popular = draw.uniform(0.2, 0.7, n_models)
        none = np.outer(popular, popular)
        signals = np.sort(draw.dirichlet(np.full(3, 2.0), (2, n_models)), -1)
        names = tuple(f"m{at}" for at in range(n_models))
        agreement = np.stack([none, np.zeros_like(none), np.ones_like(none)], -1)
        loading = draw.uniform(0.1, 0.7, n_models)
        model = ObservationModel(names, loading, signals[0], signals[1][:, ::-1], agreement)
        return cls(p, model, popular, np.exp(cost))

    @property
    def log_ratio(self) -> Array:
        """What each level of a signal says of an answer, ``(n_models, n_levels)``."""
        return np.asarray(np.log(self.model.level_right / self.model.level_wrong))

    def cases(self) -> tuple[Positions, Positions, Array]:
        """All that may happen: answers and levels ``(n_cases, n_models)``, and probabilities by type."""
        n, levels = len(self.cost), self.model.level_right.shape[1]
        answers = np.array([*product(range(3), repeat=n)])
        start = Beliefs.start(self.p, self.model)
        right = start.right[:, None]  # (type, -, model, node)
        rate = self.popular[:, None]
        each = np.stack([right, (1 - right) * rate, (1 - right) * (1 - rate)], -1)
        chosen = np.take_along_axis(each, answers[None, :, :, None, None], -1)[..., 0]
        by_answers = chosen.prod(2) @ start.weight[0, 0]  # (type, answers)
        seen = np.array([*product(range(levels), repeat=n)])
        of = np.where(
            answers[:, None] == _RIGHT,
            self.model.level_right[np.arange(n), seen],
            self.model.level_wrong[np.arange(n), seen],
        ).prod(2)
        weight = (by_answers[:, :, None] * of).reshape(len(self.p), -1)
        return np.repeat(answers, len(seen), 0), np.tile(seen, (len(answers), 1)), weight


def looks(
    answers: Positions, levels: Positions, at: Positions, asked: tuple[int, ...], model: int
) -> list[tuple[int, int, Positions]]:
    """What the answer of a model may look like in these cases: its level, its group, and the cases."""
    mine, same = answers[at, model], np.full(len(at), len(asked))
    for place in reversed(range(len(asked))):
        same[(answers[at, asked[place]] == mine) & (mine != _OTHER)] = place
    kind = levels[at, model] * (len(asked) + 1) + same
    return [(*divmod(int(each), len(asked) + 1), at[kind == each]) for each in np.unique(kind)]


def optimum(world: World, prices: Array, calls: int) -> Array:
    """The most expected score less price times cost of any policy, ``(n_prices,)``."""
    answers, levels, weights = world.cases()
    right = answers == _RIGHT

    def best(at: Positions, weight: Array, asked: tuple[int, ...]) -> Array:
        had = max((weight[at] @ right[at, model] for model in asked), default=0.0)
        value = np.full(len(prices), had if asked else -np.inf)
        for model in set(range(len(world.cost))) - set(asked) if len(asked) < calls else ():
            then = -prices * world.cost[model] * weight[at].sum()
            for _, _, cases in looks(answers, levels, at, asked, model):
                then = then + best(cases, weight, (*asked, model))
            value = np.maximum(value, then)
        return value

    everything = np.arange(len(answers))
    return np.asarray(np.mean([best(everything, weight, ()) for weight in weights], 0))


def achieved(world: World, model: ObservationModel, log_ratio: Array, prices: Array, calls: int) -> Array:
    """What cascades by this observation model are really worth, ``(n_prices,)``; see `optimum`."""
    answers, levels, weights = world.cases()
    right, width = answers == _RIGHT, len(prices)
    kind = np.repeat(np.arange(len(world.p)), width)
    price = np.tile(prices, len(world.p))
    value = np.zeros(width)
    beliefs = Beliefs.start(world.p[kind], model)
    nodes: list[Node] = [(at, np.arange(len(answers)), ()) for at in range(len(kind))]
    for left in range(calls, -1, -1):
        terms = Terms.of(np.tile(world.cost, (len(nodes), 1)), price=price, calls_left=left)
        first = next_steps(beliefs, terms).first
        kids = []
        for at, (row, cases, asked) in enumerate(nodes):
            weight, member = weights[kind[row], cases], int(first[at])
            if member < 0:
                value[row % width] += weight @ right[cases, beliefs.best[at]]
                continue
            value[row % width] -= price[at] * world.cost[member] * weight.sum()
            for level, same, those in looks(answers, levels, cases, asked, member):
                kids.append((at, member, level, same, (row, those, (*asked, member))))
        if not kids:
            break
        parent, members, level_of, group, nodes = (list(of) for of in zip(*kids, strict=True))
        price, ratio = price[parent], log_ratio[members, level_of]
        beliefs = beliefs.rows(np.array(parent)).after(np.array(members), ratio, np.array(group))
    return value / len(world.p)


def fitted(world: World, n_prompts: int, seed: int) -> tuple[ObservationModel, Array]:
    """What is learned of the world from simulated prompts: the rates, and what levels of signals say."""
    draw = np.random.default_rng(seed)
    answers, levels, weights = world.cases()
    kind = draw.integers(len(world.p), size=n_prompts)
    at = np.array([draw.choice(len(answers), p=weights[of] / weights[of].sum()) for of in kind])
    score, seen = (answers[at] == _RIGHT).astype(np.float64), levels[at]
    share = [
        np.stack([(rate * (seen == level)).sum(0) + 1 for level in range(3)], 1) / (rate.sum(0)[:, None] + 3)
        for rate in (score, 1 - score)
    ]
    log_ratio = np.log(share[0] / share[1])
    models, each = np.arange(len(world.cost)), 3 * np.arange(n_prompts)[:, None]
    codes = np.where(answers[at] == _OTHER, -1, each + answers[at])
    model = fit_observation(
        world.model.models,
        p_correct=world.p[kind],
        score=score,
        log_ratio=log_ratio[models, seen],
        codes=codes,
    )
    return model, log_ratio


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3])
    parser.add_argument("--calls", type=int, default=3)
    given = parser.parse_args()
    prices = np.array([0.0, 0.001, 0.003, 0.01, 0.03, 0.1])
    table = Table("world", "", *(f"price {price:g}" for price in prices), title="simulated")
    for seed in given.seeds:
        world = World.drawn(seed)
        most = optimum(world, prices, given.calls)
        learned = fitted(world, 2000, seed)
        rows = {
            "true rates": achieved(world, world.model, world.log_ratio, prices, given.calls),
            "fitted": achieved(world, *learned, prices, given.calls),
            "one call": optimum(world, prices, 1),
        }
        table.add_row(str(seed), "optimum", *(f"{value:.4f}" for value in most))
        for name, value in rows.items():
            table.add_row("", f"{name}, loss", *(f"{loss:.2%}" for loss in 1 - value / most))
        table.add_section()
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
