"""Answers to a file of prompts, kept as they come, so that a run that was broken off goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from routoo.collect.journal import Journal
from routoo.collect.keys import asked_of, call_key, prompt_hash
from routoo.data.answer import Answer
from routoo.data.pool import Pool
from routoo.data.request import Request


class KeptAnswers:
    """What the models of a pool answered in runs that did not end, in a journal.

    An answer counts for the same prompt, by name and text, asked of the same model in the same way.

    Args:
        path: The journal, which is made with the first answer.
        pool: How each model is called.

    Raises:
        InputError: The file is damaged.
    """

    def __init__(self, path: Path, pool: Pool) -> None:
        self._journal, self._pool = Journal(path), pool
        self._rows = {line.get("key"): line.get("row", {}) for line in self._journal.lines}

    def to(self, requests: Sequence[Request], models: Sequence[str]) -> list[Answer]:
        """The answers that are known of those models to those requests."""
        keys = map(self._key, requests, models)
        return [Answer.from_row(self._rows[key]) for key in keys if key in self._rows]

    def keep(self, request: Request, answer: Answer) -> None:
        """Keeps an answer; one that failed is asked for again.

        Raises:
            OSError: It cannot be written.
        """
        if answer.answer is not None:
            self._journal.write("answer", key=self._key(request, answer.model), row=answer.row())

    def close(self, *, done: bool) -> None:
        """Closes the journal, and removes it where all is `done`."""
        self._journal.close()
        if done:
            self._journal.path.unlink(missing_ok=True)

    def _key(self, request: Request, model: str) -> str:
        return call_key(asked_of(self._pool[model]), prompt_hash(request), request.sample)
