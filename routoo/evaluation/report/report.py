"""An evaluation as one HTML page that needs no network: pictures first, every figure below."""

from __future__ import annotations

import functools
import importlib.resources
import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from routoo.data.errors import InputError, MissingExtraError
from routoo.data.storage.files import write_atomically
from routoo.evaluation.compare.differences import COMPARED, LESS_IS_BETTER
from routoo.evaluation.compare.validated import KEPT_SHARES
from routoo.evaluation.diagnostics.findings import findings
from routoo.evaluation.in_words import number, percent, signed
from routoo.evaluation.metrics.published import IN_HINDSIGHT

if TYPE_CHECKING:
    from routoo.evaluation.evaluation import Evaluation
    from routoo.evaluation.metrics.metrics import Metrics
    from routoo.evaluation.trial.bootstrap import Interval

_NEEDED = ("altair", "jinja2", "vl_convert")
_HEADINGS = ("area", "over hull", "over {reference}", "closed", "apgr")
_PLAIN = ("auc", "brier", "ece")
_MEASURES = {
    "aiq": "AIQ",
    "perf_gain": "PerfGain",
    "cost_save": "CostSave",
    "pareto_dist": "ParetoDist",
    "arena": "arena",
    "apgr_by_calls": "APGR by share of calls",
    "cpt_50": "CPT 50 %",
    "cpt_80": "CPT 80 %",
    "effective_models": "models",
    "collapse": "collapse",
}


def write_report(evaluation: Evaluation, path: str | Path) -> Path:
    """The path of a self-contained page about an evaluation, written in one step.

    The page holds its own scripts and pictures: any browser opens it without a network, in light or dark.

    Args:
        evaluation: What `routoo.evaluate` gives.
        path: Where to write the page; its folder must exist.

    Raises:
        MissingExtraError: Extra `report` is not installed.
        InputError: The folder of `path` is missing.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it first")
    write_atomically(path, render_report(evaluation).encode())
    return path


def render_report(evaluation: Evaluation) -> str:
    """The page itself; see `write_report`.

    Raises:
        MissingExtraError: Extra `report` is not installed.
    """
    require_report()
    import jinja2

    from routoo.evaluation.diagnostics import charts, comparisons, how, usage_charts

    pictures = {
        "curve": charts.cost_quality(evaluation),
        "differences": comparisons.differences(evaluation),
        "equal_cost": comparisons.equal_cost(evaluation),
        "shares": charts.shares_along_budget(evaluation),
        "models": how.models_along_budget(evaluation),
        "needless": how.needless_along_budget(evaluation),
        "deferral": how.deferral_curves(evaluation),
        "reliability": how.reliability_diagram(evaluation),
        "coverage": how.coverage(evaluation),
        "by_model": how.calibration_of(evaluation, "model"),
        "by_domain": how.calibration_of(evaluation, "domain"),
        "flips": how.flips(evaluation),
        "spend": usage_charts.spend(evaluation),
        "tokens": usage_charts.usage_errors(evaluation, "output_tokens"),
        "latency": usage_charts.usage_errors(evaluation, "latency_s"),
    }
    source = importlib.resources.files("routoo.evaluation.report").joinpath("page.html").read_text("utf-8")
    page = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return page.from_string(source).render(
        e=evaluation,
        tiles=_tiles(evaluation),
        seen=findings(evaluation),
        by_mean=_by_mean(evaluation),
        collapse=percent(evaluation.published[evaluation.router].collapse),
        dearer=sum(model.cost_usd > evaluation.best_single.cost_usd for model in evaluation.singles),
        headings=_headings(evaluation),
        compared=COMPARED,
        validated=_validated(evaluation),
        rows=[_row(row, evaluation) for row in evaluation.rows],
        differences=_differences(evaluation),
        measures=_MEASURES,
        in_hindsight=IN_HINDSIGHT,
        published=_published(evaluation),
        facts=_facts(evaluation),
        charts={name: spec for name, spec in pictures.items() if spec is not None},
        vega=_vega(),
    )


@functools.cache
def _vega() -> str:
    """The scripts that draw the pictures, of the version that altair writes for."""
    from altair import SCHEMA_VERSION
    from vl_convert import javascript_bundle

    return javascript_bundle("window.vegaEmbed = vegaEmbed;", ".".join(SCHEMA_VERSION.split(".")[:2]))


def require_report() -> None:
    """Refuses a report before any work is done for it, where it could not be drawn.

    Raises:
        MissingExtraError: Extra `report` is not installed.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"an HTML report needs {', '.join(missing)}: run pip install 'routoo[report]', "
            "or ask for the table or --json alone"
        )


@dataclass(frozen=True)
class Tile:
    """A figure to read at one glance, and what it means."""

    value: str
    words: str


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


def _tiles(evaluation: Evaluation) -> list[Tile]:
    """What the headline leaves out: the cost of a score, the gain in area, the way to the ceiling."""
    row = evaluation.row(evaluation.router)
    gain = row.over_hull
    between = "" if gain is None else f" ({number(gain.low)} to {number(gain.high)})"
    return [
        *(_price_tile(evaluation, share) for share in KEPT_SHARES),
        Tile(
            _gap(gain).value, f"of score above the best mixture of single models, over all budgets{between}"
        ),
        Tile(percent(row.closed, 1), "of the way from the best mixture of single models to the oracle"),
    ]


