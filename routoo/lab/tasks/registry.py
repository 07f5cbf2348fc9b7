"""Every family of tasks by name, and prompts drawn from them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import polars as pl

from routoo.data.checks.arguments import known_names, number
from routoo.lab.tasks import calendar, numbers, texts, words
from routoo.lab.tasks.task import LEVELS, Family

FAMILIES: dict[str, Family] = {
    "addition": Family(numbers.addition, "number:last=true,unread=wrong"),
    "multiplication": Family(numbers.multiplication, "number:last=true,unread=wrong"),
    "story": Family(numbers.story, "number:last=true,unread=wrong"),
    "percentage": Family(numbers.percentage, "number:last=true,unread=wrong"),
    "conversion": Family(numbers.conversion, "number:last=true,unread=wrong"),
    "ranking": Family(numbers.ranking, "number:last=true,unread=wrong"),
    "program": Family(numbers.program, "number:last=true,unread=wrong"),
    "sorting": Family(words.sorting, "text:unread=wrong"),
    "counting": Family(words.counting, "number:last=true,unread=wrong"),
    "reversing": Family(words.reversing, "text:unread=wrong"),
    "picking": Family(words.picking, "text:unread=wrong"),
    "date": Family(calendar.date_after, "text:unread=wrong"),
    "weekday": Family(calendar.weekday, "text:unread=wrong"),
    "fact": Family(texts.fact, "text:unread=wrong"),
    "fields": Family(texts.fields, "json:all_or_nothing=true,unread=wrong"),
    "tone": Family(texts.tone, "text:unread=wrong"),
    "topic": Family(texts.topic, "text:unread=wrong"),
}


def lab_prompts(n_prompts: int, *, seed: int = 0, families: Sequence[str] = tuple(FAMILIES)) -> pl.DataFrame:
    """Different prompts with their right answers, families and levels taken in turn.

    Args:
        n_prompts: How many; the first ones are the same whatever this is.
        seed: Of what is drawn.
        families: Names of the families.

    Returns:
        `prompt_id`, `prompt`, `domain` (the family), `level`, `answer` and `grader`.

    Raises:
        InputError: `n_prompts` is no whole number of at least 1, or a family is unknown.

    >>> lab_prompts(2)["domain"].to_list()
    ['addition', 'multiplication']
    """
    number("n_prompts", n_prompts, least=1, whole=True)
    names = known_names("families", families, list(FAMILIES))
    draw = Random(f"lab-{seed}")
    rows: dict[str, dict[str, object]] = {}
    turn = 0
    while len(rows) < n_prompts:
        name = names[turn % len(names)]
        level = turn // len(names) % LEVELS
        turn += 1
        task = FAMILIES[name].write(draw, level)
        rows.setdefault(
            task.prompt,
            {
                "prompt_id": f"{turn:05d}-{name}",
                "prompt": task.prompt,
                "domain": name,
                "level": str(level),
                "answer": task.answer,
                "grader": FAMILIES[name].grader,
            },
        )
    return pl.DataFrame(list(rows.values()))
