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
