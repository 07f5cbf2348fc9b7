"""The pools on the page about members are pools whose models can be called."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from routoo.data.pool import Pool
from routoo.members.registry import members_of

PAGE = Path(__file__).parents[3] / "docs" / "members.md"


def test_the_example_of_recorded_answers_runs(capsys: pytest.CaptureFixture[str]) -> None:
    section = PAGE.read_text().partition("## Recorded answers\n")[2]
    code = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[0]
    found: dict[str, Any] = {}  # Any: whatever the page names
    exec(compile(code, str(PAGE), "exec"), found)
    assert found["answers"].rows["answer"].null_count() == 0
    assert found["answers"].rows["model"].to_list() == found["models"]
    assert "cost_usd" in capsys.readouterr().out


def test_every_pool_on_the_page_has_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWN_KEY", "none")
    blocks = re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    pools = [Pool.from_records(tomllib.loads(block)["model"]) for block in blocks]
    assert [list(members_of(pool)) for pool in pools] == [["mini", "mini-votes", "own"], ["small-steps"]]
