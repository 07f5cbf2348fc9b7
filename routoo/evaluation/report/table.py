"""An evaluation as a table for a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from routoo.evaluation.compare.cascades import Cascades
from routoo.evaluation.compare.differences import LESS_IS_BETTER
from routoo.evaluation.compare.validated import ValidatedSetting
from routoo.evaluation.in_words import UNDEFINED, dollars, number, seconds
from routoo.evaluation.metrics.policy_metrics import HINDSIGHT, PolicyMetrics
from routoo.evaluation.trial.bootstrap import Interval
from routoo.evaluation.volume import Volume

if TYPE_CHECKING:
    from routoo.evaluation.evaluation import Evaluation


Column = tuple[str, Callable[[PolicyMetrics], float]]

QUALITY: tuple[Column, ...] = (
    ("closed", lambda row: row.closed),
    ("acc@0.5", lambda row: row.score_at[0.5]),
    ("cost@0.95", lambda row: row.cost_at[0.95]),
    ("cost@1", lambda row: row.cost_at[1.0]),
)
"""What choices cost and achieve."""

PREDICTION: tuple[Column, ...] = (
    ("apgr", lambda row: row.apgr),
    ("auc", lambda row: row.auc),
    ("brier", lambda row: row.brier),
    ("ece", lambda row: row.ece),
)
"""The way to the best model's score, by cost under the hull (RouteLLM's own metric, by share of calls, is
`APGR_BY_CALLS`); how well predictions rank, and how far they can be taken at their word."""

DIFFERENCES = ("area", "hull@0.5", "cost@0.95", "brier")
"""Metrics whose differences to every row are shown: ``hull@x`` is the score at exactly x of the cost."""

_WIDE = 114  # columns of a terminal that hold everything side by side


@dataclass(frozen=True, eq=False)
class EvaluationTable:
    """The rows of an evaluation for a terminal: one table where there is room, else two.

    The router's row is bold; a difference is coloured where its range excludes zero.
    """

    evaluation: Evaluation

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What rich prints."""
        yield Text(_title(self.evaluation))
        if options.max_width >= _WIDE:
            yield self._table(QUALITY + PREDICTION, with_area=True)
        else:
            yield self._table(QUALITY, with_area=True)
            yield self._table(PREDICTION, with_area=False)
        if self.evaluation.differences:
            yield self._differences()
        if self.evaluation.validated:
            yield self._validated()
        if self.evaluation.cascades is not None:
            yield _cascades(self.evaluation.cascades)
        yield Text("\n".join(_caption(self.evaluation)), style="dim")

    def _table(self, columns: tuple[Column, ...], *, with_area: bool) -> Table:
        """A table of these columns; the one without areas leaves out rows that predict nothing."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        headings = [*(("area", "over hull") if with_area else ()), *(name for name, _ in columns)]
        table.add_column("", min_width=16)
        for heading in headings:
            if heading.startswith(("acc@", "cost@")):
                heading = f"hindsight\n{heading}"
            table.add_column(heading, justify="right", no_wrap=True)
        for row in self.evaluation.rows:
            if not with_area and math.isnan(row.brier):
                continue
            area = (number(row.area), _difference(row.over_hull)) if with_area else ()
            style = "bold" if row.name == self.evaluation.router else "dim" if row.kind == "oracle" else ""
            table.add_row(row.name, *area, *(number(value(row)) for _, value in columns), style=style)
        return table

    def _differences(self) -> Table:
        """What the router has above every other row: over all budgets, at equal cost, at equal score."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column(f"{self.evaluation.router} less", min_width=16)
        for key in DIFFERENCES:
            table.add_column(key, justify="right", no_wrap=True)
        for found in self.evaluation.differences:
            gaps = [_difference(found.metrics.get(key), less=key in LESS_IS_BETTER) for key in DIFFERENCES]
            table.add_row(found.other, *gaps)
        return table

    def _validated(self) -> Table:
        """What prices that were chosen on validation keep and cost here."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("price chosen on\nvalidation to", no_wrap=True)
        volume = self.evaluation.volume
        for heading in (f"USD saved per\n{volume}", "score kept", "cost", "in hindsight"):
            table.add_column(heading, justify="right", no_wrap=True)
        for name, settings in self.evaluation.validated.items():
            style = "bold" if name == self.evaluation.router else ""
            table.add_row(name, style=style)
            for found in settings:
                table.add_row(
                    f"  {found.in_words()}",
                    _saved(found, volume),
                    _measured(found.kept, found.kept_range),
                    number(found.cost),
                    f"{number(found.hindsight)} {'cost' if found.keeps else 'kept'}",
                    style=style,
                )
        return table


def _cascades(cascades: Cascades) -> Table:
    """What cascades do at a few prices that were picked on the judged prompts."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("price of cascades,\nin hindsight, to", no_wrap=True)
    depths = ", ".join(map(str, range(1, cascades.max_calls + 1)))
    headings = (
        "score\nkept",
        "cost",
        "calls",
        f"% settled\nby {depths}",
        "% paid\nin vain",
        "s, half\nand 95 %",
    )
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for found in cascades.settings:
        table.add_row(
            found.in_words(),
            number(found.kept),
            number(found.cost),
            f"{found.calls:.2f}",
            ", ".join(f"{100 * share:.0f}" for share in found.settled),
            f"{100 * found.wasted:.0f}",
            f"{seconds(found.median_s)}, {seconds(found.p95_s)}",
        )
    return table


