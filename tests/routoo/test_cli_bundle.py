"""What is done with a bundle: export, predict, select, assign, evaluate."""

import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import Result

from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.export.manifest import sealed
from routoo.router import Router

Routoo = Callable[..., Result]

READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    "parquet": pl.read_parquet,
    "csv": pl.read_csv,
    "jsonl": pl.read_ndjson,
}
THREE = "Name a river.\n\nWrite a function that sorts.\n2 + 2?\n"


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.txt"
    path.write_text(THREE)
    return path


def test_export_reports_parity(routoo: Routoo, predictor_folder: Path, tmp_path: Path) -> None:
    result = routoo("export", predictor_folder, tmp_path / "b", "--no-int8", "--json", "-q")
    found = json.loads(result.stdout)
    assert found["parity"]["int8"] is None
    assert found["parity"]["fp32"]["p_max"] <= found["parity"]["tolerance"]["fp32_max"]
    assert not (tmp_path / "b" / "model.int8.onnx").exists()
    assert result.stderr == ""


def test_export_shows_both_graphs(routoo: Routoo, predictor_folder: Path, tmp_path: Path) -> None:
    result = routoo("export", predictor_folder, tmp_path / "b")
    assert "float32" in result.stdout
    assert "int8" in result.stdout
    assert f"routoo select {tmp_path}/b" in result.stdout
    assert routoo("select", tmp_path / "b", "Name a river.").exit_code == 0


def test_export_needs_a_predictor(routoo: Routoo, tmp_path: Path) -> None:
    result = routoo("export", tmp_path / "none", tmp_path / "b")
    assert result.exit_code == 2
    assert "none" in result.stderr


