"""An evaluation as one HTML page that needs no network: pictures first, every metric below."""

from __future__ import annotations

import functools
import importlib.resources
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from routoo.data.errors import InputError, MissingExtraError
from routoo.data.storage.files import write_atomically
from routoo.evaluation.compare.differences import COMPARED
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import dollars
from routoo.evaluation.metrics.registry import METRICS
from routoo.evaluation.report.cells import (
    cascade_rows,
    difference_rows,
    headings,
    metric_row,
    published_rows,
    validated_rows,
)
from routoo.evaluation.report.tiles import tiles

_NEEDED = ("altair", "jinja2", "vl_convert")


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
        verdict=_for_page(str(evaluation.verdict())),
        headline=_for_page(evaluation.headline()),
        tiles=tiles(evaluation),
        sections=sections,
        headings=headings(evaluation),
        compared=COMPARED,
        validated=validated_rows(evaluation),
        cascades=cascade_rows(evaluation),
        rows=[metric_row(row, evaluation) for row in evaluation.rows],
        differences=difference_rows(evaluation),
        metrics=METRICS,
        published=published_rows(evaluation),
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


def _for_page(sentence: str) -> str:
    """A sentence with a capital, none of whose shares stands on two lines."""
    return (sentence[0].upper() + sentence[1:]).replace(" %", "\N{NO-BREAK SPACE}%")


def _facts(evaluation: Evaluation) -> list[tuple[str, str]]:
    """What the metrics were computed from, label by label."""
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
