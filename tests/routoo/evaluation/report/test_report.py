"""The page: whole without a network, true to the table, and readable whatever the data."""

import importlib.util
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from routoo.data.errors import InputError, MissingExtraError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.data.scores import Scores
from routoo.evaluation.diagnostics.registry import DIAGNOSTICS
from routoo.evaluation.evaluate import evaluate
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.in_words import number, percent
from routoo.evaluation.metrics.registry import IN_HINDSIGHT
from routoo.evaluation.metrics.robustness import Robustness
from routoo.evaluation.metrics.spend_errors import SpendError
from routoo.evaluation.metrics.usage_errors import ALL_MODELS, UsageError
from routoo.evaluation.report.report import render_report, write_report
from routoo.evaluation.trial.bootstrap import Interval

MODELS = ("big", "mid", "tiny <b>")


def evaluation_of(
    n: int = 60,
    models: tuple[str, ...] = MODELS,
    *,
    name: str = "made up",
    samples: int = 30,
    score: float | None = None,
    cost: float | None = None,
) -> Evaluation:
    """Random outcomes in which the first model is best and dearest."""
    random = np.random.default_rng(0)
    ids = [f"q{i:03d}" for i in range(n)]
    domains = [("law", "medicine")[i % 2] for i in range(n)]
    prompts = pl.DataFrame({"prompt_id": ids, "prompt": ["?"] * n, "domain": domains, "split": ["test"] * n})
    rank = np.arange(len(models))
    scores = (random.random((n, len(models))) < 0.9 - 0.2 * rank).astype(float)
    frame = pl.DataFrame(
        {
            "prompt_id": np.repeat(ids, len(models)),
            "model": list(models) * n,
            "score": scores.ravel() if score is None else score,
            "cost_usd": np.tile(10.0 ** -(rank + 2), n) if cost is None else cost,
        }
    )
    p = np.clip(0.5 * scores + 0.5 * random.random(scores.shape), 0, 1).astype(np.float32)
    expected = np.tile(10.0 ** -(rank + 2), (n, 1)).astype(np.float32)
    predictions = Scores(p, expected, models=models, logit_std=np.full_like(p, 0.3))
    pool = Pool(tuple(PoolModel(name=model, usd_per_1m_input=1, usd_per_1m_output=1) for model in models))
    return evaluate(
        Outcomes(prompts, frame, name),
        {"router": predictions, "other & co": predictions},
        pool=pool,
        samples=samples,
        provenance={"command": "routoo evaluate <folder>"},
    )


def findings(evaluation: Evaluation) -> dict[str, str]:
    """The sentence of each diagnostic, by its key."""
    return {diagnostic.key: diagnostic.sentence(evaluation) for diagnostic in DIAGNOSTICS}


