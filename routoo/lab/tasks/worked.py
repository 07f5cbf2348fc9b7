"""Worked answers to the lab's tasks: short ones, ones with steps, and long-winded ones.

A model that is fine-tuned on them writes answers of very different lengths to one prompt, right and wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from routoo.data.checks.arguments import choice
from routoo.lab.tasks.numbers import UNITS

STYLES = ("short", "steps", "long")
"""The answer alone; with the working; the working with a check and more words."""

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_FACTORS = {(large, small): factor for large, small, factor in UNITS}


def worked(prompt: str, family: str, answer: str, *, style: str) -> str:
    """An answer to a task of a family in one of `STYLES`; its last line bears the final answer.

    Raises:
        InputError: There are no worked answers of this family, or the style is unknown.

    >>> worked("What is 17 + 5?", "addition", "22", style="steps")
    '17 + 5 = 22.\\nAnswer: 22'
    >>> worked("What is 17 + 5?", "addition", "22", style="short")
    'Answer: 22'
    """
    choice("style", style, STYLES)
    end = f"Answer: {answer}"
    if style == "short":
        return end
    steps = WORKING[choice("family", family, WORKING)](prompt)
    if style == "steps":
        return f"{steps}\n{end}"
    return (
        f"Let me think about this with care. {steps} "
        f"To be sure, I go through it once more. {steps} So the result is {answer}.\n{end}"
    )


def _addition(prompt: str) -> str:
    terms = re.findall(r"([+-]?) ?(\d+)", prompt)
    total, said = int(terms[0][1]), []
    for sign, term in terms[1:]:
        result = total + int(term) if sign == "+" else total - int(term)
        said.append(f"{total} {sign} {term} = {result}")
        total = result
    return ". Then ".join(said) + "."


def _multiplication(prompt: str) -> str:
    left, right = map(int, _NUMBER.findall(prompt)[:2])
    tens, ones = right // 10 * 10, right % 10
    if not tens or not ones:
        return f"{left} * {right} = {left * right}."
    return (
        f"{left} * {tens} = {left * tens}. {left} * {ones} = {left * ones}. "
        f"{left * tens} + {left * ones} = {left * right}."
    )


def _percentage(prompt: str) -> str:
    price, percent = map(int, _NUMBER.findall(prompt)[:2])
    change = price * percent // 100
    sign, result = ("-", price - change) if "reduced" in prompt else ("+", price + change)
    return (
        f"1 percent is {price // 100}, so {percent} percent is {change}. {price} {sign} {change} = {result}."
    )


def _conversion(prompt: str) -> str:
    large, small = next(pair for pair in _FACTORS if all(f" {unit}" in prompt for unit in pair))
    factor = _FACTORS[large, small]
    amount, *rest = map(float, _NUMBER.findall(prompt))
    said = f"1 of the {large} has {factor:g} {small}. {amount:g} * {factor:g} = {amount * factor:g}."
    if rest:
        said += f" {amount * factor:g} + {rest[0]:g} = {amount * factor + rest[0]:g}."
    return said


WORKING: dict[str, Callable[[str], str]] = {
    "addition": _addition,
    "multiplication": _multiplication,
    "percentage": _percentage,
    "conversion": _conversion,
}
"""How the working of a task is written, by the families that have one."""
