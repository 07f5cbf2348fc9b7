"""The pool: which models there are to choose from, at what price and under which limits."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.data.errors import InputError
from routoo.data.files import write_atomically

NOMINAL_OUTPUT_TOKENS = 100.0
"""Output tokens that a call is costed at where no token counts were ever recorded."""

_RATES = ("usd_per_1m_input", "usd_per_1m_output", "usd_per_call")
_OPTIONAL_NUMBERS = (
    "usd_per_1m_cached_input",
    "usd_per_1m_batch_input",
    "usd_per_1m_batch_output",
    "context_window",
    "requests_per_minute",
    "tokens_per_minute",
    "concurrency",
    "time_to_first_token_s",
    "tokens_per_second",
)


@dataclass(frozen=True, kw_only=True)
class PoolModel:
    """One member of the pool: prices in USD per million tokens, limits, and tags.

    Raises:
        InputError: A price or limit is negative, NaN or infinite, or the name is empty.

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
    context_window: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None
    time_to_first_token_s: float | None = None
    tokens_per_second: float | None = None
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise InputError(f"a pool model needs a name, got {self.name!r}")
        for field in (*_RATES, *_OPTIONAL_NUMBERS):
            value = getattr(self, field)
            if value is None and field in _OPTIONAL_NUMBERS:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InputError(f"pool model {self.name!r}: {field} must be a number, got {value!r}")
            if not math.isfinite(value) or value < 0:
                raise InputError(
                    f"pool model {self.name!r}: {field} must be finite and at least 0, got {value!r}; "
                    "an unknown price is not zero: look it up, or leave the model out"
                )
        object.__setattr__(self, "tags", tuple(self.tags))


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
        object.__setattr__(self, "models", tuple(self.models))
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
            if model.name == name:
                return model
        raise InputError(f"unknown model {name!r}; the pool has {', '.join(self.names)}")

    def select(self, names: Iterable[str]) -> Pool:
        """The pool of just these models, in this order.

        Raises:
            InputError: A name is not in the pool.
        """
        return Pool(tuple(self[name] for name in names))

    def rates(self, field: str) -> npt.NDArray[np.float64]:
        """One number per model, shape ``(n_models,)``; NaN where it is unknown."""
        values = [getattr(model, field) for model in self.models]
        return np.array([math.nan if value is None else value for value in values], dtype=np.float64)

    def cost_usd(
        self, input_tokens: npt.NDArray[np.floating[Any]], output_tokens: npt.NDArray[np.floating[Any]]
    ) -> npt.NDArray[np.float64]:
        """What calls cost, shape ``(n_prompts, n_models)``.

        Where the output tokens are NaN (they were never recorded), a call is costed at
        `NOMINAL_OUTPUT_TOKENS` output tokens and no input: models then compare by list price.

        Args:
            input_tokens: Tokens sent, broadcastable to ``(n_prompts, n_models)``.
            output_tokens: Tokens received, ``(n_prompts, n_models)``.
        """
        sent = np.where(np.isnan(output_tokens), 0.0, np.nan_to_num(input_tokens))
        received = np.where(np.isnan(output_tokens), NOMINAL_OUTPUT_TOKENS, output_tokens)
        tokens = sent * self.rates("usd_per_1m_input") + received * self.rates("usd_per_1m_output")
        return np.asarray(tokens * 1e-6 + self.rates("usd_per_call"), dtype=np.float64)

    def latency_s(self, output_tokens: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """Seconds to the last token by the listed speeds, ``(n_prompts, n_models)``; NaN where unlisted."""
        with np.errstate(divide="ignore"):
            seconds = self.rates("time_to_first_token_s") + output_tokens / self.rates("tokens_per_second")
        return np.asarray(seconds, dtype=np.float64)

    @classmethod
    def read(cls, path: str | Path) -> Pool:
        """The pool written in a TOML file: one ``[[model]]`` table a model.

        Raises:
            InputError: The file is missing, is not TOML, or a model lacks a price.
        """
        path = Path(path)
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(f"{path}: no such file; write one with `routoo pool derive`") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: not a TOML file: {error}") from None
        rows = document.get("model")
        if not isinstance(rows, list) or not rows:
            raise InputError(f"{path}: expected one [[model]] table a model, found none")
        return cls.from_records(rows, source=str(path))

    @classmethod
    def from_records(cls, rows: Sequence[Mapping[str, Any]], *, source: str = "pool") -> Pool:
        """The pool of plain mappings, as TOML and JSON give them.

        Raises:
            InputError: A key is unknown, or a name or price is missing.
        """
        known = {field.name for field in dataclasses.fields(PoolModel)}
        models = []
        for row in rows:
            name = row.get("name", "without a name")
            unknown = sorted(set(row) - known)
            if unknown:
                raise InputError(f"{source}: model {name!r} has unknown keys {', '.join(unknown)}")
            missing = [key for key in ("name", "usd_per_1m_input", "usd_per_1m_output") if key not in row]
            if missing:
                raise InputError(f"{source}: model {name!r} lacks {', '.join(missing)}")
            models.append(PoolModel(**row))
        return cls(tuple(models))

    def to_records(self) -> list[dict[str, Any]]:
        """Plain mappings of what is known of each model: what `from_records` reads back."""
        return [
            {
                key: list(value) if isinstance(value, tuple) else value
                for key, value in dataclasses.asdict(model).items()
                if value is not None and value != () and (key, value) != ("usd_per_call", 0.0)
            }
            for model in self.models
        ]

    def write(self, path: str | Path) -> None:
        """Writes the TOML file that `read` reads back, in one step."""
        import tomli_w

        write_atomically(Path(path), tomli_w.dumps({"model": self.to_records()}).encode())
