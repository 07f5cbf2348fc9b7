"""Tasks of the lab: their answers are right, by another way of working them out."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from random import Random

import polars as pl
import pytest

from routoo.collect.graders.grader import Reference
from routoo.collect.graders.registry import grader_of
from routoo.data.errors import InputError
from routoo.lab.tasks.registry import FAMILIES, lab_prompts
from routoo.lab.tasks.task import LEVELS
from routoo.members.expression import value_of_expression

PROMPTS = lab_prompts(1360)


def of(family: str) -> list[tuple[str, str]]:
    rows = PROMPTS.filter(pl.col("domain") == family).select("prompt", "answer").rows()
    assert len(rows) > 50
    return rows


def test_every_family_and_level_has_its_share() -> None:
    shares = PROMPTS.group_by("domain", "level").len()
    assert len(shares) == len(FAMILIES) * LEVELS
    assert min(shares["len"].to_list()) > 10
    assert PROMPTS["prompt"].is_unique().all()
    assert PROMPTS["prompt_id"].is_unique().all()


def test_the_first_prompts_are_the_same_whatever_comes_after() -> None:
    assert lab_prompts(50).equals(PROMPTS.head(50))
    assert not lab_prompts(50, seed=1)["prompt"].equals(PROMPTS["prompt"].head(50))


def test_families_may_be_chosen() -> None:
    assert lab_prompts(6, families=["tone", "date"])["domain"].to_list() == ["tone", "date"] * 3
    with pytest.raises(InputError, match="families names algebra"):
        lab_prompts(6, families=["algebra"])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_right_answer_is_right_and_another_is_wrong(family: str) -> None:
    grader = grader_of(FAMILIES[family].grader)
    rows = of(family)
    for (prompt, answer), (_, other) in zip(rows, rows[1:] + rows[:1], strict=True):
        reference = Reference(prompt, (answer,))
        assert grader.grade(answer, reference).score == 1
        if other != answer:
            assert grader.grade(other, reference).score == 0


def _numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"-?\d+(?:\.\d+)?", text)]


def _ranked(prompt: str) -> float:
    ordered = sorted(_numbers(prompt))
    return ordered[-2] if "second" in prompt else ordered[-1] if "largest" in prompt else ordered[0]


def _changed(prompt: str) -> float:
    price, change = _numbers(prompt)
    return price + price * change / 100 * (-1 if "reduced" in prompt else 1)


def _told(prompt: str) -> float:
    boxes, each, *changes = _numbers(prompt)
    signs = [1 if found == "brings" else -1 for found in re.findall(r"brings|given away", prompt)]
    return boxes * each + sum(sign * change for sign, change in zip(signs, changes, strict=True))


def _worked_out(prompt: str) -> float:
    found = re.search(r"(?:What is|Work out|Calculate) (.*)[.?]", prompt)
    assert found
    return float(value_of_expression(found[1]) or "nan")


def _run(prompt: str) -> float:
    return float(
        value_of_expression(prompt.removeprefix("What is the value of this Python expression? ")) or "nan"
    )


@pytest.mark.parametrize(
    ("family", "answer"),
    [
        ("addition", _worked_out),
        ("multiplication", lambda prompt: _numbers(prompt)[0] * _numbers(prompt)[1]),
        ("ranking", _ranked),
        ("percentage", _changed),
        ("story", _told),
        ("program", _run),
    ],
)
def test_numbers_are_what_they_come_to(family: str, answer: Callable[[str], float]) -> None:
    for prompt, right in of(family):
        assert float(right) == pytest.approx(answer(prompt)), prompt


def test_letters_are_counted_and_turned_round() -> None:
    for prompt, answer in of("counting"):
        letter, text = re.findall(r'"(.*?)"', prompt)
        assert sum(sign == letter for sign in text) == int(answer)
    for prompt, answer in of("reversing"):
        assert "".join(reversed(answer)) in prompt


def test_words_are_sorted_and_picked() -> None:
    for prompt, answer in of("sorting"):
        words = answer.split(", ")
        assert words == sorted(words)
        assert all(word in prompt for word in words)
    for prompt, answer in of("picking"):
        listed = prompt.split(": ")[1].rstrip("?").split(", ")
        assert answer == (min(listed) if "alphabetical" in prompt else answer)
        assert answer in listed


def test_days_are_those_of_the_calendar() -> None:
    for prompt, answer in of("date"):
        days = int(re.search(r"is (\d+) days", prompt)[1])  # type: ignore[index]  # every such prompt has one
        start = datetime.date.fromisoformat(re.search(r"\d{4}-\d\d-\d\d", prompt)[0])  # type: ignore[index]
        gap = (datetime.date.fromisoformat(answer) - start).days
        assert gap == (days if "after" in prompt else -days)
    names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    for prompt, answer in of("weekday"):
        if found := re.search(r"\d{4}-\d\d-\d\d", prompt):
            assert names[datetime.date.fromisoformat(found[0]).weekday()] == answer
        else:
            start_day = next(name for name in names if name in prompt)
            assert names[(names.index(start_day) + int(_numbers(prompt)[0])) % 7] == answer


def test_fields_stand_in_the_sentence() -> None:
    for prompt, answer in of("fields"):
        asked = re.search(r"with the keys (.*)\.", prompt)
        assert asked
        assert list(json.loads(answer)) == asked[1].split(", ")
        assert all(str(value) in prompt for value in json.loads(answer).values())


def test_a_fact_is_in_its_passage() -> None:
    for prompt, answer in of("fact"):
        passage, asked = prompt.split("\n")
        assert answer in passage
        assert answer not in asked


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("level", range(LEVELS))
def test_a_family_writes_at_every_level_what_its_seed_says(family: str, level: int) -> None:
    write = FAMILIES[family].write
    assert write(Random(5), level) == write(Random(5), level)
    assert len({write(Random(seed), level).prompt for seed in range(40)}) > 5
