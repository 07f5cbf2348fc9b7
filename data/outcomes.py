"""Recorded outcomes: which prompts were asked, and what each model achieved on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from routoo.data.checks.arguments import choice, name_list, path_of, record, text_of
from routoo.data.checks.outcome_checks import checked_outcomes, checked_prompts
from routoo.data.domains import attribute_value, near_names
from routoo.data.errors import InputError
from routoo.data.splits import PARTS, Part, Placed, Split, continued_parts, split_prompts
from routoo.data.tables.columns import NUMBERS, SIGNAL, SIGNALS, TEXT, dtype_in_words, gated

if TYPE_CHECKING:
    from routoo.data.pool import Pool

FloatMatrix = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OutcomeMatrices:
    """Outcomes as arrays ``(n_prompts, n_models)`` float64, NaN where nothing was recorded."""

    score: FloatMatrix
    cost_usd: FloatMatrix
    latency_s: FloatMatrix
    input_tokens: FloatMatrix
    output_tokens: FloatMatrix
    confidence: FloatMatrix


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Prompts, and one outcome a prompt and model that was run; cells may be missing.

    Args:
        prompts: `prompt_id`, `prompt`, and where known `domain`, `split`, `answer`; kept sorted by
            `prompt_id`.
        outcomes: `prompt_id`, `model`, `score`, and where known `input_tokens`, `output_tokens`,
            `cost_usd`, `latency_s`, `confidence`, `response`.
        name: What to call the data in tables.

    Raises:
        InputError: A column is missing, an id is repeated or unknown, a prompt is null or blank, a score
            lies outside [0, 1]; the message names the column, the count and a sample row.

    >>> outcomes = Outcomes(
    ...     pl.DataFrame({"prompt_id": ["q1"], "prompt": ["2 + 2?"]}),
    ...     pl.DataFrame({"prompt_id": ["q1", "q1"], "model": ["small", "large"], "score": [0, 1]}),
    ... )
    >>> outcomes.models
    ('large', 'small')
    """

    prompts: pl.DataFrame
    outcomes: pl.DataFrame
    name: str = "outcomes"

    def __post_init__(self) -> None:
        text_of("name", self.name)
        prompts = checked_prompts(self.prompts)
        outcomes = checked_outcomes(self.outcomes, prompts["prompt_id"])
        object.__setattr__(self, "prompts", prompts.sort("prompt_id"))
        object.__setattr__(self, "outcomes", outcomes)

    @classmethod
    def read(
        cls,
        path: str | Path,
        *,
        name: str | None = None,
        columns: Mapping[str, str] | None = None,
        separator: str | None = None,
        score_columns: Sequence[str] = (),
        average: bool = False,
        on_remark: Callable[[str], None] | None = None,
    ) -> Outcomes:
        """The outcomes in a folder or file of any known format (see `routoo.data.formats.readers`).

        Args:
            path: A folder, or a file of Parquet, CSV or JSON lines; text may be compressed.
            name: What to call the data; the name of the folder or file when not given.
            columns: What the file calls its columns, by ours, such as ``{"prompt": "question"}``.
            separator: What separates the fields of a CSV; looked for in its header when not given.
            score_columns: Columns that hold the scores of a model each, in a table with a row a prompt.
            average: Take the means of several outcomes of a model on a prompt.
            on_remark: Called with what was decided that a user may want to know, such as which columns of a
                wide table are models.

        Raises:
            InputError: Nothing is there, a row is broken, or no format fits; the message lists what was
                tried, and why each did not fit.
        """
        from routoo.data.formats.readers import Reading, read_frames

        path = path_of("path", path)
        found = read_frames(path, Reading(columns or {}, separator, score_columns, average))
        if found.remark and on_remark is not None:
            on_remark(found.remark)
        try:
            return cls(found.prompts, found.outcomes, name or found.name)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    def write(self, folder: str | Path, *, pool: Pool | None = None) -> None:
        """Writes `prompts.parquet` and `outcomes.parquet`, and the pool as `pool.toml`, in one step.

        Raises:
            InputError: The folder holds other files, or a `pool.toml` that would be lost.
        """
        from routoo.data.formats.pair import write_pair

        write_pair(Path(folder), self.prompts, self.outcomes, pool)

    def __len__(self) -> int:
        return len(self.prompts)

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Names of the models that were run, sorted."""
        return tuple(sorted(self.outcomes["model"].unique().to_list()))

    @property
    def prompt_ids(self) -> list[str]:
        """Prompt ids in row order."""
        return self.prompts["prompt_id"].to_list()

    @property
    def texts(self) -> list[str]:
        """Prompts in row order."""
        return self.prompts["prompt"].to_list()

    @property
    def domains(self) -> list[str | None] | None:
        """Domain of each prompt in row order, where the column is known."""
        return self.prompts["domain"].to_list() if "domain" in self.prompts.columns else None

    def attributes(self, names: Sequence[str]) -> dict[str, list[str | None]]:
        """Values of further columns of the prompts, as `attribute_value` spells them, in row order, by name.

        Raises:
            InputError: There is no such column, it is one of the outcomes, or it holds lists or the like.
        """
        names, known = name_list("names", names), self.prompts.columns
        missing = [name for name in names if name not in known]
        for name in missing:
            if name in self.outcomes.columns:
                raise InputError(f"{self.name}: {self._among_outcomes(name)}")
        if missing:
            raise InputError(
                f"{self.name}: the prompts have no column {', '.join(missing)}; they have "
                f"{', '.join(known)}{near_names(missing, known)}"
            )
        return {name: _as_attributes(self.prompts[name], self.name) for name in names}

    def _among_outcomes(self, name: str) -> str:
        """Why a column is one of the outcomes and none of the prompts, in words."""
        if self.outcomes.schema[name].is_nested():
            return f"{name} must be text or a number, got {dtype_in_words(self.outcomes.schema[name])}"
        values = self.outcomes.group_by("prompt_id", maintain_order=True).agg(
            pl.col(name).drop_nulls().n_unique()
        )
        several = values.filter(pl.col(name) > 1)
        if several.is_empty():
            return f"{name} is a column of the outcomes; an attribute is a column of the prompts"
        return (
            f"{name} has several values for one prompt, for {len(several)} of {len(values)} prompts, such as "
            f"prompt_id={several['prompt_id'][0]!r}; give each request a prompt_id of its own"
        )

    @property
    def simulated(self) -> bool:
        """Whether these are simulated outcomes, as their name or the names of all their models say."""
        return "simulated" in self.name.lower() or all(name.startswith("simulated") for name in self.models)

    @property
    def has_split(self) -> bool:
        """Whether the prompts say which part they belong to."""
        return "split" in self.prompts.columns

    def records(self, column: str) -> bool:
        """Whether any outcome carries this column, say ``output_tokens``."""
        text_of("column", column)
        return column in self.outcomes.columns and self.outcomes[column].null_count() < len(self.outcomes)

    def coverage(self) -> dict[str, float]:
        """Share of the prompts that each model was run on."""
        counts = dict(self.outcomes.group_by("model").len().iter_rows())
        return {model: counts[model] / len(self) for model in self.models}

    def select(self, models: Sequence[str]) -> Outcomes:
        """The outcomes of these models only; every prompt stays.

        Raises:
            InputError: A model has no outcome here.
        """
        wanted = name_list("models", models)
        unknown = sorted(set(wanted) - set(self.models))
        if unknown:
            raise InputError(
                f"no outcomes of {', '.join(unknown)} in {self.name}; it has {', '.join(self.models)}"
            )
        return Outcomes(self.prompts, self.outcomes.filter(pl.col("model").is_in(wanted)), self.name)

    def subset(self, prompt_ids: Iterable[str]) -> Outcomes:
        """These prompts, with their outcomes."""
        keep = pl.Series(name_list("prompt_ids", prompt_ids), dtype=pl.String).implode()
        return Outcomes(
            self.prompts.filter(pl.col("prompt_id").is_in(keep)),
            self.outcomes.filter(pl.col("prompt_id").is_in(keep)),
            self.name,
        )

    def part(self, *parts: Part) -> Outcomes:
        """The prompts of these parts of the split.

        Raises:
            InputError: The prompts have no `split` column yet, a part is none of these, or they are empty.
        """
        if not self.has_split:
            raise InputError(f"{self.name} has no split column; make one with `with_split`")
        wanted = [choice("part", part, PARTS) for part in parts]
        chosen = self.prompts.filter(pl.col("split").is_in(wanted))
        if chosen.is_empty():
            raise InputError(f"{self.name} has no prompt in {' or '.join(wanted)}; look at its split column")
        return self.subset(chosen["prompt_id"])

    def with_split(
        self,
        *,
        seed: int | None = None,
        val: float = 0.1,
        test: float = 0.3,
        keep: Outcomes | Split | None = None,
    ) -> Outcomes:
        """The same outcomes, each prompt put into train, val or test; near-duplicates stay together.

        A `split` column that is already there is kept as it is.

        Args:
            seed: Which of the possible splits; where it is not given, that of `keep` if it has one, else 0.
            val: Share of the prompts to choose settings on.
            test: Share of the prompts to report on.
            keep: A split from before, of these prompts or fewer: outcomes that have one, or what a predictor
                kept. Prompts that it knows stay in their parts, near-duplicates of its test prompts join
                them (see `routoo.data.splits.split_prompts`).

        Raises:
            InputError: A share cannot be, or what is to be kept has no split.
        """
        if self.has_split:
            return self
        if seed is None:
            seed = keep.seed if isinstance(keep, Split) else 0
        if keep is None:
            parts = split_prompts(self.texts, seed=seed, val=val, test=test)
        else:
            known = keep if isinstance(keep, Split) else record("keep", keep, Outcomes).placed()
            parts = continued_parts(self.prompt_ids, self.texts, known, seed=seed, val=val, test=test)
        return Outcomes(self.prompts.with_columns(pl.Series("split", parts)), self.outcomes, self.name)

    def placed(self) -> Placed:
        """The prompts with the parts that they are in.

        Raises:
            InputError: The prompts have no `split` column.
        """
        if not self.has_split:
            raise InputError(f"{self.name} has no split column, so that there is no split to keep")
        return Placed(self.prompt_ids, self.texts, self.prompts["split"].to_list())

    def to_matrices(self, models: Sequence[str] | None = None) -> OutcomeMatrices:
        """Arrays ``(n_prompts, n_models)``, rows as `prompt_ids`, columns as `models`, NaN where missing."""
        models = self.models if models is None else name_list("models", models)
        rows, shape = self._placed(models, ("score", *NUMBERS)), (len(self), len(models))
        return OutcomeMatrices(
            **{field.name: _matrix(rows, field.name, shape) for field in fields(OutcomeMatrices)}
        )

    def signals(self, names: Sequence[str], models: Sequence[str] | None = None) -> dict[str, FloatMatrix]:
        """Those of these signals that were recorded, by name; rows, columns and gaps as in `to_matrices`.

        Args:
            names: Of the columns, without ``signal_``.
            models: Names of the columns of the matrices.

        Raises:
            InputError: A value is no finite number.
        """
        models = self.models if models is None else name_list("models", models)
        columns = {SIGNALS + name: SIGNAL for name in names if self.records(SIGNALS + name)}
        rows, shape = gated(self._placed(models, [*columns]), columns, self.name), (len(self), len(models))
        return {name.removeprefix(SIGNALS): _matrix(rows, name, shape) for name in columns}

    def responses(self, models: Sequence[str] | None = None) -> list[list[str | None]]:
        """What the models answered, a row a prompt, columns as `models`; None where nothing was recorded.

        Raises:
            InputError: The column ``response`` holds neither text nor numbers.
        """
        models = self.models if models is None else name_list("models", models)
        out: list[list[str | None]] = [[None] * len(models) for _ in range(len(self))]
        rows = gated(self._placed(models, ("response",)), {"response": TEXT}, self.name)
        if "response" in rows.columns:
            for row, column, text in rows.select("row", "column", "response").iter_rows():
                out[row][column] = text
        return out

    def _placed(self, models: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
        """The outcomes of these models with these of their columns, and the `row` and `column` of each."""
        positions = pl.DataFrame(
            {"model": models, "column": range(len(models))}, schema={"model": pl.String, "column": pl.Int64}
        )
        return (
            self.outcomes.select(name for name in ("prompt_id", "model", *columns) if name in self.outcomes)
            .join(self.prompts.select("prompt_id").with_row_index("row"), on="prompt_id")
            .join(positions, on="model")
        )


def _matrix(rows: pl.DataFrame, column: str, shape: tuple[int, int]) -> FloatMatrix:
    """A column of rows that say where they belong."""
    out = np.full(shape, np.nan)
    if column in rows.columns:
        at = rows["row"].to_numpy(), rows["column"].to_numpy()
        out[at] = rows[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return out


def _as_attributes(column: pl.Series, source: str) -> list[str | None]:
    if column.dtype.is_nested() or column.dtype == pl.Binary:
        raise InputError(
            f"{source}: {column.name} must be text or a number, got {dtype_in_words(column.dtype)}"
        )
    if column.dtype.is_float():
        column = column.fill_nan(None)
    return [attribute_value(value) for value in column.cast(pl.String)]
