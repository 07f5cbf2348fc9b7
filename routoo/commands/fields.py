"""Command line options made of a record, so that names, defaults and help are said once."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Collection, Iterator
from typing import Annotated, Any, TypeVar, get_origin, get_type_hints

import typer

Verb = TypeVar("Verb", bound=Callable[..., None])


def options_of(
    record: type, *, panel: str = "", leave_out: Collection[str] = (), into: str | None = None
) -> Callable[[Verb], Verb]:
    """A decorator: the fields of a dataclass become options of a verb, in the place of its ``**options``.

    What the docstring of the record says of a field is the help of its option, unless the field is
    annotated with an option of its own.

    Args:
        record: The dataclass.
        panel: Heading above its options in the help.
        leave_out: Fields that the verb sets on its own; those whose default a factory makes must be.
        into: The parameter of the verb that takes the record instead.
    """

    def decorate(verb: Verb) -> Verb:
        own = [
            p
            for p in inspect.signature(verb, eval_str=True).parameters.values()
            if p.kind is not p.VAR_KEYWORD and p.name != into
        ]
        added = [option for option in _options(record, panel) if option.name not in leave_out]

        def run(**values: Any) -> None:  # Any: each option has its own type
            if into is not None:
                values[into] = record(**{option.name: values.pop(option.name) for option in added})
            verb(**values)

        run.__name__, run.__doc__ = verb.__name__, verb.__doc__
        run.__signature__ = inspect.Signature([p.replace(kind=p.KEYWORD_ONLY) for p in (*own, *added)])  # type: ignore[attr-defined]  # what inspect reads
        run.__annotations__ = {p.name: p.annotation for p in (*own, *added)}
        return run  # type: ignore[return-value]  # called with keywords, as typer does

    return decorate


def _options(record: type, panel: str) -> Iterator[inspect.Parameter]:
    """A parameter for each field, annotated for typer."""
    helps, hints = field_helps(record), get_type_hints(record, include_extras=True)
    for field in dataclasses.fields(record):
        hint = hints[field.name]
        if get_origin(hint) is not Annotated:
            hint = Annotated[hint, typer.Option(help=helps.get(field.name, ""), rich_help_panel=panel)]
        yield inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hint,
        )


def field_helps(record: type) -> dict[str, str]:
    """What the docstring of a record says of each field, by name, on one line.

    >>> from routoo.data.assignment import LimitUse
    >>> field_helps(LimitUse)["unit"]
    'What is counted: USD, s, prompts, tokens, requests, score.'
    """
    _, _, block = inspect.cleandoc(record.__doc__ or "").partition("\nArgs:\n")
    block = re.split(r"\n(?=\S)", block)[0]
    found = re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", block, re.MULTILINE)
    return {name: _plain(text) for name, text in found}


def _plain(text: str) -> str:
    """The text on one line, without the marks and references that are for readers of code."""
    without_references = re.sub(r"\s*\(see `[^)]*\)", "", re.sub(r"\s+", " ", text))
    return without_references.replace("`", "")
