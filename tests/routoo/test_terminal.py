"""What is printed arrives on every terminal."""

from __future__ import annotations

import io
import sys

import pytest
from rich.table import Table

from routoo.commands.terminal import show


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_tables_are_printed_in_any_encoding_and_stay_in_line(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    table = Table("score", "cost")
    table.add_row(".5 ±.1", "–")
    table.add_row(".25", "12\N{NO-BREAK SPACE}%")
    show(table)
    stream.flush()
    lines = written.getvalue().decode(encoding).splitlines()
    assert len({len(line) for line in lines if line.strip()}) == 1
    assert any(".25" in line and "12" in line for line in lines)
    assert not any("?" in line for line in lines)
