"""What stage two learns: answers to some prompts at some thresholds, and as many refusals."""

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
    """As many answers as refusals (Shen et al. 2025, stage two).

    A prompt whose fraction of right samples reaches the threshold is answered, and refused otherwise. As many
    answers as refusals are drawn, over all thresholds together: balanced at each by itself, they would teach
    to refuse a half of what comes at every one, while how much to refuse is what a threshold says. Half of
    either are of prompts right in some samples and wrong in others, as far as there are: only of these does
    the threshold decide, and among all prompts they are few.

    Args:
        right: Fraction of right samples of each prompt.
        answers: Tokens of an answer to each prompt that has one.
        thresholds: What is stated.
        most: Most answers, and most refusals.
        seed: Of what is drawn.

    Raises:
        InputError: One kind is missing at all thresholds.

    >>> lessons({"a": 1.0, "b": 0.5}, {"a": (7,), "b": (8,)}, thresholds=[0.6], most=1)
    [Lesson(prompt_id='a', threshold=0.6, target=(7,)), Lesson(prompt_id='b', threshold=0.6, target=None)]
    """
    every = [
        Lesson(name, threshold, answers[name] if fraction >= threshold else None)
        for threshold in thresholds
        for name, fraction in sorted(right.items())
        if fraction < threshold or name in answers
    ]
    draw, found = Random(seed), list[Lesson]()
    depending = [lesson for lesson in every if 0 < right[lesson.prompt_id] < 1]
    for some, n in ((depending, (most + 1) // 2), (every, most)):
        taken = set(found)
        left = [lesson for lesson in some if lesson not in taken]
        answered = [lesson for lesson in left if lesson.target is not None]
        refused = [lesson for lesson in left if lesson.target is None]
        n = min(len(answered), len(refused), n - len(found) // 2)
        found += draw.sample(answered, n) + draw.sample(refused, n)
    if not found:
        raise InputError(
            "there are no prompts to answer at some threshold, or none to refuse: take prompts of which the "
            "member gets 30 to 70 % right"
        )
    return found
