"""Tasks that take reading: facts in a passage, fields of a sentence, tone and topic."""

from __future__ import annotations

import json
from random import Random

from routoo.lab.tasks.task import Task
from routoo.lab.tasks.vocabulary import BAD, CITIES, GOOD, JOBS, NAMES, PRODUCTS, THINGS, TOPICS


def fact(draw: Random, level: int) -> Task:
    """A fact about one of several people in a passage."""
    people = draw.sample(NAMES, 2 + level)
    jobs, cities = draw.sample(JOBS, len(people)), draw.sample(CITIES, len(people))
    ages = draw.sample(range(20, 70), len(people))
    said = [
        draw.choice(
            (
                f"{who} is a {job} from {city} and is {age} years old.",
                f"{who}, {age}, lives in {city} and works as a {job}.",
                f"In {city} lives {who}, a {job} of {age}.",
            )
        )
        for who, job, city, age in zip(people, jobs, cities, ages, strict=True)
    ]
    at = draw.randrange(len(people))
    asked, answer = draw.choice(
        (
            (f"In which city does {people[at]} live?", cities[at]),
            (f"What is the job of {people[at]}?", jobs[at]),
            (f"Who is the {jobs[at]}?", people[at]),
            (f"How old is the person from {cities[at]}?", str(ages[at])),
            (f"Who lives in {cities[at]}?", people[at]),
        )
    )
    if level > 1 and draw.random() < 0.5:
        oldest = max(range(len(people)), key=ages.__getitem__)
        asked, answer = "Who is the oldest?", people[oldest]
    return Task(f"{' '.join(said)}\n{asked}", answer)


def fields(draw: Random, level: int) -> Task:
    """An order in a sentence, to be written as JSON."""
    who, city = draw.choice(NAMES), draw.choice(CITIES)
    count, things = draw.randint(2, 60), draw.choice(THINGS)
    found: dict[str, str | int] = {"name": who, "city": city}
    sentence = f"{who} from {city}"
    if level > 0:
        found |= {"quantity": count, "item": things}
        sentence += f" ordered {count} {things}"
    else:
        sentence += " called this morning"
    if level > 1:
        other = draw.choice([name for name in NAMES if name != who])
        sentence = f"{other} said us that {sentence}"
    if level > 2:
        price = draw.randint(20, 900)
        found["price"] = price
        sentence += f", not {count + draw.randint(1, 9)}, for {price} dollars"
    keys = ", ".join(found)
    return Task(
        f"{sentence}.\nWrite what the customer said as a JSON object with the keys {keys}. ",
        json.dumps(found),
    )


def tone(draw: Random, level: int) -> Task:
    """Whether a review is positive or negative; at high levels praise and blame come mixed or negated."""
    positive = draw.random() < 0.5
    mine, other = (GOOD, BAD) if positive else (BAD, GOOD)
    thing = draw.choice(PRODUCTS)
    praise, blame = draw.choice(mine), draw.choice(other)
    said = (
        f"The {thing} {praise}.",
        f"The {thing} {praise}, and the cable {draw.choice(mine)}.",
        f"My friend said that the {thing} {blame}. I disagree: for me it {praise}.",
        f"The box {blame}, but in the end the {thing} {praise}, which is all I care about.",
    )[level]
    asked = "Is this review positive or negative?"
    return Task(f"{said}\n{asked}", "positive" if positive else "negative")


def topic(draw: Random, level: int) -> Task:
    """Which of four to seven topics a headline is about."""
    names = draw.sample(sorted(TOPICS), min(4 + level, len(TOPICS)))
    chosen = draw.choice(names)
    return Task(
        f"Headline: {draw.choice(TOPICS[chosen])}\nIs it about {', '.join(names[:-1])} or {names[-1]}? ",
        chosen,
    )
