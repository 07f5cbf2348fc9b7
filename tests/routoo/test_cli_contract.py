"""`routoo contract`, and those who serve by its file: `select`, `assign`, `answer` and its cascades."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from simulated.outcomes import simulated_outcomes
from typer.testing import CliRunner, Result

import routoo as package
from routoo.cli import app
from routoo.data.outcomes import Outcomes
from routoo.policies.contracts.contract import Contract
from routoo.predictor import Predictor

Routoo = Callable[..., Result]

LARGE = "simulated-large"
TEXT = "Name a river."


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prompts that no predictor has learned from, with scores and what each model answered."""
    found = simulated_outcomes(900, seed=9)
    said = found.outcomes.with_columns(response=pl.col("model") + " says " + pl.col("prompt_id"))
    folder = tmp_path_factory.mktemp("fresh") / "fresh"
    Outcomes(found.prompts, said).write(folder)
    return folder


@pytest.fixture(scope="module")
def made(bundle_folder: Path, fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a contract from the command line, that promises spend too."""
    path = tmp_path_factory.mktemp("made") / "contract.json"
    words = ["contract", bundle_folder, fresh, "--share", 0.8, "--confidence", 0.9, "--reference", LARGE]
    words += ["--spend-usd", 0.02, "--prompt-usd", 0.5, "-o", path]
    result = CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "a mean spend of at most 0.02 USD" in result.stderr
    return path


@pytest.fixture
def agreed(made: Path, tmp_path: Path) -> Path:
    """A copy of it, which a test may change."""
    return Path(shutil.copy(made, tmp_path / "contract.json"))


@pytest.fixture
def prompts(fresh: Path, tmp_path: Path) -> Path:
    found = Outcomes.read(fresh).prompts.select("prompt_id", "prompt").head(12)
    found.write_parquet(tmp_path / "prompts.parquet")
    return tmp_path / "prompts.parquet"


def test_all_who_serve_by_its_file_choose_alike(
    routoo: Routoo, bundle_folder: Path, fresh: Path, agreed: Path, prompts: Path, tmp_path: Path
) -> None:
    contract = Contract.read(agreed)
    router = package.Router.from_pretrained(bundle_folder)
    asked = pl.read_parquet(prompts)
    expected = [router.select(text, price=contract.price).model for text in asked["prompt"]]
    by_it = ("--contract", agreed)
    words = f"at {contract.price:.4g} score per USD, the price of {agreed}"
    plan = routoo("assign", bundle_folder, prompts, *by_it, "-o", tmp_path / "plan.parquet")
    assert words in plan.stdout
    assert pl.read_parquet(tmp_path / "plan.parquet")["model"].to_list() == expected
    for cascade in ([], ["--cascade"]):
        out = tmp_path / f"answers{len(cascade)}.parquet"
        came = routoo("answer", bundle_folder, prompts, *by_it, *cascade, "--answers", fresh, "-o", out)
        assert words in came.stdout
        assert pl.read_parquet(out)["model"].to_list() == expected
        one = routoo("answer", bundle_folder, asked["prompt"][0], *by_it, *cascade, "--answers", fresh)
        assert one.stdout == f"{expected[0]} says {asked['prompt_id'][0]}\n"
        assert words in one.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("assign BUNDLE PROMPTS --budget-usd 1", "leave out --budget-usd, or the contract"),
        ("assign BUNDLE PROMPTS --solver exact --tag a", "leave out --tag, --solver, or the contract"),
        ("assign BUNDLE PROMPTS --frontier f.csv", "leave out --frontier, or the contract"),
        (
            "assign BUNDLE PROMPTS --max-requests simulated-tiny=4",
            "leave out --max-requests, or the contract",
        ),
        ("select BUNDLE text --price 0 --domain code", "leave out --price, --domain, or the contract"),
        ("answer BUNDLE PROMPTS --budget-usd 1 --json", "leave out --budget-usd, or the contract"),
        ("answer BUNDLE PROMPTS --price 1 --json", "leave out --price, or the contract"),
        ("answer BUNDLE text --max-cost-usd 1", "leave out --max-cost-usd, or the contract"),
        ("answer BUNDLE text --cascade --models simulated-large", "leave out --models, or the contract"),
        ("answer BUNDLE text --cascade --max-calls 2", "leave out --max-calls, or the contract"),
        ("answer BUNDLE PROMPTS --cascade --budget-usd 1 --json", "leave out --budget-usd, or the contract"),
    ],
)
def test_nothing_else_is_asked_beside_it(
    routoo: Routoo, bundle_folder: Path, fresh: Path, agreed: Path, prompts: Path, command: str, words: str
) -> None:
    places = {"BUNDLE": bundle_folder, "PROMPTS": prompts}
    line = [places.get(word, word) for word in command.split()]
    answers = ["--answers", fresh] if line[0] == "answer" else []
    result = routoo(*line, "--contract", agreed, *answers)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())


def test_columns_beside_the_text_are_not_read_and_tags_are_refused(
    routoo: Routoo, bundle_folder: Path, agreed: Path, prompts: Path, tmp_path: Path
) -> None:
    asked = pl.read_parquet(prompts)
    asked.with_columns(domain=pl.lit("code")).write_parquet(tmp_path / "more.parquet")
    plain = json.loads(routoo("assign", bundle_folder, prompts, "--contract", agreed, "--json").stdout)
    result = routoo("assign", bundle_folder, tmp_path / "more.parquet", "--contract", agreed, "--json")
    assert "domain not read, since a contract is of the text alone" in result.stderr
    assert json.loads(result.stdout)["assignment"] == plain["assignment"]
    asked.with_columns(required_tags=pl.lit("tools")).write_parquet(tmp_path / "more.parquet")
    result = routoo("assign", bundle_folder, tmp_path / "more.parquet", "--contract", agreed)
    assert "has required_tags, and a contract holds for choices at its price alone" in result.stderr


def test_an_alarm_in_its_file_is_heeded_from_the_next_call_on(
    routoo: Routoo, bundle_folder: Path, fresh: Path, agreed: Path, prompts: Path, tmp_path: Path
) -> None:
    """One router serves, a watch sees worse outcomes and writes; that router, another, and every command
    then go to the reference, and say so once."""
    serving = package.Router.from_pretrained(bundle_folder)
    text = next(
        text for text in Outcomes.read(fresh).texts if serving.select(text, contract=agreed).model != LARGE
    )
    watch = package.ContractWatch(Contract.read(agreed))
    for _ in range(300):
        assert serving.select(text, contract=agreed).lapsed is None
        if watch.observe(score=0.0, reference_score=1.0, cost_usd=0.001):
            watch.contract.write(agreed)
            break
    assert watch.alarm
    for router in (serving, package.Router.from_pretrained(bundle_folder)):
        with pytest.warns(UserWarning, match="the contract has lapsed") as told:
            choice = router.select(text, contract=agreed)
        assert (choice.model, choice.lapsed, len(told)) == (LARGE, watch.contract.lapsed, 1)
    words = f"{agreed} has lapsed: {watch.contract.lapsed}; {LARGE}, its reference, answers everything"
    answers, out = ["--answers", fresh], ["-o", tmp_path / "out.parquet"]
    with warnings.catch_warnings(action="error"):
        for line in (
            ["select", bundle_folder, text],
            ["assign", bundle_folder, prompts],
            ["answer", bundle_folder, text, *answers],
            ["answer", bundle_folder, text, "--cascade", *answers],
            ["answer", bundle_folder, prompts, *answers, *out],
            ["answer", bundle_folder, prompts, "--cascade", *answers, *out],
        ):
            result = routoo(*line, "--contract", agreed)
            assert result.exit_code == 0
            assert (result.stdout + result.stderr).count(words) == 1
            if out[1] not in line:
                document = json.loads(routoo(*line, "--contract", agreed, "--json").stdout)
                assert document["lapsed"] == watch.contract.lapsed
    assert pl.read_parquet(tmp_path / "out.parquet")["model"].unique().to_list() == [LARGE]


def test_other_prices_and_another_bundle_let_it_lapse(
    routoo: Routoo, bundle_folder: Path, tiny_predictor: Predictor, agreed: Path, tmp_path: Path
) -> None:
    pool = tiny_predictor.pool
    dear = [replace(model, usd_per_1m_input=9.0) for model in pool.models]
    package.Pool(tuple(dear)).write(tmp_path / "dear.toml")
    result = routoo("select", bundle_folder, TEXT, "--contract", agreed, "--pool", tmp_path / "dear.toml")
    assert (result.stdout, "prices of the pool have changed" in result.stderr) == (f"{LARGE}\n", True)
    tiny_predictor.export(tmp_path / "other", int8=False)
    result = routoo("select", tmp_path / "other", TEXT, "--contract", agreed)
    assert (result.stdout, "the bundle is another one" in result.stderr) == (f"{LARGE}\n", True)
