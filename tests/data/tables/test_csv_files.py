"""Separators are found in the header, and a row that breaks the form is named by its line."""

from pathlib import Path

import pytest

from routoo.data.errors import InputError
from routoo.data.tables.csv_files import broken_row, header_of, separator_named, separator_of


def write(path: Path, content: str) -> Path:
    path.write_bytes(content.encode())
    return path


@pytest.mark.parametrize(
    ("header", "mark"),
    [
        ("prompt,model,score", ","),
        ("prompt;model;score", ";"),
        ("prompt\tmodel\tscore", "\t"),
        ("prompt|model|score", "|"),
        ("question;llm;correct", ";"),
        ('"a;b;c;d",prompt', ","),
        ("prompt,a|total_cost|x|y|z", ","),
        ("prompt", ","),
    ],
)
def test_the_separator_is_found_in_the_header(tmp_path: Path, header: str, mark: str) -> None:
    assert separator_of(write(tmp_path / "a.csv", f"{header}\nx;y;z;,,\n")) == mark


def test_the_ending_tells_tabs(tmp_path: Path) -> None:
    assert separator_of(write(tmp_path / "a.tsv", "prompt,a\n")) == "\t"


def test_unknown_separators_are_refused() -> None:
    with pytest.raises(InputError, match="--separator must be one of comma, semicolon, tab, bar"):
        separator_named("x")


def test_names_of_columns_stand_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", '\n"prompt, all", score,model\n')
    assert header_of(path, ",") == ["prompt, all", "score", "model"]
    with pytest.raises(InputError, match="two columns are called score; rename or remove one"):
        header_of(write(tmp_path / "b.csv", "score,prompt,score\n"), ",")
    with pytest.raises(InputError, match="its lines end in carriage returns alone"):
        header_of(write(tmp_path / "d.csv", "prompt,model\ra,b\r"), ",")
    with pytest.raises(InputError, match="expected a line with the names of the columns"):
        header_of(write(tmp_path / "c.csv", "\n\n"), ",")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("1,2\n1,2,3\n", "line 3 has 3 fields, but the header names 2"),
        ('"a\nb",2\n1,2,3,4\n', "line 4 has 4 fields, but the header names 2"),
        ('1,2\n1,"2\n3,4\n', "a quote that opens in line 3 is never closed"),
        ('1,2\n1,a "b" c\n', "line 3 has a quote within a field"),
    ],
)
def test_a_broken_row_is_named_by_its_line(tmp_path: Path, rows: str, words: str) -> None:
    assert words in broken_row(write(tmp_path / "a.csv", f"a,b\n{rows}"), ",", 2)
