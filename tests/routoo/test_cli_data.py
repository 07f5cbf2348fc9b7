"""Looking at outcomes, converting them, splitting them, and the lab's record."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from typer.testing import Result

from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.export.bundle import Bundle, write_files
from routoo.export.layout import LAYOUT
from routoo.lab.members import lab_pool
from routoo.lab.shipped import lab_outcomes

Routoo = Callable[..., Result]

TIDY = "prompt,model,score\nName a river.,a,1\nName a river.,b,0\n2 + 2?,a,1\n"


@pytest.fixture
def tidy(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(TIDY)
    return path


def test_inspect_shows_models_domains_and_split(routoo: Routoo, data_folder: Path) -> None:
    shown = routoo("data", "inspect", data_folder).stdout
    assert "200 prompts, 6 models" in shown
    assert "simulated outcomes" in shown
    for word in ("simulated-large", "coverage", "domains: ", "split: train 113, val 50, test 37; 0 prompts"):
        assert word in shown


def test_inspect_leaves_out_what_was_never_recorded(routoo: Routoo, tidy: Path) -> None:
    shown = routoo("data", "inspect", tidy).stdout
    assert "mine: 2 prompts, 2 models, 3 recorded outcomes" in shown
    assert "domains: none recorded" in shown
    assert "split: none" in shown
    assert "USD" not in shown


def test_inspect_prints_one_json_document(routoo: Routoo, tidy: Path) -> None:
    found = json.loads(routoo("data", "inspect", tidy, "--json").stdout)
    assert (found["data"], found["prompts"], found["split"], found["simulated"]) == ("mine", 2, {}, False)
    assert [model["name"] for model in found["models"]] == ["a", "b"]


def test_convert_writes_what_reads_back(routoo: Routoo, tidy: Path, tmp_path: Path) -> None:
    result = routoo("data", "convert", tidy, tmp_path / "out")
    assert (result.exit_code, result.stdout.split("\n")[0]) == (
        0,
        f"{tmp_path}/out: 2 prompts, 3 recorded outcomes",
    )
    assert Outcomes.read(tmp_path / "out").models == ("a", "b")


def test_convert_takes_the_pool_along(routoo: Routoo, tidy: Path, tmp_path: Path) -> None:
    prices = "[[model]]\nname = 'a'\nusd_per_1m_input = 1\nusd_per_1m_output = 2\n"
    (tmp_path / "pool.toml").write_text(prices)
    for _ in range(2):  # a folder that it wrote may be written again
        assert ", with pool.toml" in routoo("data", "convert", tidy, tmp_path / "out").stdout
    assert Pool.read(tmp_path / "out" / "pool.toml").names == ("a",)


def test_convert_leaves_other_files_alone(routoo: Routoo, tidy: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "diary.txt").write_text("dear")
    result = routoo("data", "convert", tidy, tmp_path / "out")
    assert result.exit_code == 2
    assert "diary.txt" in result.stderr
    assert (tmp_path / "out" / "diary.txt").read_text() == "dear"


def test_split_is_as_asked_for(routoo: Routoo, data_folder: Path, tmp_path: Path) -> None:
    shares = ["--val", "0.25", "--test", "0.25"]
    found = json.loads(
        routoo("data", "split", data_folder, tmp_path / "a", "--again", *shares, "--json").stdout
    )
    assert found["split"] == pytest.approx({"train": 100, "val": 50, "test": 50}, abs=15)
    assert found["straddling"] == 0
    routoo("data", "split", data_folder, tmp_path / "b", "--again", *shares)
    routoo("data", "split", data_folder, tmp_path / "c", "--again", "--seed", "1", *shares)
    a, b, c = (pl.read_parquet(tmp_path / name / "prompts.parquet")["split"].to_list() for name in "abc")
    assert a == b
    assert a != c


def test_a_split_that_is_there_is_not_replaced_unasked(
    routoo: Routoo, data_folder: Path, tmp_path: Path
) -> None:
    result = routoo("data", "split", data_folder, tmp_path / "out")
    assert result.exit_code == 2
    assert "--again" in result.stderr
    assert not (tmp_path / "out").exists()


def test_shares_that_leave_nothing_to_train_on_are_refused(
    routoo: Routoo, tidy: Path, tmp_path: Path
) -> None:
    result = routoo("data", "split", tidy, tmp_path / "out", "--val", "0.5", "--test", "0.5")
    assert result.exit_code == 2
    assert "val=0.5, test=0.5" in result.stderr


def test_the_sample_is_the_labs_record_with_its_pool_and_a_split(routoo: Routoo, tmp_path: Path) -> None:
    shown = routoo("data", "sample", tmp_path / "s", "--prompts", "60", "--seed", "3").stdout
    assert "60 prompts" in shown
    assert "recorded outcomes, with pool.toml" in shown
    written, record = Outcomes.read(tmp_path / "s"), lab_outcomes(60)
    assert written.prompts.equals(record.with_split(seed=3).prompts)
    assert written.outcomes.equals(record.outcomes)
    pool = Pool.read(tmp_path / "s" / "pool.toml")
    assert set(pool.names) == set(record.models)
    assert [(model.usd_per_1m_output, model.call) for model in pool.models] == [
        (entry.usd_per_1m_output, entry.call) for entry in map(lab_pool().__getitem__, pool.names)
    ]


def test_more_prompts_than_the_record_has_are_refused(routoo: Routoo, tmp_path: Path) -> None:
    result = routoo("data", "sample", tmp_path / "s", "--prompts", "1000000")
    assert result.exit_code == 2
    assert "n_prompts" in result.stderr
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("prompt,model\na,b\n", "lacks score"),
        ("prompt,model,score\na,b,1.5\n", "score lies outside 0..1"),
        ("prompt,model,score\na,b,1\na,b,1\n", "(prompt_id, model) is repeated"),
        ("prompt,model,score\n,b,1\n", "prompt is null"),
    ],
)
def test_bad_outcomes_are_named(routoo: Routoo, tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "bad.csv").write_text(content)
    result = routoo("data", "inspect", tmp_path / "bad.csv")
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_data_that_are_not_there_are_named(routoo: Routoo, tmp_path: Path) -> None:
    result = routoo("data", "inspect", tmp_path / "none")
    assert (result.exit_code, result.stderr) == (
        2,
        f"routoo: {tmp_path}/none: no such file or folder of outcomes\n",
    )


@pytest.mark.parametrize("kept", ["outcomes", "predictor", "bundle"])
def test_a_set_that_grew_keeps_the_split_that_it_had(
    routoo: Routoo,
    kept: str,
    data_folder: Path,
    predictor_folder: Path,
    bundle_folder: Path,
    simulated: Outcomes,
    tmp_path: Path,
) -> None:
    """Every prompt again, in capitals and under another id: near-duplicates of all that there was."""
    prompts = simulated.prompts.drop("split")
    louder = prompts.with_columns(
        pl.col("prompt").str.to_uppercase(), prompt_id="LOUD " + pl.col("prompt_id")
    )
    grown = Outcomes(pl.concat([prompts, louder]), simulated.outcomes, "grown")
    grown.write(tmp_path / "grown")
    folder = {"outcomes": data_folder, "predictor": predictor_folder, "bundle": bundle_folder}[kept]
    result = routoo("data", "split", tmp_path / "grown", tmp_path / "out", "--keep", folder)
    assert result.exit_code == 0, result.stderr
    found = dict(Outcomes.read(tmp_path / "out").prompts.select("prompt_id", "split").iter_rows())
    before = dict(simulated.prompts.select("prompt_id", "split").iter_rows())
    assert found == before | {f"LOUD {name}": part for name, part in before.items()}
    assert "0 prompts have a near-duplicate in another part" in " ".join(result.stdout.split())


def test_a_split_of_other_prompts_is_remarked(
    routoo: Routoo, data_folder: Path, bundle_folder: Path, simulated: Outcomes, tmp_path: Path
) -> None:
    other = simulated.prompts.drop("split").with_columns(prompt=pl.format("{} {}", "prompt", "prompt_id"))
    Outcomes(simulated.prompts.drop("split"), simulated.outcomes).write(tmp_path / "same")
    Outcomes(other, simulated.outcomes).write(tmp_path / "other")
    for kept in (data_folder, bundle_folder):
        said = {
            name: routoo("data", "split", tmp_path / name, tmp_path / f"{name} {kept.name}", "--keep", kept)
            for name in ("same", "other")
        }
        assert {name: "none of its prompts is in" in found.stderr for name, found in said.items()} == {
            "same": False,
            "other": True,
        }


def test_small_latencies_are_shown(routoo: Routoo, simulated: Outcomes, tmp_path: Path) -> None:
    quick = simulated.outcomes.with_columns(latency_s=pl.lit(0.00123))
    Outcomes(simulated.prompts, quick).write(tmp_path / "quick")
    assert "0.0012" in routoo("data", "inspect", tmp_path / "quick").stdout


def test_there_must_be_a_split_to_keep(
    routoo: Routoo, bundle_folder: Path, simulated: Outcomes, tmp_path: Path
) -> None:
    Outcomes(simulated.prompts.drop("split"), simulated.outcomes).write(tmp_path / "unsplit")
    result = routoo("data", "split", tmp_path / "unsplit", tmp_path / "out", "--keep", tmp_path / "unsplit")
    assert (result.exit_code, "so that there is no split to keep" in " ".join(result.stderr.split())) == (
        2,
        True,
    )
    old = Bundle.read(bundle_folder)
    contents = {name: old.content(name) for name in old.files if name != LAYOUT.split}
    write_files(tmp_path / "old", old.description, contents)
    result = routoo("data", "split", tmp_path / "unsplit", tmp_path / "out", "--keep", tmp_path / "old")
    assert (result.exit_code, "keeps no split" in result.stderr) == (2, True)
