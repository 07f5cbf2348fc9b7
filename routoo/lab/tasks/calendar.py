"""Tasks about dates."""

from __future__ import annotations

import datetime
from random import Random

from routoo.lab.tasks.task import Task

_FIRST = datetime.date(1990, 1, 1)
_DAYS = 15_000


def date_after(draw: Random, level: int) -> Task:
    """The date some days before or after another one."""
    day = _FIRST + datetime.timedelta(draw.randrange(_DAYS))
    days = draw.randint(1, (5, 20, 60, 300)[level])
    later = draw.random() < 0.7 or level == 0
    found = day + datetime.timedelta(days if later else -days)
    side = "after" if later else "before"
    return Task(f"Which date is {days} days {side} {day}? Write it as YYYY-MM-DD.", f"{found}")


def weekday(draw: Random, level: int) -> Task:
    """The day of the week, counted from another day at low levels and of a bare date at high ones."""
    day = _FIRST + datetime.timedelta(draw.randrange(_DAYS))
    if level > 2:
        asked = f"On which day of the week does {day} fall?"
        return Task(f"{asked}", f"{day:%A}")
    days = draw.randint(1, (20, 60, 400)[level])
    found = day + datetime.timedelta(days)
    asked = draw.choice(
        (
            f"Today is {day:%A}. Which day of the week is it in {days} days?",
            f"Which day of the week is {days} days after a {day:%A}?",
        )
    )
    return Task(f"{asked}", f"{found:%A}")
