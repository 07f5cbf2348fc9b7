"""Prompts that a command is given: from a file, from standard input, or on the command line itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from routoo.commands.terminal import counted, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routoo.data.prompts import Prompts
    from routoo.router import Router

_STDIN = "-"


def prompts_of(source: str, *, quiet: bool = False) -> Prompts:
    """The prompts in a file, or on standard input where the source is ``-``."""
    from routoo.data.prompts import read_prompts

    _announce(source, quiet=quiet)
    prompts = read_prompts(source, sys.stdin.buffer)
    if prompts.blank_lines:
        say(f"{prompts.source}: {counted(prompts.blank_lines, 'blank line')} passed over", quiet=quiet)
    return prompts


def prompt_of(given: str, *, quiet: bool = False) -> str:
    """The one prompt that was given, or all of standard input where that is ``-``."""
    if given != _STDIN:
        return given
    from routoo.data.prompts import decode_utf8

    _announce(given, quiet=quiet)
    return decode_utf8(sys.stdin.buffer.read(), "standard input").rstrip("\r\n")


def say_unlearned(domains: Sequence[str | None] | None, router: Router, *, quiet: bool = False) -> None:
    """Remarks on domains that were given and that the router never learned."""
    from routoo.data.domains import unlearned_domains

    if words := unlearned_domains(domains, router.domains):
        say(words, quiet=quiet)


def _announce(source: str, *, quiet: bool) -> None:
    if source == _STDIN and sys.stdin.isatty():
        say("reading from the terminal; Ctrl-D ends", quiet=quiet)
