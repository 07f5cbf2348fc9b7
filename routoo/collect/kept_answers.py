"""Answers to prompts and what they cost, kept as they come, so that a run that was broken off goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from routoo.collect.journal import Journal, Line
from routoo.collect.keys import asked_of, call_key, prompt_hash
from routoo.data.answer import Answer
from routoo.data.errors import InputError
from routoo.data.pool import Pool
from routoo.data.request import Request


class KeptAnswers:
    """What the models of a pool answered in runs that did not end, in a journal.

    An answer counts for the same prompt, by name and text, asked of the same model in the same way. A try
    that was begun and not settled, as by a run that was killed, counts as the most that it could cost.

    Args:
        path: The journal, which is made with the first line.
        pool: How each model is called.

    Raises:
        InputError: The file is damaged.
    """

    def __init__(self, path: Path, pool: Pool) -> None:
        self._journal, self._pool = Journal(path), pool
        self._rows: dict[str, Mapping[str, Any]] = {}  # Any: values of a row
        self._paid: dict[str, float] = {}
        try:
            self._under_way = self._recall(self._journal.lines)
        except (KeyError, TypeError, AttributeError):
            raise InputError(f"{path}: not a journal of answers; move it away, or write elsewhere") from None

    @property
    def spent_usd(self) -> float:
        """What the tries of earlier runs cost, those that failed included."""
        return sum(self._paid.values()) + self._under_way

    def paid_usd(self, request: Request, model: str) -> float:
        """What a model's answer to a request cost in earlier runs; 0 where there is none."""
        key = self._key(request, model)
        return self._paid[key] if key in self._rows else 0.0

    def to(self, requests: Sequence[Request], models: Sequence[str]) -> list[Answer]:
        """The answers that are known of those models to those requests."""
        keys = map(self._key, requests, models)
        return [Answer.from_row(self._rows[key]) for key in keys if key in self._rows]

    def begin(self, request: Request, model: str, most_usd: float) -> None:
        """Writes that a try is to be made, and the most that it can cost.

        Raises:
            OSError: It cannot be written.
        """
        self._journal.write("try", key=self._key(request, model), most_usd=most_usd)

    def keep(self, request: Request, answer: Answer) -> None:
        """Keeps an answer; of one that failed, which is asked for again, only what it cost.

        Raises:
            OSError: It cannot be written.
        """
        event = "failed" if answer.answer is None else "answer"
        self._journal.write(event, key=self._key(request, answer.model), row=answer.row())

    def close(self, *, done: bool) -> None:
        """Closes the journal, and removes it where all is `done`."""
        self._journal.close()
        if done:
            self._journal.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close(done=False)

    def _recall(self, lines: Sequence[Line]) -> float:
        """Takes in the lines of a journal; what tries may have cost that did not end."""
        under_way: dict[str, float] = {}
        for line in lines:
            key = line["key"]
            if line["event"] == "try":
                under_way[key] = under_way.get(key, 0.0) + line["most_usd"]
                continue
            most, cost = under_way.pop(key, 0.0), line["row"].get("cost_usd")
            self._paid[key] = self._paid.get(key, 0.0) + (most if cost is None else cost)
            if line["event"] == "answer":
                self._rows[key] = line["row"]
        return sum(under_way.values())

    def _key(self, request: Request, model: str) -> str:
        return call_key(asked_of(self._pool[model]), prompt_hash(request), request.sample)
