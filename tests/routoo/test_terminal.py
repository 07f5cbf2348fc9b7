"""What is printed arrives on every terminal."""

from __future__ import annotations

import io
import sys

import pytest
from rich.table import Table

from routoo.commands.terminal import show, table


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


def test_a_sentence_is_one_line_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    show("word " * 60 + "end")
    assert capsys.readouterr().out == "word " * 60 + "end\n"


def test_a_narrow_terminal_cuts_no_figure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    figures = [f"{at}.0000 ±.0000" for at in range(4)]
    show(
        table(["policy", *figures], [["routoo", *figures]]),
        "a sentence of more than forty columns is wrapped",
    )
    out = capsys.readouterr().out
    assert all(out.count(figure) == 2 for figure in figures)
    assert out.splitlines()[-1] == "wrapped"
