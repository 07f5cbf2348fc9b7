"""The choice grader: ways to choose an option, against readings worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from routoo.collect.graders.choice import AT_ODDS, NO_OPTION, SEVERAL, ChoiceGrader
from routoo.collect.graders.grader import DECLINED, NO_ANSWER, Reference
from routoo.collect.graders.text import comparable
from routoo.data.errors import InputError
from routoo.data.grade import Grade

CITIES = ("Rome", "Paris", "Paris, Texas", "A town")

CHOSEN = [
    ("A is incorrect. B is correct.", "B"),
    ("A is clearly wrong, C is wrong, so B", "B"),
    ("A cannot be it: B", "B"),
    ("B", "B"),
    ("b", "B"),
    ("(B)", "B"),
    ("(b)", "B"),
    ("B.", "B"),
    ("B)", "B"),
    ("[B]", "B"),
    ("**B**", "B"),
    ("**B.** Paris", "B"),
    ("B. Paris", "B"),
    ("B: Paris", "B"),
    ("B - Paris", "B"),
    ("(B) Paris, since A is in Italy", "B"),
    ("The answer is B", "B"),
    ("The answer is B.", "B"),
    ("The answer is (B).", "B"),
    ("The answer is **B**.", "B"),
    ("The correct answer is option B because A is Rome.", "B"),
    ("The correct option is B.", "B"),
    ("Answer: B", "B"),
    ("answer: b", "B"),
    ("Answer: (b)", "B"),
    ("Answer: B. Paris", "B"),
    ("Answer: Paris", "B"),
    ("Answer: **Paris**.", "B"),
    ("The answer is Paris, Texas.", "C"),
    ("It is Paris.", "B"),
    ("paris", "B"),
    ("Paris, Texas", "C"),
    (r"\boxed{B}", "B"),
    (r"$\boxed{\text{B}}$", "B"),
    (r"\boxed{(B)}", "B"),
    (r"\boxed{\textbf{(B)}\ Paris}", "B"),
    ("#### B", "B"),
    ("A) Rome\nB) Paris\nC) Paris, Texas\n\nAnswer: C", "C"),
    ("A is wrong. C is in Texas. The answer is B.", "B"),
    ("**Answer:**\n\nB", "B"),
    ("### Answer\n(B) Paris", "B"),
    ("I choose B.", "B"),
    ("I would go with option b here", "B"),
    ("Option B", "B"),
    ("Choice (B)", "B"),
    ("The answer is A", "A"),
    ("A", "A"),
    ("A.", "A"),
    ("The answer is A because of the Pope.", "A"),
    ("A town", "D"),
    ("Answer: A town", "D"),
    ("D) A town", "D"),
    ("It must be A", "A"),
    ("<think>A or B?</think>B", "B"),
    ("Ｂ", "B"),
    ("答案：B", "B"),
    ("答案是B", "B"),
    ("Die Antwort ist B.", "B"),
    ("B<|im_end|>", "B"),
    ("```\nB\n```", "B"),
    ("`B`", "B"),
    ('"B"', "B"),
    ("The answer is B, not A.", "B"),
    ("Not A but B? The answer is B", "B"),
    ("The best answer is: B", "B"),
    ("Final Answer: The final answer is (B). I hope it is correct.", "B"),
    ("<answer>B</answer>", "B"),
    ('{"answer": "B"}', "B"),
    ("Correct answer: B) Paris", "B"),
    ("Therefore, the correct choice is (B) Paris.", "B"),
    ("The capital of France is Paris (option B).", "B"),
]

UNREAD = [
    ("A. Rome\nB. Paris\nC. Paris, Texas\nD. A town", SEVERAL),
    ("A) Rome B) Paris", SEVERAL),
    ("(A) (B)", SEVERAL),
    ("A: no\nB: yes", SEVERAL),
    ('{"A": false, "B": true}', SEVERAL),
    ("A or B", SEVERAL),
    ("The answer is A or B.", SEVERAL),
    ("Both A and C", SEVERAL),
    ("A, B", SEVERAL),
    ("A/B", SEVERAL),
    ("The answer is A and C", SEVERAL),
    ("Rome or Paris", SEVERAL),
    ("B. Rome", AT_ODDS),
    ("Answer: B) Rome", AT_ODDS),
    ("London", NO_OPTION),
    ("E", NO_OPTION),
    ("A dog is a dear friend", NO_OPTION),
    ("The answer is not A.", NO_OPTION),
    ("It is not Paris.", NO_OPTION),
    ("It isn't Rome.", NO_OPTION),
    ("None of the above", NO_OPTION),
    ("I'm sorry, but I can't help with that.", DECLINED),
    ("", NO_ANSWER),
    (None, NO_ANSWER),
]


def chosen(answer: str | None, options: tuple[str, ...] = CITIES) -> set[str]:
    """The letters with which the answer is graded right."""
    letters = "ABCDEFGHIJ"[: len(options)]
    return {x for x in letters if ChoiceGrader().grade(answer, Reference("Where?", (x,), options)).score == 1}


@pytest.mark.parametrize(("answer", "letter"), CHOSEN)
def test_the_option_that_an_answer_chooses(answer: str, letter: str) -> None:
    assert chosen(answer) == {letter}


@pytest.mark.parametrize(("answer", "grade"), UNREAD)
def test_what_chooses_none(answer: str | None, grade: Grade) -> None:
    assert ChoiceGrader().grade(answer, Reference("Where?", ("A",), CITIES)) == grade


@pytest.mark.parametrize(
    ("right", "letter"), [("b", "B"), ("(B)", "B"), ("B.", "B"), ("Paris", "B"), ("paris, texas", "C")]
)
def test_right_answers_are_letters_or_texts(right: str, letter: str) -> None:
    assert ChoiceGrader().grade(letter, Reference("Where?", (right,), CITIES)) == Grade(1)


@pytest.mark.parametrize(
    ("right", "options"), [("E", CITIES), ("London", CITIES), ("Rome", ("Rome", "rome")), ("Paris", ())]
)
def test_a_right_answer_that_is_no_option_is_refused(right: str, options: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="needs right answers that are A to"):
        ChoiceGrader().grade("A", Reference("Where?", (right,), options))


def test_more_options_than_letters_are_refused() -> None:
    with pytest.raises(InputError, match="at most 26 options, got 27"):
        ChoiceGrader().grade("A", Reference("Where?", ("A",), tuple(map(str, range(27)))))


def test_without_options_letters_are_read() -> None:
    assert ChoiceGrader().grade("The answer is (D).", Reference("Which?", ("D",))) == Grade(1)


def test_options_that_are_numbers_are_known_by_their_text() -> None:
    options = ("1", "2", "12", "2.5")
    assert chosen("The answer is 12.", options) == {"C"}
    assert chosen("2.5", options) == {"D"}
    assert chosen("B", options) == {"B"}


def test_the_pronoun_is_no_option() -> None:
    options = tuple(f"city {n}" for n in range(10))
    assert chosen("I think it is J", options) == {"J"}
    assert chosen("Answer: I", options) == {"I"}


@given(
    st.permutations(CITIES),
    st.integers(0, 3),
    st.sampled_from(["{}", "({})", "**{}**", "Answer: {}", "I say {}.", r"\boxed{{{}}}"]),
)
def test_letters_mean_the_place_and_texts_the_option(order: list[str], at: int, said: str) -> None:
    options, letter = tuple(order), "ABCD"[at]
    assert chosen(said.format(letter), options) == {letter}
    assert chosen(said.format(options[at]), options) == {letter}


@given(st.lists(st.text(min_size=2), min_size=2, max_size=4, unique_by=comparable), st.data())
def test_whatever_options_say_letters_and_whole_texts_choose_them(
    texts: list[str], data: st.DataObject
) -> None:
    options = tuple(texts)
    at = data.draw(st.integers(0, len(options) - 1))
    assume(all(len(comparable(text)) > 1 for text in options))
    assert chosen(f"The answer is ({'ABCD'[at]}).", options) == {"ABCD"[at]}
    if options[at].strip():
        assert ChoiceGrader().grade(options[at], Reference("?", ("ABCD"[at],), options)).score == 1
