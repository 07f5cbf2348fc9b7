"""The options that a prompt offers, by letter and by text."""

from __future__ import annotations

import re
from string import ascii_uppercase

from routoo.collect.graders.text import comparable
from routoo.data.errors import InputError

_CLAUSE_END = re.compile(r"[.;:!](?:\s|$)|\n")


class Options:
    """The options of a prompt; where no texts are given, every letter is one.

    Args:
        texts: Of the options, in the order of their letters.

    Raises:
        InputError: There are more than letters.

    >>> Options(("Rome", "Paris")).whole("paris.")
    'B'
    """

    def __init__(self, texts: tuple[str, ...]) -> None:
        if len(texts) > len(ascii_uppercase):
            raise InputError(f"the grader choice takes at most 26 options, got {len(texts)}")
        self.letters = ascii_uppercase[: len(texts)] if texts else ascii_uppercase
        self.texts = {letter: comparable(text) for letter, text in zip(self.letters, texts, strict=False)}
        longest_first = sorted((text for text in texts if len(text) > 1), key=len, reverse=True)
        self.written = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)", re.IGNORECASE)

    def begin(self, text: str) -> bool:
        """Whether a text begins as the list of the options does, each with its letter: the prompt said again.

        >>> Options(("Rome", "Paris")).begin("A) Rome B) Paris")
        True
        """
        first = [rf"\W*{letter}\W{{1,4}}{re.escape(option)}" for letter, option in [*self.texts.items()][:2]]
        return len(first) == 2 and re.match(r"\b".join(first), text, re.IGNORECASE) is not None

    def right(self, text: str) -> str:
        """The letter of a right answer.

        Raises:
            InputError: It is neither a letter nor the text of one option.
        """
        letter = text.strip("().").upper()
        found = letter if len(letter) == 1 and letter in self.letters else self.whole(text)
        if found is None:
            known = (
                f"{self.letters[0]} to {self.letters[-1]}{' or the text of one option' * bool(self.texts)}"
            )
            raise InputError(f"the grader choice needs right answers that are {known}; one is not")
        return found

    def whole(self, text: str) -> str | None:
        """The letter of the only option with this text."""
        form = comparable(text)
        found = [letter for letter, option in self.texts.items() if option and option == form]
        return found[0] if len(found) == 1 else None

    def opening(self, text: str) -> str | None:
        """The letter of the option that is the first clause, unless the text goes on as a longer one does."""
        named, form = self.whole(_CLAUSE_END.split(text, maxsplit=1)[0]), comparable(text)
        longer = [option for option in self.texts.values() if named and len(option) > len(self.texts[named])]
        return None if any(f"{form} ".startswith(f"{option} ") for option in longer) else named

    def held(self, text: str) -> set[str]:
        """The letters of options whose words a text has, but not negated or as a part of a longer one's."""
        form, found = f" {comparable(text)} ", set()
        for letter, option in sorted(self.texts.items(), key=lambda item: -len(item[1])):
            form = re.sub(rf" (?:not|isnt|arent|wasnt|never) {re.escape(option)}(?= )", " |", form)
            if option and f" {option} " in form:
                found.add(letter)
                form = form.replace(f" {option} ", " | ")
        return found
