from __future__ import annotations

from pathlib import Path

import pytest

from routoo.data import cores
from routoo.data.cores import usable_cores


@pytest.mark.parametrize(
    ("quota", "found"), [("max 100000", 64), ("150000 100000", 2), ("20000 100000", 1), ("garbage", 64)]
)
def test_cores_are_those_of_the_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, found: int
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(cores, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(64)), raising=False)
    assert usable_cores() == found
    monkeypatch.setattr(cores, "_QUOTA", tmp_path / "none")
    assert usable_cores() == 64
