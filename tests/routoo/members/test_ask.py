"""What is sent for a prompt, and how its answer is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from routoo.data.errors import InputError
from routoo.data.request import Request
from routoo.members.ask import ask_of, marked_answer

RIVER = Request("q", "Which is a river?", options=("Rhine", "Alps"))


def test_a_way_of_asking_keeps_the_prompt_and_its_options() -> None:
    asked = "Which is a river?\nA. Rhine\nB. Alps"
    assert ask_of("direct").text(RIVER) == asked
    assert ask_of("steps").text(RIVER).startswith(f"{asked}\n\nThink step by step")


def test_braces_in_a_prompt_stay() -> None:
    assert ask_of("direct").text(Request("q", "{prompt} or {x}?")) == "{prompt} or {x}?"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Answer: 14", "14"),
        ("It is 7.\nAnswer: 14\n", "14"),
        ("Answer: 7\nNo, wait.\nANSWER: 14", "14"),
        ("**Answer:** 14", "14"),
        ("The answer is 14", "14"),
        ("Final answer: Paris\nThat was easy.", "Paris"),
        ("First 7.\nSo 14.", "So 14."),
        ("", ""),
        ("\n\n", ""),
    ],
)
def test_the_marked_answer_is_read(text: str, answer: str) -> None:
    assert marked_answer(text) == answer


def test_a_file_holds_a_template(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text('Q: {prompt}\nEnd with "Answer:".')
    mine = ask_of(str(tmp_path / "mine.txt"))
    assert (mine.name, mine.read("7.\nAnswer: 14")) == ("mine", "14")
    assert mine.text(RIVER).startswith("Q: Which is a river?\nA. Rhine")
    (tmp_path / "plain.txt").write_text("Q: {prompt}")
    assert ask_of(str(tmp_path / "plain.txt")).read(" 7.\nAnswer: 14") == "7.\nAnswer: 14"
    (tmp_path / "none.txt").write_text("Q: {question}")
    with pytest.raises(InputError, match=r"none\.txt: a template needs \{prompt\}"):
        ask_of(str(tmp_path / "none.txt"))


def test_code_is_worked_out() -> None:
    assert ask_of("code").read("```python\n6 * 7\n```") == "42"
    assert ask_of("code").read("I cannot.") is None
