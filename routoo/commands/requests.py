"""Prompts that a command is given: from a file, from standard input, or on the command line itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from routoo.commands.terminal import counted, say
from routoo.data.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routoo.commands.reading import PromptsReading
    from routoo.data.domains import Attributes
    from routoo.data.tables.prompts import Prompts
    from routoo.requests import Requests
    from routoo.router import Router

_STDIN = "-"


def prompts_of(
    source: str, reading: PromptsReading, *, attributes: Sequence[str] = (), quiet: bool = False
) -> Prompts:
    """The prompts in a file, or on standard input where the source is ``-``, with these attributes."""
    from routoo.data.tables.prompts import read_prompts

    _announce(source, quiet=quiet)
    prompts = read_prompts(
        source, sys.stdin.buffer, attributes=attributes, columns=reading.names, separator=reading.separator
    )
    if prompts.blank_lines:
        say(f"{prompts.source}: {counted(prompts.blank_lines, 'blank line')} passed over", quiet=quiet)
    return prompts


def prompt_of(given: str, *, quiet: bool = False) -> str:
    """The one prompt that was given, or all of standard input where that is ``-``."""
    if given != _STDIN:
        return given
    from routoo.data.storage.text_files import decode_utf8

    _announce(given, quiet=quiet)
    return decode_utf8(sys.stdin.buffer.read(), "standard input").rstrip("\r\n")


def requests_of(source: str, router: Router, reading: PromptsReading, *, quiet: bool = False) -> Requests:
    """What to route, from a file or from standard input, with what the router can read of it."""
    from routoo.data.domains import near_names
    from routoo.requests import Requests, columns_read

    prompts = prompts_of(source, reading, attributes=columns_read(router), quiet=quiet)
    requests = Requests.of(prompts, router)
    learned = [attribute.name for attribute in router.attributes]
    if missing := [name for name in learned if name not in requests.attributes]:
        near = near_names(missing, prompts.columns)
        say(f"{prompts.source} has no {', '.join(missing)}: inferred from the text{near}", quiet=quiet)
    say_unlearned(router, prompts.domains, requests.attributes, quiet=quiet)
    return requests


def say_unlearned(
    router: Router, domains: Sequence[str | None] | None, attributes: Attributes, *, quiet: bool = False
) -> None:
    """Remarks on domains and values of attributes that were given and that the router never learned."""
    from routoo.data.domains import unlearned_attributes, unlearned_domains

    for words in (
        unlearned_domains(domains, router.domains),
        *unlearned_attributes(attributes, router.attributes),
    ):
        if words:
            say(words, quiet=quiet)


def named_values(given: Sequence[str], option: str, example: str) -> dict[str, str]:
    """Values by name, of an option that takes ``NAME=VALUE`` and may be repeated."""
    values: dict[str, str] = {}
    for text in given:
        name, _, value = text.partition("=")
        if not name or not value:
            raise InputError(f"{option} takes NAME=VALUE, such as {example}, got {text!r}")
        if name in values:
            raise InputError(f"{option} takes each name once, got {name} twice")
        values[name] = value
    return values


def _announce(source: str, *, quiet: bool) -> None:
    if source == _STDIN and sys.stdin.isatty():
        say("reading from the terminal; Ctrl-D ends", quiet=quiet)
