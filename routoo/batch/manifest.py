"""What a folder of batch files holds: the head that names its files by their hashes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import polars as pl

from routoo.collect.prompts import PromptsToAsk, read_to_ask
from routoo.data.errors import InputError
from routoo.data.pool import Pool
from routoo.data.storage.files import read_regular, sha256_of, write_atomically

NAME = "batch.json"
JOURNAL_NAME = "journal.jsonl"
RESULTS = "results"
"""Folder of what providers gave back, as it came."""

_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Part:
    """A batch file: what is submitted as one.

    Args:
        name: Its name in the folder.
        sha256: The hash of its content.
        size: Its bytes.
        model: The member that it is for.
        requests: How many it holds.
        tokens: What they are expected to take, answers included.
        day: It is submitted a day after the files of its account of the day before, counted from 0.
    """

    name: str
    sha256: str
    size: int
    model: str
    requests: int
    tokens: float
    day: int


@dataclass(frozen=True, kw_only=True)
class Round:
    """Prompts with a member each: those of the plan, or of failures that were routed again.

    Args:
        plan: Name of the table with a row a prompt: its `number`, `prompt_id`, `model`, `cost_usd` as
            predicted, `most_usd`, and the `part` that it is in, null where the member answers at once.
        sha256: The hash of that table.
        parts: The batch files.
    """

    plan: str
    sha256: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The head of a folder of batch files.

    Args:
        batch_id: What tells it from all others: custom ids begin with it.
        written_s: When it was written, in seconds since 1970; deadlines count from there.
        prompts: The file of prompts in the folder, as it was given.
        prompts_sha256: The hash of that file.
        columns: What it calls its columns, by our names.
        separator: What separates its fields, where it is a CSV.
        pool: The members, without any key.
        period_s: Seconds within which all is to be answered.
        rounds: The rounds, the first of which is the plan.
    """

    batch_id: str
    written_s: float
    prompts: str
    prompts_sha256: str
    columns: Mapping[str, str]
    separator: str | None
    pool: Pool
    period_s: float | None
    rounds: tuple[Round, ...]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The manifest of a folder.

        Raises:
            InputError: There is none, it is damaged, or of a newer format.
        """
        path = folder / NAME
        try:
            found = json.loads(read_regular(path))
        except FileNotFoundError:
            raise InputError(f"{folder}: no batch files there; `routoo batch write` writes them") from None
        except (ValueError, OSError) as error:
            raise InputError(f"{path}: cannot be read as JSON ({type(error).__name__})") from None
        version = found.get("format") if isinstance(found, dict) else None
        if version != _FORMAT:
            raise InputError(f"{path}: expected format {_FORMAT}, found {version}: a newer routoo reads it")
        try:
            rounds = [
                Round(**{**one, "parts": tuple(Part(**part) for part in one["parts"])})
                for one in found.pop("rounds")
            ]
            del found["format"]
            pool = Pool.from_records(found.pop("pool"), source=str(path))
            return cls(**found, pool=pool, rounds=tuple(rounds))
        except (KeyError, TypeError, AttributeError):
            raise InputError(f"{path}: damaged; restore it, or write the batch anew elsewhere") from None

    def write(self, folder: Path) -> None:
        """Puts it in place in one step: from then on the files that it names are the batch.

        Raises:
            OSError: The disk is full; what was there before stands.
        """
        known = {**vars(self), "pool": self.pool.to_records(), "rounds": [asdict(one) for one in self.rounds]}
        document = {"format": _FORMAT, **known}
        write_atomically(folder / NAME, json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n")

    @property
    def parts(self) -> tuple[Part, ...]:
        """The batch files of all rounds."""
        return tuple(part for one in self.rounds for part in one.parts)

    def asked(self, folder: Path) -> pl.DataFrame:
        """The tables of all rounds, one below the other, with their `round` from 0.

        Raises:
            InputError: One was changed or is missing.
        """
        frames = [
            pl.read_parquet(checked(folder / one.plan, one.sha256)).with_columns(round=pl.lit(at))
            for at, one in enumerate(self.rounds)
        ]
        return pl.concat(frames)

    def read_prompts(self, folder: Path) -> PromptsToAsk:
        """The prompts, from their file in the folder.

        Raises:
            InputError: It was changed or is missing.
        """
        path = checked(folder / self.prompts, self.prompts_sha256)
        return read_to_ask(path, columns=dict(self.columns), separator=self.separator)


def checked(path: Path, sha256: str) -> Path:
    """The path, where the file there is what the manifest says.

    Raises:
        InputError: It is not, or there is none.
    """
    if not path.is_file():
        raise InputError(f"{path}: the manifest names it, and it is not there: restore it")
    if sha256_of(path) != sha256:
        raise InputError(f"{path}: was changed since it was written (its SHA-256 is another): restore it")
    return path
