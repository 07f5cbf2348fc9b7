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

    A prompt whose fraction of right samples reaches the threshold is answered, and refused otherwise. Of
    all prompts at all thresholds as many of either kind are drawn as the rarer one has, and no more than
    `most`. Kinds are not balanced at each threshold by itself: that would teach to refuse a half of what
    comes at every one, while how much to refuse is what a threshold says.

    Args:
        right: Fraction of right samples of each prompt.
        answers: Tokens of an answer to each prompt that has one.
        thresholds: What is stated.
        most: See above.
        seed: Of what is drawn.

    Raises:
        InputError: One kind is missing at all thresholds.

    >>> lessons({"a": 1.0, "b": 0.5}, {"a": (7,), "b": (8,)}, thresholds=[0.6], most=1)
    [Lesson(prompt_id='a', threshold=0.6, target=(7,)), Lesson(prompt_id='b', threshold=0.6, target=None)]
    """
    answered, refused = list[Lesson](), list[Lesson]()
    for threshold in thresholds:
        for name, fraction in sorted(right.items()):
            if fraction < threshold:
                refused.append(Lesson(name, threshold, None))
            elif name in answers:
                answered.append(Lesson(name, threshold, answers[name]))
    draw, n = Random(seed), min(len(answered), len(refused), most)
    if not n:
        raise InputError(
            "there are no prompts to answer at some threshold, or none to refuse: take prompts of which the "
            "member gets 30 to 70 % right"
        )
    return draw.sample(answered, n) + draw.sample(refused, n)
