"""What the page shows at one glance: money saved, score kept, what reading the prompts adds."""

from __future__ import annotations

import math
from dataclasses import dataclass

from routoo.evaluation.compare.validated import KEPT_SHARES
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import dollars, number, percent
from routoo.evaluation.report.cells import gap_cell
from routoo.evaluation.trial.policy import HULL, ORACLE
from routoo.evaluation.verdict import Verdict


@dataclass(frozen=True)
class Tile:
    """A number to read at one glance, and what it means."""

    value: str
    words: str


def tiles(evaluation: Evaluation) -> list[Tile]:
    """What the verdict rests on: money saved, score kept, and what reading the prompts adds."""
    row, verdict = evaluation.row(evaluation.router), evaluation.verdict()
    gain = row.over_hull
    between = "" if gain is None else f" ({number(gain.low)} to {number(gain.high)})"
    return [
        *_money_tiles(evaluation, verdict),
        Tile(gap_cell(gain).value, f"of score above the {HULL}, over all budgets{between}"),
        Tile(percent(row.closed, 1), f"of the way from there to the {ORACLE}, which knows every outcome"),
    ]


def _money_tiles(evaluation: Evaluation, verdict: Verdict) -> list[Tile]:
    """What the price chosen on validation saves and keeps; in hindsight where none was chosen."""
    best, volume = evaluation.best_single, evaluation.volume
    alone = volume.usd(best.cost_usd)
    if math.isnan(verdict.kept):
        cost = evaluation.row(evaluation.router).cost_at[KEPT_SHARES[0]]
        words = (
            f"saved per {volume}, of {alone} USD, where {percent(KEPT_SHARES[0])} of the score of "
            f"{best.name} is enough; in hindsight"
        )
        return [Tile(f"{volume.usd(best.cost_usd * (1 - cost))} USD", words)]
    setting = evaluation.validated[evaluation.router][0]
    saved, held = setting.saved_usd_range, setting.kept_range
    between = "" if saved is None else f" ({volume.usd(saved.low)} to {volume.usd(saved.high)})"
    kept = "" if held is None else f" ({percent(held.low, 1)} to {percent(held.high, 1)})"
    return [
        Tile(
            f"{volume.usd(setting.saved_usd)} USD",
            f"saved per {volume}{between}, of {alone} USD that {best.name} costs; "
            f"{dollars(verdict.batch_saved_usd)} USD on these {verdict.prompts:,}",
        ),
        Tile(
            percent(verdict.kept, 1),
            f"of its score kept{kept}, for {percent(verdict.cost, 1)} of its cost, at the price that would "
            f"{setting.in_words()} on validation",
        ),
    ]
