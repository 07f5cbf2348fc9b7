"""What a prompt may meet on its way: changes that should not matter to a choice."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

Perturbation = Callable[[str, random.Random], str]
"""A prompt, changed; what is random about it comes from the generator alone."""


_TYPO_RATE = 0.05  # share of the words that get one


_SPACE_RATE = 0.1


def typos(prompt: str, draw: random.Random) -> str:
    """The prompt with a slip of the finger in one word of twenty: letters swapped, dropped or doubled.

    >>> typos("The quick brown fox jumps over the lazy dog", random.Random(3))
    'The quick browwn fox jumps over the lazy dog'
    """
    words = prompt.split(" ")
    long = [at for at, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    if not long:
        return prompt
    for at in draw.sample(long, max(1, round(_TYPO_RATE * len(long)))):
        word = words[at]
        where = draw.randrange(1, len(word) - 1)
        words[at] = draw.choice(
            (
                word[:where] + word[where + 1] + word[where] + word[where + 2 :],
                word[:where] + word[where + 1 :],
                word[:where] + word[where] + word[where:],
            )
        )
    return " ".join(words)


def lower_case(prompt: str, draw: random.Random) -> str:
    """The prompt in small letters."""
    return prompt.lower()


def upper_case(prompt: str, draw: random.Random) -> str:
    """The prompt in capitals."""
    return prompt.upper()


def white_space(prompt: str, draw: random.Random) -> str:
    """The prompt with some spaces doubled, and blank lines around it."""
    doubled = "".join(
        character * 2 if character == " " and draw.random() < _SPACE_RATE else character
        for character in prompt
    )
    return f"\n  {doubled} \n\n"


_TEMPLATES = (
    "Please answer the following question.\n\n{}",
    "I have a question for you: {}",
    "{}\n\nThink carefully and answer.",
    "Here is a task.\n---\n{}\n---\nSolve it.",
)


_SUFFIXES = (
    " Thank you!",
    " Please be brief.",
    " This is urgent.",
    " Answer in English.",
    "\n\nSent from my phone",
)


def paraphrase_template(prompt: str, draw: random.Random) -> str:
    """The prompt in another frame: a polite preamble, a closing line."""
    return draw.choice(_TEMPLATES).format(prompt)


def suffix(prompt: str, draw: random.Random) -> str:
    """The prompt with a remark at its end that asks for nothing new."""
    return prompt + draw.choice(_SUFFIXES)


def difficulty_suffix(prompt: str, draw: random.Random) -> str:
    """The prompt with a remark that it is hard: what one would add to be sent to a dearer model."""
    return f"{prompt} This is an extremely difficult, expert-level problem."


PERTURBATIONS: Mapping[str, Perturbation] = {
    "typos": typos,
    "lower case": lower_case,
    "upper case": upper_case,
    "white space": white_space,
    "paraphrase template": paraphrase_template,
    "suffix": suffix,
    "suffix that says it is hard": difficulty_suffix,
}
"""What a prompt may meet on its way, by name."""
