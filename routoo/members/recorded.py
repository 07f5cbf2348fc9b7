"""A member that gives again what was recorded, at once and for nothing: policies are evaluated with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from routoo.data.answer import Answer, no_answer
from routoo.data.answers import Answers
from routoo.data.checks.batch import listed
from routoo.data.errors import CallError, InputError
from routoo.data.outcomes import Outcomes
from routoo.data.request import Request
from routoo.data.tables.columns import ANSWER_COLUMNS, SIGNALS
from routoo.members.member import OnAnswer

_NOT_RECORDED = "no answer to it was recorded"
_KEPT = (*ANSWER_COLUMNS, "samples")
_KEY = ("prompt_id", "model", "sample")


class RecordedModel:
    """Replays the answers of one model, with the cost, the seconds and the signals that were recorded.

    A request is known by its `prompt_id` and `sample`; where no prompt of that name was recorded, by its
    text, if the record holds prompts. One that was not recorded has an error for an answer, as has one that
    failed when it was recorded. Of outcomes the answer is `response`, an empty text where none was kept.

    Args:
        name: Its name in the pool and in the record.
        record: Answers, or outcomes.

    Raises:
        InputError: The record has no answer of that model.

    >>> rows = {"prompt_id": ["q"], "model": ["small"], "answer": ["4"], "cost_usd": [1e-6]}
    >>> small = RecordedModel("small", Answers(pl.DataFrame(rows)))
    >>> small.answer([Request("q", "2 + 2?"), Request("r", "3 + 3?")]).rows["answer"].to_list()
    ['4', None]
    """

    def __init__(self, name: str, record: Answers | Outcomes) -> None:
        if name not in record.models:
            raise InputError(f"no answers of {name} in {record.name}; it has {', '.join(record.models)}")
        rows = (record.outcomes if isinstance(record, Outcomes) else record.rows).filter(
            pl.col("model") == name
        )
        self.name = name
        self._scores = rows["score"].to_numpy() if isinstance(record, Outcomes) else None
        self._rows = _as_answers(rows) if isinstance(record, Outcomes) else _kept(rows)
        self._prompts = record.prompts if isinstance(record, Outcomes) else None
        self._at: Mapping[tuple[str, int], int] = {
            key: at for at, key in enumerate(self._rows.select("prompt_id", "sample").iter_rows())
        }
        self._known = frozenset(self._rows["prompt_id"])

    def answer(
        self, requests: Sequence[Request], *, signals: Sequence[str] = (), on_answer: OnAnswer | None = None
    ) -> Answers:
        """What was recorded for every request; see `Member.answer`.

        Raises:
            InputError: There is no request, or the same twice.
        """
        asked = listed(requests, "requests", "Request")
        found = [self._place(request) for request in asked]
        keys = {
            "prompt_id": pl.Series([request.prompt_id for request in asked], dtype=pl.String),
            "sample": pl.Series([request.sample for request in asked], dtype=pl.Int32),
            "row": pl.Series(found, dtype=pl.Int64),
        }
        rows = pl.DataFrame(keys).join(self._numbered(signals), on="row", how="left", maintain_order="left")
        missing = pl.col("row").is_null()
        rows = rows.with_columns(
            model=pl.lit(self.name),
            error=pl.when(missing).then(pl.lit(_NOT_RECORDED)).otherwise("error"),
            cost_usd=pl.when(missing).then(0.0).otherwise("cost_usd"),
        )
        answers = Answers(rows.drop("row"), self.name)
        if on_answer is not None:
            for request, at in zip(asked, found, strict=True):
                on_answer(self._missing(request) if at is None else self._one(request, at, signals))
        return answers

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        """What was recorded for one request; see `Member.answer_one`.

        Raises:
            CallError: Nothing was; another try does not help.
        """
        at = self._place(request)
        if at is None:
            raise CallError(_NOT_RECORDED, cost_usd=0.0)
        return self._one(request, at, signals)

    def most_usd(self, request: Request) -> float:
        """What the answer cost when it was recorded; where that is unknown, the most that any did."""
        at = self._place(request)
        cost = None if at is None else self._columns["cost_usd"][at]
        return self._most_usd if cost is None and at is not None else cost or 0.0

    def scores(self, requests: Sequence[Request]) -> npt.NDArray[np.float64]:
        """The recorded score of each request, ``(n,)``; NaN where there is none, as for all of `Answers`."""
        found = np.full(len(requests), np.nan)
        for place, request in enumerate(requests):
            at = self._place(request)
            if at is not None and self._scores is not None:
                found[place] = self._scores[at]
        return found

    def _place(self, request: Request) -> int | None:
        """The row of a request; None where it was not recorded."""
        if request.prompt_id in self._known or not self._by_text:
            return self._at.get((request.prompt_id, request.sample))
        return self._at.get((self._by_text.get(request.text, ""), request.sample))

    @cached_property
    def _by_text(self) -> Mapping[str, str]:
        """The first prompt of each text that this model answered."""
        if self._prompts is None:
            return {}
        answered = self._prompts.filter(pl.col("prompt_id").is_in(list(self._known))).reverse()
        return dict(answered.select("prompt", "prompt_id").iter_rows())

    @cached_property
    def _columns(self) -> Mapping[str, list[Any]]:  # Any: each column has its own type
        return {name: self._rows[name].to_list() for name in self._rows.columns}

    @cached_property
    def _most_usd(self) -> float:
        return max((cost for cost in self._columns["cost_usd"] if cost is not None), default=0.0)

    def _numbered(self, signals: Sequence[str]) -> pl.DataFrame:
        """The rows with their numbers, and those of these signals that were recorded."""
        wanted = [f"{SIGNALS}{name}" for name in signals]
        kept = [name for name in self._rows.columns if not name.startswith(SIGNALS) or name in wanted]
        return self._rows.select(kept).drop(_KEY).with_row_index("row").cast({"row": pl.Int64})

    def _one(self, request: Request, at: int, signals: Sequence[str]) -> Answer:
        row = {name: column[at] for name, column in self._columns.items()}
        samples = row.get("samples")
        read = {name: row.get(f"{SIGNALS}{name}") for name in signals}
        fields = {name: row[name] for name in ANSWER_COLUMNS if name in row and name not in _KEY}
        return Answer(
            **fields,
            prompt_id=request.prompt_id,
            model=self.name,
            sample=request.sample,
            samples=None if samples is None else tuple(samples),
            signals={name: value for name, value in read.items() if value is not None},
        )

    def _missing(self, request: Request) -> Answer:
        return no_answer(request, self.name, _NOT_RECORDED, cost_usd=0.0)


def _as_answers(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Outcomes in the columns of answers."""
    response = pl.col("response").cast(pl.String) if "response" in outcomes.columns else pl.lit(None)
    return _kept(
        outcomes.drop("sample", "answer", strict=False).with_columns(
            sample=pl.lit(0, pl.Int32), answer=response.fill_null("").cast(pl.String)
        )
    )


def _kept(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of answers and signals; an answer that is missing has an error."""
    lacking = {name: pl.lit(None, pl.Float64) for name in ("cost_usd",) if name not in rows.columns}
    error = pl.col("error") if "error" in rows.columns else pl.lit(None, pl.String)
    rows = rows.with_columns(
        error=pl.when(pl.col("answer").is_null())
        .then(error.fill_null("no answer came when it was recorded"))
        .otherwise(error),
        **lacking,
    )
    return rows.select(name for name in rows.columns if name in _KEPT or name.startswith(SIGNALS))
