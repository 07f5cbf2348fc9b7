"""What is odd about a pool: prices and limits read off the list, and what recorded outcomes say of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routoo.data.checks.arguments import record
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel, pool_rows
from routoo.design.finding import Finding, Kind

if TYPE_CHECKING:
    from routoo.data.costs.price_lists import ListedModels

_RATES = ("usd_per_1m_input", "usd_per_1m_output")
_DISCOUNTS = (
    ("usd_per_1m_cached_input", "usd_per_1m_input"),
    ("usd_per_1m_batch_input", "usd_per_1m_input"),
    ("usd_per_1m_batch_output", "usd_per_1m_output"),
)
_PER_TOKEN, _PER_BILLION = 1e-3, 1e4  # USD per million below and above which no model is sold
_LEAST_WINDOW, _MOST_WINDOW = 1024, 100_000_000
_NO_PRICE = "states no price for a token of text, and is left out: unknown is not zero"
_TIERED = "states other prices for long prompts: the base price is taken"
_NOT_NAME = re.compile(r"[\W_]+")


def lint_pool(pool: Pool | str | Path, outcomes: Outcomes | None = None) -> tuple[Finding, ...]:
    """What a person should look at in a pool, the models in their order.

    Args:
        pool: The pool, or the file it is written in, of which every fault is then listed rather than the
            first one raised.
        outcomes: Recorded outcomes to hold it against, by which prices are off, and models are dominated,
            duplicates, or hardly recorded.

    Raises:
        InputError: The file is missing, of another format, or lists no model.

    >>> pool = Pool((PoolModel(name="small", usd_per_1m_input=0, usd_per_1m_output=0),))
    >>> [(finding.kind, finding.model) for finding in lint_pool(pool)]
    [('price', 'small')]
    """
    findings: list[Finding] = []
    if outcomes is not None:
        record("outcomes", outcomes, Outcomes, "Outcomes.read makes them")
    if isinstance(pool, Pool):
        models = list(pool.models)
    else:
        listed = pool_rows(pool)
        models, findings = _readable(_looked_at(listed, outcomes), listed.source)
        tiered = listed.tiered_among(model.name for model in models)
        findings += [Finding("price", name, _TIERED) for name in tiered]
        if outcomes is None:
            findings += [Finding("price", name, _NO_PRICE) for name in listed.left_out]
    for model in models:
        findings += _of_prices(model)
        findings += _of_limits(model)
    findings += _of_names(models)
    if outcomes is not None:
        from routoo.design.recorded import lint_recorded

        findings += lint_recorded(models, outcomes)
    place = {model.name: at for at, model in enumerate(models)}
    return tuple(sorted(findings, key=lambda finding: place.get(finding.model, len(place))))


def _looked_at(listed: ListedModels, outcomes: Outcomes | None) -> Sequence[Mapping[str, Any]]:
    """The rows of a pool; of a list that is published for all, those of models with outcomes, where given."""
    if outcomes is None or not listed.published:
        return listed.rows
    found: list[Mapping[str, Any]] = []
    for name in outcomes.models:
        with suppress(InputError):  # said of every model that has outcomes and no entry
            found += listed.named([name])
    return found


def _readable(rows: Sequence[Mapping[str, Any]], source: str) -> tuple[list[PoolModel], list[Finding]]:
    """The models that can be read, each name once, and what is wrong with the others."""
    models: dict[str, PoolModel] = {}
    findings = []
    for row in rows:
        name = str(row.get("name", "without a name"))
        try:
            (model,) = Pool.from_records([row], source=source).models
        except InputError as error:
            kind: Kind = "price" if any(field in str(error) for field in _RATES) else "entry"
            findings.append(Finding(kind, name, str(error).removeprefix(f"{source}: ")))
            continue
        if name in models:
            findings.append(Finding("duplicate", name, "is listed twice; the first one was looked at", name))
        models.setdefault(name, model)
    return list(models.values()), findings


def _of_prices(model: PoolModel) -> Iterator[Finding]:
    rates = {field: getattr(model, field) for field in _RATES}
    if not any(rates.values()) and not model.usd_per_call:
        yield Finding(
            "price", model.name, "costs nothing: an unknown price is not zero, and own hardware costs too"
        )
    for field, rate in rates.items():
        if 0 < rate < _PER_TOKEN:
            yield Finding("price", model.name, f"{field} is {rate:g}: is that per token or per thousand?")
        if rate > _PER_BILLION:
            yield Finding("price", model.name, f"{field} is {rate:g}: is that per billion?")
    if 0 < model.usd_per_1m_output < model.usd_per_1m_input:
        yield Finding(
            "price",
            model.name,
            f"output ({model.usd_per_1m_output:g}) is cheaper than input ({model.usd_per_1m_input:g}): "
            "are they swapped?",
        )
    if model.usd_per_call == 0 and 0 in rates.values() and any(rates.values()):
        free = next(field for field, rate in rates.items() if rate == 0)
        yield Finding("price", model.name, f"{free} is 0: an unknown price is not zero")
    for field, full in _DISCOUNTS:
        rate = getattr(model, field)
        if rate is not None and rate > getattr(model, full):
            yield Finding(
                "price", model.name, f"{field} ({rate:g}) is above {full} ({getattr(model, full):g})"
            )


def _of_limits(model: PoolModel) -> Iterator[Finding]:
    window = model.context_window
    if window is not None and not _LEAST_WINDOW <= window <= _MOST_WINDOW:
        yield Finding("limit", model.name, f"context_window is {window:,} tokens: is the unit right?")
    if window is not None and window != int(window):
        yield Finding("limit", model.name, f"context_window is {window:g}: tokens are counted whole")
    per_minute = model.requests_per_minute, model.tokens_per_minute
    if None not in per_minute and (per_minute[1] or 0) < (per_minute[0] or 0):
        yield Finding(
            "limit",
            model.name,
            f"{per_minute[1]:,} tokens_per_minute are fewer than {per_minute[0]:,} requests_per_minute: "
            "are they swapped?",
        )


def _of_names(models: Sequence[PoolModel]) -> Iterator[Finding]:
    """Names that differ in case and punctuation alone."""
    first: dict[str, str] = {}
    for model in models:
        plain = _NOT_NAME.sub("", model.name.casefold()) or model.name
        other = first.setdefault(plain, model.name)
        if other != model.name:
            yield Finding(
                "duplicate", model.name, f"differs from {other} in case or punctuation alone", other
            )
