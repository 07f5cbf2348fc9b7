"""Grades by the option that an answer chooses."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, ClassVar

from routoo.collect.graders.final_answer import emphasised, first_line, marked, plain
from routoo.collect.graders.grader import DECLINED, NO_ANSWER, Reference, described, given, right_answers
from routoo.collect.graders.options import Options
from routoo.data.grade import Grade
from routoo.models.signals.refusal import refusal

NO_OPTION = Grade(None, "no option in the answer")
SEVERAL = Grade(None, "several options in the answer")
AT_ODDS = Grade(None, "letter and text of different options")

_FILLER = (
    r"(?:(?:the|indeed|clearly|therefore|most likely|probably|option|choice|letter|answer|is) |"
    r"[:\"'`(\[{$*\s]){0,8}"
)
_ENDS = r"(?![A-Za-z0-9_À-ӿ]|['’]\w)"
_OPENS = re.compile(
    rf"{_FILLER}(?:(?P<letter>[A-Z])|(?P<small>[a-z])(?=\s*(?:[.)\]:}}$\"'`]|$))){_ENDS}(?P<rest>.*)",
    re.DOTALL,
)
_WORDS = {
    "A": re.compile(
        r"\s+(?!(?:because|since|is|was|has|seems|looks|appears|would|should|must|will|can|as|for|due|and|n?or|with|"
        r"from|which|but|best)\b)[a-z]"
    ),
    "I": re.compile(r"['’]|\s+(?!(?:because|since|is|as|and|n?or)\b)[a-z]"),
}
"""What follows letters where they are words."""
_JOINED = re.compile(
    rf"[\s)\]}}\"'`*]*(?:[,/&+]|\b(?:and|or)\b|,\s*(?:and|or)\b)\s*[(\[*\"'`]*(?:option\s+)?(?P<next>[A-Z]){_ENDS}|"
    rf"[)\]]?\s+[(\[]?(?P<bare>[A-Z]){_ENDS}(?=[)\]]?\s*$|[)\]]?\s+[(\[]?[A-Z]{_ENDS})"
)
_DENIED = re.compile(
    r"[)\]\"'`*.]*(?:\s+(?:is|was|are|would be|looks|seems)\s+(?:\w+ly\s+)?"
    r"(?:not|wrong|incorrect|false|eliminated|impossible|out|ruled out)\b|"
    r"\s+(?:(?:is|was|ca|could|would)n['’]?t|cannot)\b|\s*:\s*(?:not?|wrong|incorrect|false)\b)",
    re.IGNORECASE,
)
"""What follows a letter that is named to be ruled out."""
_MENTION = re.compile(
    r"(?<!\bnot )(?<!\bnot \()(?<!n['’]t )(?<![A-Za-z0-9_À-ӿ'’.])"
    r"(?:\((?P<round>[A-Za-z])\)|(?i:option|choice|letter)\s+\(?(?P<named>[A-Za-z])\b|"
    rf"(?P<bare>[A-Z])(?!\.\w){_ENDS})"
    r"(?!\)?\s+(?:is|was|are|would be)\s+(?:\w+ly\s+)?(?:not|wrong|incorrect|false|eliminated)\b)"
)


@dataclass(frozen=True)
class ChoiceGrader:
    """1 where the answer chooses the right option, else 0.

    Read are a letter (``B``, ``(b)``, ``**B.** Paris``, ``The answer is B``, ``\\boxed{B}``) and an option's
    text, after the last marker of a final answer where there is one, else at the start, else where only one
    is named. Right answers are letters or texts of options; without options they are letters.

    Raises:
        InputError: Later: there are more than 26 options, or a right answer is none of them.

    >>> grader, reference = ChoiceGrader(), Reference("Capital of France?", ("B",), ("Rome", "Paris"))
    >>> [grader.grade(said, reference).score for said in ("(B)", "It is Paris.", "**A.** Rome")]
    [1.0, 1.0, 0.0]
    """

    name: ClassVar[str] = "choice"

    def grade(self, answer: str | None, reference: Reference) -> Grade:
        """See `Grader.grade`."""
        options = Options(reference.options)
        right = {options.right(text) for text in right_answers(reference, self.name)}
        text = unicodedata.normalize("NFKC", given(answer))
        if not plain(text):
            return NO_ANSWER
        if refusal(plain(text)):
            return DECLINED
        chosen = _chosen(text, options)
        return chosen if isinstance(chosen, Grade) else Grade(float(chosen in right))

    def describe(self) -> dict[str, Any]:
        """See `Grader.describe`."""
        return described(self)


def _chosen(answer: str, options: Options) -> str | Grade:
    """The letter of the option that an answer chooses, or why there is none."""
    text = plain(answer)
    for final in reversed(marked(text)):
        found = _opening(_unquoted(final), options) or _named(first_line(final), options)
        if found is not NO_OPTION:
            return found
    return _opening(text, options) or _opening(emphasised(answer), options) or _named(text, options)


def _opening(text: str, options: Options) -> str | Grade | None:
    """The option that a text opens with, by letter or as a whole by its text."""
    if options.begin(text):
        return SEVERAL
    if named := options.whole(text) or options.whole(first_line(text)) or options.opening(text):
        return named
    found = _OPENS.match(text)
    letter = found and (found["letter"] or found["small"].upper())
    if not found or not letter or letter not in options.letters:
        return None
    if _is_word(letter, found["rest"]) or _DENIED.match(found["rest"]):
        return None
    joined = _JOINED.match(found["rest"])
    if joined and (joined["next"] or joined["bare"]) in options.letters:
        return SEVERAL
    return letter if options.whole(first_line(found["rest"])) in (None, letter) else AT_ODDS


def _named(text: str, options: Options) -> str | Grade:
    """The only option that a text names, by letter outside the texts of options, or else by text."""
    rest = options.written.sub(lambda option: "-" * len(option[0]), text)
    letters = {
        (found["round"] or found["named"] or found["bare"]).upper()
        for found in _MENTION.finditer(rest)
        if not (found["bare"] and _is_word(found["bare"], rest[found.end() : found.end() + 20]))
    }
    named = letters & set(options.letters) or options.held(text)
    if len(named) > 1:
        return SEVERAL
    return named.pop() if named else NO_OPTION


def _is_word(letter: str, rest: str) -> bool:
    """Whether a letter is an article or a pronoun, given what follows it."""
    return letter in _WORDS and _WORDS[letter].match(rest) is not None


def _unquoted(text: str) -> str:
    """A final answer without a colon or quotes before it."""
    return text.lstrip(" \t\n:=\"'`")
