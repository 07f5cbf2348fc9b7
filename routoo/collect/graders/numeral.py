"""Numbers in a text, of the kinds that people and models write."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from routoo.collect.graders.notation import readable

_MOST_DIGITS = 1000
_MOST_EXPONENT = 400

_NUMERAL = re.compile(
    r"""
    (?<![A-Za-zÀ-ӿ\d._√±^\\]) (?<![\^{][-+{])   # within a word, a number, a root or a power nothing begins
    (?<!\bnot\ ) (?<!n['’]t\ )                 # what the answer is not
    (?P<sign> (?<![\w)\]}%]) [-+] )?            # after a number it would be an operator or a range
    (?:
      (?P<whole> \d+ ) \s+ (?P<above> \d+ ) \s?/\s? (?P<below> \d+ ) (?![\d/.])
    |
      (?:
        (?P<comma_groups> [1-9]\d{0,2} (?:,\d{3})+ (?:\.\d+)? (?!\d)
                        | [1-9]\d? (?:,\d\d)+ ,\d{3} (?:\.\d+)? (?!\d) )
      | (?P<space_groups> [1-9]\d{0,2} (?P<space> [ '’_] ) \d{3} (?: (?P=space) \d{3} )* (?:[.,]\d+)? (?!\d) )
      | (?P<point_groups> [1-9]\d{0,2} (?: (?:\.\d{3})+ ,\d+ (?!\d) | (?:\.\d{3}){2,} (?!\d|\.\d) ) )
      | (?P<comma_decimal> (?<![(\[,]) (?: \d+,\d{1,2} | 0,\d+ | \d+,\d{4,} ) (?! \d | ,\d ) )
      | (?P<plain> \d+ (?:\.\d+)? | \.\d+ )
      )
      (?:
        [eE] (?P<exponent> [-+]?\d+ ) (?!\w)
      | \s* [×xX*·⋅] \s* 10 \s* \^ \s* [{(]? \s* (?P<ten> [-+]?\d+ ) \s* [})]?
      | \s* \^ \s* [{(]? (?P<power> -?\d+ ) [})]?
      | \s* / \s* (?P<divisor> \d+ (?:\.\d+)? ) (?![\d/])
      )?
    )
    (?:
      \s? (?P<percent> % | (?: percent | per\ cent | pct | prozent ) \b )
    | \s? -? (?P<scale> hundred | thousand | lakh | million | crore | billion | trillion ) s? \b
    | (?P<letter> [kKMB] | bn | mn ) \b
    )?
    """,
    re.VERBOSE,
)
_SCALES = {
    "hundred": 10**2,
    "thousand": 10**3,
    "lakh": 10**5,
    "crore": 10**7,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
_SCALES |= {"k": 10**3, "K": 10**3, "M": 10**6, "mn": 10**6, "B": 10**9, "bn": 10**9}
_COEFFICIENT = re.compile(
    r"\s*[√π]|[xyzni](?![A-Za-z])|"
    r"(?:\s+and\s+an?\s+|[\s-]+)(?:hal(?:f|ves)|(?:quarter|third|fourth|(?:fif|six|seven|eigh|nin|ten)th)s?)\b",
    re.IGNORECASE,
)
"""What follows a number that is a factor of something else."""
_RELATED = re.compile(
    r"(?:\b(?:less|more|fewer|greater|lower|higher|larger|smaller|bigger|longer|shorter)\s+than(?:\s+or\s+equal\s+to)?|"
    r"\bat\s+(?:least|most)|\b(?:over|under|above|below)|[\w)]\s+[<>]=?|\b(?:half|third|quarter|twice|double)(?:\s+of)?)\s*\Z",
    re.IGNORECASE,
)
"""What stands before a number that another one is related to."""
_BEFORE = 40  # characters before a number in which that is looked for


@dataclass(frozen=True)
class Numeral:
    """A number in a text.

    Args:
        value: Its exact value, before a percent sign is heeded.
        percent: Whether a percent sign or word follows.
        factor: Whether it is a part of something else: ``2x``, ``3 quarters``, ``half of 4``, ``at least 2``.
        start: Where it begins in the text that was read.
        end: Where it ends.
    """

    value: Fraction
    percent: bool
    factor: bool
    start: int
    end: int


def numerals(text: str) -> list[Numeral]:
    """The numbers in a `readable` text, in order, but for those under a root.

    Thousands may be grouped by comma, space, apostrophe or underscore (``1,000``, ``1 000``, ``1,00,000``),
    and by points where these can mean nothing else (``1.234.567``, ``1.234,5``); a comma that groups nothing
    is a decimal one (``3,14``). Fractions, mixed ones, powers, ``1e5``, ``2 × 10^5``, ``3 million`` and
    ``12k`` have their value.

    >>> [float(found.value) for found in numerals("1,000 and 3/4 and -2.5e3")]
    [1000.0, 0.75, -2500.0]
    """
    found = (_numeral(match) for match in _NUMERAL.finditer(text))
    return [numeral for numeral in found if numeral is not None]


def whole_numeral(text: str) -> Fraction | None:
    """The number that a text is, where it is nothing else; ``75%`` is 3/4.

    >>> whole_numeral("1,000"), whole_numeral("12 apples")
    (Fraction(1000, 1), None)
    """
    text = readable(text).strip()
    found = numerals(text)
    if len(found) == 1 and not found[0].factor and (found[0].start, found[0].end) == (0, len(text)):
        return found[0].value / (100 if found[0].percent else 1)
    return None


def exact_value(text: str) -> Fraction:
    """The value of a number in digits with a decimal point and an exponent, as JSON writes them.

    Raises:
        ValueError: It has more digits or a larger exponent than is computed with.
    """
    digits, _, exponent = text.lower().partition("e")
    if len(digits) > _MOST_DIGITS or len(exponent) > 5 or abs(int(exponent or 0)) > _MOST_EXPONENT:
        raise ValueError("a number beyond what is computed with")
    return Fraction(text)


def _numeral(match: re.Match[str]) -> Numeral | None:
    """The number that was matched, unless it is beyond what is computed with, or divided by zero."""
    try:
        value = _value(match)
    except (ValueError, ZeroDivisionError):
        return None
    value *= -1 if match["sign"] == "-" else 1
    value *= _SCALES.get(match["scale"] or match["letter"], 1)
    before = match.string[max(match.start() - _BEFORE, 0) : match.start()]
    factor = bool(_COEFFICIENT.match(match.string, match.end()) or _RELATED.search(before))
    return Numeral(value, match["percent"] is not None, factor, match.start(), match.end())


def _value(match: re.Match[str]) -> Fraction:
    """The value without sign and scale."""
    if match["whole"]:
        return exact_value(match["whole"]) + exact_value(match["above"]) / exact_value(match["below"])
    value = exact_value(_digits(match))
    if match["power"]:
        size = max(value.numerator.bit_length(), value.denominator.bit_length())
        if len(match["power"]) > 4 or size * abs(int(match["power"])) > 4 * _MOST_EXPONENT:
            raise ValueError("a power beyond what is computed with")
        return Fraction(value ** int(match["power"]))
    if exponent := match["exponent"] or match["ten"]:
        return value * exact_value(f"1e{exponent}")
    return value / exact_value(match["divisor"] or "1")


def _digits(match: re.Match[str]) -> str:
    """The digits with a decimal point and no groups."""
    if match["comma_groups"]:
        return match["comma_groups"].replace(",", "")
    if match["space_groups"]:
        return match["space_groups"].replace(match["space"], "").replace(",", ".")
    if match["plain"]:
        return match["plain"]
    return (match["point_groups"] or match["comma_decimal"]).replace(".", "").replace(",", ".")