def test_predict_shows_each_model(routoo: Routoo, bundle_folder: Path, prompts: Path) -> None:
    result = routoo("predict", bundle_folder, prompts)
    assert "simulated-large" in result.stdout
    assert "means over 3 prompts" in result.stdout
    assert result.stderr == f"{prompts}: 1 blank line passed over\n"


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_predict_writes_a_row_a_prompt_and_model(
    routoo: Routoo, bundle_folder: Path, prompts: Path, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"out.{ending}"
    result = routoo("predict", bundle_folder, prompts, "-o", path, "--json", "-q")
    assert json.loads(result.stdout)["written"] == str(path)
    frame = READERS[ending](path)
    assert len(frame) == 3 * 6
    assert frame["prompt_id"].cast(pl.String).unique(maintain_order=True).to_list() == ["1", "3", "4"]
    assert frame["p_correct"].is_between(0, 1).all()


def test_predict_says_what_the_router_says(routoo: Routoo, bundle_folder: Path) -> None:
    result = routoo("predict", bundle_folder, "-", "--json", stdin=THREE)
    rows = json.loads(result.stdout)["predictions"]
    scores = Router.from_pretrained(bundle_folder).predict([line for line in THREE.split("\n") if line])
    np.testing.assert_allclose([row["p_correct"] for row in rows], scores.p_correct.ravel(), rtol=1e-6)


def test_predict_takes_other_prices(
    routoo: Routoo, bundle_folder: Path, prompts: Path, simulated_models: Pool, tmp_path: Path
) -> None:
    simulated_models.select(["simulated-small", "simulated-tiny"]).write(tmp_path / "pool.toml")
    result = routoo("predict", bundle_folder, prompts, "--pool", tmp_path / "pool.toml", "--json")
    assert json.loads(result.stdout)["models"] == ["simulated-small", "simulated-tiny"]


def test_select_prints_the_name_alone(routoo: Routoo, bundle_folder: Path) -> None:
    result = routoo("select", bundle_folder, "Name a river.")
    choice = Router.from_pretrained(bundle_folder).select("Name a river.")
    assert result.stdout == f"{choice.model}\n"
    assert f"predicted score {choice.p_correct:.3f}" in result.stderr
    assert routoo("select", bundle_folder, "Name a river.", "-q").stderr == ""


def test_select_says_what_is_expected_and_what_it_chose_by(routoo: Routoo, bundle_folder: Path) -> None:
    sure = ("--confidence", "0.9")
    choice = Router.from_pretrained(bundle_folder).select("Name a river.", confidence=0.9)
    found = json.loads(routoo("select", bundle_folder, "Name a river.", *sure, "--json").stdout)
    assert found["cautious_p_correct"] == pytest.approx(choice.cautious_p_correct)
    assert found["p_correct"] > found["cautious_p_correct"]
    said = routoo("select", bundle_folder, "Name a river.", *sure).stderr
    low = f"(above {choice.cautious_p_correct:.3f} with confidence 0.9)"
    assert said.startswith(f"predicted score {choice.p_correct:.3f} {low}, cost ")


def test_select_reads_all_of_standard_input(routoo: Routoo, bundle_folder: Path) -> None:
    text = "Sort this:\n\n3\n1"
    found = json.loads(routoo("select", bundle_folder, "-", "--json", stdin=text + "\n").stdout)
    assert found["p_correct"] == pytest.approx(Router.from_pretrained(bundle_folder).select(text).p_correct)


def test_select_trades_off_as_validation_did_unless_told(routoo: Routoo, bundle_folder: Path) -> None:
    record = Router.from_pretrained(bundle_folder).validation
    assert record is not None
    kept = record.price_keeping(0.95)
    found = routoo("select", bundle_folder, "Hi", "--json")
    assert json.loads(found.stdout)["price"] == kept == Router.from_pretrained(bundle_folder).default_price
    assert "kept 95 % of the best model's score on validation" in routoo("select", bundle_folder, "Hi").stderr
    capped = json.loads(routoo("select", bundle_folder, "Hi", "--max-cost-usd", "1", "--json").stdout)
    assert capped["price"] == 0.0


def test_select_keeps_limits(routoo: Routoo, bundle_folder: Path) -> None:
    allowed = ["--models", "simulated-tiny, simulated-small"]
    assert routoo("select", bundle_folder, "Hi", *allowed).stdout in ("simulated-tiny\n", "simulated-small\n")
    assert routoo("select", bundle_folder, "Hi", "--price", "1e9").stdout == "simulated-tiny\n"
    dear = json.loads(routoo("select", bundle_folder, "Hi", "--price", "0", "--json").stdout)
    assert dear["p_correct"] == Router.from_pretrained(bundle_folder).predict(["Hi"]).p_correct.max()
    cheap = json.loads(routoo("select", bundle_folder, "Hi", "--max-cost-usd", "0.0001", "--json").stdout)
    assert cheap["cost_usd"] <= 0.0001


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["Hi", "--max-cost-usd", "0"], 3, "max_cost_usd 0: the least that would do is"),
        (["Hi", "--max-latency-s", "1e-9"], 3, "max_latency_s"),
        (["Hi", "--models", "gpt"], 2, "unknown model 'gpt'; the pool has simulated-tiny"),
        (["Hi", "--price", "nan"], 2, "price"),
        ([" \n"], 2, "prompt is empty"),
    ],
)
def test_what_cannot_be_selected_is_said(
    routoo: Routoo, bundle_folder: Path, arguments: list[str], code: int, words: str
) -> None:
    result = routoo("select", bundle_folder, *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr


@pytest.mark.parametrize("solver", ["auto", "greedy", "dual", "exact"])
def test_assign_keeps_the_budget(
    routoo: Routoo, bundle_folder: Path, data_folder: Path, tmp_path: Path, solver: str
) -> None:
    command = ("assign", bundle_folder, data_folder / "prompts.parquet", "--solver", solver)
    result = routoo(*command, "--budget-usd", "0.1", "-o", tmp_path / "plan.parquet", "--json")
    found = json.loads(result.stdout)
    plan = pl.read_parquet(tmp_path / "plan.parquet")
    assert found["prompts"] == len(plan) == 200
    assert plan["cost_usd"].sum() == pytest.approx(found["cost_usd"], rel=1e-5)
    assert found["cost_usd"] <= 0.1
    assert found["gap"] < 0.01


def test_assign_shows_shares_and_the_price(routoo: Routoo, bundle_folder: Path, data_folder: Path) -> None:
    shown = routoo("assign", bundle_folder, data_folder / "prompts.parquet", "--budget-usd", "0.1").stdout
    assert "200 prompts: predicted score" in shown
    assert "price of the budget" in shown
    assert "simulated-" in shown


def test_assign_reads_standard_input(routoo: Routoo, bundle_folder: Path) -> None:
    result = routoo("assign", bundle_folder, "-", "--budget-usd", "1", "--json", stdin='{"prompt": "Hi"}')
    assert [row["prompt_id"] for row in json.loads(result.stdout)["assignment"]] == ["1"]


def test_a_limit_that_no_model_keeps_is_a_document_too(routoo: Routoo, bundle_folder: Path) -> None:
    result = routoo("select", bundle_folder, "Hi", "--max-cost-usd", "1e-12", "--json", "-q")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["status"]) == (3, "infeasible")
    assert found["reason"] in result.stderr


