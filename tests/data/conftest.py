"""Texts to compare and to split."""

import random
from collections.abc import Callable

import pytest
from simulated.words import ACTORS, ACTS, CITIES, REASONS, TIMES


@pytest.fixture
def sentences() -> Callable[..., list[str]]:
    """Makes so many texts of four sentences each, by a seed."""

    def made(n: int, *, seed: int) -> list[str]:
        draw = random.Random(seed)

        def sentence() -> str:
            return " ".join(map(draw.choice, (ACTORS, ACTS, TIMES, REASONS, CITIES)))

        return [" ".join(sentence() for _ in range(4)) for _ in range(n)]

    return made


@pytest.fixture
def with_a_typo() -> Callable[[str, random.Random], str]:
    """Changes one letter of a text."""

    def changed(text: str, draw: random.Random) -> str:
        at = draw.randrange(len(text))
        return text[:at] + draw.choice("aeiou") + text[at + 1 :]

    return changed
