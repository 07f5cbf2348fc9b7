"""The pool: which models there are to choose from, at what price and under which limits."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.data.call import Call
from routoo.data.checks.arguments import known_keys, name_list, record, shown
from routoo.data.checks.batch import listed
from routoo.data.checks.came import came, of_a_table
from routoo.data.checks.pool_checks import checked_numbers
from routoo.data.costs.price_lists import ListedModels, listed_models
from routoo.data.errors import InputError
from routoo.data.storage.files import write_atomically

NOMINAL_OUTPUT_TOKENS = 100.0
"""Output tokens that a call is costed at where nobody knows how many there are."""


@dataclass(frozen=True, kw_only=True)
class PoolModel:
    """One member of the pool: prices in USD per million tokens, limits, and tags.

    `output_tokens` are what a call is costed at where the model's own were never recorded, and
    `NOMINAL_OUTPUT_TOKENS` where it is left out. `call` is how it is asked; without, it can be chosen but not
    asked. A model with a `batch_window_s` is asked by files (`routoo.data.batch_tiers`), and has answered
    within so many seconds, which is its latency.

    Raises:
        InputError: A price or limit is negative, NaN or infinite, a limit is zero, or the name is empty.

    >>> PoolModel(name="small", usd_per_1m_input=0.2, usd_per_1m_output=0.2).usd_per_1m_output
    0.2
    """

    name: str
    usd_per_1m_input: float
    usd_per_1m_output: float
    usd_per_call: float = 0.0
    usd_per_1m_cached_input: float | None = None
    usd_per_1m_batch_input: float | None = None
    usd_per_1m_batch_output: float | None = None
    output_tokens: float | None = None
    context_window: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    requests_per_day: int | None = None
    tokens_per_day: int | None = None
    concurrency: int | None = None
    batch_window_s: float | None = None
    time_to_first_token_s: float | None = None
    tokens_per_second: float | None = None
    tags: tuple[str, ...] = ()
    call: Call | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise InputError(f"a pool model needs a name, got {shown(self.name)}")
        for field, value in checked_numbers(self.name, vars(self)).items():
            object.__setattr__(self, field, value)
        tags = listed(self.tags, f"pool model {self.name!r}: tags", "texts")
        if not all(isinstance(tag, str) for tag in tags):
            raise InputError(f"pool model {self.name!r}: tags must be a list of texts, got {shown(tags)}")
        object.__setattr__(self, "tags", tuple(tags))
        if self.call is not None:
            record(f"pool model {self.name!r}: call", self.call, Call)


@dataclass(frozen=True)
class Pool:
    """The models to choose from, in the order of the columns of every array about them.

    Raises:
        InputError: No model, or two models of one name.

    >>> pool = Pool((PoolModel(name="a", usd_per_1m_input=1, usd_per_1m_output=2),))
    >>> pool.names
    ('a',)
    """

    models: tuple[PoolModel, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", tuple(listed(self.models, "a pool", "PoolModel")))
        for model in self.models:
            if not isinstance(model, PoolModel):
                raise InputError(f"a pool is a list of PoolModel, got {type(model).__name__} in it")
        if not self.models:
            raise InputError("a pool needs at least one model, got none")
        names = [model.name for model in self.models]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"a pool names each model once; named twice: {', '.join(twice)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Model names in column order."""
        return tuple(model.name for model in self.models)

    def __len__(self) -> int:
        return len(self.models)

    def __getitem__(self, name: str) -> PoolModel:
        for model in self.models:
            if isinstance(name, str) and model.name == name:
                return model
        raise InputError(f"unknown model {shown(name)}; the pool has {', '.join(self.names)}")

    def select(self, names: Iterable[str]) -> Pool:
        """The pool of just these models, in this order.

        Raises:
            InputError: A name is not in the pool.
        """
        return Pool(tuple(self[name] for name in name_list("names", names)))

    def rates(self, field: str) -> npt.NDArray[np.float64]:
        """One number per model, shape ``(n_models,)``; NaN where it is unknown."""
        values = [getattr(model, field) for model in self.models]
        return np.array([math.nan if value is None else value for value in values], dtype=np.float64)

    def cost_usd(
        self, input_tokens: npt.NDArray[np.floating[Any]], output_tokens: npt.NDArray[np.floating[Any]]
    ) -> npt.NDArray[np.float64]:
        """What calls cost, shape ``(n_prompts, n_models)``; NaN where the tokens sent are.

        Args:
            input_tokens: Tokens sent, broadcastable to ``(n_prompts, n_models)``.
            output_tokens: Tokens received, the same; NaN stands for `PoolModel.output_tokens`, or for
                `NOMINAL_OUTPUT_TOKENS` where that is left out.
        """
        received = np.where(np.isnan(output_tokens), self.nominal_output_tokens, output_tokens)
        tokens = input_tokens * self.rates("usd_per_1m_input") + received * self.rates("usd_per_1m_output")
        return np.asarray(tokens * 1e-6 + self.rates("usd_per_call"), dtype=np.float64)

    @property
    def nominal_output_tokens(self) -> npt.NDArray[np.float64]:
        """Output tokens of a call to each model of which none were recorded, ``(n_models,)``."""
        stated = self.rates("output_tokens")
        return np.where(np.isnan(stated), NOMINAL_OUTPUT_TOKENS, stated)

    def costs_as(self, other: Pool) -> bool:
        """Whether these are the models of another pool, and every call costs what it does there."""
        if set(self.names) != set(other.names):
            return False
        sent = np.array([[0.0], [1e6], [0.0], [0.0]])
        received = np.broadcast_to([[0.0], [0.0], [1e6], [np.nan]], (4, len(self)))
        mine, theirs = (pool.select(self.names).cost_usd(sent, received) for pool in (self, other))
        return bool(np.array_equal(mine, theirs))

    def latency_s(self, output_tokens: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """Seconds to the last token by the listed speeds, ``(n_prompts, n_models)``; NaN where unlisted.

        Those of a batch tier are its window, whatever the speeds.
        """
        with np.errstate(divide="ignore"):
            seconds = self.rates("time_to_first_token_s") + output_tokens / self.rates("tokens_per_second")
        window = self.rates("batch_window_s")
        return np.asarray(np.where(np.isnan(window), seconds, window), dtype=np.float64)

    @classmethod
    def read(
        cls,
        path: str | Path,
        *,
        names: Iterable[str] | None = None,
        among: Iterable[str] | None = None,
        on_remark: Callable[[str], None] | None = None,
    ) -> Pool:
        """The pool written in a file: TOML with one ``[[model]]`` table a model, or a JSON price list.

        A JSON price list is a list of objects with `model` (or `name`), `usd_per_1m_input` and
        `usd_per_1m_output`, of which keys that a pool does not know are passed over; or the list of all
        models that LiteLLM or OpenRouter publishes. What states no price there is left out.

        Args:
            path: The file; one that ends in ``.json`` is a price list.
            names: The models to take, in this order; what is wrong with the others does not matter.
            among: The same where the list is a published one; all that a file of one's own lists is taken.
            on_remark: Called with how many models of a published list were left out, and of which the price
                for long prompts.

        Raises:
            InputError: The file is missing or of another format, a name is not in it, or a model
                lacks a price.
        """
        rows = pool_rows(path)
        if names is None and rows.published:
            names = among
        wanted = None if names is None else name_list("names", names)
        pool = cls.from_records(
            rows.rows if wanted is None else rows.named(wanted),
            source=rows.source,
            folder=Path(path).parent,
        )
        if on_remark is not None:
            for remark in rows.remarks(wanted):
                on_remark(remark)
        return pool

    @classmethod
    def from_records(
        cls, rows: Sequence[Mapping[str, Any]], *, source: str = "pool", folder: Path | None = None
    ) -> Pool:
        """The pool of plain mappings, as TOML and JSON give them.

        Args:
            rows: One a model.
            source: What to call them in messages.
            folder: Where files are that a `call` names by a relative path; paths stay as they are without.

        Raises:
            InputError: A key is unknown, or a name or price is missing.
        """
        if of_a_table(rows, "DataFrame"):
            rows_of = "to_dicts()" if hasattr(rows, "to_dicts") else "to_dict('records')"
            raise InputError(
                f"{source}: expected a mapping for each model, got DataFrame: give frame.{rows_of}"
            )
        return cls(
            tuple(_model(row, source, folder) for row in listed(rows, "rows", "mappings, one a model"))
        )

    def to_records(self) -> list[dict[str, Any]]:
        """Plain mappings of what is known of each model: what `from_records` reads back."""
        return [
            {
                key: list(value) if isinstance(value, tuple) else value
                for key, value in {**vars(model), "call": model.call and model.call.to_record()}.items()
                if value is not None and value != () and (key, value) != ("usd_per_call", 0.0)
            }
            for model in self.models
        ]

    def to_toml(self) -> str:
        """The TOML text that `read` reads back from a file."""
        import tomli_w

        tables = [tomli_w.dumps({"model": row}).removeprefix("[model]") for row in self.to_records()]
        return "\n".join(f"[[model]]{table}" for table in tables)

    def write(self, path: str | Path) -> None:
        """Writes the TOML file that `read` reads back, in one step."""
        write_atomically(Path(path), self.to_toml().encode())


def pool_rows(path: str | Path) -> ListedModels:
    """What a file says of each model, in the keys of `PoolModel`, before any of it is checked.

    Raises:
        InputError: The file is missing, of another format, or lists no model.
    """
    return listed_models(path, known={field.name for field in dataclasses.fields(PoolModel)})


def _model(row: object, source: str, folder: Path | None) -> PoolModel:
    """The pool model of a plain mapping, in which nothing is checked yet."""
    if not isinstance(row, Mapping) or not all(isinstance(key, str) for key in row):
        raise InputError(f"{source}: expected a mapping by names for each model, got {came(row)}")
    which = f"{source}: model {row.get('name', 'without a name')!r}"
    known_keys(which, row, [field.name for field in dataclasses.fields(PoolModel)])
    if missing := [key for key in ("name", "usd_per_1m_input", "usd_per_1m_output") if key not in row]:
        raise InputError(f"{which} lacks {', '.join(missing)}: write it, or leave the model out")
    fields = dict(row)
    if fields.get("call") is not None:
        fields["call"] = Call.from_record(fields["call"], source=f"{which}: call", folder=folder)
    try:
        return PoolModel(**fields)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
