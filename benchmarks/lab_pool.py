"""Whether the lab's pool is worth routing: which members lie on the hull of single members, family by family.

    python benchmarks/lab_pool.py [DATA] [--weigh addition=1.5 story=1.5]

DATA is a folder of outcomes of all members, with costs and domains; the shipped record when not given. A
member is on the hull where no mixture of others has its mean score for less. One in brackets is within a
standard error of its mean score below it. The last row is of all prompts, by how much each family weighs: 1
where --weigh does not say otherwise. The hull of a family is what a router meets that tells families apart;
that of all prompts is what one meets that reads nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from routoo.data.curves import hull
from routoo.data.outcomes import Outcomes
from routoo.lab.shipped import lab_outcomes

Matrix = npt.NDArray[np.float64]


def on_hull(score: Matrix, cost_usd: Matrix, weight: Matrix) -> tuple[list[int], list[int]]:
    """Columns of the members on the hull of mean cost and mean score, and of those near it, cheapest first.

    Args:
        score: (n_prompts, n_members), in [0, 1].
        cost_usd: Likewise.
        weight: (n_prompts,), summing to 1.
    """
    points = np.stack([weight @ cost_usd, (weight @ score).round(9)], axis=1)  # equal means stay equal
    vertices = hull(points)
    below = np.interp(points[:, 0], vertices[:, 0], vertices[:, 1]) - points[:, 1]
    error = np.sqrt((weight**2) @ (score - points[:, 1]) ** 2)
    kept = {tuple(vertex) for vertex in vertices.tolist()}
    cheap = np.argsort(points[:, 0], kind="stable").tolist()
    on = [at for at in cheap if tuple(points[at].tolist()) in kept]
    return on, [at for at in cheap if at not in on and below[at] <= error[at]]


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("--weigh", nargs="+", default=[], metavar="FAMILY=WEIGHT")
    given = parser.parse_args()
    outcomes = lab_outcomes() if given.data is None else Outcomes.read(given.data)
    weights = {name: float(weight) for name, _, weight in (each.partition("=") for each in given.weigh)}
    Console(width=150).print(*_shown(outcomes, weights), sep="\n")


def _shown(outcomes: Outcomes, weights: dict[str, float]) -> tuple[Table, str]:
    members, matrices = outcomes.models, outcomes.to_matrices()
    score, cost, domains = matrices.score, matrices.cost_usd, np.array(outcomes.domains)
    table = Table("family", "prompts", "best single", "right", "some member", "on the hull (near it)")
    somewhere: set[int] = set()
    best_of_each = np.zeros(len(domains))

    def add(name: str, rows: npt.NDArray[np.bool_], weight: Matrix) -> None:
        on, near = on_hull(score[rows], cost[rows], weight)
        means = weight @ score[rows]
        best = int(means.argmax())
        best_of_each[rows] = score[rows, best]
        oracle = float(weight @ score[rows].max(axis=1))
        names = ", ".join([*(members[at] for at in on), *(f"({members[at]})" for at in near)])
        figures = f"{means[best]:.3f}", f"{oracle:.3f}"
        table.add_row(name, f"{rows.sum():,}", members[best], *figures, names)
        somewhere.update(on)

    for family in sorted(set(domains)):
        rows = domains == family
        add(family, rows, np.full(int(rows.sum()), 1 / rows.sum()))
    table.add_section()
    weight = np.array([weights.get(family, 1.0) for family in domains])
    weight /= weight.sum()
    by_family = float(weight @ best_of_each)
    of_some = len(somewhere)  # before the row of all
    add("all", np.ones(len(domains), bool), weight)
    return table, (
        f"{of_some} of {len(members)} members are on the hull of some family; the best member of each "
        f"is right on {by_family:.3f} of all prompts"
    )


if __name__ == "__main__":
    main()