def specs_of(page: str) -> dict[str, dict[str, Any]]:  # Any: a JSON document
    found = re.search(r'<script type="application/json" id="specs">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    specs: dict[str, dict[str, Any]] = json.loads(found.group(1))
    return specs


@pytest.fixture(scope="module")
def page() -> str:
    return render_report(evaluation_of())


def test_the_page_is_written_whole(tmp_path: Path) -> None:
    evaluation = evaluation_of()
    path = write_report(evaluation, tmp_path / "report.html")
    assert path.read_text(encoding="utf-8") == render_report(evaluation)
    assert list(tmp_path.iterdir()) == [path]


def test_the_page_needs_no_network(page: str) -> None:
    markup = re.sub(r"<script>.*?</script>", "<script></script>", page, flags=re.DOTALL)
    assert not re.findall(r"(?:src|href)=|@import|url\(", markup)
    assert not re.findall(r'"url":', json.dumps(specs_of(page)))


def test_every_row_and_figure_is_in_the_table() -> None:
    evaluation = evaluation_of()
    table = unescape(render_report(evaluation)).split("<tbody>")[1].split("</tbody>")[0]
    for row in evaluation.rows:
        assert f">{row.name}<" in table
        for value in (row.area, row.closed, row.ece, row.score_at[1.0]):
            if not np.isnan(value):
                assert f">{value:.4f}<".replace(">0.", ">.").replace(">-0.", ">-.") in table


def test_the_page_says_what_it_was_made_from(page: str) -> None:
    text = unescape(page).replace("\N{NO-BREAK SPACE}", " ")
    for words in (
        evaluation_of().headline(),
        str(evaluation_of().verdict())[1:],
        "made up · test part · 60 prompts · 3 models",
        "recorded outcomes",
        "60 test; judged on test",
        "routoo evaluate <folder>",
        "30 resamples of the prompts, seed 0",
    ):
        assert words in text


def test_names_are_text_and_never_markup(page: str) -> None:
    assert "tiny <b>" not in page
    assert "tiny &lt;b&gt;" in page
    assert "tiny \\u003cb\\u003e" in page


def test_simulated_outcomes_are_called_so() -> None:
    simulated = render_report(evaluation_of(name="simulated sample"))
    assert '<span class="badge">simulated outcomes</span>' in simulated
    assert "On simulated outcomes" in simulated
    assert '<span class="badge">' not in render_report(evaluation_of())


def test_every_colour_of_the_pictures_is_one_of_the_page_in_light_and_dark(page: str) -> None:
    used = set(re.findall(r"var\((--[a-z0-9-]+)\)", json.dumps(specs_of(page))))
    light, dark = (
        set(re.findall(r"(--[a-z0-9-]+):", block)) for block in page.split("@media (prefers", 2)[:2]
    )
    assert used
    assert used <= light
    assert used <= dark


def test_pictures_show_what_was_measured(page: str) -> None:
    specs = specs_of(page)
    assert set(specs) == {
        "curve", "differences", "equal_cost", "reliability", "shares", "models", "needless", "deferral",
        "by_model", "by_domain",
    }  # fmt: skip
    evaluation = evaluation_of()
    data = {name: [row for rows in spec["datasets"].values() for row in rows] for name, spec in specs.items()}
    drawn = {row["row"] for row in data["curve"] if "row" in row}
    assert drawn == {row.name for row in evaluation.rows if row.kind not in ("single", "oracle")}
    assert {row["model"] for row in data["curve"] if "model" in row} == set(MODELS)
    dearest = max(row["cost"] for row in data["curve"] if row.get("row") == "router")
    assert dearest == pytest.approx(1000 * evaluation.best_single.cost_usd)
    gap = evaluation.over("hull of single models").metrics["area"]
    drawn_gap = {"row": "hull of single models", "value": gap.value, "low": gap.low, "high": gap.high}
    assert drawn_gap in data["differences"]
    at_full = evaluation.over("hull of single models").metrics["hull@1"]
    assert next(row["value"] for row in data["equal_cost"] if row.get("share") == percent(1)) == at_full.value
    by_cost: dict[float, float] = {}
    for row in (row for row in data["shares"] if "model" in row):
        by_cost[row["cost"]] = by_cost.get(row["cost"], 0) + row["share"]
    assert list(by_cost.values()) == pytest.approx([1.0] * len(by_cost))


def test_pointing_at_a_budget_shows_the_share_of_every_model(page: str) -> None:
    areas, strips = specs_of(page)["shares"]["layer"]
    names = areas["encoding"]["color"]["scale"]["domain"]
    cost, *shares = strips["encoding"]["tooltip"]
    assert cost["field"] == "cost"
    assert [tooltip["title"] for tooltip in shares] == names


def test_no_line_touches_the_end_of_its_axis() -> None:
    specs = specs_of(render_report(evaluation_of(60)))
    for name in ("models", "needless"):
        drawn = max(row["y"] for rows in specs[name]["datasets"].values() for row in rows)
        assert specs[name]["layer"][0]["encoding"]["y"]["scale"]["domain"][1] > drawn


def test_names_of_models_give_way_in_a_narrow_picture() -> None:
    layers = specs_of(render_report(evaluation_of(60)))["curve"]["layer"]
    names = [layer["mark"] for layer in layers if layer["mark"]["type"] == "text"]
    assert names
    assert all(mark["opacity"] == {"expr": "width < 480 ? 0 : 1"} for mark in names)


def test_coverage_is_drawn_where_groups_are_large_enough() -> None:
    evaluation = evaluation_of(150, samples=0)
    spec = specs_of(render_report(evaluation))["coverage"]
    held = [row["held"] for rows in spec["datasets"].values() for row in rows if row.get("kind") is not None]
    assert held[: len(evaluation.coverage)] == [found.held for found in evaluation.coverage]
    at_90 = next(found for found in evaluation.coverage if found.level == 0.9)
    assert findings(evaluation)["coverage"] == (
        f"{percent(0.9)} intervals hold the mean score of {percent(at_90.held)} of the groups"
    )
    assert findings(evaluation_of(samples=0))["coverage"] == ""


def test_who_observes_the_domains_and_what_is_mixed_is_said() -> None:
    page = render_report(evaluation_of(60))
    assert "router infers them from the text" in page
    assert "of score above the hull of single models" in page
    assert "at random" not in findings(evaluation_of(60))["curve"]


def test_an_error_of_calibration_is_an_error_of_bins() -> None:
    evaluation = evaluation_of(150, samples=0)
    bins = evaluation.reliability[evaluation.router]
    assert findings(evaluation)["reliability"] == (
        f"Predictions are off by {number(bins.ece)} on average over 15 bins of them"
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: evaluation_of(1),
        lambda: evaluation_of(20, ("only",)),
        lambda: evaluation_of(20, score=0.0),
        lambda: evaluation_of(20, score=1.0),
        lambda: evaluation_of(20, cost=0.0),
        lambda: evaluation_of(20, samples=0),
        lambda: evaluation_of(40, tuple(f"m{j:02d}" for j in range(12))),
    ],
    ids=["one prompt", "one model", "all wrong", "all right", "all free", "no resamples", "many models"],
)
def test_pictures_can_be_drawn_of_anything(make: Callable[[], Evaluation]) -> None:
    import vl_convert

    specs = specs_of(render_report(make()))
    for spec in specs.values():
        assert "NaN" not in json.dumps(spec)
        svg = vl_convert.vegalite_to_svg(spec)
        assert svg.startswith("<svg")
        assert "NaN" not in svg


