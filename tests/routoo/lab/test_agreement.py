"""Two records of the lab side by side."""

from __future__ import annotations

import polars as pl
import pytest

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.lab.agreement import MARGIN, agreement_of


def record(answers: list[str | None], margins: list[float | None], *, prompt: str = "?") -> Outcomes:
    ids = [f"q{at}" for at in range(len(answers))]
    rows = {"prompt_id": ids, "model": ["m"] * len(ids), "score": [1.0] * len(ids), "response": answers}
    return Outcomes(
        pl.DataFrame({"prompt_id": ids, "prompt": [f"{name}{prompt}" for name in ids]}),
        pl.DataFrame(rows).with_columns(pl.Series(MARGIN, margins, dtype=pl.Float64)),
    )


def test_answers_are_compared_character_by_character() -> None:
    found = agreement_of(
        record(["4", "5", None], [1, 2, 3]), record(["4", "5.", None, "7"], [1.5, 2, None, 0])
    )
    assert (found.answers, found.equal, found.largest_margin_gap) == (3, 2, 0.5)
    assert found.share == pytest.approx(2 / 3)


def test_without_margins_there_is_no_gap() -> None:
    assert agreement_of(record(["4"], [None]), record(["4"], [1.0])).largest_margin_gap is None


def test_other_prompts_are_not_compared() -> None:
    with pytest.raises(InputError, match="no prompt and model in common"):
        agreement_of(record(["4"], [1.0]), record(["4"], [1.0], prompt="!"))
