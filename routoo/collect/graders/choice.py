"""Grades by the option that an answer chooses."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, ClassVar

from routoo.collect.graders.final_answer import first_line, marked, plain
from routoo.collect.graders.grader import DECLINED, NO_ANSWER, Reference, described, given, right_answers
from routoo.data.errors import InputError
from routoo.data.grade import Grade
from routoo.models.signals.normalisation import normalised
from routoo.models.signals.refusal import refusal

NO_OPTION = Grade(None, "no option in the answer")
SEVERAL = Grade(None, "several options in the answer")
AT_ODDS = Grade(None, "letter and text of different options")

_FILLER = (
    r"(?:(?:the|indeed|clearly|therefore|most likely|probably|option|choice|letter|answer|is) |"
    r"[:\"'`(\[{$*\s]){0,8}"
)
_OPENS = re.compile(
    rf"{_FILLER}(?:(?P<letter>[A-Z])|(?P<small>[a-z])(?=\s*(?:[.)\]:}}$\"'`]|$)))(?![\w'’])(?P<rest>.*)",
    re.DOTALL,
)
_ARTICLE = re.compile(r"\s+(?!(?:because|since|is|as|for|due|and|or|with|from|which)\b)[a-z]")
_JOINED = re.compile(
    r"[\s)\]}\"'`*]*(?:,|/|&|\band\b|\bor\b|\+|,\s*(?:and|or)\b)\s*[(\[*\"'`]*(?:option\s+)?[A-Z](?![\w'’])"
)
_MENTION = re.compile(
    r"(?<!\bnot )(?<!\bnot \()(?<![\w'’.])"
    r"(?:\((?P<round>[A-Za-z])\)|\b(?i:option|choice|letter)\s+\(?(?P<named>[A-Za-z])\b|"
    r"(?P<bare>[A-Z])(?![\w'’]|\.\w))"
    r"(?!\)?\s+(?:is|was|are|would be)\s+(?:not|wrong|incorrect|false|eliminated)\b)"
)


@dataclass(frozen=True)
class ChoiceGrader:
    """1 where the answer chooses the right option, else 0.

    Read are a letter (``B``, ``(b)``, ``**B.** Paris``, ``The answer is B``, ``\\boxed{B}``) and an option's
    text, after the last marker of a final answer where there is one, else at the start, else where only one
    is named.
    Right answers are letters or texts of options; without options they are letters.

    Raises:
        InputError: Later: there are more than 26 options, or a right answer is none of them.

    >>> grader, reference = ChoiceGrader(), Reference("Capital of France?", ("B",), ("Rome", "Paris"))
    >>> [grader.grade(said, reference).score for said in ("(B)", "It is Paris.", "**A.** Rome")]
    [1.0, 1.0, 0.0]
    """

    name: ClassVar[str] = "choice"

    def grade(self, answer: str | None, reference: Reference) -> Grade:
        """See `Grader.grade`."""
        options = _Options(reference.options)
        right = {options.right(text) for text in right_answers(reference, self.name)}
        text = unicodedata.normalize("NFKC", plain(given(answer)))
        if not text:
            return NO_ANSWER
        if refusal(text):
            return DECLINED
        chosen = options.chosen(text)
        return chosen if isinstance(chosen, Grade) else Grade(float(chosen in right))

    def describe(self) -> dict[str, Any]:
        """See `Grader.describe`."""
        return described(self)


class _Options:
    """The options of a prompt, known by letter and by text.

    Args:
        texts: Of the options, in the order of their letters.
    """

    def __init__(self, texts: tuple[str, ...]) -> None:
        if len(texts) > len(ascii_uppercase):
            raise InputError(f"the grader choice takes at most 26 options, got {len(texts)}")
        self.letters = ascii_uppercase[: len(texts)] if texts else ascii_uppercase
        self.texts = {
            letter: normalised(plain(text)) for letter, text in zip(self.letters, texts, strict=False)
        }

    def right(self, text: str) -> str:
        """The letter of a right answer."""
        letter = text.strip("().").upper()
        if len(letter) == 1 and letter in self.letters:
            return letter
        named = self._equal(text)
        if named is None:
            known = f"{self.letters[0]} to {self.letters[-1]}" + " or the text of one option" * bool(
                self.texts
            )
            raise InputError(f"the grader choice needs right answers that are {known}; one is not")
        return named

    def chosen(self, text: str) -> str | Grade:
        """The letter of the option that an answer chooses, or why there is none."""
        finals = [_unquoted(final) for final in marked(text)]
        for part in [*reversed(finals), text]:
            opened = self._opening(part)
            if opened is not None:
                return opened
            named = self._named(first_line(part) if part is not text else text)
            if named is not NO_OPTION:
                return named
        return NO_OPTION

    def _opening(self, text: str) -> str | Grade | None:
        """The option that a text opens with, by letter or as a whole by its text."""
        if named := self._equal(text) or self._equal(first_line(text)):
            return named
        found = _OPENS.match(text)
        letter = found and (found["letter"] or found["small"].upper())
        if not found or not letter or letter not in self.letters:
            return None
        if letter in "AI" and _ARTICLE.match(found["rest"]):
            return None
        if _JOINED.match(found["rest"]):
            return SEVERAL
        other = self._equal(first_line(found["rest"]))
        return AT_ODDS if other not in (None, letter) else letter

    def _named(self, text: str) -> str | Grade:
        """The only option that a text names, by letter or else by text."""
        letters = set()
        for found in _MENTION.finditer(text):
            letter = (found["round"] or found["named"] or found["bare"]).upper()
            if not (found["bare"] and letter in "AI" and _ARTICLE.match(text, found.end())):
                letters.add(letter)
        named = letters & set(self.letters) or self._held(text)
        if len(named) > 1:
            return SEVERAL
        return named.pop() if named else NO_OPTION

    def _equal(self, text: str) -> str | None:
        """The letter of the only option with this text."""
        form = normalised(text)
        found = [letter for letter, option in self.texts.items() if option and option == form]
        return found[0] if len(found) == 1 else None

    def _held(self, text: str) -> set[str]:
        """The letters of the options whose words stand in a text, but not as a part of a longer one's."""
        form, found = f" {normalised(text)} ", set()
        for letter, option in sorted(self.texts.items(), key=lambda item: -len(item[1])):
            if option and f" {option} " in form:
                found.add(letter)
                form = form.replace(f" {option} ", " | ")
        return found


def _unquoted(text: str) -> str:
    """A final answer without a colon or quotes before it."""
    return text.lstrip(" \t\n:=\"'`")
