"""The example on the page about cascades runs, and keeps its budget."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "cascades.md"


def test_the_example_of_two_tiers_runs(capsys: pytest.CaptureFixture[str]) -> None:
    section = PAGE.read_text().partition("## Two tiers\n")[2]
    (code,) = re.findall(r"^```python\n(.*?)^```$", section.partition("\n## ")[0], re.MULTILINE | re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), {})
    spent, budget = map(float, re.findall(r"\d\.\d+", capsys.readouterr().out))
    assert 0.9 * budget < spent <= budget


def test_the_example_of_a_router_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With an encoder that is trained in seconds in the place of the one that reads well."""
    section = PAGE.read_text().partition("### On models that answer\n")[2]
    code = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[0]
    quick = code.replace("progress=False", "progress=False, encoder='tiny', tune='full', epochs=1")
    assert quick != code
    monkeypatch.chdir(tmp_path)
    found: dict[str, object] = {}
    exec(compile(quick, str(PAGE), "exec"), found)
    spent = float(re.findall(r"(\d\.\d+) USD", capsys.readouterr().out)[0])
    assert 0.9 * 3e-6 < spent / len(found["test"]) <= 3e-6  # type: ignore[arg-type]  # outcomes
