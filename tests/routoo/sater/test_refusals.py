"""Which lessons stage two is given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routoo.data.errors import InputError
from routoo.sater.refusals import Lesson, lessons

THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9)
FRACTIONS = st.lists(st.sampled_from((0.0, 0.25, 0.5, 0.75, 1.0)), min_size=1, max_size=30)


def _drawn(fractions: list[float], most: int, seed: int = 0) -> list[Lesson]:
    right = {str(at): fraction for at, fraction in enumerate(fractions)}
    answers = {name: (at,) for at, (name, fraction) in enumerate(right.items()) if fraction}
    return lessons(right, answers, thresholds=THRESHOLDS, most=most, seed=seed)


@given(fractions=FRACTIONS, most=st.integers(1, 60), seed=st.integers(0, 5))
def test_lessons_are_true_and_as_many_answers_as_refusals(
    fractions: list[float], most: int, seed: int
) -> None:
    every = [(at, threshold) for at in range(len(fractions)) for threshold in THRESHOLDS]
    refusals = sum(fractions[at] < threshold for at, threshold in every)
    n = min(refusals, len(every) - refusals, most)
    if n == 0:
        with pytest.raises(InputError, match="30 to 70 %"):
            _drawn(fractions, most, seed)
        return
    found = _drawn(fractions, most, seed)
    assert len(set(found)) == len(found)
    for lesson in found:
        reached = fractions[int(lesson.prompt_id)] >= lesson.threshold
        assert lesson.target == ((int(lesson.prompt_id),) if reached else None)
    assert sum(lesson.target is None for lesson in found) == len(found) / 2 == n


def test_half_are_of_prompts_for_which_the_threshold_decides() -> None:
    fractions = [0.0] * 100 + [1.0] * 100 + [0.5] * 20
    found = _drawn(fractions, 80)
    depending = [lesson for lesson in found if fractions[int(lesson.prompt_id)] == 0.5]
    assert sum(lesson.target is None for lesson in depending) >= 40
    assert sum(lesson.target is not None for lesson in depending) >= 40
    assert len(found) == 160
