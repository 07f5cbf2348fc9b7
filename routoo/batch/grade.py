"""Answers of a batch, graded: outcomes as every command reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import polars as pl

from routoo.batch.collect import Known
from routoo.collect.graders.grader import Grader
from routoo.collect.grading import Grading
from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.batch_tiers import model_of
from routoo.data.errors import InputError
from routoo.data.grade import Grade

OUTCOMES_NAME = "outcomes"


def write_outcomes(
    known: Known, grader: str | Grader | None, *, on_remark: Callable[[str], None] = lambda words: None
) -> Path:
    """Grades what came, writes outcomes into a folder of the batch, and says where that is.

    A batch tier is the model that it is of, and its answers bear that one's name there. Of a model that was
    asked at once and in a batch the answer counts, and the later failure where there is none.

    Args:
        known: What came.
        grader: What grades answers to prompts that name no grader of their own, as `Grading` reads it.
        on_remark: Called with how many answers have no score, and why.

    Raises:
        InputError: A grader cannot be made or asks a judge, no answer came, or none has a score.
    """
    grading = Grading(known.prompts, grader, judge=_no_judge)
    prompts = {prompt.prompt_id: prompt for prompt in known.prompts.prompts}
    found: dict[tuple[str, str], Answer] = {}
    for one in known.in_order:
        key = one.answer.prompt_id, model_of(one.answer.model)
        if key not in found or found[key].answer is None:
            found[key] = one.answer
    if not found:
        raise InputError(f"{known.folder}: no answer came yet: collect again when a batch has ended")
    rows = [{**answer.row(), "model": model} for (_, model), answer in found.items()]
    answers = Answers(pl.DataFrame(rows, infer_schema_length=None), known.folder.name)

    async def grade_all() -> list[Grade]:
        return [
            await grading.grade(found[name, model], prompts[name])
            for name, model in answers.rows.select("prompt_id", "model").iter_rows()
        ]

    asked = known.prompts.frame.filter(pl.col("prompt_id").is_in(answers.rows["prompt_id"].implode()))
    outcomes = answers.graded(asyncio.run(grade_all()), asked, on_remark=on_remark)
    outcomes.write(known.folder / OUTCOMES_NAME)
    return known.folder / OUTCOMES_NAME


def _no_judge(name: str) -> NoReturn:
    raise InputError(
        f"the judge {name} has to be paid, and a batch counts its own money alone: take another grader, or "
        "grade answers.parquet by `routoo collect`, with models of kind recorded"
    )
