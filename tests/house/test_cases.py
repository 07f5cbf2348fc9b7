"""`tests/cases.py`: shows what cases print, and fails where a known one is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def _run(root: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "tests/cases.py"), str(folder), "--bundle", "none", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def _case(folder: Path, name: str, script: str) -> None:
    (folder / name).mkdir()
    (folder / name / "cmd").write_text(script)
    (folder / name / "expected.txt").write_text("What should be seen.\n")


def test_where_there_is_no_folder_it_says_so_and_passes(root: Path, tmp_path: Path) -> None:
    done = _run(root, tmp_path / "none")
    assert done.returncode == 0
    assert done.stdout.startswith("skipped: there is no folder of cases")


@pytest.mark.parametrize(
    ("says", "code", "last"),
    [
        ("fed back: optimal, least_budget_usd 1.81", 0, "1 cases, 1 as expected, wrong: none"),
        ("fed back: infeasible, least_budget_usd 1.81", 1, "1 cases, 0 as expected, wrong: 21"),
    ],
)
def test_a_known_case_is_held_against_its_checks(
    root: Path, tmp_path: Path, says: str, code: int, last: str
) -> None:
    _case(tmp_path, "21-least", f"echo '{says}' | tr , '\\n'")
    done = _run(root, tmp_path)
    assert done.returncode == code, done.stdout
    assert "21-least: exit 0" in done.stdout
    assert "| " + says.partition(",")[0] in done.stdout
    assert "expected: What should be seen." in done.stdout
    assert done.stdout.splitlines()[-1].startswith(last)


def test_an_unknown_case_is_shown_and_a_choice_leaves_others_out(root: Path, tmp_path: Path) -> None:
    _case(tmp_path, "98-new", 'echo "$BUNDLE $PY"; exit 7')
    _case(tmp_path, "99-other", "echo other")
    done = _run(root, tmp_path, "--only", "98")
    assert done.returncode == 0
    assert "98-new: exit 7" in done.stdout
    assert f"{Path('none').resolve()} {sys.executable}" in done.stdout
    assert "not checked: 98" in done.stdout
    assert "99-other" not in done.stdout
    assert "no case 97 in" in _run(root, tmp_path, "--only", "97").stderr
