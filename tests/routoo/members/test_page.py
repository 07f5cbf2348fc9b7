"""The pools on the page about members are pools whose models can be called."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from routoo.data.pool import Pool
from routoo.members.registry import members_of

PAGE = Path(__file__).parents[3] / "docs" / "members.md"


def test_every_pool_on_the_page_has_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWN_KEY", "none")
    blocks = re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    pools = [Pool.from_records(tomllib.loads(block)["model"]) for block in blocks]
    assert [list(members_of(pool)) for pool in pools] == [["mini", "mini-votes", "own"], ["small-steps"]]
