"""Files of prompts to files of predictions and choices, also when runs are killed."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import Result

from routoo import scored_parts
from routoo.data.errors import InputError
from routoo.router import Router
from routoo.scored_parts import score_parts

Routoo = Callable[..., Result]


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """A folder of three files of prompts, 40 each."""
    folder = tmp_path / "prompts"
    folder.mkdir()
    for part in range(3):
        names = [f"q{40 * part + at}" for at in range(40)]
        texts = [f"Say {word} {at} times, please." for at, word in enumerate(("yes", "no") * 20)]
        frame = pl.DataFrame({"prompt_id": names, "prompt": texts})
        frame.write_parquet(folder / f"part-{part}.parquet")
    return folder


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scored_parts, "PART", 16)


def whole(folder: Path, name: str = "whole.parquet") -> Path:
    """The same prompts in one file, which is read as a whole."""
    target = folder.parent / name
    pl.read_parquet(sorted(folder.iterdir())).write_parquet(target)
    return target


def test_text_in_and_choices_out_are_those_of_a_file_in_memory(
    routoo: Routoo, bundle_folder: Path, prompts: Path, tmp_path: Path, small_parts: None
) -> None:
    budget = ("--budget-usd", 0.02)
    inside = routoo("assign", bundle_folder, whole(prompts), *budget, "-o", tmp_path / "inside.parquet")
    assert inside.exit_code == 0, inside.stderr
    for sources in ([prompts], sorted(prompts.iterdir()), [f"{prompts}/*.parquet"]):
        for target in (tmp_path / "choices.parquet", tmp_path / "choices"):
            result = routoo("assign", bundle_folder, *sources, *budget, "-o", target)
            assert result.exit_code == 0, result.stderr
            found = pl.read_parquet(target if target.suffix else f"{target}/*.parquet")
            expected = pl.read_parquet(tmp_path / "inside.parquet")
            assert found.select("prompt_id", "model").equals(expected.select("prompt_id", "model"))
            np.testing.assert_allclose(found["cost_usd"], expected["cost_usd"], rtol=1e-6)
        for path in (tmp_path / "choices").iterdir():
            path.unlink()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_predictions_of_many_files_are_tables_that_are_assigned_together(
    routoo: Routoo, bundle_folder: Path, prompts: Path, tmp_path: Path, small_parts: None
) -> None:
    result = routoo("predict", bundle_folder, prompts, "-o", tmp_path / "predictions")
    assert result.exit_code == 0, result.stderr
    assert "9 tables of predictions" in result.stdout
    tables = sorted((tmp_path / "predictions").glob("*.parquet"))
    assert [len(pl.read_parquet(path)) // 6 for path in tables] == [16, 16, 8] * 3
    again = routoo("assign", *tables, "--budget-usd", 0.02, "-o", tmp_path / "choices.parquet")
    assert again.exit_code == 0, again.stderr
    assert pl.read_parquet(tmp_path / "choices.parquet")["prompt_id"].to_list() == [
        f"q{at}" for at in range(120)
    ]


def test_prompts_without_names_are_named_by_their_place(
    routoo: Routoo, bundle_folder: Path, prompts: Path, tmp_path: Path, small_parts: None
) -> None:
    for path in prompts.iterdir():
        pl.read_parquet(path).drop("prompt_id").write_parquet(path)
    routoo("assign", bundle_folder, prompts, "--budget-usd", 1, "-o", tmp_path / "choices.parquet")
    names = pl.read_parquet(tmp_path / "choices.parquet")["prompt_id"].to_list()
    assert names == [str(at) for at in range(1, 121)]


def test_finished_parts_are_not_predicted_again_and_those_of_others_are_refused(
    bundle_folder: Path, prompts: Path, tmp_path: Path, small_parts: None
) -> None:
    router, files = Router.from_pretrained(bundle_folder), sorted(prompts.iterdir())
    done = list[int]()
    parts = score_parts(router, files, tmp_path / "scored", progress=lambda *of: done.append(of[0]))
    assert done == [16, 32, 40, 56, 72, 80, 96, 112, 120]
    before = {path: path.stat().st_mtime_ns for path in parts}
    parts[4].unlink()
    done.clear()
    assert score_parts(router, files, tmp_path / "scored", progress=lambda *of: done.append(of[0])) == parts
    assert done == [120]
    assert [path for path in parts if path.stat().st_mtime_ns != before[path]] == [parts[4]]
    with pytest.raises(InputError, match="holds something else than the predictions of these files"):
        score_parts(router, files[:2], tmp_path / "scored")
    assert len(score_parts(router, files[:2], tmp_path / "scored", replaces=True)) == 6
    assert len(list((tmp_path / "scored").glob("*.parquet"))) == 6


@pytest.mark.parametrize("scored", [False, True])
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_file(
    bundle_folder: Path, prompts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scored: bool
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    from kill_assignments import kill_and_compare, scores_line

    line = scores_line(tmp_path, 2000) if scored else [bundle_folder, prompts, "--budget-usd", 0.02]
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")
    (tmp_path / "written").mkdir()
    kill_and_compare(tmp_path / "written", line, random.Random(seed), 4)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("assign bundle prompts --budget-usd 1", "give -o with a .parquet to write, or a folder"),
        ("assign bundle prompts --budget-usd 1 -o x.csv", "ends in .parquet|give -o with a .parquet"),
        ("assign bundle prompts --budget-usd 1 -o x --frontier f.csv", "no --frontier"),
        ("assign bundle prompts --budget-usd 1 -o x --columns prompt=text", "no --columns"),
        (
            "assign bundle prompts prompts.txt --budget-usd 1 -o x",
            "prompts.txt: a batch of files is of Parquet",
        ),
        ("assign bundle empty --budget-usd 1 -o x", "empty: a batch of files is of Parquet"),
        ("assign bundle prompts.txt --budget-usd 1 -o x --engine ray", "prompts.txt: a batch of files"),
        ("predict bundle prompts", "give -o FOLDER"),
        ("predict bundle prompts -o x.parquet", "give -o FOLDER"),
        ("predict bundle prompts -o x --json", "neither --json"),
        ("predict bundle", "give PROMPTS"),
    ],
)
def test_what_cannot_be_done_with_many_files_is_said(
    routoo: Routoo,
    bundle_folder: Path,
    prompts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    words: str,
) -> None:
    import re

    monkeypatch.chdir(tmp_path)
    (tmp_path / "bundle").symlink_to(bundle_folder)
    (tmp_path / "empty").mkdir()
    (tmp_path / "prompts.txt").write_text("What is 2 + 2?\n")
    result = routoo(*line.split())
    assert result.exit_code == 2
    assert re.search(words, result.stderr), result.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("line", ["assign bundle prompts --budget-usd 1 -o x", "predict bundle prompts -o x"])
def test_an_address_needs_an_engine(routoo: Routoo, line: str) -> None:
    result = routoo(*line.split(), "--address", "auto")
    assert result.exit_code == 2
    assert "give --engine ray too" in result.stderr
