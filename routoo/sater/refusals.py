"""What stage two learns: at each threshold an answer to some prompts, and a refusal to as many others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random

from routoo.data.errors import InputError

REFUSAL = "I can't answer that."
"""What a model writes that refuses; the signal `refusal` knows it."""


@dataclass(frozen=True)
class Lesson:
    """A prompt at a threshold, and what to write.

    Args:
        prompt_id: The prompt.
        threshold: The threshold that is stated.
        target: Tokens of an answer; None where it is to refuse.
    """

    prompt_id: str
    threshold: float
    target: tuple[int, ...] | None


def lessons(
    right: Mapping[str, float],
    answers: Mapping[str, tuple[int, ...]],
    *,
    thresholds: Iterable[float],
    most: int,
    seed: int = 0,
) -> list[Lesson]:
    """As many answers as refusals at each threshold (Shen et al. 2025, stage two).

    A prompt whose fraction of right samples reaches the threshold is answered, and refused otherwise. Of
    either kind as many are drawn as the rarer one has, and no more than `most`; a threshold of which one kind
    is missing teaches nothing.

    Args:
        right: Fraction of right samples of each prompt.
        answers: Tokens of an answer to each prompt that has one.
        thresholds: What is stated.
        most: See above.
        seed: Of what is drawn.

    Raises:
        InputError: There is nothing to learn at any threshold.

    >>> lessons({"a": 1.0, "b": 0.5}, {"a": (7,), "b": (8,)}, thresholds=[0.6], most=1)
    [Lesson(prompt_id='a', threshold=0.6, target=(7,)), Lesson(prompt_id='b', threshold=0.6, target=None)]
    """
    draw, found = Random(seed), list[Lesson]()
    for threshold in thresholds:
        answered = sorted(name for name in answers if right[name] >= threshold)
        refused = sorted(name for name, fraction in right.items() if fraction < threshold)
        n = min(len(answered), len(refused), most)
        found += [Lesson(name, threshold, answers[name]) for name in draw.sample(answered, n)]
        found += [Lesson(name, threshold, None) for name in draw.sample(refused, n)]
    if not found:
        raise InputError(
            "at no threshold are there prompts to answer and prompts to refuse: take prompts of which the "
            "member gets 30 to 70 % right"
        )
    return found
