"""What a file says of models and their prices: a pool of one's own, or a list that is published for all."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeGuard

from routoo.data.checks.arguments import path_of
from routoo.data.errors import InputError
from routoo.data.storage.files import read_regular
from routoo.data.words import some

Row = dict[str, Any]
"""What is said of a model, in the keys of `PoolModel`; nothing of it is checked yet."""

_PRICES = ("usd_per_1m_input", "usd_per_1m_output")
_NAMES = ("name", "model")
_LISTS = ("data", "models")  # keys under which the list itself may stand
_TEXT_MODES = ("chat", "completion", "responses")
_NO_MODEL = "sample_spec"  # an entry of LiteLLM's list that explains the others
_TIER = re.compile(r"cost.*_above_\w*_tokens")  # what tokens cost beyond a number of them
_WITHOUT = "`routoo pool derive DATA --prices LIST --exclude NAME` writes a pool without a model"
_MOST = 10**15  # beyond which nothing is a price or a count of tokens

_FORMS = """\
[{"model": "a", "usd_per_1m_input": 0.5, "usd_per_1m_output": 1.5}]
LiteLLM's model_prices_and_context_window.json:
{"a": {"input_cost_per_token": 5e-07, "output_cost_per_token": 1.5e-06, "max_input_tokens": 128000}}
OpenRouter's /api/v1/models:
{"data": [{"id": "a", "pricing": {"prompt": "0.0000005", "completion": "0.0000015"}}]}"""
_TOML_FORM = """\
[[model]]
name = "a"
usd_per_1m_input = 0.5
usd_per_1m_output = 1.5"""


@dataclass(frozen=True)
class ListedModels:
    """The models of a file.

    Args:
        source: The file.
        rows: What is said of each model.
        left_out: Models of a published list that state no price for a token of text: unknown is not zero.
        tiered: Models of a published list that state other prices for long prompts; the base price is taken.
        published: Whether it is a list for all, of which its reader uses a few models.
    """

    source: str
    rows: Sequence[Row]
    left_out: tuple[str, ...] = ()
    tiered: frozenset[str] = frozenset()
    published: bool = False

    def named(self, names: Iterable[str]) -> list[Row]:
        """What is said of the models of these names, in their order.

        In a published list, where models stand under their providers, a name also stands for the one entry
        that ends in it: ``gpt-4o`` for ``openai/gpt-4o``.

        Raises:
            InputError: A name is not in the file, stands for several entries, or has no price.
        """
        rows = self._by_name()
        found = [(name, self._entry(name, rows)) for name in names]
        if missing := [name for name, entry in found if entry is None]:
            raise InputError(f"{self.source}: no price for {some(missing)}; {self._instead(missing, rows)}")
        return [{**rows[entry], "name": name} for name, entry in found if entry is not None]

    def tiered_among(self, names: Iterable[str]) -> list[str]:
        """Those of these names, as `named` takes them, that state other prices for long prompts."""
        rows = self._by_name() if self.tiered else {}
        return [name for name in names if self.tiered and self._entry(name, rows) in self.tiered]

    def _by_name(self) -> dict[str, Row]:
        rows: dict[str, Row] = {}
        for row in self.rows:
            rows.setdefault(str(row.get("name")), row)
        return rows

    def _entry(self, name: str, rows: Collection[str]) -> str | None:
        if name in rows:
            return name
        if not self.published or name in self.left_out:
            return None
        alike = [entry for entry in rows if _last_part(entry) == name]
        if len(alike) > 1:
            raise InputError(
                f"{self.source}: {name!r} may be {some(alike)}: write a pool.toml with the prices of the "
                "one that is meant"
            )
        return alike[0] if alike else None

    def _instead(self, missing: Sequence[str], rows: Collection[str]) -> str:
        """What there is in place of the names that are missing, in words."""
        if not self.published:
            return f"it lists {some(list(rows))}"
        unpriced = [name for name in missing if name in self.left_out]
        if unpriced:
            return f"it states none by the token for {some(unpriced)}: {_WITHOUT}"
        near = [entry for name in missing for entry in difflib.get_close_matches(name, rows)]
        meant = f", such as {some(list(dict.fromkeys(near)))}" if near else ""
        return f"it lists {len(rows):,} models{meant}: {_WITHOUT}"

    def remarks(self, names: Sequence[str] | None = None) -> list[str]:
        """What was left out of what the file states: of these names, or of all models."""
        said = []
        if names is None and self.left_out:
            said.append(
                f"{self.source}: {len(self.rows):,} models read; {len(self.left_out):,} left out that state "
                f"no price for a token of text, such as {self.left_out[0]}"
            )
        if tiered := self.tiered_among(self._by_name() if names is None else names):
            said.append(
                f"{self.source}: other prices for long prompts are left out; the base price is taken of "
                f"{some(tiered)}"
            )
        return said


def listed_models(path: str | Path, *, known: Collection[str]) -> ListedModels:
    """The models of a TOML file with one ``[[model]]`` table a model, or of a JSON price list.

    A JSON price list is a list of objects with `model` (or `name`), `usd_per_1m_input` and
    `usd_per_1m_output`, or one that LiteLLM or OpenRouter publishes.

    Args:
        path: The file; one that ends in ``.json`` is a price list.
        known: The keys of `PoolModel`; others are passed over in a price list.

    Raises:
        InputError: The file is missing, of another format, or lists no model.
    """
    path = path_of("pool", path)
    is_list = path.suffix.lower() == ".json"
    try:
        text = read_regular(path).decode("utf-8-sig")
        document = json.loads(text) if is_list else tomllib.loads(text).get("model")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; write one with `routoo pool derive`") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # what both parsers and the decoder raise
        kind = "JSON file" if is_list else f"TOML file, such as\n{_TOML_FORM}\nis one"
        raise InputError(f"{path}: not a {kind}: {error}") from None
    if not is_list:
        if not _is_table(document):
            raise InputError(f"{path}: expected one [[model]] table a model, such as\n{_TOML_FORM}")
        return ListedModels(str(path), document)
    if isinstance(document, dict):
        document = next((document[key] for key in _LISTS if isinstance(document.get(key), list)), document)
    published = _published(document)
    if published is not None:
        priced = [row for row in published if all(price in row for price in _PRICES)]
        left_out = tuple(row["name"] for row in published if not all(price in row for price in _PRICES))
        return ListedModels(str(path), priced, left_out, _tiered(document), published=True)
    if not _is_table(document):
        raise InputError(f"{path}: expected a list of objects, one a model, in one of these forms:\n{_FORMS}")
    return ListedModels(str(path), [_own_row(row, known) for row in document])


def _is_table(document: Any) -> TypeGuard[list[Row]]:  # Any: what a parser gives, as below
    return isinstance(document, list) and bool(document) and all(isinstance(row, dict) for row in document)


def _published(document: Any) -> list[Row] | None:
    """The models of a list of LiteLLM's or OpenRouter's form; None where it is neither."""
    if isinstance(document, dict):
        entries = {name: entry for name, entry in document.items() if isinstance(entry, dict)}
        entries.pop(_NO_MODEL, None)
        if any("input_cost_per_token" in entry for entry in entries.values()):
            return [_litellm_row(name, entry) for name, entry in entries.items()]
    if _is_table(document) and any(isinstance(row.get("pricing"), dict) and "id" in row for row in document):
        return [_openrouter_row(row) for row in document if "id" in row]
    return None


def _tiered(document: Any) -> frozenset[str]:
    """Models of LiteLLM's list with keys such as ``input_cost_per_token_above_128k_tokens``."""
    entries = document.items() if isinstance(document, dict) else ()
    return frozenset(
        name
        for name, entry in entries
        if isinstance(entry, dict) and any(_TIER.search(key) and entry[key] is not None for key in entry)
    )


