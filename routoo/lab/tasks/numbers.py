"""Tasks whose answer is a number to work out."""

from __future__ import annotations

from random import Random

from routoo.lab.tasks.task import Task
from routoo.lab.tasks.vocabulary import NAMES, THINGS

UNITS = (
    ("kilometres", "metres", 1000.0),
    ("hours", "minutes", 60.0),
    ("kilograms", "grams", 1000.0),
    ("minutes", "seconds", 60.0),
    ("metres", "centimetres", 100.0),
    ("days", "hours", 24.0),
    ("weeks", "days", 7.0),
    ("litres", "millilitres", 1000.0),
    ("feet", "inches", 12.0),
    ("dozens", "pieces", 12.0),
)


def addition(draw: Random, level: int) -> Task:
    """A sum of two to four numbers, some of them taken away."""
    terms = [_integer(draw, level + 1) for _ in range(2 + level // 2)]
    signs = [draw.choice((1, -1)) if level else 1 for _ in terms[1:]]
    written = str(terms[0]) + "".join(
        f" {'+' if sign > 0 else '-'} {term}" for sign, term in zip(signs, terms[1:], strict=True)
    )
    asked = draw.choice((f"What is {written}?", f"Work out {written}.", f"Calculate {written}."))
    total = terms[0] + sum(sign * term for sign, term in zip(signs, terms[1:], strict=True))
    return Task(f"{asked}", str(total))


def multiplication(draw: Random, level: int) -> Task:
    """A product of two numbers of one to three digits."""
    left, right = _integer(draw, (level + 3) // 2), _integer(draw, (level + 2) // 2)
    asked = draw.choice(
        (f"What is {left} * {right}?", f"Multiply {left} by {right}.", f"{left} times {right} is?")
    )
    return Task(f"{asked}", str(left * right))


def story(draw: Random, level: int) -> Task:
    """A small story in which a number of things changes once to four times."""
    who, things = draw.choice(NAMES), draw.choice(THINGS)
    boxes, each = draw.randint(2, 6 + 2 * level), draw.randint(3, 9 + level)
    count = boxes * each
    said = [f"{who} has {boxes} boxes with {each} {things} in each."]
    for _ in range(level):
        change = draw.randint(2, max(3, count // 2))
        if draw.random() < 0.5:
            said.append(f"{draw.choice(NAMES)} brings {change} more.")
            count += change
        else:
            said.append(f"Then {change} of them are given away.")
            count -= change
    return Task(f"{' '.join(said)} How many {things} does {who} have now?", str(count))


def percentage(draw: Random, level: int) -> Task:
    """A price after one or two changes by per cent, in whole dollars."""
    step = (50, 20, 10, 5)[level]
    price = draw.randint(1, 20) * 100
    change = step * draw.randint(1, 90 // step)
    down = draw.random() < 0.5
    verb = "reduced" if down else "raised"
    result = price * (100 - change if down else 100 + change) // 100
    asked = f"A price of {price} dollars is {verb} by {change} percent."
    return Task(f"{asked} What is the new price in dollars?", str(result))


def conversion(draw: Random, level: int) -> Task:
    """An amount in another unit, at higher levels a mixed one."""
    large, small, factor = draw.choice(UNITS)
    amount = draw.randint(2, 12) if level == 0 else draw.randint(3, 20 * level) + (0.5 if level == 2 else 0)
    rest = draw.randint(1, int(factor) - 1) if level == 3 else 0
    shown = f"{amount:g} {large}" + (f" and {rest} {small}" if rest else "")
    return Task(f"How many {small} are {shown}?", f"{amount * factor + rest:g}")


def ranking(draw: Random, level: int) -> Task:
    """The largest, smallest, or at higher levels second largest of several numbers."""
    digits = (2, 3, 3, 4)[level]
    numbers = draw.sample(range(10 ** (digits - 1), 10**digits), 4 + 2 * level)
    which, place = draw.choice((("largest", -1), ("smallest", 0), ("second largest", -2))[: 2 + (level > 1)])
    listed = ", ".join(map(str, numbers))
    return Task(f"Which is the {which} of these numbers: {listed}?", str(sorted(numbers)[place]))


def program(draw: Random, level: int) -> Task:
    """The value of a line of Python."""
    first, second, third = (draw.randint(2, 9 + 5 * level) for _ in range(3))
    numbers = [draw.randint(1, 20) for _ in range(3 + level)]
    lines = (
        (f"{first} + {second} * {third}", first + second * third),
        (f"({first} + {second}) % {third}", (first + second) % third),
        (f"sum({numbers})", sum(numbers)),
        (f"len([x for x in {numbers} if x > {first}])", len([x for x in numbers if x > first])),
        (f"max({numbers}) - min({numbers})", max(numbers) - min(numbers)),
        (f"sum(x * x for x in {numbers[:3]})", sum(x * x for x in numbers[:3])),
        (f"{first * 37} // {second}", first * 37 // second),
    )
    expression, value = draw.choice(lines[: 3 + level])
    return Task(f"What is the value of this Python expression? {expression}", str(value))


def _integer(draw: Random, digits: int) -> int:
    return draw.randint(10 ** (digits - 1) + 1, 10**digits - 1)
