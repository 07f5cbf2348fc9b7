"""OpenAI's batch endpoints: a file is uploaded, and a batch made of it, which bears a key of ours."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from routoo.batch.client import Client
from routoo.batch.endpoint import Found, Progress

BASE, VARIABLE = "https://api.openai.com/v1", "OPENAI_API_KEY"
_KEY = "routoo"  # in the metadata of a batch
_ENDED = ("completed", "failed", "expired", "cancelled")


class OpenAIBatches:
    """Batches at OpenAI, or at an interface like it.

    Args:
        client: A connection to the account.
    """

    uploads = True

    def __init__(self, client: Client) -> None:
        self._client = client

    def upload(self, path: Path, name: str) -> str:
        """See `Endpoint.upload`."""
        size = path.stat().st_size
        for known in self._client.pages("files", "after", purpose="batch"):
            if known.get("filename") == name and known.get("bytes") == size:
                return str(known["id"])
        with path.open("rb") as content:
            sent = {"file": (name, content, "application/jsonl")}
            return str(self._client.post("files", files=sent, data={"purpose": "batch"})["id"])

    def submit(self, path: Path, key: str, file_id: str | None) -> str:
        """See `Endpoint.submit`."""
        body = {
            "input_file_id": file_id,
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "metadata": {_KEY: key},
        }
        return str(self._client.post("batches", json=body, headers={"Idempotency-Key": key})["id"])

    def find(self, path: Path, key: str, *, requests: int, since_s: float, own: Collection[str]) -> Found:
        """See `Endpoint.find`: the key in its metadata tells it."""
        for known in self._client.pages("batches", "after"):
            if (known.get("metadata") or {}).get(_KEY) == key:
                return Found(str(known["id"]))
        return Found()

    def progress(self, batch: str) -> Progress:
        """See `Endpoint.progress`."""
        found = self._client.get(f"batches/{batch}")
        status, counts = str(found.get("status")), found.get("request_counts") or {}
        errors = (found.get("errors") or {}).get("data") or []
        return Progress(
            status,
            status in _ENDED,
            int(counts.get("completed") or 0),
            int(counts.get("failed") or 0),
            code=str(errors[0].get("code")) if errors else None,
            lines=tuple(error["line"] for error in errors if isinstance(error.get("line"), int)),
            results=tuple(found[name] for name in ("output_file_id", "error_file_id") if found.get(name)),
        )

    def results(self, batch: str, progress: Progress) -> bytes:
        """See `Endpoint.results`: what was answered, then what was not."""
        files = [self._client.lines(f"files/{name}/content") for name in progress.results]
        return b"".join(content if content.endswith(b"\n") else content + b"\n" for content in files)
