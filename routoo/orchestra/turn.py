"""A turn of a dialogue: the unit that is routed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from routoo.data.errors import InputError

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


def state_of(text: str | None) -> dict[str, str] | None:
    """Slots and values of a JSON object, texts in lower case without space around; None where it is none.

    >>> state_of('{"hotel-people": 2, "hotel-day": "Friday "}')
    {'hotel-people': '2', 'hotel-day': 'friday'}
    >>> state_of("a hotel for two")
    """
    try:
        found = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return {slot.strip().casefold(): str(value).strip().casefold() for slot, value in found.items()}


def required_state(text: str | None, what: str) -> dict[str, str]:
    """The same of a text that must be one.

    Raises:
        InputError: It is none.
    """
    found = state_of(text)
    if found is None:
        raise InputError(f"{what} must be a JSON object of slots and values, got {text!r}")
    return found


def aggregated(changes: Iterable[State | None]) -> list[dict[str, str]]:
    """The state after each turn, by the changes so far; one that cannot be read changes nothing.

    >>> aggregated([{"hotel-day": "friday"}, None, {"hotel-day": "monday", "hotel-people": "2"}])[-1]
    {'hotel-day': 'monday', 'hotel-people': '2'}
    """
    states, state = [], dict[str, str]()
    for change in changes:
        state = {**state, **(change or {})}
        states.append(state)
    return states
