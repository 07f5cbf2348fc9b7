"""What an evaluation shows of cascades: two pictures, a table on the page and one in the terminal."""

from __future__ import annotations

import io
import json
import re
from html import unescape
from typing import Any

import pytest
from answered import Answered
from rich.console import Console

from routoo.evaluation.diagnostics import cascade_curve, cascade_depth
from routoo.evaluation.diagnostics.diagnostic import Diagnostic
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import number
from routoo.evaluation.report.report import render_report
from routoo.evaluation.report.table import EvaluationTable
from routoo.evaluation.trial.policy import CASCADE, HULL, ORACLE


def rows_of(spec: object) -> list[dict[str, Any]]:  # Any: texts and numbers
    assert isinstance(spec, dict)
    return [row for rows in spec["datasets"].values() for row in rows]


def test_one_picture_holds_router_cascades_hull_and_oracle(with_cascades: Evaluation) -> None:
    spec = cascade_curve.DIAGNOSTIC.chart(with_cascades)
    drawn = [row for row in rows_of(spec) if "row" in row]
    assert {str(row["row"]) for row in drawn} == {HULL, "router", CASCADE, ORACLE}
    top = {name: max(row["y"] for row in drawn if row["row"] == name) for name in ("router", CASCADE, ORACLE)}
    assert top["router"] < top[CASCADE] < top[ORACLE]
    assert '"type": "log"' in json.dumps(spec)
    assert "For the same money, cascades score +." in cascade_curve.DIAGNOSTIC.sentence(with_cascades)


def test_depths_add_up_at_every_budget(with_cascades: Evaluation) -> None:
    shares: dict[float, float] = {}
    for row in rows_of(cascade_depth.DIAGNOSTIC.chart(with_cascades)):
        if "rank" in row:
            shares[row["cost"]] = shares.get(row["cost"], 0) + row["share"]
    assert list(shares.values()) == pytest.approx([1.0] * len(shares))
    caption = cascade_depth.DIAGNOSTIC.caption(with_cascades)
    assert "of the money goes to answers that are not given; half of the prompts take up to " in caption


@pytest.mark.parametrize("diagnostic", [cascade_curve.DIAGNOSTIC, cascade_depth.DIAGNOSTIC])
def test_pictures_can_be_drawn(with_cascades: Evaluation, diagnostic: Diagnostic) -> None:
    import vl_convert

    spec = diagnostic.chart(with_cascades)
    assert spec is not None
    svg = vl_convert.vegalite_to_svg(spec)
    assert svg.startswith("<svg")
    assert "NaN" not in svg


def test_the_page_has_places_colours_and_a_table_for_them(with_cascades: Evaluation) -> None:
    page = render_report(with_cascades)
    assert {"cascade", "depths"} <= set(re.findall(r'class="chart" id="(\w+)"', page))
    assert page.count("--cascade: #") == 2  # in light and dark
    table = unescape(page.split("What cascades do</summary>")[1].split("</table>")[0])
    assert with_cascades.cascades is not None
    for setting in with_cascades.cascades.settings:
        assert setting.in_words() in table
        assert f">{number(setting.ece)}<" in table


def test_nothing_is_shown_where_there_are_none(answered: Answered) -> None:
    alone = answered.evaluation(max_calls=1, samples=0)
    assert cascade_curve.DIAGNOSTIC.chart(alone) is None
    assert cascade_depth.DIAGNOSTIC.chart(alone) is None
    assert "What cascades do" not in render_report(alone)


def test_the_terminal_shows_them_within_eighty_columns(with_cascades: Evaluation) -> None:
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(EvaluationTable(with_cascades))
    text = console.export_text()
    table = text.split("price of cascades")[1].split("±:")[0]
    assert "…" not in table
    assert with_cascades.cascades is not None
    for setting in with_cascades.cascades.settings:
        assert setting.in_words() in table
        assert f"{setting.calls:.2f}" in table
