"""A member that counts what it is asked, and what a batch of answers came to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.errors import CallError
from routoo.data.request import Request
from routoo.members.member import OnAnswer
from routoo.policies.smart.smart import SmartAnswers

Texts = Sequence[str | None]


class Counted:
    """A member that counts what it is asked; a text of None is a call that fails."""

    def __init__(self, name: str, texts: Texts, usd: float) -> None:
        self.name, self.texts, self.usd = name, texts, usd
        self.asked: Counter[str] = Counter()

    def answer(
        self, requests: Sequence[Request], *, signals: Sequence[str] = (), on_answer: OnAnswer | None = None
    ) -> Answers:
        raise NotImplementedError

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        self.asked[request.prompt_id] += 1
        text = self.texts[int(request.prompt_id)]
        if text is None:
            raise CallError("out of service", cost_usd=0.0)
        return Answer(prompt_id=request.prompt_id, model=self.name, answer=text, cost_usd=self.usd)

    def most_usd(self, request: Request) -> float:
        return self.usd


def deviation(found: SmartAnswers) -> float:
    """The share of answers that are not ``yes``."""
    return float(np.mean([answer.answer != "yes" for answer in found.answers]))


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def answered_in(lines: Sequence[bytes]) -> Counter[tuple[str, str]]:
    """Who answered what, by a journal."""
    found = [json.loads(line) for line in lines]
    return Counter((line["model"], line["row"]["prompt_id"]) for line in found if line["event"] == "answer")
