"""Checks of what a caller gives, made where it enters: each returns the value in the form that is used."""

from __future__ import annotations

import contextlib
import difflib
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from routoo.data.checks.batch import listed
from routoo.data.checks.came import came, of_a_table
from routoo.data.errors import InputError

T = TypeVar("T")
W = TypeVar("W", bound=str)

_SHOWN = 60  # characters of a value that a message quotes


def number(
    what: str,
    value: object,
    *,
    least: float = 0.0,
    most: float = math.inf,
    whole: bool = False,
    finite: bool = False,
) -> Any:  # Any: an int where it is to be whole, else a float
    """The number as Python's own, an int where it is to be whole.

    Args:
        what: What to call it in a message.
        value: A number of Python or numpy; truth values are none.
        least: The least that it may be.
        most: The most that it may be.
        whole: Whether it must be a whole number.
        finite: Whether infinity is refused.

    Raises:
        InputError: It is no number, NaN, or out of range.

    >>> number("threads", np.int64(2), least=1, whole=True)
    2
    >>> number("budget_usd", "5")
    Traceback (most recent call last):
    routoo.data.errors.InputError: budget_usd must be a number of at least 0, got '5'
    """
    kind = Integral if whole else Real
    with contextlib.suppress(OverflowError, ValueError, TypeError):  # an int or a fraction of any size
        if isinstance(value, kind) and not isinstance(value, bool | np.bool_):
            found: Any = int(value) if isinstance(value, Integral) and whole else float(value)
            if least <= found <= most and not (finite and math.isinf(found)):
                return found
    kinds = "whole " * whole + "finite " * (finite and not whole)
    wanted = f"a {kinds}number of at least {least:g}"
    wanted += "" if most == math.inf else f" and at most {most:g}"
    raise InputError(f"{what} must be {wanted}, got {shown(value)}")


def numbers(
    what: str,
    values: Any,  # Any: whatever a caller holds numbers in
    *,
    shape: tuple[int, ...] | None = None,
) -> npt.NDArray[Any]:
    """The numbers in an array of integers or floats, of the shape given or whatever they have; NaN stays.

    Raises:
        InputError: They are not all numbers, not in rows of one length, or of another shape.

    >>> numbers("weights", [1, 0.5]).tolist()
    [1.0, 0.5]
    """
    if of_a_table(values, "DataFrame"):
        values = values.to_numpy()
    if not isinstance(values, np.ndarray | Real):
        values = listed(values, what, "numbers")
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RecursionError):  # rows of several lengths, or no numbers at all
        array = np.empty(0, object)
    if array.size and array.dtype == object:
        array = np.array([number(what, item, least=-math.inf) for item in array.flat]).reshape(array.shape)
    if array.dtype.kind not in "iuf":
        raise InputError(f"{what} must be rows of numbers of one length, got {came(values)} of {array.dtype}")
    if shape is not None and array.shape != shape:
        raise InputError(f"{what} must be of shape {shape}, got {array.shape}")
    return array


def vector(
    what: str, values: object, *, missing: bool = False, unit: bool = False
) -> npt.NDArray[np.float64]:
    """The numbers in one dimension, as floats.

    Args:
        what: What to call it in a message.
        values: The numbers.
        missing: Whether NaN may stand for what is not known.
        unit: Whether they must be within 0 and 1.

    Raises:
        InputError: They are not in one dimension, not finite, or out of range.
    """
    found = numbers(what, values).astype(np.float64)
    if found.ndim != 1:
        raise InputError(f"{what} must have one dimension, got shape {found.shape}")
    misfit = ~np.isfinite(found) & ~(missing & np.isnan(found))
    if unit:
        misfit |= (found < 0) | (found > 1)
    if (odd := np.flatnonzero(misfit)).size:
        wanted = "a number within 0 and 1" if unit else "a finite number"
        wanted += ", or NaN where there is none" if missing else ""
        raise InputError(f"{what}[{odd[0]}] must be {wanted}, got {found[odd[0]]}")
    return found


def same_length(**columns: Sequence[object] | npt.NDArray[np.generic]) -> None:
    """Refuses columns of several lengths.

    Raises:
        InputError: They are.
    """
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        raise InputError(f"lengths must agree, got {', '.join(f'{n} {name}' for name, n in sizes.items())}")


