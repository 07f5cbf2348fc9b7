"""When two answers count as the same."""

from __future__ import annotations

import asyncio

import pytest

from routoo.data.errors import InputError
from routoo.data.request import Request
from routoo.policies.smart.equivalence import EQUIVALENCES, Equivalence


@pytest.mark.parametrize(
    ("name", "answer", "reference", "same"),
    [
        ("text", "The Paris.", "paris", True),
        ("text", "Paris", "Lyon", False),
        ("text", "", "", False),
        ("exact", "Paris", "Paris", True),
        ("exact", "Paris", "paris", False),
        ("number", "3 + 4, so the answer is 7", "7.0", True),
        ("number", "Answer: 8", "7", False),
        ("number", "no idea", "7", False),
        ("number", "Unknown.", "unknown", True),
        ("number", "7", "unknown", False),
    ],
)
def test_answers_by_name(name: str, answer: str, reference: str, same: bool) -> None:
    assert EQUIVALENCES[name](answer, reference) is same


def test_a_function_says_true_or_false() -> None:
    def verdict(said: object) -> object:
        equivalence = Equivalence(lambda answer, reference: said)  # type: ignore[arg-type, return-value]  # on purpose
        return asyncio.run(equivalence.verdict(Request("q", "?"), "a", "b")).same

    assert verdict(True) is True
    assert verdict(False) is False
    for other in (None, "yes", 0.5):
        with pytest.raises(InputError, match="must return true or false"):
            verdict(other)
