"""What people call columns: how they say it, and what a name that was not found may be meant by."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from routoo.data.checks.came import came
from routoo.data.errors import InputError

_SHOWN = 8
_ALIKE = 0.8  # of the letters
_OFTEN: Mapping[str, tuple[str, ...]] = {
    "prompt": ("question", "query", "input", "instruction", "text", "conversation"),
    "model": ("llm", "model_name", "model_id"),
    "score": ("correct", "is_correct", "accuracy", "reward", "grade", "quality"),
}
"""What files often call the columns that every one must have; used in hints alone."""


def named_columns(given: str) -> dict[str, str]:
    """The names in a file by ours, as a command is given them.

    Raises:
        InputError: It is not of the form ``OURS=THEIRS,...``, or names a column of ours twice.

    >>> named_columns("prompt=question,model=llm")
    {'prompt': 'question', 'model': 'llm'}
    """
    names: dict[str, str] = {}
    for pair in given.split(","):
        ours, _, theirs = (part.strip() for part in pair.partition("="))
        if not ours or not theirs or ours in names:
            raise InputError(
                "--columns takes OURS=THEIRS for each column once, such as prompt=question,model=llm, "
                f"got {given!r}"
            )
        names[ours] = theirs
    return names


def check_columns(columns: object) -> None:
    """Refuses what does not map names to names.

    Raises:
        InputError: It does not.
    """
    names = [*columns, *columns.values()] if isinstance(columns, Mapping) else [None]
    if not all(isinstance(name, str) for name in names):
        raise InputError(
            'columns must map our names to those of the file, such as {"prompt": "question"}, '
            f"got {came(columns)}"
        )


def listed(names: Iterable[str]) -> str:
    """The first names of a table, for a message."""
    names = list(names)
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "") or "none"


def lacking(found: Sequence[str], needed: Sequence[str]) -> str | None:
    """In words: which columns a table lacks, and by what names they may be there; None where it lacks none.

    >>> lacking(["Prompt", "llm"], ["prompt", "model"])
    'lacks prompt, model; it has Prompt, llm: name them by --columns prompt=Prompt,model=llm'
    """
    missing = [name for name in needed if name not in found]
    if not missing:
        return None
    words = f"lacks {', '.join(missing)}; it has {listed(found)}"
    free = [name for name in found if name not in needed]
    near = {ours: theirs for ours in missing if (theirs := _near(ours, free)) is not None}
    if not near and len(found) == 1 and all(name in found[0] for name in missing):
        return f"{words}, which is one column: its fields must be separated by comma, semicolon, tab or bar"
    if not near:
        return words
    pairs = shlex.quote(",".join(f"{ours}={theirs}" for ours, theirs in near.items()))
    return f"{words}: name {'it' if len(near) == 1 else 'them'} by --columns {pairs}"


def _near(ours: str, found: Sequence[str]) -> str | None:
    """The column that may be meant by a name of ours."""
    folded = {name.strip().casefold(): name for name in found if "," not in name}
    for name in (ours, *_OFTEN.get(ours, ())):
        if name in folded:
            return folded[name]
    close = get_close_matches(ours, folded, 1, _ALIKE)
    return folded[close[0]] if close else None
