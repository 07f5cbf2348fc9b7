"""Domains and attributes of prompts: the names that a user knows, as the numbers that a network reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.data.checks.batch import listed
from routoo.data.checks.came import came
from routoo.data.errors import InputError

AttributeValue = str | bool | int | float | None
"""What an attribute may be of a prompt; `attribute_value` spells it. None where it is not known."""

Attributes = Mapping[str, Sequence[AttributeValue]]
"""What is known of prompts beside text and domain: by attribute, a value a prompt."""

Ids = npt.NDArray[np.int64]

_SHOWN = 8  # names that a message lists
_WHOLE = re.compile(r"(-?\d+)\.0+")
_INFERRED = "are inferred from the text"


@dataclass(frozen=True)
class Attribute:
    """A column of prompts, beside the domain, that a network learned to use.

    Args:
        name: Of the column, say ``language``.
        values: What it learned, in the order of their numbers.
        rest: Whether one more number, the last, stands for all other values.
    """

    name: str
    values: tuple[str, ...]
    rest: bool = False

    @property
    def n_values(self) -> int:
        """How many numbers its values have."""
        return len(self.values) + self.rest


def attribute_value(value: object, what: str = "an attribute") -> str | None:
    """The one spelling of a value, wherever it comes from; None where it is not known.

    Raises:
        InputError: It is neither text, number, truth value nor None.

    >>> [attribute_value(value) for value in (" de ", 1.0, "1.0", True, "TRUE", 0.5)]
    ['de', '1', '1', 'true', 'true', '0.5']
    >>> [attribute_value(value) for value in (None, " ", float("nan"))]
    [None, None, None]
    """
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return None
    if not isinstance(value, str | bool | int | float | np.bool_ | np.integer | np.floating):
        raise InputError(
            f"{what}: each must be text, a number, True, False or None, got {value!r} "
            f"({type(value).__name__})"
        )
    text = str(value).strip()
    if whole := _WHOLE.fullmatch(text):
        return whole[1]
    return text.lower() if text.lower() in ("true", "false") else text or None


def near_names(names: Iterable[str], known: Iterable[str]) -> str:
    """In words: which known names are spelled as these but for upper and lower case; empty where none is.

    >>> near_names(["Tenant"], ["language", "tenant"])
    '; did you mean tenant?'
    """
    folded = {name.casefold() for name in names}
    near = [name for name in known if name.casefold() in folded]
    return f"; did you mean {', '.join(near)}?" if near else ""


def unlearned_domains(
    given: Sequence[str | None] | None,
    learned: Sequence[str],
    *,
    what: str = "domains",
    treated: str = _INFERRED,
) -> str:
    """In words: which of these names are of no learned domain, and which are; empty where all are.

    Args:
        given: Domain of each prompt; None for those, or for all, that are not known.
        learned: The domains that were learned.
        what: What they are, where they are no domains.
        treated: What is done with those that were not learned.

    >>> unlearned_domains(["law", None, "chess"], ["history", "law"])
    "domains that were not learned are inferred from the text: 'chess'; learned: 'history', 'law'"
    """
    unknown = sorted({name for name in given or () if name is not None} - set(learned))
    if not unknown:
        return ""
    shown = ", ".join(map(repr, unknown[:_SHOWN])) + (" ..." if len(unknown) > _SHOWN else "")
    known = ", ".join(map(repr, learned)) or "none"
    return f"{what} that were not learned {treated}: {shown}; learned: {known}"


def unlearned_attributes(given: Attributes | None, learned: Sequence[Attribute]) -> list[str]:
    """In words, one an attribute that was learned: which of these values were not.

    >>> unlearned_attributes({"language": ["de", "eo"]}, [Attribute("language", ("de", "en"))])
    ["values of language that were not learned are inferred from the text: 'eo'; learned: 'de', 'en'"]
    """
    said = (
        unlearned_domains(
            [attribute_value(value) for value in given[attribute.name]],
            attribute.values,
            what=f"values of {attribute.name}",
            treated="count as all others" if attribute.rest else _INFERRED,
        )
        for attribute in learned
        if given is not None and given.get(attribute.name) is not None
    )
    return [words for words in said if words]


def domain_numbers(given: Iterable[str | None] | None, learned: Sequence[str], n_prompts: int) -> Ids:
    """Number of each prompt's domain among the learned ones, ``(n_prompts,)``; -1 where it is not known.

    Args:
        given: Domain of each prompt; None for those, or for all, that are not known.
        learned: The domains that were learned.
        n_prompts: How many prompts there are.

    Raises:
        InputError: There is not one name a prompt, or a name is no text.

    >>> domain_numbers(["law", None, "chess"], ["history", "law"], 3).tolist()
    [1, -1, -1]
    """
    if given is None:
        return np.full(n_prompts, -1, np.int64)
    return _numbers(domain_names(given, n_prompts), learned, -1)


def domain_names(given: Iterable[str | None], n_prompts: int) -> list[str | None]:
    """Domain of each prompt as a list, whatever held them.

    Raises:
        InputError: There is not one name a prompt, or a name is no text.
    """
    names = _one_each(given, "domains", n_prompts)
    for name in names:
        if name is not None and not isinstance(name, str):
            raise InputError(f"domains: each must be a name or None, got {came(name)}")
    return names


def attribute_numbers(given: Attributes | None, learned: Sequence[Attribute], n_prompts: int) -> Ids:
    """Number of each prompt's value of each learned attribute, ``(n_prompts, n_attributes)``; -1 for unknown.

    Args:
        given: By attribute; those that are left out are not known of any prompt.
        learned: The attributes that were learned.
        n_prompts: How many prompts there are.

    Raises:
        InputError: An attribute was not learned, there is not one value a prompt, or `attribute_value`
            refuses one.

    >>> given = {"language": ["en", "eo"]}
    >>> attribute_numbers(given, [Attribute("language", ("de", "en"))], 2).tolist()
    [[1], [-1]]
    >>> attribute_numbers(given, [Attribute("language", ("de", "en"), rest=True)], 2).tolist()
    [[1], [2]]
    """
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        raise InputError(
            f"attributes must be a mapping from attribute to values, got {type(given).__name__}; a polars "
            "frame gives one by .to_dict(as_series=False)"
        )
    if odd := [name for name in given if not isinstance(name, str)]:
        raise InputError(
            f"attributes: each must be called by its name, got {odd[0]!r} ({type(odd[0]).__name__})"
        )
    known = [attribute.name for attribute in learned]
    if unknown := sorted(set(given) - set(known)):
        raise InputError(
            f"attributes {', '.join(unknown)} were not learned; learned: {', '.join(known) or 'none'}"
            f"{near_names(unknown, known) or '.'} What is to be given has to be named in training: "
            "train(..., attributes=...), or `routoo train --attribute`"
        )
    columns = [_attribute_column(given.get(attribute.name), attribute, n_prompts) for attribute in learned]
    return np.stack(columns, axis=1) if columns else np.empty((n_prompts, 0), np.int64)


def _attribute_column(given: Sequence[AttributeValue] | None, attribute: Attribute, n_prompts: int) -> Ids:
    if given is None:
        return np.full(n_prompts, -1, np.int64)
    what = f"values of {attribute.name}"
    values = [attribute_value(value, what) for value in _one_each(given, what, n_prompts)]
    return _numbers(values, attribute.values, len(attribute.values) if attribute.rest else -1)


def _numbers(given: Sequence[str | None], learned: Sequence[str], other: int) -> Ids:
    """Number of each name; `other` for names that were not learned, -1 for None."""
    place = {name: number for number, name in enumerate(learned)}
    return np.array([-1 if name is None else place.get(name, other) for name in given], np.int64)


def _one_each(given: object, what: str, n_prompts: int) -> list[Any]:  # Any: whatever a caller's list holds
    """The values as a list of one a prompt."""
    of = f"names or None, one for each of {n_prompts} prompts"
    values = listed(given, what, of)
    if len(values) != n_prompts:
        raise InputError(f"{what} must be a list of {of}, got {len(values)}")
    return values
