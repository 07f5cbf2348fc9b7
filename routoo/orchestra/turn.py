"""A turn of a dialogue: the unit that is routed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from routoo.data.errors import InputError

Value = TypeVar("Value")
State = Mapping[str, str]
"""Slots and their values, such as ``{"hotel-area": "north"}``."""


@dataclass(frozen=True)
class Turn:
    """What is known when a turn is to be answered (arXiv 2311.09758, section 3).

    Args:
        state: The dialogue's state before this turn.
        system: What the system said.
        user: What the user replied.

    >>> print(Turn({"hotel-area": "north"}, "For which day?", "this friday").text)
    State: hotel-area = north
    System: For which day?
    User: this friday
    """

    state: State
    system: str
    user: str

    @property
    def text(self) -> str:
        """The turn as models and embeddings read it."""
        state = ", ".join(f"{slot} = {value}" for slot, value in self.state.items()) or "empty"
        return f"State: {state}\nSystem: {self.system}\nUser: {self.user}"


def required_state(text: str | None, what: str) -> dict[str, str]:
    """Slots and values of a JSON object.

    Args:
        text: The object.
        what: What it is, for messages.

    Raises:
        InputError: It is none.

    >>> required_state('{"hotel-people": 2}', "the answer")
    {'hotel-people': '2'}
    """
    try:
        found = json.loads(text or "")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{what} must be a JSON object of slots and values, got {text!r}")
    return {slot: str(value) for slot, value in found.items()}


def aggregated(changes: Iterable[Mapping[str, Value] | None]) -> list[dict[str, Value]]:
    """The state after each turn, by the changes so far; one that cannot be read changes nothing.

    >>> aggregated([{"hotel-day": "friday"}, None, {"hotel-day": "monday", "hotel-people": "2"}])[-1]
    {'hotel-day': 'monday', 'hotel-people': '2'}
    """
    states, state = [], dict[str, Value]()
    for change in changes:
        state = {**state, **(change or {})}
        states.append(state)
    return states