def _price_tile(evaluation: Evaluation, share: float) -> Tile:
    """What keeping a share of the best single model's score costs, if known by validation's price."""
    name, setting = evaluation.best_single.name, evaluation.setting(f"keep@{share:g}")
    if setting is None:
        cost = percent(evaluation.row(evaluation.router).cost_at[share], 1)
        return Tile(cost, f"of what {name} costs buys {percent(share)} of its score, in hindsight")
    return Tile(
        percent(setting.cost, 1),
        f"of what {name} costs buys {percent(setting.kept, 1)} of its score, at the price that kept "
        f"{percent(share)} on validation; in hindsight {percent(setting.hindsight, 1)} buys {percent(share)}",
    )


def _validated(evaluation: Evaluation) -> list[Row]:
    """Rows of what prices chosen on validation keep and cost."""
    return [
        Row(
            f"{name}: {'keep' if found.keeps else 'spend'} {found.in_words()}",
            "router" if name == evaluation.router else "",
            [
                _ranged(found.kept, found.kept_range),
                _ranged(found.cost, found.cost_range),
                Cell(number(found.hindsight), "of the cost" if found.keeps else "of the score"),
            ],
        )
        for name, settings in evaluation.validated.items()
        for found in settings
    ]


def _ranged(value: float, between: Interval | None) -> Cell:
    return Cell(number(value), "" if between is None else _range(between))


def _headings(evaluation: Evaluation) -> list[str]:
    row = evaluation.rows[0]
    return [
        *(heading.format(reference=evaluation.reference) for heading in _HEADINGS),
        *(f"acc@{share:g} in hindsight" for share in row.score_at),
        *(f"cost@{share:g} in hindsight" for share in row.cost_at),
        *_PLAIN,
    ]


def _row(row: Metrics, evaluation: Evaluation) -> Row:
    plain = [
        row.closed, row.apgr, *row.score_at.values(), *row.cost_at.values(), row.auc, row.brier, row.ece,
    ]  # fmt: skip
    low_high = row.area_interval
    cells = [
        Cell(number(row.area), _range(low_high) if low_high else ""),
        _gap(row.over_hull),
        _gap(row.over_reference),
        *(Cell(number(value)) for value in plain),
    ]
    return Row(row.name, "router" if row.name == evaluation.router else row.kind, cells)


def _differences(evaluation: Evaluation) -> list[Row]:
    """The router less each other row, figure by figure."""
    return [
        Row(
            found.other,
            "",
            [_gap(found.figures.get(key), less=key in LESS_IS_BETTER) for key in COMPARED],
        )
        for found in evaluation.differences
    ]


def _by_mean(evaluation: Evaluation) -> str:
    """What predicting costs call by call is worth, in words."""
    found = evaluation.spending.difference
    if found is None or "area" not in found.figures:
        return ""
    gap = found.figures["area"]
    sure = "" if gap.excludes_zero else ", which may be chance"
    return (
        f"Choosing by costs predicted call by call, and not by each model's mean, changes the area by "
        f"{signed(gap)}{sure}."
    )


def _published(evaluation: Evaluation) -> list[Row]:
    """The rows that choose under the measures of others."""
    kinds = {row.name: row.kind for row in evaluation.rows}
    return [
        Row(
            name,
            "router" if name == evaluation.router else kinds[name],
            [
                Cell(number(value), _range(measures.ranges[key]) if key in measures.ranges else "")
                for key, value in measures.figures.items()
            ],
        )
        for name, measures in evaluation.published.items()
    ]


def _gap(gap: Interval | None, *, less: bool = False) -> Cell:
    """A difference with its range; `less` where less is better."""
    if gap is None:
        return Cell(number(math.nan))
    sign = "+" if gap.value >= 0 else ""
    style = ("up" if (gap.value > 0) != less else "down") if gap.excludes_zero else ""
    return Cell(sign + number(gap.value), _range(gap), style)


def _range(gap: Interval) -> str:
    return f"{number(gap.low)} to {number(gap.high)}"


def _facts(evaluation: Evaluation) -> list[tuple[str, str]]:
    """What the figures were made from, label by label."""
    kind = "simulated" if evaluation.simulated else "recorded"
    parts = ", ".join(f"{count:,} {part}" for part, count in evaluation.split.items() if count)
    best = evaluation.best_single
    facts = [
        ("data", f"{evaluation.data}, {kind} outcomes"),
        ("split", f"{parts}; judged on {evaluation.part}"),
        ("models", f"{len(evaluation.models)}: {', '.join(evaluation.models)}"),
        (
            "spend",
            f"{evaluation.spend_usd:,.4g} USD if {best.name} answers all {evaluation.n_prompts:,} prompts",
        ),
    ]
    if domains := evaluation.domains_in_words():
        facts.append(("domains", domains))
    if attributes := evaluation.attributes_in_words():
        facts.append(("attributes", attributes))
    if evaluation.samples:
        facts.append(
            ("ranges", f"95 % of {evaluation.samples:,} resamples of the prompts, seed {evaluation.seed}")
        )
    return [*facts, *evaluation.provenance.items(), *(("note", note) for note in evaluation.notes)]
