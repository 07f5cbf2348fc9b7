"""How files are read is said by the same options, wherever outcomes or prompts are."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import Result

from routoo.cli import app
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel

Routoo = Callable[..., Result]

OF_PROMPTS = ["columns", "separator"]
OF_OUTCOMES = [*OF_PROMPTS, "score_columns", "average"]
RUNS = "question;llm;correct\nName a river.;small;1\nName a river.;small;0\n2 + 2?;large;1\n"
NAMES = ("--columns", "prompt=question,model=llm,score=correct")


def _commands(command: Any) -> Iterator[Any]:  # Any: the commands are of typer's own copy of click
    inner = getattr(command, "commands", {}).values()
    yield from (one for each in inner for one in _commands(each)) if inner else (command,)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Repeated outcomes in a compressed file with names and separators of its own."""
    path = tmp_path / "mine.csv.gz"
    path.write_bytes(gzip.compress(RUNS.encode()))
    return path


def test_every_verb_that_reads_has_the_options_of_reading() -> None:
    seen = {"DATA": 0, "PROMPTS|-": 0, "PROMPTS_FILE": 0}
    for command in _commands(typer.main.get_command(app)):
        given = [param.metavar for param in command.params if param.metavar in seen]
        options = [param.name for param in command.params if param.name in OF_OUTCOMES]
        assert options == (OF_OUTCOMES if "DATA" in given else OF_PROMPTS if given else []), command.name
        for metavar in given:
            seen[metavar] += 1
    assert seen["DATA"] >= 10
    assert seen["PROMPTS|-"] >= 2


def test_outcomes_are_read_as_the_options_say(routoo: Routoo, runs: Path, tmp_path: Path) -> None:
    found = json.loads(routoo("data", "inspect", runs, *NAMES, "--average", "--json").stdout)
    assert (found["data"], found["prompts"], found["outcomes"]) == ("mine", 2, 2)
    assert {model["name"]: model["score"] for model in found["models"]} == {"small": 0.5, "large": 1}
    result = routoo(
        "data", "convert", runs, tmp_path / "set", *NAMES, "--average", "--separator", "semicolon"
    )
    assert result.exit_code == 0
    assert Outcomes.read(tmp_path / "set").models == ("large", "small")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "name them by --columns prompt=question,model=llm,score=correct"),
        (NAMES, "or take the mean of repeated runs by --average"),
        (("--columns", "prompt"), "--columns takes OURS=THEIRS for each column once, such as"),
        (("--columns", "prompt=a,prompt=b"), "--columns takes OURS=THEIRS for each column once, such as"),
        (("--separator", "comma"), "it has question;llm;correct"),
    ],
)
def test_what_is_wrong_is_said_by_the_option_that_mends_it(
    routoo: Routoo, runs: Path, options: tuple[str, ...], words: str
) -> None:
    result = routoo("data", "inspect", runs, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_a_wide_table_says_which_columns_are_models(routoo: Routoo, tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("prompt,gpt-4,mixtral,level\nq1,1,0,3\nq2,0.5,1,4\n")
    result = routoo("data", "inspect", path, "--score-columns", "gpt-4, mixtral", "--json")
    assert [model["name"] for model in json.loads(result.stdout)["models"]] == ["gpt-4", "mixtral"]
    words = f"{path}: a column a model; models: gpt-4, mixtral; not models: prompt, level\n"
    assert result.stderr == words


def test_prompts_are_read_as_the_options_say(routoo: Routoo, bundle_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "asked.csv"
    path.write_text("question|id\nName a river.|7\n2 + 2?|8\n")
    options = ("--columns", "prompt=question,prompt_id=id", "--separator", "|", "--json")
    found = json.loads(routoo("predict", bundle_folder, path, *options).stdout)
    assert {row["prompt_id"] for row in found["predictions"]} == {"7", "8"}
    found = json.loads(routoo("assign", bundle_folder, path, "--budget-usd", 1, *options).stdout)
    assert [row["prompt_id"] for row in found["assignment"]] == ["7", "8"]
    lines = '{"question": [{"role": "user", "content": "Name a river."}]}\n'
    asked = ("predict", bundle_folder, "-", "--json")
    chat = routoo(*asked, "--columns", "prompt=question", stdin=lines).stdout
    assert json.loads(chat) == json.loads(routoo(*asked, stdin="Name a river.\n").stdout)


def test_options_without_a_file_to_read_are_refused(routoo: Routoo, tmp_path: Path) -> None:
    pool = tmp_path / "pool.toml"
    Pool((PoolModel(name="small", usd_per_1m_input=1, usd_per_1m_output=2),)).write(pool)
    assert "are of DATA: name it" in routoo("pool", "lint", pool, "--average").stderr
    result = routoo("assign", "scores.parquet", "--budget-usd", 1, "--separator", ";")
    assert result.exit_code == 2
    assert "--columns and --separator are of PROMPTS: name them" in result.stderr
