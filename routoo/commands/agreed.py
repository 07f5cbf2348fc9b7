"""A contract that a command chooses by: what it leaves to say, and prompts by their text alone."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from routoo.commands.terminal import say
from routoo.data.errors import InputError
from routoo.policies.contracts.contract import Contract
from routoo.policies.contracts.terms import refuse_beside
from routoo.requests import Requests


@contextmanager
def lapse_said_later() -> Iterator[None]:
    """Without the warning of a contract that has lapsed: `in_words` says it once, beside the result."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the contract has lapsed", UserWarning)
        yield


def in_words(contract: Path, lapsed: str | None) -> str:
    """What a contract made of the choices."""
    agreed = Contract.read(contract)
    if lapsed is not None:
        return f"{contract} has lapsed: {lapsed}; {agreed.reference}, its reference, answers everything"
    return f"at {agreed.price:.4g} score per USD, the price of {contract}"


def refuse_flags(**given: object) -> None:
    """Refuses flags beside a contract that would choose otherwise than it does, by their names in Python.

    Raises:
        InputError: One was given.
    """
    refuse_beside(
        {f"--{name.replace('_', '-')}": None if value == [] else value for name, value in given.items()}
    )


def by_text_alone(asked: Requests, *, quiet: bool = False) -> Requests:
    """The prompts without what else their file says, of which a contract knows nothing.

    Raises:
        InputError: They need tags or have deadlines, which a contract does not keep.
    """
    from routoo.data.tables.deadlines import DEADLINE, deadlines_beside
    from routoo.data.tables.required_tags import TAGS

    source = asked.prompts.source
    needs = {TAGS: any(asked.tags or ()), DEADLINE: deadlines_beside(asked.deadlines_s, None) is not None}
    for column, needed in needs.items():
        if needed:
            raise InputError(
                f"{source} has {column}, and a contract holds for choices at its price alone: leave that "
                "column out, or the contract"
            )
    unread = [*(["domain"] if asked.prompts.domains is not None else []), *asked.attributes]
    if unread:
        say(f"{source}: {', '.join(unread)} not read, since a contract is of the text alone", quiet=quiet)
    known = asked.prompts.frame.select("prompt_id", "prompt")
    return Requests(dataclasses.replace(asked.prompts, frame=known), {})
