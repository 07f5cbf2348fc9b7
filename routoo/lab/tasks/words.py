"""Tasks about words as rows of letters."""

from __future__ import annotations

from random import Random

from routoo.lab.tasks.task import LEVELS, Task
from routoo.lab.tasks.vocabulary import WORDS


def sorting(draw: Random, level: int) -> Task:
    """Words to put in alphabetical order."""
    chosen = draw.sample(WORDS, 3 + 2 * level)
    listed = ", ".join(chosen)
    return Task(
        f"Sort these words alphabetically: {listed}. Separate them by commas.",
        ", ".join(sorted(chosen)),
    )


def counting(draw: Random, level: int) -> Task:
    """How often a letter occurs in a word or in several."""
    text = " ".join(draw.sample(WORDS, 1 + level))
    letter = draw.choice(sorted(set(text) - {" "}))
    return Task(
        f'How many times does the letter "{letter}" occur in "{text}"?',
        str(text.count(letter)),
    )


def reversing(draw: Random, level: int) -> Task:
    """A word or two to write backwards."""
    shortest, longest = ((3, 4), (5, 6), (7, 10), (3, 6))[level]
    words = [word for word in WORDS if shortest <= len(word) <= longest]
    text = " ".join(draw.sample(words, 2 if level == LEVELS - 1 else 1))
    asked = draw.choice(("Write", "Spell")) + f' "{text}" {draw.choice(("backwards", "in reverse"))}.'
    return Task(f"{asked}", text[::-1])


def picking(draw: Random, level: int) -> Task:
    """The longest or shortest word, or the one at a place."""
    chosen = draw.sample(WORDS, 4 + 2 * level)
    place = draw.randrange(len(chosen))
    ordinals = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
    listed = ", ".join(chosen)
    if draw.random() < 0.5:
        return Task(
            f"Which is the {ordinals[place]} word of this list: {listed}?",
            chosen[place],
        )
    asked = f"Which word comes first in alphabetical order: {listed}?"
    return Task(asked, min(chosen))
