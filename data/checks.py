"""What came, in words: for messages about values that cannot be used."""

from __future__ import annotations

from collections.abc import Mapping


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
