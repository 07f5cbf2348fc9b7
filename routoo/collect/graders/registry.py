"""Every grader by the name that a command line gives it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from routoo.collect.graders.choice import ChoiceGrader
from routoo.collect.graders.exact import ExactGrader
from routoo.collect.graders.function import FunctionGrader
from routoo.collect.graders.grader import Grader
from routoo.collect.graders.json_fields import JsonGrader
from routoo.collect.graders.judge import JudgeGrader
from routoo.collect.graders.number import NumberGrader
from routoo.collect.graders.regex import RegexGrader
from routoo.collect.graders.rubric import Rubric
from routoo.collect.graders.text import TextGrader
from routoo.collect.graders.unread import UnreadIsWrong
from routoo.data.checks.arguments import shown, text_of
from routoo.data.errors import InputError


def _flag(text: str) -> bool:
    """Whether an option is on: true or false."""
    return {"true": True, "false": False}[text.casefold()]


def _wrong(text: str) -> bool:
    """Whether what cannot be read counts as wrong, and not as missing."""
    return {"wrong": True, "missing": False}[text.casefold()]


def _names(text: str) -> tuple[str, ...]:
    """Names that are separated by a bar."""
    return tuple(name.strip() for name in text.split("|"))


def _judge(ask: Callable[[str], str], **options: Any) -> JudgeGrader:  # Any: fields of a rubric
    """The grader that asks a judge by a rubric with these options."""
    return JudgeGrader(ask, Rubric(**options))


@dataclass(frozen=True)
class Entry:
    """How a grader is made from a command line.

    Args:
        build: The grader, given its options by name.
        options: From the text of each option to its value.
        asks: Whether it is also given what asks a model.
    """

    build: Callable[..., Grader]
    options: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)
    asks: bool = False


_UNREAD = "unread"
"""Option of every grader that reads answers itself: what cannot be read is ``missing``, or ``wrong``."""

GRADERS: dict[str, Entry] = {
    "exact": Entry(ExactGrader),
    "text": Entry(TextGrader),
    "number": Entry(NumberGrader, {"tolerance": float, "relative": float, "last": _flag}),
    "choice": Entry(ChoiceGrader),
    "regex": Entry(RegexGrader, {"pattern": str}),
    "json": Entry(JsonGrader, {"fields": _names, "all_or_nothing": _flag, "only": _flag}),
    "judge": Entry(_judge, {"judge": str, "scale": str}, asks=True),
}


def grader_of(spec: str, *, ask: Callable[[str], str] | None = None) -> Grader:
    """The grader that a command line names.

    Args:
        spec: ``NAME``, ``NAME:OPTION=VALUE,...`` or ``FILE.py:FUNCTION``.
        ask: What asks the judge, where the grader is one.

    Raises:
        InputError: There is none of this name, an option is unknown or cannot be read, a judge has no `ask`.

    >>> grader_of("number:tolerance=0.01,last=true")
    NumberGrader(tolerance=0.01, relative=0.0, last=True)
    >>> grader_of("exact:unread=wrong")
    UnreadIsWrong(grader=ExactGrader())
    >>> grader_of("numbr")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    routoo.data.errors.InputError: no grader is called 'numbr'; known: exact, text, ... and FILE.py:FUNCTION
    """
    name, _, rest = text_of("grader", spec).partition(":")
    if name in GRADERS:
        options = _options(name, rest)
        if not GRADERS[name].asks:
            wrong = options.pop(_UNREAD, False)
            grader = GRADERS[name].build(**options)
            return UnreadIsWrong(grader) if wrong else grader
        if ask is None:
            raise InputError(f"the grader {name} needs a model to ask, and none is given")
        return GRADERS[name].build(ask, **options)
    path, _, function = spec.rpartition(":")
    if path.endswith(".py"):
        return FunctionGrader(path, function)
    if spec.endswith(".py"):
        raise InputError(f"name the function of the grader: {spec}:FUNCTION")
    raise InputError(f"no grader is called {shown(spec)}; known: {', '.join(GRADERS)} and FILE.py:FUNCTION")


def _options(name: str, text: str) -> dict[str, Any]:
    """The options of a grader; a comma belongs to a value unless another option follows it."""
    entry = GRADERS[name]
    known = entry.options if entry.asks else {**entry.options, _UNREAD: _wrong}
    parts = re.split(rf",\s*(?=(?:{'|'.join(known)})=)", text)
    found: dict[str, Any] = {}
    for part in parts if text else []:
        option, _, value = part.partition("=")
        if option not in known:
            raise InputError(
                f"the grader {name} has no option {shown(option)}; it has {', '.join(known)}, written "
                f"{name}:OPTION=VALUE"
            )
        try:
            found[option] = known[option](value)
        except (ValueError, KeyError):
            raise InputError(f"{name}:{option} cannot be {shown(value)}") from None
    return found