def _saved(setting: ValidatedSetting, volume: Volume) -> Text:
    """What is saved of what the best single model costs, with half the width of its range."""
    saved = volume.usd(setting.saved_usd)
    between = setting.saved_usd_range
    if between is None:
        return Text(saved)
    return Text.assemble(saved, (f" ±{volume.usd((between.high - between.low) / 2)}", "dim"))


def _measured(value: float, between: Interval | None) -> Text:
    """A metric with half the width of its range."""
    if between is None:
        return Text(number(value))
    return Text.assemble(number(value), (f" ±{number((between.high - between.low) / 2)}", "dim"))


def _difference(gap: Interval | None, *, less: bool = False) -> Text:
    """A difference with half the width of its range; `less` where less is better."""
    if gap is None:
        return Text(UNDEFINED)
    sign = "+" if gap.value >= 0 else ""
    colour = ("green" if (gap.value > 0) != less else "red") if gap.excludes_zero else ""
    return Text.assemble((sign + number(gap.value), colour), (f" ±{number((gap.high - gap.low) / 2)}", "dim"))


def _title(evaluation: Evaluation) -> str:
    kind = "simulated" if evaluation.simulated else "recorded"
    prompts = "prompt" if evaluation.n_prompts == 1 else "prompts"
    best, volume = evaluation.best_single, evaluation.volume
    return (
        f"{evaluation.data}: {evaluation.n_prompts:,} {kind} {prompts} ({evaluation.part} part), "
        f"{len(evaluation.models)} models; cost 1 is {best.name}: {volume.usd(best.cost_usd)} USD per "
        f"{volume}, {dollars(evaluation.spend_usd)} USD for all"
    )


def _caption(evaluation: Evaluation) -> list[str]:
    ranges = f"±: 95 % of {evaluation.samples:,} resamples of the prompts, seed {evaluation.seed}"
    domains, attributes = evaluation.domains_in_words(), evaluation.attributes_in_words()
    return [
        *([ranges] if evaluation.samples else []),
        *_of_settings(evaluation),
        "a budget holds for predicted cost; the report says what batches cost in truth",
        "apgr: by cost, under the hull (not RouteLLM's, by share of calls)",
        *([f"domains: {domains}"] if domains else []),
        *([f"attributes: {attributes}"] if attributes else []),
        *evaluation.notes,
    ]


def _of_settings(evaluation: Evaluation) -> list[str]:
    """Which metrics are of settings picked in hindsight, and which not."""
    said = [f"{', '.join(HINDSIGHT)}: settings picked in hindsight, on these very prompts"]
    if not evaluation.validated:
        return [*said, "no setting was chosen on validation: what these showed there is not known"]
    others = [row.name for row in evaluation.rows if row.name not in evaluation.validated]
    return [*said, f"settings in hindsight alone: {', '.join(others)}"] if others else said
