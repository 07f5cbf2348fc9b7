"""Anthropic's batch endpoints: the requests are the batch, which bears no key of ours."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from routoo.batch.client import Client
from routoo.batch.endpoint import Found, Progress
from routoo.data.errors import CallError

BASE, VARIABLE = "https://api.anthropic.com", "ANTHROPIC_API_KEY"
VERSION = "2023-06-01"
_PATH = "v1/messages/batches"
_SKEW_S = 3600.0  # by which two clocks may differ
_ENDED = "ended"


class AnthropicBatches:
    """Batches at Anthropic.

    Nothing that is sent with a batch can be read off it before it has ended; from then on its results bear
    our custom ids. So a submission that may have arrived is looked for among batches of as many requests that
    were made since: whether it did is known where there is none, or all of them have ended.

    Args:
        client: A connection to the account.
    """

    uploads = False

    def __init__(self, client: Client) -> None:
        self._client = client

    def upload(self, path: Path, name: str) -> str:
        """Nothing is uploaded here.

        Raises:
            AssertionError: It was asked to.
        """
        raise AssertionError("the requests are the batch")

    def submit(self, path: Path, key: str, file_id: str | None) -> str:
        """See `Endpoint.submit`."""
        lines = path.read_bytes().rstrip(b"\n").replace(b"\n", b",")  # JSON holds no line feed of its own
        content = b'{"requests":[' + lines + b"]}"
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        return str(self._client.post(_PATH, content=content, headers=headers)["id"])

    def find(self, path: Path, key: str, *, requests: int, since_s: float, own: Collection[str]) -> Found:
        """See `Endpoint.find`."""
        maybe = []
        for known in self._client.pages(_PATH, "after_id"):
            if _created_s(known) < since_s - _SKEW_S:
                break
            if known["id"] in own or _count(known) != requests:
                continue
            if known.get("processing_status") != _ENDED:
                maybe.append(str(known["id"]))
            elif self._is_of(path, str(known["id"])):
                return Found(str(known["id"]))
        return Found(maybe=tuple(maybe))

    def _is_of(self, path: Path, batch: str) -> bool:
        """Whether the results of a batch that ended bear custom ids of this file."""
        try:
            first = self._client.lines(f"{_PATH}/{batch}/results").split(b"\n", 1)[0]
        except CallError as error:
            if error.retryable:
                raise
            return False  # results that are gone are older than any submission in doubt
        with suppress(ValueError, KeyError):
            return json.dumps(json.loads(first)["custom_id"]).encode() in path.read_bytes()
        return False

    def progress(self, batch: str) -> Progress:
        """See `Endpoint.progress`."""
        found = self._client.get(f"{_PATH}/{batch}")
        status, counts = str(found.get("processing_status")), found.get("request_counts") or {}
        failed = sum(int(counts.get(name) or 0) for name in ("errored", "canceled", "expired"))
        return Progress(status, status == _ENDED, int(counts.get("succeeded") or 0), failed)

    def results(self, batch: str, progress: Progress) -> bytes:
        """See `Endpoint.results`."""
        return self._client.lines(f"{_PATH}/{batch}/results")


def _count(known: Mapping[str, Any]) -> int:  # Any: an entry of the list
    return sum(int(value) for value in (known.get("request_counts") or {}).values())


def _created_s(known: Mapping[str, Any]) -> float:  # Any: see above
    return datetime.fromisoformat(str(known["created_at"])).timestamp()
