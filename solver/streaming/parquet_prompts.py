"""The prompts of a Parquet file of predictions, read from front to back in memory that stays bounded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from routoo.data.checks.arguments import name_list
from routoo.data.costs.nominal import NominalCosts
from routoo.data.errors import InputError
from routoo.data.pool import Pool
from routoo.data.progress import Stages
from routoo.data.scores import Matrix, Scores, repriced
from routoo.data.tables.deadlines import DEADLINE, deadlines_beside
from routoo.data.tables.predictions import NAMES, NUMBERS, collected, open_predictions
from routoo.data.tables.required_tags import TAGS, tags_beside, tags_of
from routoo.solver.eligibility import check_pool
from routoo.solver.limits import Limit
from routoo.solver.problem import Problem
from routoo.solver.results.infeasible import ClosedPrompt, closed_prompts, closed_words
from routoo.solver.sums.constraints import Constraints
from routoo.solver.sums.passes import Answer, Work
from routoo.solver.sums.rows import Rows, Tables

CHUNK = 32768
"""Prompts that are read or written at a time."""

_MOST_MODELS = 4096
_NOMINAL = "nominal_cost"
_PER_PROMPT = ("domains", "domain_limits", "weights")


@dataclass(frozen=True, eq=False)
class ParquetPrompts:
    """The prompts of a file of predictions, read from front to back at every pass.

    Args:
        path: The file.
        fields: Fields of `Problem` that say one thing for all prompts.
        progress: Called after each chunk.
        limits: The limits to keep instead of those of the problem.
        aim: What is to be least instead of what the problem says, as prices of quantities.
        spare: Whether a prompt may be left to no model.
        pool: Other prices, and the models that may be chosen.
    """

    path: Path
    fields: Mapping[str, Any]  # Any: fields of Problem, checked there
    progress: Stages | None = None
    limits: tuple[Limit, ...] | None = None
    aim: Tables | None = None
    spare: bool = False
    pool: Pool | None = None

    def __post_init__(self) -> None:
        given = [name for name in _PER_PROMPT if self.fields.get(name) is not None]
        if given:
            raise InputError(f"{', '.join(given)}: a file of predictions has no such columns; use solve")
        check_pool(self.pool)
        if self.pool is None:
            return
        if unknown := [name for name in self.pool.names if name not in self._listed]:
            raise InputError(
                f"the pool has {', '.join(unknown)}, and {self.path} predicts {', '.join(self._listed)}: "
                "a model that is not predicted cannot be chosen"
            )
        if "input_tokens" not in self._numbers:
            raise InputError(
                f"{self.path} has no column input_tokens, from which the costs of another pool would follow: "
                "predict again, or leave the pool out"
            )

    @cached_property
    def _listed(self) -> tuple[str, ...]:
        """Model names, in the order in which each prompt lists them."""
        head = self._collect(self._rows.select(NAMES).head(_MOST_MODELS))
        if head.is_empty():
            raise InputError(f"{self.path}: expected a row for each prompt and model, found none")
        listed = tuple(head.filter(pl.col("prompt_id").eq_missing(head["prompt_id"].first()))["model"])
        if None in listed or len(set(listed)) < len(listed):
            raise InputError(f"{self.path}: expected each model once a prompt, by its name")
        return listed

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models that may be chosen, in that order."""
        return tuple(name for name in self._listed if self.pool is None or name in self.pool.names)

    @cached_property
    def nominal_costs(self) -> NominalCosts:
        """Models whose costs are nominal, as far as the file says so."""
        return self._scores(self._read(0, 1, self._numbers)).nominal_costs

    @cached_property
    def _listed_nominal(self) -> NominalCosts:
        """The same at the prices of the file."""
        if _NOMINAL not in self._rows.collect_schema().names():
            return {}
        first = self._read(0, 1, ["model", _NOMINAL]).drop_nulls()
        return {str(name): str(words) for name, words in first.iter_rows()}

    @cached_property
    def constraints(self) -> Constraints:
        """The limits of the problem, for all prompts of the file."""
        limits = self._problem(0, 1).limits_for(len(self)) if self.limits is None else self.limits
        return Constraints.of(limits, len(self.models) + self.spare)

    @cached_property
    def _length(self) -> int:
        count = int(self._collect(self._rows.select(pl.len())).item())
        if count == 0 or count % len(self._listed):
            raise InputError(
                f"{self.path}: expected a row for each prompt and model, "
                f"found {count} rows for {len(self._listed)} models a prompt"
            )
        return count // len(self._listed)

    def __len__(self) -> int:
        return self._length

    def asking(
        self, *, limits: tuple[Limit, ...] | None = None, aim: Tables | None = None, spare: bool = False
    ) -> ParquetPrompts:
        """The same prompts under other limits, with another aim, or free to go unserved."""
        return replace(self, limits=self.limits if limits is None else limits, aim=aim, spare=spare)

    def check(self) -> str | None:
        """Why some prompt has no model open to it; None where every one has, and the file is in order.

        Raises:
            InputError: Rows of a prompt lie apart, its models are in another order, or two have one id.
        """
        listed = self._listed
        kinds = pl.Enum(list(listed))
        hashes, closed = np.empty(len(self), np.uint64), list[ClosedPrompt]()
        for start in range(0, len(self), CHUNK):
            frame = self._read(start, CHUNK, ["prompt_id", "model"])
            if frame["prompt_id"].null_count():
                raise InputError(f"{self.path}: prompt_id must name every prompt, found nulls")
            hashes[start : start + CHUNK] = frame["prompt_id"].gather_every(len(listed)).hash()
            named = frame.select(
                pl.col("model").cast(kinds, strict=False).to_physical(), pl.col("prompt_id").rle_id()
            )
            expected = np.arange(len(frame))
            if not (
                np.array_equal(named["model"].fill_null(len(listed)), expected % len(listed))
                and np.array_equal(named["prompt_id"], expected // len(listed))
            ):
                raise InputError(
                    f"{self.path}: the rows of a prompt must stand together, each with the models "
                    f"{', '.join(listed)} in this order; sort by prompt_id and model first"
                )
            closed += closed_prompts(self._problem(start, CHUNK), first=start)
        self._refuse_repeated(hashes)
        return closed_words(closed, self._called, for_all=self.fields) if closed else None

    def _called(self, row: int) -> str:
        """What a message calls the prompt of this row."""
        return f"prompt {str(self._read(row, 1, ['prompt_id'])['prompt_id'][0])!r}"

    def _refuse_repeated(self, hashes: npt.NDArray[np.uint64]) -> None:
        """Refuses two prompts of one id, given the hashes of all ids, which are sorted here."""
        hashes.sort()
        twice = hashes[1:][hashes[1:] == hashes[:-1]]
        if not len(twice):
            return
        hashed = pl.col("prompt_id").hash().is_in(pl.Series(twice).implode())
        again = self._collect(
            self._rows.select("prompt_id").gather_every(len(self._listed)).filter(hashed)
        ).to_series()
        repeated = again.filter(again.is_duplicated())
        if len(repeated):  # and no mere coincidence of hashes
            raise InputError(
                f"{self.path}: {repeated.n_unique()} of {len(self)} ids name several prompts, such as "
                f"{repeated[0]!r}; give each prompt an id of its own"
            )

    def rows(self, at: slice | npt.NDArray[np.intp]) -> Rows:
        """These prompts, picked out in one pass over the file."""
        wanted = np.arange(len(self))[at]
        order = np.argsort(wanted, kind="stable")
        rising = wanted[order]

        def pick(start: int, rows: Rows) -> Rows:
            first, last = np.searchsorted(rising, [start, start + len(rows)])
            return rows.part(rising[first:last] - start)

        return Rows.join(list(self.map(pick))).part(np.argsort(order, kind="stable"))

    def map(self, work: Work[Answer]) -> Iterator[Answer]:
        """`work(start, rows)` of every chunk of prompts, in order."""
        for start in range(0, len(self), CHUNK):
            rows = self._problem(start, CHUNK).rows(slice(None))
            if self.spare:
                rows = rows.spared()
            yield work(start, rows if self.aim is None else replace(rows, aim=self.aim))
            self.tell("choosing", min(start + CHUNK, len(self)))

    def tell(self, what: str, done: int) -> None:
        """Reports progress, where somebody listens."""
        if self.progress is not None:
            self.progress(what, done, len(self))

    def chosen(self, start: int, choice: npt.NDArray[np.int32]) -> pl.DataFrame:
        """The predictions of these choices, prompts from `start` on."""
        frame = self._read(start, len(choice), [*NAMES, *self._numbers])
        column = np.array([self._listed.index(name) for name in self.models])[choice]
        found: pl.DataFrame = frame[np.arange(0, len(frame), len(self._listed)) + column]
        if self.pool is None:
            return found
        scores, at = self._scores(frame), np.arange(len(choice))
        priced = {"cost_usd": scores.cost_usd[at, choice], "latency_s": scores.latency[at, choice]}
        return found.with_columns(pl.Series(name, values) for name, values in priced.items()).with_columns(
            pl.col("latency_s").fill_nan(None)
        )

    @cached_property
    def _numbers(self) -> list[str]:
        known = self._rows.collect_schema().names()
        return [name for name in NUMBERS if name in known or name in NUMBERS[:2]]

    @cached_property
    def _rows(self) -> pl.LazyFrame:
        return open_predictions(self.path).rows

    def _collect(self, frame: pl.LazyFrame) -> pl.DataFrame:
        return collected(frame, self.path)

    def _read(self, start: int, count: int, columns: Sequence[str]) -> pl.DataFrame:
        m = len(self._listed)
        return self._collect(self._rows.select(columns).slice(start * m, count * m))

    def _problem(self, start: int, count: int) -> Problem:
        """A chunk of prompts as a problem of its own, for its arrays and its limits on single prompts."""
        scores = self._scores(self._read(start, count, self._numbers))
        fields, known = dict(self.fields), self._rows.collect_schema().names()
        if DEADLINE in known:
            own_s = self._own(start, count, DEADLINE).cast(pl.Float64).fill_null(math.inf).to_list()
            fields[DEADLINE] = deadlines_beside(own_s, fields.get(DEADLINE))
        if TAGS in known:
            if self.pool is None:
                raise InputError(
                    f"{self.path} has {TAGS}, and a file of predictions knows no pool: give one, which says "
                    "what tags its models have"
                )
            own = self._own(start, count, TAGS).cast(pl.String)
            fields["tags"] = tags_beside(tags_of(own.to_list()), name_list("tags", fields.get("tags") or ()))
        return Problem(scores=scores, pool=self.pool, **fields)

    def _own(self, start: int, count: int, name: str) -> pl.Series:
        """What a column says of each prompt of a chunk."""
        return self._read(start, count, [name])[name].gather_every(len(self._listed))

    def _scores(self, frame: pl.DataFrame) -> Scores:
        """The predictions of a chunk, for the models that may be chosen and at the prices that are paid."""
        p, cost = (self._matrix(frame, name) for name in NUMBERS[:2])
        latency, sent, received = (
            self._matrix(frame, name) if name in frame.columns else None for name in NUMBERS[2:]
        )
        scores = Scores(
            p,
            cost,
            latency,
            self._listed,
            output_tokens=received,
            input_tokens=sent,
            nominal_costs=self._listed_nominal,
        )
        return scores if self.pool is None else repriced(scores.columns(self.models), self.pool)

    def _matrix(self, frame: pl.DataFrame, name: str) -> Matrix:
        return frame[name].fill_null(np.nan).cast(pl.Float32).to_numpy().reshape(-1, len(self._listed))
