"""The tables of the page: what stands in their rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from routoo.evaluation.compare.differences import COMPARED, LESS_IS_BETTER
from routoo.evaluation.compare.validated import ValidatedSetting
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import number, percent, seconds
from routoo.evaluation.metrics.policy_metrics import PolicyMetrics
from routoo.evaluation.trial.bootstrap import Interval
from routoo.evaluation.volume import Volume

_HEADINGS = ("area", "over hull", "over {reference}", "closed", "apgr")
_PLAIN = ("auc", "brier", "ece")


@dataclass(frozen=True)
class Heading:
    """A heading of the table, and whether its settings are picked in hindsight."""

    name: str
    hindsight: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell of the table: its value, its range where it has one, and whether it is good news."""

    value: str
    range: str = ""
    style: str = ""


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    name: str
    style: str
    cells: list[Cell]


def validated_rows(evaluation: Evaluation) -> list[Row]:
    """Rows of what prices chosen on validation keep and cost."""
    return [
        Row(
            f"{name}: {found.in_words()}",
            "router" if name == evaluation.router else "",
            [
                _saved(found, evaluation.volume),
                _ranged(found.kept, found.kept_range),
                _ranged(found.cost, found.cost_range),
                Cell(number(found.hindsight), "of the cost" if found.keeps else "of the score"),
            ],
        )
        for name, settings in evaluation.validated.items()
        for found in settings
    ]


def _saved(setting: ValidatedSetting, volume: Volume) -> Cell:
    between = setting.saved_usd_range
    saved = volume.usd(setting.saved_usd)
    if between is None:
        return Cell(saved)
    return Cell(saved, f"{volume.usd(between.low)} to {volume.usd(between.high)}")


def _ranged(value: float, between: Interval | None) -> Cell:
    return Cell(number(value), "" if between is None else _range(between))


def cascade_rows(evaluation: Evaluation) -> list[Row]:
    """What cascades do at a few prices."""
    return [
        Row(
            found.in_words(),
            "",
            [
                *(Cell(number(value)) for value in (found.kept, found.cost)),
                Cell(f"{found.calls:.2f}"),
                Cell(", ".join(percent(share) for share in found.settled)),
                Cell(percent(found.wasted)),
                *(Cell(seconds(value)) for value in (found.median_s, found.p95_s)),
                *(Cell(number(value)) for value in (found.ece, found.brier)),
            ],
        )
        for found in (() if evaluation.cascades is None else evaluation.cascades.settings)
    ]


def headings(evaluation: Evaluation) -> list[Heading]:
    """What stands above the cells of `metric_row`."""
    row = evaluation.rows[0]
    return [
        *(Heading(heading.format(reference=evaluation.reference)) for heading in _HEADINGS),
        *(Heading(f"acc@{share:g}", hindsight=True) for share in row.score_at),
        *(Heading(f"cost@{share:g}", hindsight=True) for share in row.cost_at),
        *map(Heading, _PLAIN),
    ]


def metric_row(row: PolicyMetrics, evaluation: Evaluation) -> Row:
    """All metrics of a row, differences in area first."""
    plain = [
        row.closed, row.apgr, *row.score_at.values(), *row.cost_at.values(), row.auc, row.brier, row.ece,
    ]  # fmt: skip
    low_high = row.area_interval
    cells = [
        Cell(number(row.area), _range(low_high) if low_high else ""),
        gap_cell(row.over_hull),
        gap_cell(row.over_reference),
        *(Cell(number(value)) for value in plain),
    ]
    return Row(row.name, "router" if row.name == evaluation.router else row.kind, cells)


def difference_rows(evaluation: Evaluation) -> list[Row]:
    """The router less each other row, metric by metric."""
    return [
        Row(
            found.other,
            "",
            [gap_cell(found.metrics.get(key), less=key in LESS_IS_BETTER) for key in COMPARED],
        )
        for found in evaluation.differences
    ]


def published_rows(evaluation: Evaluation) -> list[Row]:
    """The rows that choose under the metrics of others."""
    kinds = {row.name: row.kind for row in evaluation.rows}
    return [
        Row(
            name,
            "router" if name == evaluation.router else kinds[name],
            [
                Cell(number(value), _range(found.ranges[key]) if key in found.ranges else "")
                for key, value in found.values.items()
            ],
        )
        for name, found in evaluation.published.items()
    ]


def gap_cell(gap: Interval | None, *, less: bool = False) -> Cell:
    """A difference with its range; `less` where less is better."""
    if gap is None:
        return Cell(number(math.nan))
    sign = "+" if gap.value >= 0 else ""
    style = ("up" if (gap.value > 0) != less else "down") if gap.excludes_zero else ""
    return Cell(sign + number(gap.value), _range(gap), style)


def _range(gap: Interval) -> str:
    return f"{number(gap.low)} to {number(gap.high)}"