def test_a_budget_that_is_too_little_names_the_least(
    routoo: Routoo, bundle_folder: Path, prompts: Path
) -> None:
    result = routoo("assign", bundle_folder, prompts, "--budget-usd", "1e-9", "--json", "-q")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["status"]) == (3, "infeasible")
    assert found["reason"] in result.stderr
    enough = str(found["least_budget_usd"] * 1.001)
    assert routoo("assign", bundle_folder, prompts, "--budget-usd", enough).exit_code == 0


@pytest.mark.parametrize("budget", ["nan", "-1"])
def test_a_budget_that_is_no_amount_is_refused(
    routoo: Routoo, bundle_folder: Path, prompts: Path, budget: str
) -> None:
    result = routoo("assign", bundle_folder, prompts, "--budget-usd", budget)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "budget_usd" in result.stderr


def test_evaluate_holds_the_bundle_against_everything(
    routoo: Routoo, bundle_folder: Path, data_folder: Path, tmp_path: Path
) -> None:
    files = ("--report", tmp_path / "r.html", "--predictions", tmp_path / "p.parquet")
    result = routoo("evaluate", bundle_folder, data_folder, *files, "--samples", "50", "--json")
    found = json.loads(result.stdout)
    assert [row["name"] for row in found["rows"]] == [
        "best single model", "random mixing", "hull of single models",
        "routoo", "domain table", "k nearest neighbours", "cascade", "oracle",
    ]  # fmt: skip
    assert (found["part"], found["n_prompts"], found["simulated"]) == ("test", 37, True)
    assert found["provenance"]["bundle"] == str(bundle_folder)
    assert "<html" in (tmp_path / "r.html").read_text()
    assert len(pl.read_parquet(tmp_path / "p.parquet")) == 37 * 6


def test_evaluate_records_whether_domains_were_told(
    routoo: Routoo, bundle_folder: Path, data_folder: Path
) -> None:
    few = ("--samples", "0", "--robustness", "0")
    told = json.loads(
        routoo("evaluate", bundle_folder, data_folder, *few, "--observed-domains", "--json").stdout
    )
    assert told["observed_domains"] is True
    shown = routoo("evaluate", bundle_folder, data_folder, *few).stdout
    assert "domains: routoo infers them from the text; the domain table is given the true domains" in shown


def test_domains_that_nobody_learned_are_noted(
    routoo: Routoo, bundle_folder: Path, simulated: Outcomes, tmp_path: Path
) -> None:
    chess = pl.when(pl.col("domain") == "logic").then(pl.lit("chess")).otherwise(pl.col("domain"))
    other = Outcomes(simulated.prompts.with_columns(chess.alias("domain")), simulated.outcomes)
    assert "chess" in (other.part("test").domains or [])
    other.write(tmp_path / "other")
    few = ("--samples", "0", "--robustness", "0", "--observed-domains")
    shown = routoo("evaluate", bundle_folder, tmp_path / "other", *few).stdout
    assert "domains that were not learned are inferred from the text: 'chess'" in shown