def test_every_picture_has_a_place_and_every_place_a_picture(page: str) -> None:
    places = set(re.findall(r'class="chart" id="(\w+)"', page))
    assert places == set(specs_of(page))


def test_the_headlines_say_what_is_seen() -> None:
    evaluation = replace(
        evaluation_of(),
        robustness=(Robustness("typos", 1.0, 0.25, 1.1, 0.02, 40), Robustness("suffix", 1, 0.1, 1, 0.01, 40)),
        usage=(
            UsageError(
                quantity="output_tokens", model=ALL_MODELS, count=9, error=math.log(1.5),
                mean_error=math.log(2), gain=None, correlation=0.5, total=1.0,
            ),
        ),
    )  # fmt: skip
    seen = findings(evaluation)
    assert seen["flips"] == "Harmless changes move 25.0\N{NO-BREAK SPACE}% of the choices at most: typos"
    assert seen["tokens"] == "Output tokens are off by a factor of 1.50; each model's mean is off by 2.00"
    page = unescape(render_report(evaluation))
    for name in specs_of(page):
        assert f"<h2>{seen[name]}</h2>" in page
    area = evaluation.over("hull of single models").metrics["area"]
    words = "ahead of" if area.low > 0 else "behind" if area.high < 0 else "too close to call"
    assert words in seen["differences"]
    calm = replace(evaluation, robustness=(Robustness("typos", 1.0, 0.001, 1.0, 0.0, 40),))
    assert findings(calm)["flips"] == "No harmless change moves a choice in two hundred"


def test_spend_is_drawn_where_costs_are_not_known_before(page: str) -> None:
    assert "spend" not in specs_of(page)
    evaluation = evaluation_of()
    off = SpendError(share=0.5, predicted_usd=2.0, recorded_usd=2.5, excess=Interval(0.25, 0.1, 0.4))
    guessed = replace(evaluation.spending, spend=replace(evaluation.spending.spend, errors=(off,)))
    drawn = render_report(replace(evaluation, spending=guessed))
    rows = [row for rows in specs_of(drawn)["spend"]["datasets"].values() for row in rows]
    (found,) = [row for row in rows if row.get("costs") == "predicted call by call"]
    assert (found["share"], found["off"], found["low"], found["high"]) == (percent(0.5), 0.25, 0.1, 0.4)
    assert "A batch costs within 25.0\N{NO-BREAK SPACE}% of what was expected" in unescape(drawn)


def test_robustness_is_drawn_where_it_was_asked(page: str) -> None:
    asked = replace(evaluation_of(), robustness=(Robustness("typos", 1.0, 0.25, 1.1, 0.02, 40),))
    flips = specs_of(render_report(asked))["flips"]
    assert [row["flips"] for rows in flips["datasets"].values() for row in rows] == [0.25]
    assert "flips" not in specs_of(page)


def test_the_measures_of_others_are_in_their_table(page: str) -> None:
    table = page.split("Under the metrics of others")[1].split("</table>")[0]
    router = evaluation_of().published["router"]
    for value in router.values.values():
        assert f">{number(value)}<" in table
    for key in IN_HINDSIGHT:
        assert (
            f"<small>{number(router.ranges[key].low)} to {number(router.ranges[key].high)}</small>" in table
        )
    headings = table.split("</thead>")[0]
    assert headings.count("best setting in hindsight") == len(IN_HINDSIGHT)
    assert headings.count('scope="col"') == 1 + len(router.values)
    assert "APGR by share of calls" in headings


def test_the_collapse_index_is_in_words_beside_its_picture(page: str) -> None:
    share = percent(evaluation_of().published["router"]["collapse"])
    assert f"When money is no object, {share} of the calls go to big" in unescape(page)


def test_models_called_little_are_drawn_as_one() -> None:
    evaluation = evaluation_of(40, tuple(f"m{j:02d}" for j in range(12)))
    rows = [
        row for rows in specs_of(render_report(evaluation))["shares"]["datasets"].values() for row in rows
    ]
    drawn = {row["model"] for row in rows if "model" in row}
    assert len(drawn) <= 9
    assert "other models" in drawn


def test_a_missing_folder_and_a_missing_extra_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation = evaluation_of()
    with pytest.raises(InputError, match="there is no folder"):
        write_report(evaluation, tmp_path / "nowhere" / "report.html")
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "altair" else there(name))
    with pytest.raises(MissingExtraError, match=r"needs altair: run pip install 'routoo\[report\]'"):
        write_report(evaluation, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_the_reference_names_its_column() -> None:
    evaluation = evaluation_of()
    assert ">over router</th>" in render_report(evaluation)
    assert ">over other &amp; co</th>" in render_report(replace(evaluation, reference="other & co"))
