"""Simulated prompts: varied texts of ten domains that show how hard they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from simulated import words

LEVELS = 5
"""Prompts are written at as many levels, from easy (0) to hard."""

_STEP, _SPREAD = 0.9, 0.25


@dataclass(frozen=True)
class SimulatedPrompt:
    """A prompt with what only the simulation knows of it.

    Args:
        difficulty: On the scale of the models' skills: equal skill solves it half the time.
    """

    text: str
    domain: str
    difficulty: float


def simulated_prompts(n_prompts: int, *, seed: int) -> list[SimulatedPrompt]:
    """Different prompts, their domains and levels drawn evenly.

    >>> prompt = simulated_prompts(1, seed=3)[0]
    >>> prompt.domain in WRITERS
    True
    """
    draw = Random(seed)
    found: dict[str, SimulatedPrompt] = {}
    while len(found) < n_prompts:
        domain = draw.choice(list(WRITERS))
        level = draw.randrange(LEVELS)
        text = WRITERS[domain](draw, level)
        difficulty = _STEP * (level - LEVELS // 2) + draw.gauss(0, _SPREAD)
        found.setdefault(text, SimulatedPrompt(text, domain, difficulty))
    return list(found.values())


def _number(draw: Random, digits: int) -> int:
    return draw.randrange(10 ** (digits - 1) + 1, 10**digits)


def _arithmetic(draw: Random, level: int) -> str:
    return draw.choice([_sum, _purchase])(draw, level)


def _sum(draw: Random, level: int) -> str:
    terms = [str(_number(draw, draw.choice([level + 1, level + 2])))]
    for _ in range(level + 1):
        terms += [draw.choice("+-" if level < 1 else "+-*"), str(_number(draw, level + 1))]
    asked = draw.choice(
        ["What is {}?", "Compute {}.", "{} =", "Give only the number: {}", "Work out {} step by step."]
    )
    return asked.format(" ".join(terms))


def _purchase(draw: Random, level: int) -> str:
    name, other = draw.sample(words.NAMES, 2)
    goods = draw.choice(words.GOODS)
    steps = [
        f"sells {_number(draw, level + 1)} of them to {other}",
        f"loses one in {draw.randrange(2, 9)}",
        f"pays {draw.randrange(3, 40)} percent tax on the rest",
        f"doubles the price in {draw.choice(words.CITIES)}",
        f"splits what is left with {draw.randrange(2, 8)} friends",
        f"buys {_number(draw, level + 1)} more at {draw.randrange(2, 99)} cents apiece",
    ]
    steps_taken = ", then ".join(draw.sample(steps, level + 1))
    paid = _number(draw, max(level, 1))
    bought = f"{name} buys {_number(draw, level + 2)} {goods} at {paid} dollars each"
    return f"{bought}, {steps_taken}. What are the {goods} worth now?"


def _units(draw: Random, level: int) -> str:
    source, target = draw.choice(words.UNITS[level])
    amount = f"{draw.uniform(1, 10 ** (level + 1)):.{level}f}"
    asked = draw.choice(
        [
            "Convert {a} {s} to {t}",
            "How many {t} are there in {a} {s}",
            "{a} {s} in {t}, please",
            "Express {a} {s} in {t}",
        ]
    )
    where = f"{draw.choice(words.UNIT_USES)} in {draw.choice(words.CITIES)}"
    return f"{asked.format(a=amount, s=source, t=target)} ({where})."


def _code(draw: Random, level: int) -> str:
    language, task = draw.choice(words.LANGUAGES_OF_CODE), draw.choice(words.TASKS[level])
    wishes = " ".join(draw.sample(words.CODE_WISHES, draw.randrange(1, 4)))
    asked = draw.choice(
        [
            "Write a {} function that {}.",
            "In {}, write code that {}.",
            "I need {} code which {}.",
            "{}: code that {}.",
        ]
    )
    return f"{asked.format(language, task)} {wishes}"


def _sql(draw: Random, level: int) -> str:
    table, key, value, date = draw.choice(words.TABLES)
    query = draw.choice(words.QUERIES[level]).format(
        t=table, k=key, v=value, d=date, n=draw.randrange(3, 900), m=draw.randrange(2, 10)
    )
    dialect = draw.choice(["PostgreSQL", "SQLite", "MySQL", "standard SQL", "DuckDB"])
    towns = " and ".join(draw.sample(words.CITIES, draw.randrange(1, 4)))
    given = f"Table {table}({key}, {value}, {date}) holds the rows of {towns}"
    return f"{given}. Write a query in {dialect} that {query}."


def _sentence(draw: Random, clauses: int) -> str:
    parts = [f"{draw.choice(words.ACTORS)} {draw.choice(words.ACTS)} {draw.choice(words.TIMES)}"]
    parts += draw.sample(words.REASONS, clauses)
    text = f"in {draw.choice(words.CITIES)} {', '.join(parts)}"
    return text[0].upper() + text[1:] + "."


def _translation(draw: Random, level: int) -> str:
    tongue, register = draw.choice(words.TONGUES[level]), words.REGISTERS[level]
    text = " ".join(_sentence(draw, min(level, 3)) for _ in range(1 + level // 2))
    asked = draw.choice(["Translate into", "How would you say in", "Put into", "Render in"])
    return f"{asked} {tongue}{' ' + register if register else ''}: {text}"


def _summary(draw: Random, level: int) -> str:
    text = " ".join(_sentence(draw, draw.randrange(3)) for _ in range(2 + 2 * level))
    asked = draw.choice(["Summarise", "Give the gist of", "Shorten", "Condense"])
    length = draw.choice(
        ["in one sentence", f"in {_number(draw, 2)} words", "for a busy reader", "as a headline"]
    )
    balance = ", weighing the conflicting accounts against one another" if level > 2 else ""
    return f"{asked} {length}{balance}: {text}"


def _trivia(draw: Random, level: int) -> str:
    question = draw.choice(words.QUESTIONS[level]).format(
        country=draw.choice(words.COUNTRIES),
        city=draw.choice(words.CITIES),
        thing=draw.choice(words.THINGS),
        year=draw.randrange(1650, 1990),
        number=draw.randrange(5, 400),
    )
    asker = f"{draw.choice(words.NAMES)} from {draw.choice(words.CITIES)}"
    return draw.choice(
        ["{q}", "{a} asks: {q}", "Quiz night with {a}. {q}", "{q} ({a} bets I cannot say.)"]
    ).format(q=question, a=asker)


def _logic(draw: Random, level: int) -> str:
    people = draw.sample(words.NAMES, level + 3)
    trait = draw.choice(words.TRAITS)
    facts = [f"{first} is {trait} than {second}" for first, second in pairwise(people)]
    facts += [f"it is false that {people[-1]} is {trait} than {people[at]}" for at in range(level // 2)]
    if level > 2:
        facts.append(f"if {people[0]} lies, so does {people[2]}, but not both of {people[1]} and {people[3]}")
    draw.shuffle(facts)
    asked = draw.choice(
        [f"Who is the {trait[:-1]}st?", f"Is {people[0]} {trait} than {people[-1]}?", "Order them all."]
    )
    return f"{'. '.join(fact[0].upper() + fact[1:] for fact in facts)}. {asked}"


def _extraction(draw: Random, level: int) -> str:
    fields = ", ".join(draw.sample(words.FIELDS, 2 + level))
    noise = " ".join(_sentence(draw, draw.randrange(2)) for _ in range(level))
    record = (
        f"{draw.choice(words.NAMES)} ({draw.choice(words.CITIES)}) ordered {_number(draw, 2)} "
        f"{draw.choice(words.GOODS)} on {draw.randrange(1, 29)}/{draw.randrange(1, 13)}, "
        f"invoice {_number(draw, 6)}, {_number(draw, 4)} {draw.choice(['EUR', 'USD', 'GBP', 'JPY'])}, "
        f"call {_number(draw, 7)}."
    )
    shape = "nested JSON with null for what is missing or ambiguous" if level > 2 else "JSON"
    return (
        f"Extract {fields} as {shape}: {noise} {record}"
        if noise
        else f"Extract {fields} as {shape}: {record}"
    )


def _writing(draw: Random, level: int) -> str:
    name, city = draw.choice(words.NAMES), draw.choice(words.CITIES)
    first = 0 if level < 2 else 2
    demands = " ".join(
        demand.format(name=name, NAME=name.upper(), city=city, n=_number(draw, 2))
        for demand in draw.sample(words.DEMANDS[first:], level)
    )
    form, tone, about = draw.choice(words.FORMS), draw.choice(words.TONES), draw.choice(words.OCCASIONS)
    reader = f"{draw.choice(words.ACTORS)} in {city}"
    return f"Write {form} about {about} for {reader}. Tone: {tone}. {demands}".strip()


Writer = Callable[[Random, int], str]
WRITERS: Mapping[str, Writer] = {
    "arithmetic": _arithmetic,
    "units": _units,
    "code": _code,
    "sql": _sql,
    "translation": _translation,
    "summary": _summary,
    "trivia": _trivia,
    "logic": _logic,
    "extraction": _extraction,
    "writing": _writing,
}
"""Who writes the prompts of each domain: a source of chance and a level in, a text out."""