def test_neighbours_read_by_another_encoder_where_the_routers_own_is_not_at_hand(
    routoo: Routoo, bundle_folder: Path, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routoo.models.encoder.encoder.MINILM", "tiny")
    moved = Path(shutil.copytree(bundle_folder, tmp_path / "moved"))
    record = json.loads((moved / "router.json").read_text())
    record["trained_on"]["encoder"] = "somewhere-else"
    (moved / "router.json").write_bytes(sealed(record))
    few = ("--samples", "0", "--robustness", "0")
    shown = routoo("evaluate", moved, data_folder, *few).stdout
    assert (
        "The nearest neighbours are by tiny: the router's own encoder, somewhere-else, is not at hand"
        in shown
    )
    assert "not at hand" not in routoo("evaluate", moved, data_folder, *few, "--encoder", "tiny").stdout
    refused = routoo("evaluate", moved, data_folder, *few, "--encoder", "nowhere-at-all")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "encoder 'nowhere-at-all' was not found" in refused.stderr


def test_a_router_without_domains_is_told_none(
    routoo: Routoo, bundle_folder: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Router, "domains", ())
    result = routoo("evaluate", bundle_folder, data_folder, "--observed-domains")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "this router learned no domains" in result.stderr


def test_a_domain_that_was_not_learned_is_remarked_on(routoo: Routoo, bundle_folder: Path) -> None:
    known = Router.from_pretrained(bundle_folder).domains
    remark = f"inferred from the text: 'nosuch'; learned: {', '.join(map(repr, known))}"
    assert remark in routoo("select", bundle_folder, "Hi", "--domain", "nosuch").stderr
    assert "inferred" not in routoo("select", bundle_folder, "Hi", "--domain", known[0]).stderr
    line = '{"prompt": "Hi", "domain": "nosuch"}'
    for rest in (["predict"], ["assign", "--budget-usd", "1"]):
        result = routoo(rest[0], bundle_folder, "-", *rest[1:], stdin=line)
        assert remark in result.stderr
        assert result.exit_code == 0


def test_evaluate_says_how_often_choices_flip(routoo: Routoo, bundle_folder: Path, data_folder: Path) -> None:
    few = ("evaluate", bundle_folder, data_folder, "--samples", "0", "--robustness")
    kinds = json.loads(routoo(*few, 5, "--json").stdout)["robustness"]
    worst = max(kinds, key=lambda kind: kind["flips"])
    (line,) = [line for line in routoo(*few, 5).stdout.splitlines() if "armless change" in line]
    assert line.endswith(f"(5 prompts, {len(kinds)} kinds of change).")
    assert worst["flips"] < 0.005 or f"{100 * worst['flips']:.1f}\N{NO-BREAK SPACE}% of the choices" in line
    assert "armless change" not in routoo(*few, 0).stdout


def test_evaluate_shows_a_table(routoo: Routoo, bundle_folder: Path, data_folder: Path) -> None:
    shown = routoo("evaluate", bundle_folder, data_folder, "--part", "val", "--samples", "0").stdout
    assert "50 simulated prompts (val part)" in shown
    assert "On simulated outcomes" in shown
    assert "oracle" in shown


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--part", "tests"], "--part must be one of train, val, test, got 'tests'"),
        (["--report", "r.pdf"], "ends in .html"),
        (["--predictions", "nowhere/p.parquet"], "there is no folder nowhere"),
        (["--samples", "-3"], "--samples"),
    ],
)
def test_what_cannot_be_evaluated_is_said(
    routoo: Routoo, bundle_folder: Path, data_folder: Path, options: list[str], words: str
) -> None:
    result = routoo("evaluate", bundle_folder, data_folder, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


@pytest.mark.parametrize("verb", ["predict", "select"])
def test_an_altered_bundle_is_refused(routoo: Routoo, bundle_folder: Path, tmp_path: Path, verb: str) -> None:
    altered = Path(shutil.copytree(bundle_folder, tmp_path / "altered"))
    with (altered / "model.onnx").open("ab") as file:
        file.write(b"x")
    result = routoo(verb, altered, "-", stdin="Hi")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "model.onnx was altered" in result.stderr


@pytest.mark.parametrize(
    ("stdin", "words"),
    [
        (b"", "expected at least one prompt"),
        (b"a\n\xff", "not UTF-8 in line 2"),
        (b'{"text": "a"}', "lacks prompt"),
    ],
)
def test_bad_prompts_are_named(routoo: Routoo, bundle_folder: Path, stdin: bytes, words: str) -> None:
    for arguments in (("predict", bundle_folder, "-"), ("assign", bundle_folder, "-", "--budget-usd", "1")):
        result = routoo(*arguments, stdin=stdin)
        assert (result.exit_code, result.stdout) == (2, "")
        assert words in result.stderr


def test_a_table_of_another_kind_is_refused_before_any_work(
    routoo: Routoo, bundle_folder: Path, tmp_path: Path
) -> None:
    result = routoo("predict", bundle_folder, "-", "-o", tmp_path / "p.xlsx", stdin="Hi")
    assert result.exit_code == 2
    assert "ends in .parquet, .csv, .jsonl" in result.stderr


@pytest.mark.parametrize(
    ("package", "arguments", "words"),
    [
        ("torch", ["evaluate", "{bundle}", "{data}"], "nearest neighbours of an evaluation needs torch"),
        (
            "altair",
            ["evaluate", "{bundle}", "{data}", "--report", "{out}.html"],
            "an HTML report needs altair",
        ),
        ("torch", ["train", "{data}", "-o", "{out}"], "training needs torch: pip install 'routoo[train]'"),
        ("lightning", ["export", "{bundle}", "{out}"], "needs lightning"),
        ("transformers", ["demo", "{out}"], "training needs transformers"),
    ],
)
def test_an_extra_that_is_missing_is_named_before_any_work(
    routoo: Routoo,
    bundle_folder: Path,
    data_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    arguments: list[str],
    words: str,
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *rest: None if name == package else find(name, *rest)
    )
    monkeypatch.setattr(Router, "predict", None)  # to call it would fail
    paths = {"bundle": bundle_folder, "data": data_folder, "out": tmp_path / "out"}
    result = routoo(*(argument.format(**paths) for argument in arguments), "-q")
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert not list(tmp_path.iterdir())
