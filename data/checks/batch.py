"""A batch of prompts, and columns of values beside it, in whatever a caller holds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set, ValuesView
from typing import Any

import numpy as np

from routoo.data.chat import is_message, prompt_text
from routoo.data.checks.came import came, of_a_table
from routoo.data.errors import InputError


def prompt_texts(prompts: object, what: str = "prompts", *, least: int = 1) -> list[str]:
    """The texts of a batch, one a prompt: what every door that takes prompts reads.

    Args:
        prompts: A list, tuple, array, column of a polars or pandas table, or iterator, of texts or chats (see
            `prompt_text`).
        what: What to call it in a message.
        least: Fewest prompts that will do.

    Raises:
        InputError: It is something else, too few, or one chat that is not in a list; the message says what
            to give.

    >>> prompt_texts(("Name a river.", [{"role": "user", "content": "2 + 2?"}]))
    ['Name a river.', '2 + 2?']
    """
    if is_message(prompts) or (isinstance(prompts, Mapping) and "messages" in prompts):
        raise InputError(f"{what} must be a list of texts, got one chat: put it in a list")
    given = listed(prompts, what, "texts")
    if len(given) < least:
        raise InputError(f"{what} must be a list of at least {least} text, got {len(given)}")
    if any(is_message(item) for item in given):
        raise InputError(
            f"{what} must be a list of texts or chats, got the messages of one: put it in a list"
        )
    return [prompt_text(item, f"{what}[{at}]") for at, item in enumerate(given)]


def listed(values: object, what: str, of: str) -> list[Any]:  # Any: whatever a caller's list holds
    """The values in a list, where they come in anything that has an order and one dimension.

    Args:
        values: A list, tuple, array, column of a polars or pandas table (what is missing there is None), or
            iterator.
        what: What to call it in a message.
        of: What it is to be a list of.

    Raises:
        InputError: It is something else; the message says what to give.

    >>> listed(np.array(["law", "history"]), "domains", "names")
    ['law', 'history']
    >>> listed({"law"}, "domains", "names")
    Traceback (most recent call last):
    routoo.data.errors.InputError: domains must be a list of names, got a set, which has no order: give a list
    """
    if isinstance(values, np.ndarray) and values.ndim == 1:
        return list(values.tolist())
    if of_a_table(values, "Series"):
        return _column(values)
    plain = isinstance(values, Sequence) and not isinstance(values, str | bytes | bytearray | memoryview)
    if plain or isinstance(values, Iterator | ValuesView):
        assert isinstance(values, Iterable)  # for the type checker: both are
        return list(values)
    raise InputError(f"{what} must be a list of {of}, got {_misfit(values, what)}")


def _misfit(values: object, what: str) -> str:
    """What came in place of a list, and what to give, in words."""
    if isinstance(values, str):
        return "one text: put it in a list"
    if isinstance(values, bytes | bytearray | memoryview):
        return "bytes: decode them as UTF-8, and put the text in a list"
    if isinstance(values, Mapping):
        return f"a mapping: give list({what}.values()), if these are meant"
    if isinstance(values, Set):
        return "a set, which has no order: give a list"
    if isinstance(values, np.ndarray):
        return f"an array of shape {values.shape}: give one dimension"
    column = what.removesuffix("s") if what.isidentifier() else "column"
    if of_a_table(values, "LazyFrame"):
        return f"LazyFrame: give frame.collect()['{column}'].to_list()"
    if of_a_table(values, "DataFrame") or hasattr(type(values), "columns"):
        return f"{type(values).__name__}: give frame['{column}'].to_list()"
    return came(values)


def _column(series: Any) -> list[Any]:  # Any: a column of a library that may not be installed
    """The values of a column; pandas writes NaN or NA where one is missing."""
    values = series.to_list()
    missing = series.isna().tolist() if hasattr(series, "isna") else [False] * len(values)
    return [None if gone is True else value for value, gone in zip(values, missing, strict=True)]
