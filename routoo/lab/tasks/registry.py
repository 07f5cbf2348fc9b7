"""Every family of tasks by name, and prompts drawn from them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import polars as pl

from routoo.data.checks.arguments import known_names, number
from routoo.lab.tasks import calendar, numbers, texts, words
from routoo.lab.tasks.task import LEVELS, Family

FAMILIES: dict[str, Family] = {
    "addition": Family(numbers.addition, "number"),
    "multiplication": Family(numbers.multiplication, "number"),
    "story": Family(numbers.story, "number"),
    "percentage": Family(numbers.percentage, "number"),
    "conversion": Family(numbers.conversion, "number"),
    "ranking": Family(numbers.ranking, "number"),
    "program": Family(numbers.program, "number"),
    "sorting": Family(words.sorting, "text"),
    "counting": Family(words.counting, "number"),
    "reversing": Family(words.reversing, "text"),
    "picking": Family(words.picking, "text"),
    "date": Family(calendar.date_after, "text"),
    "weekday": Family(calendar.weekday, "text"),
    "fact": Family(texts.fact, "text"),
    "fields": Family(texts.fields, "json"),
    "tone": Family(texts.tone, "text"),
    "topic": Family(texts.topic, "text"),
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
                "prompt_id": f"{name}-{turn:05d}",
                "prompt": task.prompt,
                "domain": name,
                "level": str(level),
                "answer": task.answer,
                "grader": FAMILIES[name].grader,
            },
        )
    return pl.DataFrame(list(rows.values()))
