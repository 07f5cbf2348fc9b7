"""Training from the command line: options made of the record, a pool found where it lies, and resuming."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import Result

from routoo.cli import app
from routoo.commands.fields import field_helps
from routoo.data.pool import Pool
from routoo.models.network.lightning import RouterModule
from routoo.models.training.options import TrainOptions

Routoo = Callable[..., Result]

QUICK = ("--encoder", "tiny", "--tune", "full", "--epochs", "2", "--members", "2")
SET_BY_THE_VERB = {"attributes", "checkpoint_dir", "cache_dir", "progress", "resume"}


@pytest.fixture
def data(data_folder: Path, tmp_path: Path) -> Path:
    """A copy of the simulated outcomes, to put a pool beside."""
    return Path(shutil.copytree(data_folder, tmp_path / "data"))


def test_every_field_of_the_record_is_an_option_with_its_default_and_help() -> None:
    command: Any = typer.main.get_command(app)  # Any: typer does not export the types of commands
    options = {parameter.name: parameter for parameter in command.commands["train"].params}
    for field in dataclasses.fields(TrainOptions):
        assert field.name in {*options, *SET_BY_THE_VERB}
        if field.name not in SET_BY_THE_VERB:
            option = options[field.name]
            assert option.opts == ["--" + field.name.replace("_", "-")]
            assert option.default == field.default
            assert option.help == field_helps(TrainOptions)[field.name] != ""


def test_train_writes_a_predictor_and_clears_its_state(routoo: Routoo, data: Path, tmp_path: Path) -> None:
    result = routoo("train", data, "-o", tmp_path / "p", *QUICK, "--seed", "3", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["trained_on"]["options"]["seed"] == 3
    assert (found["trained_on"]["options"]["members"], found["trained_on"]["options"]["epochs"]) == (2, 2)
    assert 0 < found["metrics"]["left_out_brier"] < 1
    assert (tmp_path / "p" / "model.safetensors").is_file()
    assert not (tmp_path / "p.partial").exists()


def test_train_says_what_comes_next(routoo: Routoo, data: Path, tmp_path: Path) -> None:
    result = routoo("train", data, "-o", tmp_path / "p", *QUICK)
    assert f"next: routoo export {tmp_path}/p -o BUNDLE" in result.stdout
    assert result.stderr == "data: 200 simulated prompts, 6 models\n"


def test_the_pool_beside_the_outcomes_is_learned(
    routoo: Routoo, data: Path, simulated_models: Pool, tmp_path: Path
) -> None:
    simulated_models.select(["simulated-small", "simulated-large"]).write(data / "pool.toml")
    result = routoo("train", data, "-o", tmp_path / "p", *QUICK, "--json")
    assert json.loads(result.stdout)["models"] == ["simulated-small", "simulated-large"]


def test_the_pool_that_is_given_comes_first(
    routoo: Routoo, data: Path, simulated_models: Pool, tmp_path: Path
) -> None:
    (data / "pool.toml").write_text("broken [")
    simulated_models.select(["simulated-tiny", "simulated-coder"]).write(tmp_path / "mine.toml")
    result = routoo("train", data, "-o", tmp_path / "p", "--pool", tmp_path / "mine.toml", *QUICK, "--json")
    assert json.loads(result.stdout)["models"] == ["simulated-tiny", "simulated-coder"]


def test_an_interrupted_run_is_resumed(
    routoo: Routoo, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = routoo("train", data, "-o", tmp_path / "whole", *QUICK, "--json")
    step = RouterModule.training_step

    def interrupted(self: RouterModule, batch: Any, at: int) -> Any:  # Any: tensors, passed through
        if self.current_epoch == 1:
            raise KeyboardInterrupt
        return step(self, batch, at)

    command = ("train", data, "-o", tmp_path / "p", *QUICK, "--json")
    with monkeypatch.context() as patched:
        patched.setattr(RouterModule, "training_step", interrupted)
        stopped = routoo(*command)
    assert (stopped.exit_code, stopped.stdout) == (130, "")
    assert "interrupted; to go on: routoo" in stopped.stderr
    assert stopped.stderr.endswith(" --resume\n")
    assert list((tmp_path / "p.partial").glob("*/*.ckpt"))
    assert not (tmp_path / "p").exists()

    seen: set[int] = set()

    def watched(self: RouterModule, batch: Any, at: int) -> Any:  # Any: tensors, passed through
        seen.add(self.current_epoch)
        return step(self, batch, at)

    monkeypatch.setattr(RouterModule, "training_step", watched)
    resumed = routoo(*command, "--resume")
    assert resumed.exit_code == 0
    assert min(seen) == 1
    assert json.loads(resumed.stdout)["metrics"] == json.loads(whole.stdout)["metrics"]
    assert not (tmp_path / "p.partial").exists()


def test_quiet_is_quiet_and_only_checkpoints_are_cleared(routoo: Routoo, data: Path, tmp_path: Path) -> None:
    (tmp_path / "p.partial").mkdir()
    (tmp_path / "p.partial" / "notes.txt").write_text("mine")
    result = routoo("train", data, "-o", tmp_path / "p", *QUICK, "-q")
    assert (result.exit_code, result.stderr) == (0, "")
    assert [path.name for path in (tmp_path / "p.partial").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epochs", "0"], "epochs must be a whole number of at least 1, got 0"),
        (["--learning-rate", "2"], "learning_rate must be a number of at least 0 and at most 1"),
        (["--encoder", "tiny", "--tune", "frozen"], "fresh weights that must learn"),
        (["--tune", "some"], "'some' is not one of"),
        (["--pool", "none.toml"], "none.toml: no such file"),
        (["-o", "{taken}"], "which are left alone"),
    ],
)
def test_what_cannot_be_trained_is_said_before_any_work(
    routoo: Routoo, data: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "diary.txt").write_text("dear")
    given = [option.format(taken=tmp_path / "taken") for option in options]
    result = routoo("train", data, "-o", tmp_path / "p", *given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in " ".join(result.stderr.split())
    assert not (tmp_path / "p").exists()


def test_outcomes_without_costs_need_a_pool(routoo: Routoo, tmp_path: Path) -> None:
    rows = "".join(f"prompt number {at},a,1\n" for at in range(30))
    (tmp_path / "mine.csv").write_text(f"prompt,model,score\n{rows}")
    result = routoo("train", tmp_path / "mine.csv", "-o", tmp_path / "p", *QUICK)
    assert result.exit_code == 2
    assert "write a pool.toml" in result.stderr


def test_the_working_directory_is_refused_before_any_work(
    routoo: Callable[..., Result], data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = routoo("train", data_folder, "-o", ".", "--encoder", "tiny")
    assert result.exit_code == 2
    assert "found the working directory" in result.stderr
    assert "simulated prompts" not in result.stderr
