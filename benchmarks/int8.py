"""How many choices the int8 graph of a bundle changes on test prompts.

    python benchmarks/int8.py FOLDER --bundle BUNDLE [--prompts 600] [--seed 0]

The float32 graph of the bundle stands for the network that an export is checked against, and both graphs
read the same prompts one at a time, from the text alone. A choice is of the best score less price times
cost; a price is the score that a model must gain where it costs the mean distance of the models' costs more.
`lost` is what the changed choices cost a prompt on average, in score less price times cost.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from routoo.data.cores import usable_cores
from routoo.data.outcomes import Outcomes
from routoo.evaluation.in_words import number
from routoo.export.bundle import Bundle
from routoo.export.layout import LAYOUT
from routoo.export.parity import Agreement, Matrix, compare
from routoo.export.runtime import Runtime
from routoo.export.session import open_graph

_WIDTH = 120  # of the table, be it a terminal or a file


def drawn(judged: Outcomes, n_prompts: int, seed: int) -> list[str]:
    """So many of the prompts, or all where they are fewer."""
    places = np.random.default_rng(seed).permutation(len(judged))[:n_prompts]
    return [judged.texts[at] for at in np.sort(places)]


def agreement(bundle: Bundle, prompts: list[str]) -> Agreement:
    """How near the int8 graph is to the float32 one on these prompts."""
    description = bundle.description
    encoded = Runtime(bundle, int8=True).tokenizer.encode(prompts)  # refuses a bundle without int8, in words
    ratio = np.array(description.input_token_ratio)
    in_float, in_int8 = (
        open_graph(bundle.content(name), threads=usable_cores()) for name in (LAYOUT.graph, LAYOUT.int8_graph)
    )

    def cost_of(input_tokens: Matrix, output_tokens: Matrix) -> Matrix:
        return description.pool.cost_usd(input_tokens * ratio, output_tokens)

    # the report has two places for graphs; the int8 one takes the first, since there is no other to compare
    return compare(in_float, in_int8, None, encoded=encoded, cost_of=cost_of).fp32


def table(found: Agreement) -> Table:
    """A row a price."""
    shown = Table("price", "choices changed", "lost")
    for price, changed in found.choices_changed.items():
        shown.add_row(price, f"{changed:.2%}", f"{found.value_lost[price]:.1e}")
    return shown


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--bundle", type=Path, required=True, help="one that was exported with int8")
    parser.add_argument("--prompts", type=int, default=600, help="test prompts, drawn by the seed")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    if chosen.prompts < 1:
        parser.error(f"--prompts must be at least 1, got {chosen.prompts}")
    bundle = Bundle.open(chosen.bundle)
    outcomes = Outcomes.read(chosen.data).with_split(keep=bundle.split())
    judged = outcomes.part("test")
    prompts = drawn(judged, chosen.prompts, chosen.seed)
    found = agreement(bundle, prompts)
    which = f"{len(prompts):,} of {len(judged):,} test prompts, drawn by seed {chosen.seed}"
    console = Console(width=_WIDTH)
    console.print(f"{outcomes.name}, {which}; {chosen.bundle}")
    console.print(table(found))
    console.print(f"p_correct is off by {number(found.p_mean)} on average, by {number(found.p_max)} at most")


if __name__ == "__main__":
    main()
