"""The value of a Python expression that a model wrote, worked out without running Python."""

from __future__ import annotations

import ast
import datetime
import itertools
import math
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from routoo.data.errors import MissingExtraError

_FENCE = re.compile(r"```(?:python|py)?\s*\n?(.*?)(?:```|$)", re.DOTALL)
_MOST_CHARACTERS = 500
_MOST_SIZE = 10_000
_MOST_WORK = 200_000
_MOST_DIGITS = 1_000


class _Calendar:
    """What `datetime` holds where an expression names the module."""

    date, datetime, timedelta = datetime.date, datetime.datetime, datetime.timedelta


_OF_DATES = frozenset(
    {"strftime", "isoformat", "weekday", "isoweekday", "day", "month", "year", "days", "date"}
)
_OF_TEXTS = frozenset(
    {
        "count",
        "endswith",
        "find",
        "index",
        "isalpha",
        "isdigit",
        "islower",
        "isupper",
        "join",
        "lower",
        "lstrip",
    }
    | {
        "replace",
        "rfind",
        "rstrip",
        "split",
        "startswith",
        "strip",
        "swapcase",
        "title",
        "upper",
        "capitalize",
    }
)
_ATTRIBUTES: dict[type, frozenset[str]] = {
    str: _OF_TEXTS,
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
    dict: frozenset({"get", "items", "keys", "values"}),
    datetime.date: _OF_DATES,
    datetime.datetime: _OF_DATES,
    datetime.timedelta: _OF_DATES,
    _Calendar: frozenset({"date", "datetime", "timedelta"}),
    type: frozenset({"strptime", "fromisoformat"}),
}
_BUILTINS: tuple[Callable[..., Any], ...] = (  # Any: values of an expression are of any kind
    *(
        abs,
        all,
        any,
        bool,
        divmod,
        enumerate,
        float,
        int,
        len,
        max,
        min,
        reversed,
        round,
        set,
        sorted,
        str,
        sum,
    ),
    *(tuple, list, zip, ord, chr, math.gcd, math.lcm, math.sqrt, math.floor, math.ceil),
)


def value_of_expression(text: str) -> str | None:
    """The value of the expression as text, or None where there is none or it cannot be worked out.

    Only arithmetic, texts, lists, dates and a few functions are known, and sizes are bounded; nothing that
    the model wrote is executed.

    Raises:
        MissingExtraError: simpleeval is not installed.

    >>> value_of_expression("```python\\n347 * 28\\n```")
    '9716'
    >>> value_of_expression("open('secrets').read()") is None
    True
    """
    evaluate = _evaluator()
    fenced = _FENCE.search(text)
    written = (fenced[1] if fenced else text.strip().strip("`")).strip()
    if written.startswith("print(") and written.endswith(")"):
        written = written[len("print(") : -1]
    if not written or len(written) > _MOST_CHARACTERS:
        return None
    try:
        return _in_words(evaluate(written))
    except Exception:  # whatever is wrong with the expression, it has no value
        return None


@cache
def _evaluator() -> Callable[[str], Any]:
    """What works out an expression."""
    try:
        import simpleeval
    except ImportError as error:
        raise MissingExtraError(
            "asking for code needs simpleeval, which is not installed: pip install routoo[lab]"
        ) from error
    functions = {function.__name__: function for function in _BUILTINS} | {"range": _range, "pow": _power}
    functions |= {kind.__name__: kind for kind in (datetime.date, datetime.datetime, datetime.timedelta)}

    class Bounded(simpleeval.EvalWithCompoundTypes):  # type: ignore[misc]  # the library has no types
        """The evaluator with a bound on every value on the way, and on all of them together."""

        left = _MOST_WORK

        def _eval(self, node: ast.AST) -> Any:  # Any: the value of a part
            value = super()._eval(node)
            self.left -= 1 + _size(value)
            if self.left < 0:
                raise ValueError("too much work")
            return value

    operators = {ast.Pow: _power, ast.Mult: _product, ast.Mod: _remainder}

    def evaluate(expression: str) -> Any:  # Any: its value
        evaluator = Bounded(
            operators={**simpleeval.DEFAULT_OPERATORS, **operators},
            functions=functions,
            names={"datetime": _Calendar()},
            allowed_attrs=_ATTRIBUTES,
        )
        for node in (ast.JoinedStr, ast.FormattedValue):  # it would pad to any width
            evaluator.nodes.pop(node, None)
        return evaluator.eval(expression, previously_parsed=ast.parse(expression, mode="eval").body)

    return evaluate


def _size(value: Any, most: int = _MOST_SIZE) -> int:  # Any: the value of a part
    """Signs, digits and items of a value and all that is in it, as often as it is in it."""
    size = value.bit_length() // 3 if isinstance(value, int) else 0
    size += len(value) if isinstance(value, str | bytes | range | list | tuple | set | dict) else 0
    for item in _items(value):
        size += _size(item, most - size)
    if size > most:
        raise ValueError("too large a value")
    return size


def _items(value: Any) -> Iterable[Any]:  # Any: the value of a part, and what is in it
    if isinstance(value, dict):
        return itertools.chain(value, value.values())
    return value if isinstance(value, list | tuple | set) else ()


def _range(*bounds: int) -> range:
    found = range(*bounds)
    if len(found) > _MOST_SIZE:
        raise ValueError("too many items")
    return found


def _power(base: Any, exponent: Any) -> Any:  # Any: numbers of an expression
    if abs(exponent) * math.log10(max(abs(base), 10)) > _MOST_DIGITS:
        raise ValueError("too large a power")
    return base**exponent


def _product(left: Any, right: Any) -> Any:  # Any: numbers, or a text or list and how often
    for items, times in ((left, right), (right, left)):
        if isinstance(items, str | list | tuple) and _size(items) * times > _MOST_SIZE:
            raise ValueError("too many items")
    return left * right


def _remainder(left: Any, right: Any) -> Any:  # Any: numbers; texts would be formatted at any width
    if isinstance(left, str):
        raise ValueError("no formatting")
    return left % right


def _in_words(value: Any, depth: int = 0) -> str | None:  # Any: the value of an expression
    """The value as people write it: a list by its items, whole numbers without a point."""
    if isinstance(value, list | tuple) and depth == 0:
        items = [_in_words(item, depth + 1) for item in value]
        return None if None in items else ", ".join(str(item) for item in items)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        value = value.date()
    return str(value) if isinstance(value, str | int | float | datetime.date) else None
