"""Where an answer says what its final answer is."""

from __future__ import annotations

import re
from collections import deque

_MOST = 8  # markers that are heeded: what is read of an answer is bounded
_THOUGHT = re.compile(r"<(?:think|thinking|thought|reasoning)>|\[think\]", re.IGNORECASE)
_THOUGHT_END = re.compile(r"</(?:think|thinking|thought|reasoning)>|\[/think\]|<\|message\|>", re.IGNORECASE)
_TURN_END = re.compile(r"<\|(?:endoftext|im_end|eot_id|end|return)\|>|</s>|<end_of_turn>")
_SPECIAL = re.compile(r"<\|[^|<>\s]{1,40}\|>|</?s>")
_LATEX_TEXT = re.compile(r"\\(?:text(?:bf|it|rm)?|math(?:rm|bf|it)|mbox|operatorname)\s*\{([^{}]*)\}")
_LATEX_LAYOUT = re.compile(
    r"\\(?:left|right|displaystyle|quad|qquad)(?![A-Za-z])|\\[()\[\]]|\^\s*\{?\s*\\circ\s*\}?"
)
_POWER = re.compile(r"(?<=\d)\*\*(?=[-\d])")
_EMPHASIS = re.compile(r"\*\*|__|^[ \t]*```.*$", re.MULTILINE)

_NEXT_PROMPT = re.compile(r"^\W*(?:question|q|problem|human|user)(?: \d+)?:", re.IGNORECASE | re.MULTILINE)
_BOLD_END = re.compile(r"\*\*([^*\n]{1,80})\*\*(?![^*\n]*\b(?:not|wrong|incorrect)\b)[^*\d\n]*\Z")
_TAIL = 1000  # characters at the end in which bold words are looked for

_OF = (
    r"(?:\s+(?:to|for|of|choice|option|letter|here|i|we|you)\b[^.:=\n]{0,80}?|,\s*\w+,)?"
    r"(?:\s*\([^()\n]{0,40}\))?"
)
_IS = (
    r"""["'*_)\s]{0,3}(?:\b(?:is|are|was|would be|should be|must be|will be|equals)\b|"""
    r"[:=：]|->|→|⇒|[-–—](?=\s))[:：]?"
)
_MARKERS = (
    rf"\b(?:answer|final result|final solution|ans){_OF}{_IS}",
    r"^[#\s>]*(?:the )?(?:final |correct )?answer[ \t]*$",
    r"^a:(?=\s)",
    r"^#{4}(?=[ \t]*(?:\S{1,30}|[^\w\s]*\d\S{0,30}(?<![.):])(?:[ \t]+[^\W\d]\S{0,20}){1,3})[ \t]*$)",
    r"<answer>",
    r"\\f?boxed\s*(?=\{)|\\boxed(?=\s+\w)",
    r"\b(?:antwort|lösung|ergebnis)(?:\s+(?:ist|lautet))?(?:\s*:|(?<=ist)|(?<=lautet))",
    r"\br[ée]ponse(?:\s+finale)?(?:\s+est|\s*:)\s*:?|\b(?:respuesta|resposta|risposta)(?:\s+\w{5,8})?(?:\s+(?:es|é|è)\b|\s*:)\s*:?",
    r"答案\s*(?:选择?|[是为為])?\s*[::：]?|答え\s*は?\s*[:：]?|\bответ\s*[:—-]",
    r"(?:정답|답|الإجابة|الجواب|उत्तर|উত্তর|คำตอบ|సమాధానం|\bjibu|\bantwoord|\bodpowiedź|\bcevap)"
    r"\s*(?:[:：—]|[은는]|هي|هو|है|হল|คือ|\b(?:ni|is|to)\b)",
)
_MARKER = re.compile("|".join(f"(?:{marker})" for marker in _MARKERS), re.IGNORECASE | re.MULTILINE)


def turn(text: str) -> str:
    """The text up to the end of the turn, without what was thought aloud (``<think>``).

    >>> turn("<think>2 or 4?</think> 4<|im_end|>"), turn("<think>2 or")
    (' 4', '')
    """
    after = _THOUGHT.split(_THOUGHT_END.split(text)[-1])[0]
    return next((part for part in _TURN_END.split(after) if _SPECIAL.sub("", part).strip()), "")


def spoken(text: str) -> str:
    """The turn without special tokens.

    >>> spoken("<think>2 or 4?</think> 4<|im_end|>")
    '4'
    """
    return _SPECIAL.sub("", turn(text)).strip()


def plain(text: str) -> str:
    """What a reader would see: as spoken, without fences, emphasis and LaTeX's layout.

    >>> plain("<think>2 or 4?</think> **Answer:** \\\\(\\\\text{B}\\\\)<|im_end|>")
    'Answer:   B'
    """
    shown = spoken(text)
    for pattern, put in ((_POWER, "^"), (_EMPHASIS, ""), (_LATEX_TEXT, r" \1 "), (_LATEX_LAYOUT, " ")):
        shown = pattern.sub(put, shown)
    return shown.strip()


def emphasised(text: str) -> str:
    """The last bold words of a text that is not yet plain, where it ends in their sentence, or nothing.

    >>> emphasised("5 + 7 is more than 5, so she has **12** apples.")
    '12'
    """
    found = _BOLD_END.search(spoken(text)[-_TAIL:])
    return plain(found[1]) if found else ""


def marked(text: str) -> list[str]:
    """What follows each of the last markers of a final answer, in order, of a text that is plain.

    Markers are ``The answer is``, ``Answer:``, ``Final answer`` as a heading, ``A:`` at the start of a line,
    the same in some other languages, ``\\boxed{}``, ``<answer>``, and ``####`` before one word, or a number
    and its unit, at the end of a line. A model that goes on to write the next question (``Q:``) is not read
    there.

    >>> marked("The answer is 12. So \\\\boxed{12}")[-1]
    '12'
    """
    first, after = _MARKER.search(text), None
    if first is not None and (after := _NEXT_PROMPT.search(text, first.end())):
        text = text[: after.start()]
    finals = []
    for found in deque(_MARKER.finditer(text), _MOST):
        rest = text[found.end() :]
        if found[0].startswith("\\"):
            rest = _braced(rest)
        elif found[0].casefold() == "<answer>":
            rest = re.split("</answer>", rest, maxsplit=1, flags=re.IGNORECASE)[0]
        finals.append(rest.strip())
    return [final for final in finals if final]


def first_line(text: str) -> str:
    """The first line that holds a letter or a digit, or nothing."""
    return next((line.strip() for line in text.splitlines() if any(sign.isalnum() for sign in line)), "")


def _braced(text: str) -> str:
    """What stands within the braces that the text opens with; all of it where they are never closed."""
    if not text.startswith("{"):
        return first_line(text)
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            return text[1:at]
    return text[1:]
