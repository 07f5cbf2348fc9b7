"""Numbers in English words."""

from __future__ import annotations

import re

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9}
_VALUES = {word: value for value, word in enumerate(_UNITS.split())}
_VALUES |= {word: 10 * tens for tens, word in enumerate(_TENS.split(), 2)}
_WORD = "|".join(sorted(_VALUES | _SCALES, key=len, reverse=True))
_WORDS = re.compile(
    rf"\b(?!one\s+of\b)(?:an?\s+(?=(?:{'|'.join(_SCALES)})\b))?(?:{_WORD})\b(?:(?:[\s-]+|\s+and\s+)(?:{_WORD})\b)*",
    re.IGNORECASE,
)


def in_digits(text: str) -> str:
    """The text with digits for numbers in words, but for ``one of``.

    >>> in_digits("Twenty-five, one of one hundred and five")
    '25, one of 105'
    """
    return _WORDS.sub(lambda found: str(_value(found[0])), text)


def _value(words: str) -> int:
    """The number that the words are."""
    total = part = 0
    for word in re.findall(_WORD, words.casefold()):
        if word == "hundred":
            part = (part or 1) * 100
        elif word in _SCALES:
            total, part = total + (part or 1) * _SCALES[word], 0
        else:
            part += _VALUES[word]
    return total + part
