"""The domains that dialogues are about, and the slots of each."""

from __future__ import annotations

from dataclasses import dataclass

from routoo.lab.dialogues import phrases
from routoo.lab.dialogues.phrases import Phrases


@dataclass(frozen=True)
class Domain:
    """What can be booked, and what is to be known for it.

    Args:
        name: Of the domain.
        openings: How a user begins to speak of it; the first ways are the commonest.
        slots: Values of each slot, and how they are said.
        questions: How the system asks for each slot.
        has_name: Whether the system offers one by its name, which is a slot ``name`` then.
        nearby: Slots that may be filled with a name out of another domain, said with these words before it.
    """

    name: str
    openings: tuple[str, ...]
    slots: dict[str, Phrases]
    questions: dict[str, str]
    has_name: bool = True
    nearby: tuple[tuple[str, str], ...] = ()


_ASKED = {
    "area": "Which area would you like?",
    "price": "What price range do you have in mind?",
    "day": "For which day?",
    "time": "At what time?",
    "leave": "When do you want to leave?",
    "people": "How many people is that for?",
    "nights": "How long will you stay?",
    "stars": "How many stars should it have?",
    "parking": "Do you need parking?",
    "food": "What would you like to eat?",
    "kind": "What are you interested in?",
    "from": "Where do you leave from?",
    "to": "Where do you want to go?",
    "field": "What is it for?",
    "genre": "What do you want to see?",
    "size": "How large should it be?",
    "sport": "What do you want to do there?",
}


def _domain(
    name: str,
    openings: tuple[str, ...],
    *,
    has_name: bool = True,
    nearby: tuple[tuple[str, str], ...] = (),
    **slots: Phrases,
) -> Domain:
    named = {slot.rstrip("_"): values for slot, values in slots.items()}
    return Domain(name, openings, named, {slot: _ASKED[slot] for slot in named}, has_name, nearby)


TRAVEL = (
    _domain(
        "hotel",
        (
            "I need a hotel",
            "I am looking for a place to stay",
            "Find us somewhere to sleep",
            "A room, please",
        ),
        area=phrases.AREA,
        price=phrases.PRICE,
        stars=phrases.STARS,
        parking=phrases.PARKING,
        day=phrases.DAY,
        nights=phrases.NIGHTS,
        people=phrases.PEOPLE,
    ),
    _domain(
        "restaurant",
        (
            "I need a restaurant",
            "I want to book a table",
            "Where can we have dinner",
            "We are getting hungry",
        ),
        food=phrases.FOOD,
        area=phrases.AREA,
        price=phrases.PRICE,
        day=phrases.DAY,
        time=phrases.TIME,
        people=phrases.PEOPLE,
    ),
    _domain(
        "train",
        ("I need a train", "I want to go by train", "Get me a rail ticket", "Which trains are there"),
        from_=phrases.FROM,
        to=phrases.TO,
        day=phrases.DAY,
        leave=phrases.TIME,
        people=phrases.PEOPLE,
        has_name=False,
    ),
    _domain(
        "taxi",
        ("I need a taxi", "Get me a cab", "We also need a ride", "Somebody has to drive us"),
        leave=phrases.TIME,
        has_name=False,
        nearby=(("from", "from"), ("to", "to")),
    ),
    _domain(
        "museum",
        ("I want to see a museum", "Is there an exhibition", "We would like to look at a collection"),
        kind=phrases.KIND,
        area=phrases.AREA,
        day=phrases.DAY,
    ),
)
"""The domains of the task."""

SERVICES = (
    _domain(
        "doctor",
        ("I need a doctor", "I want to see a physician", "Somebody has to look at this"),
        field=phrases.FIELD,
        area=phrases.AREA,
        day=phrases.DAY,
        time=phrases.TIME,
    ),
    _domain(
        "cinema",
        ("I want to go to the cinema", "What is on at the pictures", "We would like to see a film"),
        genre=phrases.GENRE,
        area=phrases.AREA,
        day=phrases.DAY,
        time=phrases.TIME,
        people=phrases.PEOPLE,
    ),
    _domain(
        "car",
        ("I want to rent a car", "I need something to drive", "A rental, please"),
        size=phrases.SIZE,
        price=phrases.PRICE,
        from_=phrases.FROM,
        day=phrases.DAY,
        leave=phrases.TIME,
        has_name=False,
    ),
    _domain(
        "gym",
        ("I am looking for a gym", "I want to do some sport", "Where can I work out"),
        sport=phrases.SPORT,
        price=phrases.PRICE,
        area=phrases.AREA,
        day=phrases.DAY,
    ),
)
"""Other domains, on which an embedding can be tuned that is used for the first ones."""
