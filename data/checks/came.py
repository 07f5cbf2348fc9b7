"""What came, in words: for messages about values that cannot be used."""

from __future__ import annotations

from collections.abc import Mapping

_LIBRARIES = ("polars", "pandas")
"""Libraries of tables, which are known by name: importing them is not needed to know their columns."""


def came(value: object) -> str:
    """The kind of a value in words; the value itself is never quoted.

    >>> [came(value) for value in (None, True, 3, "text", [1], {"a": 1}, b"x")][1:]
    ['true or false', 'a number', 'text', 'a list', 'a mapping', 'bytes, which are to be decoded first']
    """
    if value is None:
        return "None"
    kinds: dict[str, type | tuple[type, ...]] = {
        "true or false": bool,
        "a number": (int, float),
        "text": str,
        "a list": list,
        "a mapping": Mapping,
        "bytes, which are to be decoded first": bytes,
    }
    return next((words for words, kind in kinds.items() if isinstance(value, kind)), type(value).__name__)


def of_a_table(value: object, name: str) -> bool:
    """Whether it is such an object of one of the libraries of tables: their ``Series``, say."""
    return any(
        kind.__name__ == name and kind.__module__.partition(".")[0] in _LIBRARIES
        for kind in type(value).__mro__
    )
