"""One generated prompt and its right answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

LEVELS = 4
"""Every family writes prompts at as many levels, from easy (0) to hard."""


@dataclass(frozen=True)
class Task:
    """A prompt and the answer that a verifier holds against a model's.

    Args:
        prompt: What is asked, with the form in which to answer.
        answer: The one right answer; a JSON object where fields are asked for.
    """

    prompt: str
    answer: str


@dataclass(frozen=True)
class Family:
    """Prompts of one kind.

    Args:
        write: Writes a task at a level.
        grader: The grader that reads its answers, as `routoo.collect.graders.registry.grader_of` knows it.
    """

    write: Callable[[Random, int], Task]
    grader: str
