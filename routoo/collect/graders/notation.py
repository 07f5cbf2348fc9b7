"""Notations of numbers, rewritten as ASCII."""

from __future__ import annotations

import re
import unicodedata

_SIGNS = str.maketrans(
    dict.fromkeys("−﹣－–—‐‑", "-")
    | dict.fromkeys("\u00a0\u2009\u202f\u2007", " ")
    | dict.fromkeys("⁄∕／", "/")
    | {"٫": ".", "．": ".", "٬": ",", "，": ",", "％": "%", "٪": "%", "＋": "+", "＾": "^"}
)
_SUPERSCRIPT = re.compile("[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_PART = r"\{\s*([^{}]{1,40}?)\s*\}"
_CURRENCY = "[$€£¥₹￥]"
_REWRITES = [
    (re.compile(pattern), put)
    for pattern, put in (
        (r"\{,\}|(?<=\d),?\\[,;: !](?=\d{3})", ","),
        (r"\\[,;:! ]|\\(?=[%$€£#])|~", " "),
        (rf"(\d?)\s*\\[dtc]?frac\s*{_PART}\s*{_PART}", r"\1 \2/\3"),
        (r"(\d?)\s*\\[dtc]?frac\s*(\d)\s*(\d)", r"\1 \2/\3"),
        (r"-\s+(?=[\d.,]+/)", "-"),
        (r"\\(?:times|cdot|ast)(?![A-Za-z])", "×"),
        (r"\\pi(?![A-Za-z])", "π"),
        (r"\\sqrt(?:\[\d\])?\s*\{?\s*|\bsqrt\s*\(?\s*|√\s*\(?\s*", "√"),
        (r"\\(?:approx|simeq|sim)(?![A-Za-z])|≃", "≈"),
        (r"\\equiv(?![A-Za-z])|≡", "="),
        (rf"\b(?:Rs\.?|USD|EUR|GBP|INR|CHF|US|CA|AU|[ACR])\s?(?={_CURRENCY}|-?\d)", " "),
        (r"\\(?:pm|mp)(?![A-Za-z])", "±"),
        (r"(?<=[=:({])\s*-\s+(?=[\d.])", " -"),
        (rf"-\s?{_CURRENCY}\s?(?=[\d.])", "-"),
        (_CURRENCY, " "),
        (r"(?<=\d)\s+and\s+(?:an?|one|1)\s+half\b", " 1/2"),
        (r"(?<!\d )\b(?:minus|negative)\s+(?=[\d.])", "-"),
    )
]


def readable(text: str) -> str:
    """The text with digits and signs in ASCII, also for LaTeX and superscripts, and without currencies.

    >>> readable("\\\\frac{3}{4} of −١٢ is $9")
    ' 3/4 of -12 is  9'
    """
    if not text.isascii():
        text = "".join(_digit(sign) for sign in _SUPERSCRIPT.sub(_power, text)).translate(_SIGNS)
    for pattern, put in _REWRITES:
        text = pattern.sub(put, text)
    return text


def _digit(sign: str) -> str:
    """A decimal digit in ASCII, a vulgar fraction as two numbers, anything else as it is."""
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    if "VULGAR FRACTION" in unicodedata.name(sign, ""):
        return " " + unicodedata.normalize("NFKC", sign)
    return sign


def _power(found: re.Match[str]) -> str:
    """Superscript digits as a power."""
    return "^" + unicodedata.normalize("NFKC", found[0]).replace("−", "-")
