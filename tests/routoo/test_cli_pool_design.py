"""`routoo pool pick` and `routoo pool lint`, in process."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from routoo.data.pool import Pool

Routoo = Callable[..., Result]


def test_pick_shows_what_each_model_adds_and_writes_the_pool(
    routoo: Routoo, data_folder: Path, tmp_path: Path
) -> None:
    result = routoo("pool", "pick", data_folder, "-k", 2, "-o", tmp_path / "few.toml")
    assert result.exit_code == 0
    assert "expected to add" in result.stdout
    assert "2 of 6 models, chosen on 163 prompts by domain; measured on 37 others" in result.stdout
    assert "63.2 % of it is certain beforehand: 1 - 1/e" in result.stdout
    picked = Pool.read(tmp_path / "few.toml")
    assert len(picked) == 2
    assert all(name in result.stdout for name in picked.names)


def test_pick_as_json_is_one_document(routoo: Routoo, data_folder: Path) -> None:
    result = routoo("pool", "pick", data_folder, "--spend-usd", 0.001, "--json")
    document = json.loads(result.stdout)
    assert document["models"][0].keys() >= {"name", "cost_usd", "gain", "added", "area", "share"}
    assert [row["name"] for row in document["pool"]] == [row["name"] for row in document["models"]]
    assert sum(model["cost_usd"] for model in document["models"]) <= 0.001
    assert document["value"] <= document["upper_bound"]
    assert document["written"] is None


def test_pick_leaves_aside_what_was_never_run(routoo: Routoo, data_folder: Path, tmp_path: Path) -> None:
    derived = routoo("pool", "derive", data_folder, "--only", "*-large", "--only", "*-small").stdout
    extra = '\n[[model]]\nname = "unheard of"\nusd_per_1m_input = 1\nusd_per_1m_output = 1\n'
    (tmp_path / "pool.toml").write_text(derived + extra)
    result = routoo("pool", "pick", data_folder, "--pool", tmp_path / "pool.toml")
    assert (result.exit_code, "of 2 models" in result.stdout) == (0, True)
    assert "left aside for want of outcomes: unheard of" in result.stderr
    assert routoo("pool", "pick", data_folder, "--pool", tmp_path / "pool.toml", "-q").stderr == ""


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["-k", "0"], 2, "-k"),
        (["-k", "2", "--spend-usd", "1"], 2, "two limits"),
        (["--spend-usd", "1e-12"], 3, "the cheapest"),
        (["-o", "few.json"], 2, "ends in .toml"),
    ],
)
def test_what_cannot_be_picked_is_said_at_the_door(
    routoo: Routoo, data_folder: Path, options: list[str], code: int, words: str
) -> None:
    result = routoo("pool", "pick", data_folder, *options)
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr


def test_a_pool_of_strangers_is_refused(routoo: Routoo, data_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "pool.toml").write_text(
        '[[model]]\nname = "x"\nusd_per_1m_input = 1\nusd_per_1m_output = 1\n'
    )
    result = routoo("pool", "pick", data_folder, "--pool", tmp_path / "pool.toml")
    assert (result.exit_code, "none of the models in the pool has an outcome" in result.stderr) == (2, True)


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    (tmp_path / "odd.toml").write_text(
        '[[model]]\nname = "free"\nusd_per_1m_input = 0\nusd_per_1m_output = 0\n'
    )
    return tmp_path / "odd.toml"


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--strict"], 1)])
def test_lint_lists_what_it_finds(routoo: Routoo, odd: Path, options: list[str], code: int) -> None:
    result = routoo("pool", "lint", odd, *options)
    assert result.exit_code == code
    assert re.search(r"free +price +costs nothing", result.stdout)
    assert "1 finding about 1 model" in result.stdout


def test_lint_as_json_keeps_its_exit_code(routoo: Routoo, odd: Path) -> None:
    result = routoo("pool", "lint", odd, "--strict", "--json")
    assert result.exit_code == 1
    (finding,) = json.loads(result.stdout)["findings"]
    assert (finding["kind"], finding["model"], finding["other"]) == ("price", "free", None)


def test_lint_finds_nothing_in_a_pool_in_order(routoo: Routoo, data_folder: Path, tmp_path: Path) -> None:
    routoo("pool", "derive", data_folder, "-o", tmp_path / "pool.toml")
    result = routoo("pool", "lint", tmp_path / "pool.toml", "--strict")
    assert (result.exit_code, "nothing odd; with recorded outcomes" in result.stdout) == (0, True)
    result = routoo("pool", "lint", tmp_path / "pool.toml", data_folder)
    assert "; with recorded outcomes" not in result.stdout


def test_lint_holds_the_pool_against_outcomes(routoo: Routoo, data_folder: Path, odd: Path) -> None:
    result = routoo("pool", "lint", odd, data_folder)
    assert re.search(r"free +outcomes +has no outcome in simulated", result.stdout)
    assert re.search(r"simulated-large +price +has outcomes in simulated and no entry", result.stdout)
