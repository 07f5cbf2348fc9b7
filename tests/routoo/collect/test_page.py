"""The example on the page about collecting runs without a key, and keeps its cap."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from routoo.data.outcomes import Outcomes

PAGE = Path(__file__).parents[3] / "docs" / "collect.md"


def test_what_was_recorded_is_collected_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)[1]
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}  # Any: whatever the page names
    exec(compile(code, str(PAGE), "exec"), found)
    assert found["collected"].complete
    assert "{'smol': 60, 'qwen-1.5b': 60}" in capsys.readouterr().out
    again = Outcomes.read("replayed")
    assert again.outcomes["cost_usd"].sum() == pytest.approx(found["collected"].spent_usd)
