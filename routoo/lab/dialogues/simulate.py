"""A user and a system that talk; each turn with what it changes in the state."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import polars as pl

from routoo.data.checks.arguments import number
from routoo.lab.dialogues.phrases import DAYS, FIRST, LAST
from routoo.lab.dialogues.schema import TRAVEL, Domain
from routoo.orchestra.turn import Turn

_SHARED = ("day", "people", "area")
_SAME = {
    "day": ("on the same day as the {other}", "that same day"),
    "people": ("for the same people", "for all of us again"),
    "area": ("in the same area as the {other}", "near the {other}"),
}
_RELATIVE = (("today", 0), ("tomorrow", 1), ("the day after tomorrow", 2), ("in three days", 3))
_ACCEPTED = ("Yes, please.", "That sounds good.", "Sure, book it.", "I will take it.", "Lovely, go ahead.")
_DECLINED = (
    "No, show me another one.",
    "Hm, rather not.",
    "Is there anything else?",
    "I do not like that one.",
)
_ASIDE = (
    "What is the phone number?",
    "Can you tell me the address?",
    "Is it far from here?",
    "My brother was there once and loved it.",
    "Let me ask my friends first.",
)
_CORRECTED = ("Sorry, {new} instead.", "Wait, I was wrong: {new}.", "Actually, make that {new}, not {old}.")
_FILLERS = ("um, ", "well, ", "so ", "hello, ", "ok, ", "please, ")
_NOISE = (0.6, 0.25, 0.15)
"""Shares of users who write cleanly, who drop capitals and stops, and who mistype too."""


@dataclass
class _Talk:
    """A dialogue under way."""

    draw: Random
    state: dict[str, str] = field(default_factory=dict)
    turns: list[tuple[Turn, dict[str, str], str]] = field(default_factory=list)
    today: int = 0
    noise: int = 0
    system: str = ""

    def says(self, text: str, change: dict[str, str], domain: str) -> None:
        """Ends a turn of the user."""
        kept = {word for value in change.values() for word in value.split()}
        user = _noised(self.draw, text, self.noise, kept)
        self.turns.append((Turn(dict(self.state), self.system, user), change, domain))
        self.state |= change


def dialogue(draw: Random, domains: Sequence[Domain] = TRAVEL) -> list[tuple[Turn, dict[str, str], str]]:
    """The turns of a dialogue, what each changes in the state, and the domain that it is about.

    Two or three domains follow each other. Users fill slots unasked and asked, say values in common and rare
    words, refer to what was said before, correct themselves, change the subject, accept or decline what is
    offered, and mistype.
    """
    talk = _Talk(draw, today=draw.randrange(7), noise=draw.choices((0, 1, 2), _NOISE)[0])
    goals = draw.sample(domains, draw.choices((2, 3), (0.65, 0.35))[0])
    goals.sort(key=lambda domain: bool(domain.nearby))  # whoever wants a ride says between what
    talk.system = f"Welcome, it is {DAYS[talk.today]} today. What can I do for you?"
    for goal in goals:
        _about(talk, goal)
        talk.system = f"Your {goal.name} is arranged. Anything else?"
    if draw.random() < 0.3:
        talk.says(draw.choice(("No, that is all, thank you.", "Thanks, bye.")), {}, goals[-1].name)
    return talk.turns


def _about(talk: _Talk, domain: Domain) -> None:
    """The part of a dialogue about a domain."""
    draw, names = talk.draw, [slot for slot, _ in domain.nearby] + list(domain.slots)
    wanted = draw.sample(names, min(len(names), draw.randint(2, 5)))
    first = wanted[: draw.randint(1, 3)]
    said, change = _said(talk, domain, first)
    talk.says(f"{_common(draw, domain.openings)}, {said}.", change, domain.name)
    left = wanted[len(first) :]
    while left:
        asked = left.pop(0)
        talk.system = domain.questions.get(asked, f"And {asked} where?")
        if draw.random() < 0.1:
            talk.says(draw.choice(_ASIDE), {}, domain.name)
        also = [left.pop(0)] if left and draw.random() < 0.5 else []
        said, change = _said(talk, domain, [asked, *also])
        text = f"{said[0].upper()}{said[1:]}."
        if draw.random() < 0.2:
            text, change = _corrected(talk, domain, text, change)
        talk.says(text, change, domain.name)
    if domain.has_name and draw.random() < 0.75:
        _offered(talk, domain)


def _offered(talk: _Talk, domain: Domain) -> None:
    """The system names one, which the user takes, leaves or asks about."""
    draw = talk.draw
    name = f"{draw.choice(FIRST)} {draw.choice(LAST)}"
    talk.system = draw.choice((f"How about the {name}?", f"I found the {name}. Shall I book it?"))
    taken = {f"{domain.name}-name": name.lower()}
    kind = draw.random()
    if kind < 0.5:
        talk.says(_common(draw, _ACCEPTED), taken, domain.name)
    elif kind < 0.65:
        talk.says(draw.choice(_ASIDE), {}, domain.name)
    elif kind < 0.8:
        other = f"{draw.choice(FIRST)} {draw.choice(LAST)}"
        talk.says(f"No, the {other}, please.", {f"{domain.name}-name": other.lower()}, domain.name)
    else:
        talk.says(draw.choice(_DECLINED), {}, domain.name)


def _said(talk: _Talk, domain: Domain, slots: Sequence[str]) -> tuple[str, dict[str, str]]:
    """A phrase that fills some slots, and their values."""
    phrases, change = [], {}
    for slot in slots:
        phrase, value = _phrase(talk, domain, slot)
        phrases.append(phrase)
        change[f"{domain.name}-{slot}"] = value
    joined = talk.draw.choice((", ", " and ", " "))
    return joined.join(phrases), change


def _phrase(talk: _Talk, domain: Domain, slot: str) -> tuple[str, str]:
    """How a slot is filled, and its value."""
    draw = talk.draw
    if slot in dict(domain.nearby):
        return _place(talk, dict(domain.nearby)[slot])
    others = [
        (name.split("-")[0], value)
        for name, value in talk.state.items()
        if name.endswith(f"-{slot}") and not name.startswith(domain.name) and value != "dontcare"
    ]
    if others and slot in _SHARED and draw.random() < 0.5:
        other, value = draw.choice(others)
        values = {value for _, value in others}
        ways = _SAME[slot] if len(values) == 1 else [way for way in _SAME[slot] if "{other}" in way]
        if ways:
            return draw.choice(ways).format(other=other), value
    if slot == "day" and "today" in talk.system and draw.random() < 0.4:
        words, days = draw.choice(_RELATIVE)
        return words, DAYS[(talk.today + days) % 7]
    value = draw.choice(list(domain.slots[slot]))
    return _common(draw, domain.slots[slot][value]), value


def _place(talk: _Talk, before: str) -> tuple[str, str]:
    """A place to be driven from or to: what was booked before, or one by its name."""
    booked = [name for name in talk.state if name.endswith("-name")]
    if booked and talk.draw.random() < 0.75:
        name = talk.draw.choice(booked)
        return f"{before} the {name.split('-')[0]}", talk.state[name]
    place = f"{talk.draw.choice(FIRST)} {talk.draw.choice(LAST)}"
    return f"{before} the {place}", place.lower()


def _corrected(talk: _Talk, domain: Domain, text: str, change: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The same turn with a correction of what was said of this domain before."""
    known = [
        slot
        for slot in domain.slots
        if f"{domain.name}-{slot}" in talk.state and f"{domain.name}-{slot}" not in change
    ]
    if not known:
        return text, change
    slot = talk.draw.choice(known)
    old = talk.state[f"{domain.name}-{slot}"]
    new = talk.draw.choice([value for value in domain.slots[slot] if value not in (old, "dontcare")])
    way = _common(talk.draw, _CORRECTED)
    phrase = domain.slots[slot][new][0]
    was = domain.slots[slot].get(old, (old,))[0]
    return f"{text} {way.format(new=phrase, old=was)}", {**change, f"{domain.name}-{slot}": new}


