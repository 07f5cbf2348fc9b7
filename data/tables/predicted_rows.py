"""Rows of predictions as scores: the rows of a prompt stand together, its models always in one order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from routoo.data.checks.arguments import name_list
from routoo.data.costs.nominal import NominalCosts
from routoo.data.errors import InputError
from routoo.data.pool import Pool
from routoo.data.scores import Matrix, Scores, repriced
from routoo.data.tables.deadlines import DEADLINE
from routoo.data.tables.predictions import NAMES, NUMBERS
from routoo.data.tables.required_tags import TAGS, tags_beside, tags_of

MOST_MODELS = 4096
"""First rows of a table of predictions that are looked at for the models of a prompt."""

_NOMINAL = "nominal_cost"


@dataclass(frozen=True, eq=False)
class PredictedRows:
    """How a table of predictions is read; the tables of a batch are all read alike.

    Args:
        source: Where it comes from, for messages.
        listed: Model names, in the order in which each prompt lists them.
        numbers: Columns of numbers that there are.
        needs: Columns there are that say what a prompt needs: tags, and a deadline.
        listed_nominal: Models whose costs are nominal at the prices of the table.
        pool: Other prices, and the models that may be chosen.
    """

    source: str
    listed: tuple[str, ...]
    numbers: tuple[str, ...]
    needs: tuple[str, ...] = ()
    listed_nominal: NominalCosts = field(default_factory=dict)
    pool: Pool | None = None

    @classmethod
    def of(cls, head: pl.DataFrame, source: str, pool: Pool | None = None) -> PredictedRows:
        """How to read a table, given its first `MOST_MODELS` rows.

        Raises:
            InputError: No row names a model, one is named twice, or the pool has a model that is not
                predicted or tokens that its prices need are not there.
        """
        if head.is_empty():
            raise InputError(f"{source}: expected a row for each prompt and model, found none")
        first = head.filter(pl.col("prompt_id").eq_missing(head["prompt_id"].first()))
        listed = tuple(first["model"].to_list())
        if None in listed or len(set(listed)) < len(listed):
            raise InputError(f"{source}: expected each model once a prompt, by its name")
        numbers = tuple(name for name in NUMBERS if name in head.columns)
        if pool is not None:
            if unknown := [name for name in pool.names if name not in listed]:
                predicted = ", ".join(map(str, listed))
                raise InputError(
                    f"the pool has {', '.join(unknown)}, and {source} predicts {predicted}: "
                    "a model that is not predicted cannot be chosen"
                )
            if "input_tokens" not in numbers:
                raise InputError(
                    f"{source} has no column input_tokens, from which the costs of another pool would "
                    "follow: predict again, or leave the pool out"
                )
        needs = tuple(name for name in (TAGS, DEADLINE) if name in head.columns)
        nominal = {}
        if _NOMINAL in head.columns:
            known = first.select("model", _NOMINAL).drop_nulls()
            nominal = {str(name): str(words) for name, words in known.iter_rows()}
        return cls(source, tuple(map(str, listed)), numbers, needs, nominal, pool)

    @property
    def models(self) -> tuple[str, ...]:
        """The models that may be chosen, in their order."""
        return tuple(name for name in self.listed if self.pool is None or name in self.pool.names)

    @property
    def columns(self) -> list[str]:
        """What is read of a table."""
        return [*NAMES, *self.numbers, *self.needs]

    def check(self, frame: pl.DataFrame, source: str) -> npt.NDArray[np.uint64]:
        """Refuses rows that stand in another order, or do not name their prompt; hashes of the prompts' ids.

        Args:
            frame: Whole prompts, with `prompt_id` and `model`.
            source: Where they come from.
        """
        if frame["prompt_id"].null_count():
            raise InputError(f"{source}: prompt_id must name every prompt, found nulls")
        m = len(self.listed)
        if len(frame) % m == 0:
            kinds = pl.Enum(list(self.listed))
            place = frame["model"].cast(pl.String).cast(kinds, strict=False).to_physical().fill_null(m)
            hashes = frame["prompt_id"].hash().to_numpy().reshape(-1, m)
            first = hashes[:, 0]
            if (
                (place.to_numpy().reshape(-1, m) == np.arange(m)).all()
                and (hashes == first[:, None]).all()
                and (first[1:] != first[:-1]).all()
            ):
                return first
        raise InputError(
            f"{source}: the rows of a prompt must stand together, each with the models "
            f"{', '.join(self.listed)} in this order; sort by prompt_id and model first"
        )

    def ids(self, frame: pl.DataFrame) -> pl.Series:
        """The names of the prompts."""
        return frame["prompt_id"].gather_every(len(self.listed))

    def tags(self, frame: pl.DataFrame) -> list[list[str]] | None:
        """The tags that each prompt needs; None where no column names them."""
        if TAGS not in self.needs:
            return None
        return tags_of(frame[TAGS].gather_every(len(self.listed)).cast(pl.String).to_list())

    def deadlines_s(self, frame: pl.DataFrame) -> npt.NDArray[np.float64] | None:
        """Seconds within which each prompt is to be answered; None where no column says so."""
        if DEADLINE not in self.needs:
            return None
        own = frame[DEADLINE].gather_every(len(self.listed)).cast(pl.Float64).fill_null(np.inf)
        return own.to_numpy()

    def scores(self, frame: pl.DataFrame) -> Scores:
        """The predictions of whole prompts, for the models that may be chosen, at the prices to pay."""
        known: dict[str, Any] = {name: self.matrix(frame, name) for name in self.numbers}
        scores = Scores(**known, models=self.listed, nominal_costs=self.listed_nominal)
        return scores if self.pool is None else repriced(scores.columns(self.models), self.pool)

    def matrix(self, frame: pl.DataFrame, name: str) -> Matrix:
        """One number of each model and prompt, NaN where it is null, ``(n_prompts, n_models)``."""
        values = frame[name].cast(pl.Float32)
        if values.null_count():
            values = values.fill_null(np.nan)
        return values.to_numpy().reshape(-1, len(self.listed))


@dataclass
class Needs:
    """What prompts need by the columns of their table, collected some prompts at a time.

    Args:
        reader: How the rows are read.
    """

    reader: PredictedRows
    _tags: list[list[str]] = field(default_factory=list)
    _deadlines_s: list[npt.NDArray[np.float64]] = field(default_factory=list)

    def add(self, frame: pl.DataFrame) -> None:
        """Reads what further prompts need."""
        self._tags += self.reader.tags(frame) or []
        if (own := self.reader.deadlines_s(frame)) is not None:
            self._deadlines_s.append(own)

    def beside(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a problem with what each prompt needs beside what they ask of all.

        Raises:
            InputError: Tags are needed, and no pool says which model has them.
        """
        found = dict(fields)
        if TAGS in self.reader.needs:
            if found.get("pool") is None:
                raise InputError(
                    f"{self.reader.source} has {TAGS}, and a file of predictions knows no pool: give one, "
                    "which says what tags its models have"
                )
            found["tags"] = tags_beside(self._tags, name_list("tags", found.get("tags") or ()))
        if self._deadlines_s and np.isfinite(own := np.concatenate(self._deadlines_s)).any():
            everyone = found.get(DEADLINE)
            found[DEADLINE] = own if everyone is None else np.minimum(own, everyone)
        return found
