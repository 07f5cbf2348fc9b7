"""The form of a CSV file: what separates its fields, and where it breaks that form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from routoo.data.errors import InputError
from routoo.data.storage.text_files import bare, open_bytes, text_lines
from routoo.data.tables.columns import COLUMNS

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""What may separate fields, with the names that a user may call it by."""

_KNOWN = {*COLUMNS, "messages"}
_SEPARATOR_LINE = re.compile(r'"?sep=.?"?', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')


def separator_named(given: str) -> str:
    r"""The character that a user means.

    Raises:
        InputError: It is none of `SEPARATORS`.

    >>> [separator_named(given) for given in (";", "tab", r"\t")]
    [';', '\t', '\t']
    """
    named = {
        **{name: mark for mark, name in SEPARATORS.items()},
        r"\t": "\t",
        **{mark: mark for mark in SEPARATORS},
    }
    if given not in named:
        raise InputError(
            f"--separator must be one of comma, semicolon, tab, bar or the character, got {given!r}"
        )
    return named[given]


def separator_of(path: Path) -> str:
    """What separates the fields of a file: by what its header has the most known names, else fields.

    A file that ends in ``.tsv`` is separated by tabs.
    """
    if bare(path).suffix.lower() == ".tsv":
        return "\t"
    header = next(_records(path), (1, ""))[1]

    def fit(mark: str) -> tuple[int, int]:
        names = _names(header, mark)
        return len(_KNOWN.intersection(names)), len(names)

    return max(SEPARATORS, key=fit)


def header_of(path: Path, separator: str) -> list[str]:
    """Names of the columns.

    Raises:
        InputError: The file is empty, or a name stands there twice.
    """
    first = next(_records(path), None)
    if first is None:
        raise InputError(f"{path}: expected a line with the names of the columns, got an empty file")
    if "\r" in _QUOTED.sub("", first[1]):
        raise InputError(f"{path}: its lines end in carriage returns alone; save it with line feeds")
    names = _names(first[1], separator)
    if _SEPARATOR_LINE.fullmatch(first[1]):
        raise InputError(
            f"{path}: line {first[0]}, {first[1]!r}, is for spreadsheets: remove it, and name the "
            "separator by --separator where it is not found"
        )
    if first[1].startswith("#") and _second_is_wider(path, separator, len(names)):
        raise InputError(
            f"{path}: line {first[0]} is a comment: remove it, the names of the columns come first"
        )
    twice = next((name for at, name in enumerate(names) if name and name in names[:at]), None)
    if twice is not None:
        raise InputError(f"{path}: two columns are called {twice}; rename or remove one")
    return names


def broken_row(path: Path, separator: str, n_columns: int) -> str:
    """In words: the first row that is not of the form of the header."""
    for line, record in _records(path):
        if record.count('"') % 2:
            return f"a quote that opens in line {line} is never closed"
        fields = len(_fields(record, separator))
        if fields > n_columns:
            return (
                f"line {line} has {fields} fields, but the header names {n_columns}; put text that holds "
                f"{separator!r} into double quotes, or name another separator by --separator"
            )
        if '"' in re.sub(
            rf'(?:^|(?<={re.escape(separator)}))"(?:[^"]|"")*"(?=$|{re.escape(separator)})', "", record
        ):
            return f"line {line} has a quote within a field; double it, and put the field into double quotes"
    return "a row is not of the form of the header"


def _records(path: Path) -> Iterator[tuple[int, str]]:
    """First line and text of each row that holds anything; a row goes on until its quotes are closed."""
    held: list[str] = []
    start, quotes = 0, 0
    with open_bytes(path) as file:
        for number, text in text_lines(file, path):
            start = start if held else number
            held.append(text)
            quotes += text.count('"')
            if quotes % 2 == 0:
                if (record := "".join(held).rstrip("\r\n")).strip():
                    yield start, record
                held.clear()
    if held:
        yield start, "".join(held)


def _second_is_wider(path: Path, separator: str, n_fields: int) -> bool:
    """Whether the second row has more fields than the first by some separator."""
    second = next(islice(_records(path), 1, None), (0, ""))[1]
    return any(len(_fields(second, mark)) > n_fields for mark in (separator, *SEPARATORS))


def _names(header: str, separator: str) -> list[str]:
    return [name.strip().strip('"') for name in _fields(header, separator)]


def _fields(record: str, separator: str) -> list[str]:
    """The fields of a row, as they stand."""
    plain = _QUOTED.sub(lambda quoted: "_" * len(quoted[0]), record)
    ends = [at for at, mark in enumerate(plain) if mark == separator]
    return [record[start + 1 : end] for start, end in zip([-1, *ends], [*ends, len(record)], strict=True)]
