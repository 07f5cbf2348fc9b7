"""The form in which two answers are compared."""

from __future__ import annotations

import re
import unicodedata

_ARTICLES = {"a", "an", "the"}
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(,\d{3})+(?![\d,])")


def normalised(text: str) -> str:
    """The text in lower case, without punctuation and English articles, with single spaces.

    That is how answers to open questions are compared since SQuAD (Rajpurkar et al. 2016), but for what would
    make different answers equal: punctuation between two digits and a sign or a point before one stay
    (``3.5`` is not 35, ``-5`` not 5), commas that group thousands go, and an article that is the whole text
    stays (option ``A``).

    >>> normalised(" The  Eiffel-Tower!"), normalised("1,000.50"), normalised("-5."), normalised("A")
    ('eiffeltower', '1000.50', '-5', 'a')
    """
    plain = unicodedata.normalize("NFKC", text).replace("\N{MINUS SIGN}", "-").casefold()
    plain = _GROUPED.sub(lambda found: found[0].replace(",", ""), plain)
    kept = "".join(sign for at, sign in enumerate(plain) if not _punctuation(plain, at)).split()
    return " ".join([word for word in kept if word not in _ARTICLES] or kept)


def _punctuation(text: str, at: int) -> bool:
    """Whether a character is punctuation that is no part of a number."""
    if not unicodedata.category(text[at]).startswith("P"):
        return False
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if not after.isdigit():
        return not (text[at] == "-" and _number_follows(text, at, before))
    return not (before.isdigit() or (text[at] in "-." and not before.isalpha()))


def _number_follows(text: str, at: int, before: str) -> bool:
    """Whether a sign stands before a number that begins with its point."""
    return not before.isalnum() and text[at + 1 : at + 2] == "." and text[at + 2 : at + 3].isdigit()
