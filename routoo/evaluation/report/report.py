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
from routoo.evaluation.compare.validated import KEPT_SHARES, ValidatedSetting
from routoo.evaluation.in_words import dollars, number, percent
from routoo.evaluation.metrics.published import IN_HINDSIGHT
from routoo.evaluation.trial.bootstrap import Interval
from routoo.evaluation.trial.policy import HULL, ORACLE
from routoo.evaluation.verdict import PROMPTS, Verdict

if TYPE_CHECKING:
    from routoo.evaluation.evaluation import Evaluation
    from routoo.evaluation.metrics.metrics import Metrics

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

    from routoo.evaluation.diagnostics.registry import DIAGNOSTICS

    drawn = {found.key: found.chart(evaluation) for found in DIAGNOSTICS}
    charts = {key: spec for key, spec in drawn.items() if spec is not None}
    sections = [
        Section(d.key, d.heading, d.label, d.sentence(evaluation), d.caption(evaluation), d.wide)
        for d in DIAGNOSTICS
        if d.key in charts
    ]
    source = importlib.resources.files("routoo.evaluation.report").joinpath("page.html").read_text("utf-8")
    page = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return page.from_string(source).render(
        e=evaluation,
        verdict=_capital(str(evaluation.verdict())),
        tiles=_tiles(evaluation),
        sections=sections,
        headings=_headings(evaluation),
        compared=COMPARED,
        validated=_validated(evaluation),
        rows=[_row(row, evaluation) for row in evaluation.rows],
        differences=_differences(evaluation),
        measures=_MEASURES,
        in_hindsight=IN_HINDSIGHT,
        published=_published(evaluation),
        facts=_facts(evaluation),
        charts=charts,
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
class Section:
    """A diagnostic on the page."""

    key: str
    heading: str
    label: str
    sentence: str
    caption: str
    wide: bool


@dataclass(frozen=True)
class Tile:
    """A figure to read at one glance, and what it means."""

    value: str
    words: str


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


def _tiles(evaluation: Evaluation) -> list[Tile]:
    """What the verdict rests on: money saved, score kept, and what reading the prompts adds."""
    row, verdict = evaluation.row(evaluation.router), evaluation.verdict()
    gain = row.over_hull
    between = "" if gain is None else f" ({number(gain.low)} to {number(gain.high)})"
    return [
        *_money_tiles(evaluation, verdict),
        Tile(_gap(gain).value, f"of score above the {HULL}, over all budgets{between}"),
        Tile(percent(row.closed, 1), f"of the way from there to the {ORACLE}, which knows every outcome"),
    ]


def _money_tiles(evaluation: Evaluation, verdict: Verdict) -> list[Tile]:
    """What the price chosen on validation saves and keeps; in hindsight where none was chosen."""
    best = evaluation.best_single
    alone = dollars(PROMPTS * best.cost_usd)
    if math.isnan(verdict.kept):
        cost = evaluation.row(evaluation.router).cost_at[KEPT_SHARES[0]]
        saved = PROMPTS * best.cost_usd * (1 - cost)
        words = (
            f"saved on {PROMPTS:,} prompts, of {alone} USD, where {percent(KEPT_SHARES[0])} of the score of "
            f"{best.name} is enough; in hindsight"
        )
        return [Tile(f"{dollars(saved)} USD", words)]
    saved_usd = verdict.saved_usd
    value, between = saved_usd, ""
    if isinstance(saved_usd, Interval):
        value, between = saved_usd.value, f" ({dollars(saved_usd.low)} to {dollars(saved_usd.high)})"
    setting = evaluation.validated[evaluation.router][0]
    held = setting.kept_range
    kept = "" if held is None else f" ({percent(held.low, 1)} to {percent(held.high, 1)})"
    return [
        Tile(
            f"{dollars(value)} USD",
            f"saved on {PROMPTS:,} prompts{between}, of {alone} USD that {best.name} costs; "
            f"{dollars(verdict.batch_saved_usd)} USD on these {verdict.prompts:,}",
        ),
        Tile(
            percent(verdict.kept, 1),
            f"of its score kept{kept}, for {percent(verdict.cost, 1)} of its cost, at the price that would "
            f"{'keep' if setting.keeps else 'spend'} {setting.in_words()} on validation",
        ),
    ]


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _validated(evaluation: Evaluation) -> list[Row]:
    """Rows of what prices chosen on validation keep and cost."""
    return [
        Row(
            f"{name}: {'keep' if found.keeps else 'spend'} {found.in_words()}",
            "router" if name == evaluation.router else "",
            [
                _ranged(found.kept, found.kept_range),
                _saved(found, evaluation),
                _ranged(found.cost, found.cost_range),
                Cell(number(found.hindsight), "of the cost" if found.keeps else "of the score"),
            ],
        )
        for name, settings in evaluation.validated.items()
        for found in settings
    ]


def _saved(setting: ValidatedSetting, evaluation: Evaluation) -> Cell:
    between = setting.saved_usd_range
    saved = dollars(PROMPTS * evaluation.best_single.cost_usd * (1 - setting.cost))
    if between is None:
        return Cell(saved)
    return Cell(saved, f"{dollars(PROMPTS * between.low)} to {dollars(PROMPTS * between.high)}")


def _ranged(value: float, between: Interval | None) -> Cell:
    return Cell(number(value), "" if between is None else _range(between))


def _headings(evaluation: Evaluation) -> list[Heading]:
    row = evaluation.rows[0]
    return [
        *(Heading(heading.format(reference=evaluation.reference)) for heading in _HEADINGS),
        *(Heading(f"acc@{share:g}", hindsight=True) for share in row.score_at),
        *(Heading(f"cost@{share:g}", hindsight=True) for share in row.cost_at),
        *map(Heading, _PLAIN),
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
            [_gap(found.metrics.get(key), less=key in LESS_IS_BETTER) for key in COMPARED],
        )
        for found in evaluation.differences
    ]


def _published(evaluation: Evaluation) -> list[Row]:
    """The rows that choose under the measures of others."""
    kinds = {row.name: row.kind for row in evaluation.rows}
    return [
        Row(
            name,
            "router" if name == evaluation.router else kinds[name],
            [
                Cell(number(value), _range(measures.ranges[key]) if key in measures.ranges else "")
                for key, value in measures.values.items()
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
            f"{dollars(evaluation.spend_usd)} USD if {best.name} answers all {evaluation.n_prompts:,}",
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