def _litellm_row(name: str, entry: Mapping[str, Any]) -> Row:
    """An entry of LiteLLM's list; what does not answer in text has no price for a token of it."""
    is_text = entry.get("mode", "chat") in _TEXT_MODES
    return _row(
        name,
        {
            "usd_per_1m_input": _per_million(entry.get("input_cost_per_token")) if is_text else None,
            "usd_per_1m_output": _per_million(entry.get("output_cost_per_token")) if is_text else None,
            "usd_per_call": _usd(entry.get("input_cost_per_request")),
            "usd_per_1m_cached_input": _per_million(entry.get("cache_read_input_token_cost")),
            "usd_per_1m_batch_input": _per_million(entry.get("input_cost_per_token_batches")),
            "usd_per_1m_batch_output": _per_million(entry.get("output_cost_per_token_batches")),
            "context_window": _tokens(entry.get("max_input_tokens")),
        },
        vision=entry.get("supports_vision") is True,
        tools=entry.get("supports_function_calling") is True,
    )


def _openrouter_row(entry: Mapping[str, Any]) -> Row:
    """A model of OpenRouter's list, whose prices are texts, and negative where they depend."""
    pricing, about = entry.get("pricing"), entry.get("architecture")
    pricing = pricing if isinstance(pricing, dict) else {}
    modalities = about.get("input_modalities") if isinstance(about, dict) else None
    return _row(
        str(entry["id"]),
        {
            "usd_per_1m_input": _per_million(pricing.get("prompt")),
            "usd_per_1m_output": _per_million(pricing.get("completion")),
            "usd_per_call": _usd(pricing.get("request")),
            "usd_per_1m_cached_input": _per_million(pricing.get("input_cache_read")),
            "context_window": _tokens(entry.get("context_length")),
        },
        vision="image" in (modalities or ()),
        tools="tools" in (entry.get("supported_parameters") or ()),
    )


def _row(name: str, values: Mapping[str, float | None], *, vision: bool, tools: bool) -> Row:
    """What is known of a model; a free call, and free tokens of a kind that has no price, say nothing."""
    silent = [key for key, value in values.items() if value is None or (value == 0 and key not in _PRICES)]
    tags = [tag for tag, has in (("vision", vision), ("tools", tools)) if has]
    known = {key: value for key, value in values.items() if key not in silent}
    return {"name": name, **known, **({"tags": tags} if tags else {})}


def _own_row(row: Mapping[str, Any], known: Collection[str]) -> Row:
    """What a pool knows of an entry of one's own list: keys that it does not know and nulls left out."""
    kept = {key: value for key, value in row.items() if key in known and value is not None}
    name = next((row[key] for key in _NAMES if row.get(key) is not None), None)
    return kept if name is None else {**kept, "name": name}


def _decimal(value: Any) -> Decimal | None:
    """The number that a list states; None where it is none, or negative, which stands for unknown."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number < _MOST else None


def _usd(value: Any) -> float | None:
    number = _decimal(value)
    return None if number is None else float(number)


def _per_million(value: Any) -> float | None:
    """A price per token as one per million, in decimals: 1.5e-07 is .15 and nothing beside it."""
    number = _decimal(value)
    return None if number is None else float(number * 1_000_000)


def _tokens(value: Any) -> int | None:
    number = _decimal(value)
    return None if number is None or number < 1 else int(number)


def _last_part(entry: str) -> str:
    return entry.rpartition("/")[2]
