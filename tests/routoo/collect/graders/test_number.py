"""The number grader: numbers as models write them, against readings worked out by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routoo.collect.graders.grader import Reference
from routoo.collect.graders.number import NO_NUMBER, SEVERAL, NumberGrader, final_number
from routoo.collect.graders.numeral import Numeral, whole_numeral
from routoo.data.errors import InputError
from routoo.data.grade import Grade

SPELLED = [
    ("12", 12),
    ("-5", -5),
    ("+5", 5),
    ("−5", -5),
    ("–5", -5),
    ("minus 5", -5),
    ("1,000", 1000),
    ("1,234,567.89", "1234567.89"),
    ("1 234 567", 1234567),
    ("1\u202f234,5", "1234.5"),
    ("1'000", 1000),
    ("1_000", 1000),
    ("1,00,000", 100000),
    ("1.234.567", 1234567),
    ("1.234,56", "1234.56"),
    ("1.234", "1.234"),
    ("3,14", "3.14"),
    ("0,125", "0.125"),
    (".5", "0.5"),
    ("3/4", "3/4"),
    ("3⁄4", "3/4"),
    ("½", "1/2"),
    ("3½", "7/2"),
    ("1 3/4", "7/4"),
    ("-3/4", "-3/4"),
    (r"\frac{3}{4}", "3/4"),
    (r"-\dfrac{3}{4}", "-3/4"),
    (r"1\frac{3}{4}", "7/4"),
    (r"1\tfrac34", "7/4"),
    ("1e5", 100000),
    ("1.5E-3", "0.0015"),
    ("2 × 10^5", 200000),
    (r"2 \times 10^{-3}", "0.002"),
    ("3.2×10⁵", 320000),
    ("2^10", 1024),
    ("10³", 1000),
    ("$1,000", 1000),
    ("-$5", -5),
    ("$-5", -5),
    ("US$ 7.50", "7.5"),
    ("EUR 7", 7),
    ("7 €", 7),
    ("£3", 3),
    ("Rs.500", 500),
    (r"\$18", 18),
    ("3 million", 3000000),
    ("$2.5 billion", 2500000000),
    ("12k", 12000),
    ("1{,}000", 1000),
    (r"1\,000", 1000),
    ("٣٫٥", "3.5"),
    ("١٢", 12),
    ("१२", 12),
    ("１２", 12),
    ("12.", 12),
    ("12 apples", 12),
    ("12kg", 12),
    ("5 m^2", 5),
    ("5 m²", 5),
    ("45°", 45),
    (r"45^\circ", 45),
    ("$x = 5$", 5),
    ("x_1 = 5", 5),
    ("about 12", 12),
    ("007", 7),
]

FINAL = [
    ("First 3, then 4. Answer: 12", 12),
    ("The answer is 12", 12),
    ("3 + 4 = 7\n#### 7", 7),
    ("#### 1,000", 1000),
    ("3 * 4. \\boxed{12}", 12),
    ("So 3 and 4: $\\boxed{\\frac{3}{4}}$.", "3/4"),
    ("The final answer is $\\boxed{12}$. I hope it is correct, with 1 doubt.", 12),
    ("**Answer:** 12", 12),
    ("**Answer**: 12 of course", 12),
    ("**Final Answer:**\n\n12 apples", 12),
    ("2 and 3\n### Final Answer\n\n**12**", 12),
    ("She sells 9 at 2 each.\n\nThe answer is $18 per day, because 9 * 2 = 18.", 18),
    ("The answer is 42. Let me check: 6 * 7 = 42.", 42),
    ("Answer: 12 (3 boxes of 4)", 12),
    ("Answer: 3 * 4 = 12", 12),
    ("The answer is 3 + 4 = 7.", 7),
    ("Answer: She had 5 and ate 2, so 3 remain.", 3),
    ("The answer to question 2 is 12", 12),
    ("The answer (in dollars) is 12", 12),
    ("<answer>12</answer> of 5", 12),
    ("<think>3? 4? The answer is 5</think>12", 12),
    ("The answer is -5", -5),
    ("The answer is: $-5$", -5),
    ("The answer is approximately 3.14", "3.14"),
    ("answer = 12; 5 left", 12),
    ("ANSWER: 12", 12),
    ("Answer: x = 12", 12),
    ('{"steps": 3, "answer": 12}', 12),
    ("The answer is 5. Wait, 2 were lost. The answer is 3.", 3),
    ("#### 12\n#### Conclusion", 12),
    ("5 - 2 = 3\nA: 3", 3),
    ("2 plus 3\nDie Antwort ist 5.", 5),
    ("2 et 3\nRéponse : 5", 5),
    ("2 y 3\nLa respuesta es 5.", 5),
    ("3加4。答案是12。", 12),
    ("3加4。答案：12", 12),
    ("12, that is 12.0", 12),
    ("Answer: 12<|im_end|>", 12),
    ("```\nAnswer: 12\n```", 12),
    ("2 + 3\nAnswer:\n\\[\n12\n\\]", 12),
    ("1. Take 3.\n2. Add 4.\nFinal answer: **7**.", 7),
    ("Answer: 75%", 75),
    ("I think it is 12.", 12),
]

UNREAD = [
    ("3 and 4", SEVERAL),
    ("3 + 4 is 8", SEVERAL),
    ("Answer: 3 or 4", SEVERAL),
    ("The answer is 3 to 5", SEVERAL),
    ("The answer is 3-5", SEVERAL),
    ("The answer is 12 apples and 3 pears", SEVERAL),
    ("#### Step 1\n3 + 4\n#### Step 2\n5", SEVERAL),
    ("(3,4)", SEVERAL),
    ("2024-05-01", SEVERAL),
    ("twelvish", NO_NUMBER),
    ("I do not know.", NO_NUMBER),
    ("∞", NO_NUMBER),
    ("2π", NO_NUMBER),
    ("3√2", NO_NUMBER),
    (r"3\sqrt{2}", NO_NUMBER),
    ("H2O", NO_NUMBER),
    ("2x", NO_NUMBER),
    ("1/0", NO_NUMBER),
    ("9" * 2000, NO_NUMBER),
    ("1e999999999", NO_NUMBER),
    ("9^999999999", NO_NUMBER),
]


def read(answer: str) -> Numeral | Grade:
    return final_number(answer)


@pytest.mark.parametrize(("answer", "value"), SPELLED + FINAL)
def test_the_number_in_an_answer(answer: str, value: int | str) -> None:
    found = read(answer)
    assert isinstance(found, Numeral), found
    assert found.value == Fraction(value)


@pytest.mark.parametrize("text", [text for text, _ in SPELLED])
def test_what_follows_a_marker_is_read_as_it_is_alone(text: str) -> None:
    alone, after = read(text), read(f"Of 7 and 8, the answer is {text}")
    assert isinstance(alone, Numeral)
    assert isinstance(after, Numeral)
    assert alone.value == after.value


@pytest.mark.parametrize(("answer", "grade"), UNREAD)
def test_what_has_no_number(answer: str, grade: Grade) -> None:
    assert read(answer) == grade


RIGHT = [
    ("12.50", "12.5", {}, 1),
    ("12", "12.0", {}, 1),
    ("0.333", "1/3", {}, 0),
    ("0.333", "1/3", {"tolerance": 0.001}, 1),
    ("12.01", "12", {"tolerance": 0.01}, 1),
    ("12.02", "12", {"tolerance": 0.01}, 0),
    ("101", "100", {"relative": 0.01}, 1),
    ("102", "100", {"relative": 0.01}, 0),
    ("-101", "-100", {"relative": 0.01}, 1),
    ("101", "100", {"tolerance": 0.1, "relative": 0.01}, 1),
    ("1234567890124", "1234567890123", {}, 0),
    ("0.1", "0.10000000000000001", {}, 0),
    ("75%", "75", {}, 1),
    ("75%", "0.75", {}, 1),
    ("75 percent", "75%", {}, 1),
    ("75", "75%", {}, 1),
    ("0.75", "75%", {}, 1),
    ("7.5", "75%", {}, 0),
    ("75%", "7500", {}, 0),
    ("0.75", "75", {}, 0),
    ("18", "She makes 9 * 2 = <<9*2=18>>18 dollars.\n#### 18", {}, 1),
    ("1,018", "#### 1,018", {}, 1),
    ("3 and 4", "4", {"last": True}, 1),
    ("3 and 4. Answer: 3. Is it 4?", "3", {"last": True}, 1),
]


@pytest.mark.parametrize(("answer", "right", "options", "score"), RIGHT)
def test_numbers_that_are_compared(answer: str, right: str, options: dict[str, Any], score: int) -> None:
    assert NumberGrader(**options).grade(answer, Reference("?", ("-77", right))) == Grade(score)


def test_a_refusal_is_not_read_for_numbers() -> None:
    answer = "I'm sorry, but I can't help with question 12."
    assert NumberGrader().grade(answer, Reference("?", ("12",))).reason == "the model declined to answer"


@pytest.mark.parametrize("right", ["a dozen", "3 and 4"])
def test_a_right_answer_without_one_number_is_refused(right: str) -> None:
    with pytest.raises(InputError, match="state a number each") as error:
        NumberGrader().grade("12", Reference("?", ("12", right)))
    assert right not in str(error.value)


@given(st.integers(-(10**12), 10**12), st.sampled_from([",", " ", "'", "_", "\u202f"]))
def test_grouped_thousands_are_the_number(value: int, separator: str) -> None:
    assert whole_numeral(f"{value:,}".replace(",", separator)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_decimals_are_exact_behind_any_marker(value: object) -> None:
    for said in (
        f"{value}",
        f"1 or 2? The answer is {value}.",
        f"1, 2\n#### {value}",
        rf"1 2 \boxed{{{value}}}",
    ):
        found = read(said)
        assert isinstance(found, Numeral)
        assert found.value == Fraction(str(value))


@given(st.integers(-999, 999), st.integers(1, 999))
def test_fractions_are_exact_however_they_are_written(above: int, below: int) -> None:
    sign = "-" * (above < 0)
    for said in (f"{above}/{below}", rf"{sign}\frac{{{abs(above)}}}{{{below}}}", f"{above} / {below}"):
        assert whole_numeral(said) == Fraction(above, below)
