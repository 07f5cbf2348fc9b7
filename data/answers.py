"""Recorded answers: what each model said to each prompt, sample by sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import polars as pl

from routoo.data.answer import Answer
from routoo.data.checks.answer_checks import checked_answers
from routoo.data.checks.arguments import choice, name_list, path_of, record, text_of
from routoo.data.checks.batch import listed
from routoo.data.checks.outcome_checks import averaged
from routoo.data.errors import InputError
from routoo.data.grade import Grade, unscored
from routoo.data.outcomes import Outcomes
from routoo.data.storage.files import write_atomically
from routoo.data.tables.columns import SIGNALS
from routoo.data.tables.parquet_bytes import parquet_bytes
from routoo.data.tables.table import named, parquet_table

SAMPLES = ("first", "mean")
"""Which samples make the outcome of a prompt and model: sample 0, or the mean over all that have a score."""

Samples = Literal["first", "mean"]


@dataclass(frozen=True, eq=False)
class Answers:
    """One row an answer of a model to a prompt; of several samples each is a row.

    Args:
        rows: `prompt_id`, `model`, `answer` (null where none came), and where known `sample` (from 0),
            `input_tokens`, `output_tokens`, `cost_usd`, `latency_s`, `latency_first_s` (to the first token),
            `finish_reason`, and signals as `signal_*`; kept sorted by prompt, model and sample.
        name: What to call the data in messages.

    Raises:
        InputError: A column is missing or of another kind, a sample is recorded twice, a number cannot be;
            the message names the column, the count and a sample row.

    >>> rows = {"prompt_id": ["q", "q"], "model": ["m", "m"], "sample": [0, 1], "answer": ["4", "5"]}
    >>> answers = Answers(pl.DataFrame(rows))
    >>> prompts = pl.DataFrame({"prompt_id": ["q"], "prompt": ["2 + 2?"]})
    >>> answers.graded([Grade(1), Grade(0)], prompts, samples="mean").outcomes["score"].to_list()
    [0.5]
    """

    rows: pl.DataFrame
    name: str = "answers"

    def __post_init__(self) -> None:
        text_of("name", self.name)
        rows = checked_answers(self.rows)
        object.__setattr__(self, "rows", rows.sort("prompt_id", "model", "sample"))

    @classmethod
    def read(cls, path: str | Path) -> Answers:
        """The answers in a Parquet file, under its name.

        Raises:
            InputError: There is no such file, it is damaged, or holds what answers may not.
        """
        path = path_of("path", path)
        if not path.is_file():
            raise InputError(f"{path}: {'not a regular' if path.exists() else 'no such'} file")
        table = named(parquet_table(path), {})
        try:
            return cls(table.collect(table.columns), path.stem)
        except InputError as error:
            raise InputError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None

    @classmethod
    def of(cls, answers: Iterable[Answer], *, name: str = "answers") -> Answers:
        """The record of these answers.

        Raises:
            InputError: There is none, or one twice.

        >>> Answers.of([Answer(prompt_id="q", model="m", answer="4", cost_usd=1e-6)]).rows["cost_usd"].item()
        1e-06
        """
        rows = [record("answers", answer, Answer).row() for answer in answers]
        return cls(pl.DataFrame(rows, infer_schema_length=None), name)

    def write(self, path: str | Path) -> None:
        """Writes the Parquet file that `read` reads back, in one step.

        Raises:
            OSError: The folder is missing or the disk is full; what was there before stands.
        """
        write_atomically(path_of("path", path), parquet_bytes(self.rows))

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Names of the models that answered, sorted."""
        return tuple(sorted(self.rows["model"].unique().to_list()))

    @property
    def signals(self) -> tuple[str, ...]:
        """The columns of signals."""
        return tuple(name for name in self.rows.columns if name.startswith(SIGNALS))

    def select(self, models: Sequence[str]) -> Answers:
        """The answers of these models only.

        Raises:
            InputError: A model has no answer here.
        """
        wanted = name_list("models", models)
        if unknown := sorted(set(wanted) - set(self.models)):
            raise InputError(
                f"no answers of {', '.join(unknown)} in {self.name}; it has {', '.join(self.models)}"
            )
        return Answers(self.rows.filter(pl.col("model").is_in(wanted)), self.name)

    def graded(
        self,
        grades: Iterable[Grade],
        prompts: pl.DataFrame,
        *,
        samples: Samples = "first",
        on_remark: Callable[[str], None] | None = None,
    ) -> Outcomes:
        """The outcomes that these answers are, one a prompt and model, without those that have no score.

        Further columns stay; the text of an answer is called `response`, as `answer` of a prompt is the
        right one. Of several samples, numbers of outcomes are averaged and others kept where all agree.

        Args:
            grades: One a row of `rows`, in its order.
            prompts: What was asked, as in `Outcomes`.
            samples: Which samples count: ``first`` is sample 0, ``mean`` all that have a score.
            on_remark: Called with how many answers have no score, by reason, where there are any.

        Raises:
            InputError: Not one grade a row, an answer to no prompt that is given, or none has a score.
        """
        choice("samples", samples, SAMPLES)
        grades = [
            record(f"grades[{at}]", grade, Grade)
            for at, grade in enumerate(listed(grades, "grades", "Grade"))
        ]
        if len(grades) != len(self):
            raise InputError(f"grades must be one an answer: expected {len(self)}, got {len(grades)}")
        runs = self.rows.with_columns(
            pl.Series("score", [grade.score for grade in grades], dtype=pl.Float64)
        ).rename({"answer": "response"})
        counted = pl.Series([samples == "mean" or sample == 0 for sample in self.rows["sample"]])
        reasons = unscored(grade for grade, counts in zip(grades, counted, strict=True) if counts)
        words = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        runs = runs.filter(counted)
        scored = runs.drop_nulls("score")
        if scored.is_empty():
            raise InputError(f"{self.name}: no answer has a score: {words or 'none is sample 0'}")
        if words and on_remark is not None:
            on_remark(f"{len(runs) - len(scored)} of {len(runs)} answers have no score: {words}")
        return Outcomes(prompts, averaged(scored) if samples == "mean" else scored, self.name)
