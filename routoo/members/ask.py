"""Ways of asking: what a member is sent for a prompt, and how its final answer is read off what came."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from routoo.data.errors import InputError
from routoo.data.request import Request
from routoo.data.storage.text_files import decode_utf8
from routoo.members.expression import value_of_expression

_HOLE = "{prompt}"
_MARKER = re.compile(
    r"(?:^|\n|\.\s|\*\*)\s*(?:the )?(?:final )?answer(?: is)?\s*:?(?:\*\*)?\s*(.+)", re.IGNORECASE
)

BRIEF = f"""{_HOLE}

Reply with the answer alone."""
STEPS = f"""{_HOLE}

Think step by step, briefly. End with a line that holds "Answer:" and the answer alone."""
CODE = f"""{_HOLE}

Write one Python expression whose value is the answer. Reply with the expression alone."""


@dataclass(frozen=True)
class Ask:
    """A way of asking.

    Args:
        name: What the pool calls it.
        template: What is sent, with ``{prompt}`` where the prompt stands.
        read: From the text that came to the final answer; None where it holds none.
    """

    name: str
    template: str
    read: Callable[[str], str | None]

    def text(self, request: Request) -> str:
        """The text that is sent: the prompt, its lettered options, and what the way of asking adds.

        >>> ask_of("direct").text(Request("q", "Which is a river?", options=("Rhine", "Alps")))
        'Which is a river?\\nA. Rhine\\nB. Alps'
        """
        listed = [
            f"{letter}. {option}" for letter, option in zip(request.letters, request.options, strict=True)
        ]
        return self.template.replace(_HOLE, "\n".join([request.text, *listed]))


def marked_answer(text: str) -> str:
    """The line after the last ``Answer:``, or the last line where nothing is marked.

    >>> marked_answer("3 + 4 = 7, and 7 * 2 = 14.\\nAnswer: 14")
    '14'
    >>> marked_answer("First it is 7.\\nSo it is 14.")
    'So it is 14.'
    """
    found = _MARKER.findall(text)
    lines = [line for line in text.splitlines() if line.strip()]
    last = found[-1] if found else (lines[-1] if lines else "")
    return last.split("\n")[0].strip().strip("*").strip()


_ASKS = {
    "direct": Ask("direct", _HOLE, str.strip),
    "brief": Ask("brief", BRIEF, str.strip),
    "steps": Ask("steps", STEPS, marked_answer),
    "code": Ask("code", CODE, value_of_expression),
}


def ask_of(name: str, *, threshold: float | None = None) -> Ask:
    """The way of asking of this name, or the one whose template a file holds.

    Args:
        name: The name, or the file.
        threshold: Probability of being right below which the model is asked to refuse: a line more.

    Raises:
        InputError: There is neither, or the file's template has no ``{prompt}``.

    >>> ask_of("direct", threshold=0.6).text(Request("q", "2 + 2?"))
    '2 + 2?\\nAnswer only if you are at least 60% sure.'

    >>> ask_of("loudly")
    Traceback (most recent call last):
    routoo.data.errors.InputError: ask must be direct, brief, steps, code, or a template's file, got 'loudly'
    """
    if threshold is not None:
        ask = ask_of(name)
        return replace(ask, template=f"{ask.template}\nAnswer only if you are at least {threshold:.0%} sure.")
    if name in _ASKS:
        return _ASKS[name]
    path = Path(name)
    if not path.is_file():
        raise InputError(f"ask must be {', '.join(_ASKS)}, or a template's file, got {name!r}")
    template = decode_utf8(path.read_bytes(), str(path))
    if _HOLE not in template:
        raise InputError(f"{path}: a template needs {_HOLE} where the prompt is to stand")
    return Ask(path.stem, template, marked_answer if "answer:" in template.casefold() else str.strip)
