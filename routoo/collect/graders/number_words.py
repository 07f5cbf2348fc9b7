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
_AFTER_SCALE = "(?:" + "|".join(f"(?<={scale})" for scale in _SCALES) + ")"
_WORDS = re.compile(
    rf"\b(?!one\s+of\b)(?:an?\s+(?=(?:{'|'.join(_SCALES)})\b))?(?:{_WORD})\b"
    rf"(?:(?:[\s-]+|{_AFTER_SCALE}\s+and\s+)(?:{_WORD})\b)*",
    re.IGNORECASE,
)
_PARTS = {"half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6}
_PARTS |= {"seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10}
_PARTS |= {f"{part}s": value for part, value in _PARTS.items() if part.endswith(("r", "d", "h"))}
_FRACTION = re.compile(
    r"(?<!\band )\b(?:an?\s+|1[\s-]+|(?<!\ba )(?=half)|(?P<above>\d+)[\s-]+)"
    rf"(?P<part>{'|'.join(_PARTS)})\b(?=\W*$)",
    re.IGNORECASE,
)
"""A fraction that nothing follows: ``half a dozen`` is none."""


def in_digits(text: str) -> str:
    """The text with digits for numbers in words, but for ``one of``, and for a fraction that it ends in.

    >>> in_digits("Twenty-five, one of one hundred and five")
    '25, one of 105'
    >>> in_digits("three quarters")
    '3/4'
    """
    return _FRACTION.sub(_fraction, _WORDS.sub(lambda found: _value(found[0]), text))


def _fraction(found: re.Match[str]) -> str:
    """A fraction in digits; the words where one part is in the plural, or several are not: an ordinal."""
    part = found["part"].casefold()
    if (found["above"] is None) == (part.endswith("s")):
        return found[0]
    return f"{found['above'] or 1}/{_PARTS[part]}"


def _value(words: str) -> str:
    """The number that the words are, in digits; the words where they are several: ``nineteen ninety``."""
    total = part = 0
    for word in re.findall(_WORD, words.casefold()):
        if word == "hundred":
            part = (part or 1) * 100
        elif word in _SCALES:
            total, part = total + (part or 1) * _SCALES[word], 0
        else:
            room = part % 100
            if room and (room < 20 or room % 10 or _VALUES[word] > 9):
                return words
            part += _VALUES[word]
    return str(total + part)