def _common(draw: Random, ways: Sequence[str]) -> str:
    """One of some ways to say a thing, each half as common as the one before."""
    return draw.choices(ways, [0.5**at for at in range(len(ways))])[0]


def _noised(draw: Random, text: str, noise: int, kept: set[str]) -> str:
    """The text as a user of this kind writes it; words of values stay whole."""
    if draw.random() < 0.2:
        text = _common(draw, _FILLERS) + text[0].lower() + text[1:]
    if noise == 0:
        return text
    text = text.lower().replace(".", "").replace(",", "")
    if noise == 1:
        return text
    return " ".join(
        _mistyped(draw, word) if len(word) > 4 and word not in kept and draw.random() < 0.2 else word
        for word in text.split()
    )


def _mistyped(draw: Random, word: str) -> str:
    """A word with a letter dropped, or two swapped."""
    at = draw.randrange(1, len(word) - 1)
    if draw.random() < 0.5:
        return word[:at] + word[at + 1 :]
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def lab_turns(n_dialogues: int, *, seed: int = 0, domains: Sequence[Domain] = TRAVEL) -> pl.DataFrame:
    """The turns of some dialogues as prompts with their right answers, in order.

    Args:
        n_dialogues: How many; the first ones are the same whatever this is.
        seed: Of what is drawn.
        domains: What they are about.

    Returns:
        `prompt_id`, `prompt` (`Turn.text`), `domain`, `dialogue`, `turn`, `state` (before the turn, as JSON),
        `answer` (what the turn changes, as JSON) and `grader`.

    Raises:
        InputError: `n_dialogues` is no whole number of at least 1.

    >>> lab_turns(1)["state"][0]
    '{}'
    """
    number("n_dialogues", n_dialogues, least=1, whole=True)
    draw, rows = Random(f"dialogues-{seed}"), []
    for at in range(n_dialogues):
        for number_, (turn, change, domain) in enumerate(dialogue(draw, domains)):
            rows.append(
                {
                    "prompt_id": f"{seed}-{at:04d}-{number_:02d}",
                    "prompt": turn.text,
                    "domain": domain,
                    "dialogue": f"{seed}-{at:04d}",
                    "turn": number_,
                    "state": json.dumps(turn.state),
                    "answer": json.dumps(change),
                    "grader": "json:all_or_nothing=true,only=true,unread=wrong",
                }
            )
    return pl.DataFrame(rows)