def name_list(what: str, values: object) -> tuple[str, ...]:
    """The names in whatever holds them in an order; whole numbers become text, lone surrogates ``?``.

    Raises:
        InputError: They are no list, or one is no text.

    >>> name_list("prompt_ids", np.array([7, 8]))
    ('7', '8')
    """
    found = listed(values, what, "names")
    for at, name in enumerate(found):
        if isinstance(name, bool) or not isinstance(name, str | int):
            raise InputError(f"{what}[{at}] must be a name, got {came(name)}")
    spelled = (str.__str__(name) if isinstance(name, str) else str(name) for name in found)
    return tuple(
        name if name.isascii() else name.encode("utf-8", "replace").decode("utf-8") for name in spelled
    )


def known_names(what: str, value: object, known: Sequence[str]) -> tuple[str, ...]:
    """The names in whatever holds them in an order, where there are any and all are known.

    Raises:
        InputError: There are none, or one is not known.

    >>> known_names("models", ["c"], ("a", "b"))
    Traceback (most recent call last):
    routoo.data.errors.InputError: models names c; known: a, b
    """
    names = name_list(what, value)
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"{what} names {', '.join(unknown)}; known: {', '.join(known)}")
    if not names:
        raise InputError(f"{what} names no model; leave it out to allow all")
    return names


def known_keys(what: str, values: Iterable[str], known: Iterable[str]) -> None:
    """Refuses keys that are not known, and says which are nearly so spelled.

    Raises:
        InputError: There are some.

    >>> known_keys("pool.toml: 'm'", {"contxt_window": 8192}, ["name", "context_window"])
    Traceback (most recent call last):
    routoo.data.errors.InputError: pool.toml: 'm' has unknown keys contxt_window; did you mean context_window?
    """
    known = list(known)
    if unknown := sorted(set(values) - set(known)):
        near = [key for given in unknown for key in difflib.get_close_matches(given, known, 1)]
        meant = f"; did you mean {', '.join(near)}?" if near else ""
        raise InputError(f"{what} has unknown keys {', '.join(unknown)}{meant}")


def record(what: str, value: object, kind: type[T], hint: str = "") -> T:
    """The value, where it is such a record.

    Raises:
        InputError: It is something else.

    >>> record("pool", ["large"], int, "one that can be counted")
    Traceback (most recent call last):
    routoo.data.errors.InputError: pool must be int, got a list; one that can be counted
    """
    if isinstance(value, kind):
        return value
    raise InputError(f"{what} must be {kind.__name__}, got {came(value)}{hint and f'; {hint}'}")


def text_of(what: str, value: object) -> str:
    """The text, where it is one.

    Raises:
        InputError: It is something else.
    """
    if isinstance(value, str):
        return str.__str__(value)
    raise InputError(f"{what} must be text, got {came(value)}")


def mapping(what: str, value: object, kind: type[T], of: str) -> dict[str, T]:
    """The mapping from names to such records.

    Raises:
        InputError: It is something else, or holds something else.
    """
    if not isinstance(value, Mapping):
        raise InputError(f"{what} must be a mapping from {of} to {kind.__name__}, got {came(value)}")
    if odd := [name for name in value if not isinstance(name, str)]:
        raise InputError(f"{what}: each must be called by its name, got {came(odd[0])}")
    return {name: record(f"{what}[{shown(name)}]", item, kind) for name, item in value.items()}


def path_of(what: str, value: object) -> Path:
    """The path, where it is one or the text of one.

    Raises:
        InputError: It is something else, or longer than the file system takes.
    """
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if isinstance(text, str) and "\0" not in text:
        try:
            Path(text).exists()
        except OSError as error:
            raise InputError(f"{what} cannot be used: {error.strerror}: {text[:40]!r}...") from None
        return Path(text)
    raise InputError(f"{what} must be a path, got {came(value)}")


def choice(what: str, value: object, known: Iterable[W]) -> W:
    """The word, where the value is one of these.

    Raises:
        InputError: It is another.
    """
    for word in known:
        if isinstance(value, str) and value == word:
            return word
    raise InputError(f"{what} must be one of {', '.join(known)}, got {shown(value)}")


def shown(value: object) -> str:
    """A value for a message: itself, where it is a short one, else its kind.

    >>> shown(-1), shown("5"), shown([1] * 100)
    ('-1', "'5'", 'a list')
    """
    if isinstance(value, str | int | float | np.generic):
        with contextlib.suppress(ValueError):  # a number of thousands of digits
            if len(quoted := repr(value)) <= _SHOWN:
                return quoted
    return came(value)
