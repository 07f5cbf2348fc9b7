"""Prompts to be asked: what is sent, the right answers, and how each is graded."""

from __future__ import annotations

import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from routoo.collect.graders.grader import Reference
from routoo.data.chat import Prompt
from routoo.data.request import Request
from routoo.data.tables.prompts import STDIN, Prompts, prompts_in, read_prompts
from routoo.data.tables.table import Table, json_table, named, open_table

_CHAT = "chat"  # what the column of prompts is called where chats are kept as they are
_LISTS = ("answer", "options")
_OF_OURS = ("prompt_id", "prompt", "domain", _CHAT)


@dataclass(frozen=True, eq=False)
class PromptToAsk:
    """A prompt, and what is known of its answer.

    Args:
        request: What is asked.
        reference: What it is graded by.
        domain: Where it is known.
        grader: How it is graded, where it has a grader of its own.
    """

    request: Request
    reference: Reference
    domain: str | None = None
    grader: str | None = None

    @property
    def prompt_id(self) -> str:
        """Its name."""
        return self.request.prompt_id


@dataclass(frozen=True, eq=False)
class PromptsToAsk:
    """Prompts in the order of their source.

    Args:
        prompts: The prompts.
        frame: The same as a table of outcomes has them: chats as text, several answers as JSON.
        source: Where they come from, for messages.
    """

    prompts: tuple[PromptToAsk, ...]
    frame: pl.DataFrame
    source: str

    def __len__(self) -> int:
        return len(self.prompts)


def read_to_ask(
    source: str | Path | pl.DataFrame,
    stdin: BinaryIO | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    separator: str | None = None,
) -> PromptsToAsk:
    """The prompts in a file, on standard input, or in a table of polars.

    Columns are those of `read_prompts`, and where known `answer` (the right one; several as a list, or as
    JSON of one), `options` (a list), `grader`, and whatever else is known of a prompt.

    Args:
        source: A file of one of the kinds of `read_prompts`, ``-``, or the table.
        stdin: What ``-`` stands for.
        columns: What the source calls its columns, by ours.
        separator: What separates the fields of a CSV.

    Raises:
        InputError: See `read_prompts`; or options are no list.

    >>> frame = pl.DataFrame({"prompt": ["2 + 2?"], "answer": [["4", "four"]]})
    >>> read_to_ask(frame).prompts[0].reference.answers
    ('4', 'four')
    """
    names = dict(columns or {})
    if isinstance(source, pl.DataFrame):
        table = Table(Path("prompts"), "Parquet", source.schema, {}, source.lazy())
        prompts = prompts_in(named(table, names))
        return _to_ask(prompts, named(table, _raw_names(names, prompts)))
    given = stdin.read() if str(source) == STDIN and stdin is not None else b""
    prompts = read_prompts(source, io.BytesIO(given) if given else stdin, columns=names, separator=separator)
    if not prompts.columns:
        return _to_ask(prompts, None)
    path = Path("standard input" if given else source)
    raw = _raw_names(names, prompts)
    if given:
        return _to_ask(prompts, json_table(io.BytesIO(given), path, raw))
    return _to_ask(prompts, open_table(path, raw, separator))


def _raw_names(names: Mapping[str, str], prompts: Prompts) -> dict[str, str]:
    """What the source calls its columns, with the one of prompts under a name that no gate knows."""
    others = {ours: theirs for ours, theirs in names.items() if ours != "prompt"}
    return {**others, _CHAT: names.get("prompt", prompts.called)}


def _to_ask(prompts: Prompts, table: Table | None) -> PromptsToAsk:
    """The prompts, with what else the table says of them."""
    frame, rows = prompts.frame, pl.DataFrame()
    if table is not None:
        kept = [name for name in table.columns if name in table.flat or name in (*_LISTS, _CHAT)]
        rows = table.collect(kept)
        further = rows.drop(_OF_OURS, strict=False)
        lists = [name for name in _LISTS if name in further.columns and further[name].dtype.is_nested()]
        frame = pl.concat(
            [frame, further.with_columns(map(_as_json, further.select(lists)))], how="horizontal"
        )
    known = [_known(row) for row in rows.iter_rows(named=True)] or [_known({})] * len(frame)
    made = (
        _prompt(prompt_id, text, domain, row)
        for prompt_id, text, domain, row in zip(
            prompts.ids, prompts.texts, prompts.domains or [None] * len(frame), known, strict=True
        )
    )
    return PromptsToAsk(tuple(made), frame, prompts.source)


def _as_json(column: pl.Series) -> pl.Series:
    """A column of lists as JSON."""
    values = [None if value is None else json.dumps(value, ensure_ascii=False) for value in column.to_list()]
    return pl.Series(column.name, values, dtype=pl.String)


def _known(row: Mapping[str, Any]) -> dict[str, Any]:  # Any: values of a table
    """What a row holds that this room reads."""
    return {name: row.get(name) for name in (_CHAT, "answer", "options", "grader")}


def _prompt(
    prompt_id: str, text: str, domain: str | None, row: Mapping[str, Any]
) -> PromptToAsk:  # Any: above
    options = _listed(row["options"])
    request = Request(prompt_id, _chat(row[_CHAT], text), options=options)
    grader = row["grader"]
    return PromptToAsk(
        request,
        Reference(text, _listed(row["answer"]), options),
        domain,
        None if grader is None else str(grader),
    )


def _chat(raw: Any, text: str) -> Prompt:  # Any: a value of a table
    """The chat as it was given, or the text where the prompt is one."""
    if raw is None or raw == text:
        return text
    if isinstance(raw, str):
        with suppress(ValueError, RecursionError):
            found = json.loads(raw)
            if isinstance(found, list | dict):
                return found
        return text
    return _without_nulls(raw)  # type: ignore[no-any-return]  # a chat, since its text could be read


def _without_nulls(value: Any) -> Any:  # Any: nested values of a table
    """The value without keys that hold nothing: a table fills up with them what other rows have."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _listed(value: Any) -> tuple[str, ...]:  # Any: a value of a table
    """The texts in a list or in JSON of one; one text where it is something else."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    if value is None or value == "":
        return ()
    items = value if isinstance(value, list) else [value]
    return tuple(str(item) for item in items if item is not None)


def spread(prompts: Sequence[PromptToAsk], seed: int) -> list[PromptToAsk]:
    """The prompts in an order whose every beginning is a random sample, spread over domains.

    >>> texts = [("a", "x"), ("b", "x"), ("c", "y"), ("d", "y")]
    >>> asked = [PromptToAsk(Request(name, "?"), Reference("?"), domain) for name, domain in texts]
    >>> sorted(prompt.domain for prompt in spread(asked, seed=0)[:2])
    ['x', 'y']
    """
    drawn = {prompt.prompt_id: _drawn(prompt.prompt_id, seed) for prompt in prompts}
    domains: dict[str | None, list[PromptToAsk]] = defaultdict(list)
    for prompt in sorted(prompts, key=lambda prompt: drawn[prompt.prompt_id]):
        domains[prompt.domain].append(prompt)
    places = {
        prompt.prompt_id: ((at + 0.5) / len(group), drawn[prompt.prompt_id])
        for group in domains.values()
        for at, prompt in enumerate(group)
    }
    return sorted(prompts, key=lambda prompt: places[prompt.prompt_id])


def _drawn(prompt_id: str, seed: int) -> int:
    """A number by chance that is of this prompt and seed alone, so that a file may grow."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{prompt_id}".encode("utf-8", "replace")).digest()[:8])
