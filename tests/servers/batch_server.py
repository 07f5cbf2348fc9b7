"""The batch endpoints of OpenAI and of Anthropic over HTTP in this process, with a bill for each request.

A prompt says in square brackets how its request ends: ``[400]``, ``[500]``, ``[expired]``, ``[silent]`` (no
result at all), ``[empty]``; ``[invalid]`` has the whole file refused. ``[mini:400]`` is so for a model alone.
The answer is the number in the prompt, in a batch or at once; at once an idempotency key is billed the first
time. Batches end when they are asked about for the second time, or where `hold` is set, when it no longer is.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from provider_server import running

Json = dict[str, Any]  # Any: whatever JSON holds
Reply = tuple[int, Json | bytes]
"""Status and content."""

INPUT_TOKENS, OUTPUT_TOKENS = 100, 10
"""What each request that is answered is billed for."""

KEY = "sk-test-SECRET"


@dataclass
class Batch:
    """A batch that was made."""

    id: str
    requests: list[Json]
    metadata: Json
    created_s: float
    error: str | None = None
    line: int | None = None
    asked: int = 0
    ended: bool = False


@dataclass
class State:
    """All that the server holds, and what it does wrong.

    Args:
        hold: Whether batches under way stay so.
        full: Batches that are still refused since the queue is full.
        before: Called with method and path before a request is looked at; what it returns is the status.
        after: Called with method and path when it is done; True breaks the connection without a word.
    """

    files: dict[str, Json] = field(default_factory=dict)
    batches: dict[str, list[Batch]] = field(default_factory=lambda: {"openai": [], "anthropic": []})
    billed: Counter[str] = field(default_factory=Counter)
    paid: set[str] = field(default_factory=set)
    heard: list[str] = field(default_factory=list)
    hold: bool = False
    full: int = 0
    clock: Callable[[], float] = lambda: datetime.now(UTC).timestamp()
    before: Callable[[str, str], int | None] = lambda method, path: None
    after: Callable[[str, str], bool] = lambda method, path: False


def prompt_of(request: Json) -> str:
    """The text of a request."""
    messages = (request.get("body") or request.get("params") or {})["messages"]
    content = messages[-1]["content"]
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


def fault_of(request: Json) -> str:
    """What a prompt asks for."""
    model = (request.get("body") or request.get("params") or {})["model"]
    found = re.findall(r"\[(?:([\w-]+):)?(\w+)\]", prompt_of(request))
    return next((fault for of, fault in found if of in ("", model)), "")


def answer_of(request: Json) -> str:
    """The number in a prompt."""
    return next(iter(re.findall(r"\d+", re.sub(r"\[.*?\]", "", prompt_of(request)))), "none")


def _refused(status: int, code: str) -> tuple[int, Json]:
    return status, {"error": {"message": f"{KEY} said what the prompt holds", "type": code, "code": code}}


class BatchServer(ThreadingHTTPServer):
    """Listens on this machine."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state, self._lock = State(), threading.Lock()

    @property
    def openai(self) -> str:
        """What a call of an OpenAI model names as `api_base`."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def anthropic(self) -> str:
        """What a call of an Anthropic model names as `api_base`."""
        return f"http://127.0.0.1:{self.server_port}"

    def respond(self, method: str, path: str, query: Json, content: bytes, headers: Any) -> Reply:
        """Status and content of a response."""
        with self._lock:
            self.state.heard.append(f"{method} {path}")
            if (status := self.state.before(method, path)) is not None:
                return _refused(status, "server_error")
            of_anthropic = path.startswith("/v1/messages")
            key = (
                headers.get("x-api-key")
                if of_anthropic
                else (headers.get("authorization") or "").removeprefix("Bearer ")
            )
            if key != KEY:
                return _refused(401, "authentication_error")
            if of_anthropic:
                assert headers["anthropic-version"] == "2023-06-01"
                return self._anthropic(
                    method, path.removeprefix("/v1/messages/batches").strip("/"), query, content
                )
            return self._openai(method, path.removeprefix("/v1").strip("/"), query, content, headers)

    def _openai(self, method: str, path: str, query: Json, content: bytes, headers: Any) -> Reply:
        state = self.state
        if (method, path) == ("POST", "files"):
            return self._upload(content, headers)
        if (method, path) == ("GET", "files"):
            return _page(list(reversed(state.files.values())), query.get("after"))
        if path.startswith("files/"):
            return 200, self._output(path.split("/")[1])
        if path == "chat/completions":
            request = {"body": json.loads(content)}
            if (key := headers.get("idempotency-key")) is None or key not in state.paid:
                self._bill([request])
                state.paid.add(key or "")
            return 200, _completion(request)
        if (method, path) == ("POST", "batches"):
            return self._make_openai(json.loads(content))
        batches = state.batches["openai"]
        if path == "batches":
            for one in batches:
                self._age(one)
            return _page([self._openai_batch(one) for one in reversed(batches)], query.get("after"))
        known = next((one for one in batches if one.id == path.split("/")[1]), None)
        if known is None:
            return _refused(404, "not_found")
        self._age(known)
        return 200, self._openai_batch(known)

    def _upload(self, content: bytes, headers: Any) -> tuple[int, Json]:
        message = BytesParser(policy=HTTP).parsebytes(
            b"Content-Type: " + headers["content-type"].encode() + b"\r\n\r\n" + content
        )
        parts = {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}
        held = {name: part.get_payload(decode=True) for name, part in parts.items()}
        body = held["file"]
        assert isinstance(body, bytes)
        assert held["purpose"] == b"batch"
        name = f"file-{len(self.state.files)}"
        self.state.files[name] = {
            "id": name,
            "object": "file",
            "filename": parts["file"].get_filename(),
            "bytes": len(body),
            "purpose": "batch",
            "_content": body.decode(),
        }
        return 200, _shown(self.state.files[name])

    def _make_openai(self, asked: Json) -> tuple[int, Json]:
        metadata = asked.get("metadata") or {}
        assert (asked["endpoint"], asked["completion_window"]) == ("/v1/chat/completions", "24h")
        made = self.state.batches["openai"]
        if any(one.metadata == metadata and metadata for one in made):
            return _refused(409, "duplicate_submission")
        requests = [
            json.loads(line) for line in self.state.files[asked["input_file_id"]]["_content"].splitlines()
        ]
        batch = Batch(f"batch_{len(made)}", requests, metadata, self.state.clock())
        if self.state.full:
            self.state.full -= 1
            batch.error = "token_limit_exceeded"
        elif bad := [
            at for at, one in enumerate(requests, 1) if fault_of(one) == "invalid" or not _is_openai(one)
        ]:
            batch.error, batch.line = "invalid_request", bad[0]
        elif len({one["custom_id"] for one in requests}) < len(requests):
            batch.error = "duplicate_custom_id"
        else:
            self._bill(requests)
        made.append(batch)
        return 200, self._openai_batch(batch)

    def _bill(self, requests: list[Json]) -> None:
        for one in requests:
            if fault_of(one) not in ("400", "500", "expired"):
                self.state.billed[prompt_of(one)] += 1

    def _age(self, batch: Batch) -> None:
        batch.asked += 1
        batch.ended = batch.ended or bool(batch.error) or (batch.asked > 1 and not self.state.hold)

    def _openai_batch(self, batch: Batch) -> Json:
        faults = [fault_of(one) for one in batch.requests]
        status = "in_progress" if not batch.ended else "expired" if "expired" in faults else "completed"
        failed = sum(fault in ("400", "500", "expired") for fault in faults) if batch.ended else 0
        shown: Json = {
            "id": batch.id,
            "object": "batch",
            "metadata": batch.metadata,
            "created_at": int(batch.created_s),
            "status": status,
            "request_counts": {
                "total": len(faults),
                "completed": len(faults) - failed if batch.ended else 0,
                "failed": failed,
            },
        }
        if batch.error:
            error = {
                "code": batch.error,
                "message": f"{KEY} and the prompt",
                "line": batch.line,
                "param": None,
            }
            return {**shown, "status": "failed", "errors": {"object": "list", "data": [error]}}
        if batch.ended:
            shown["output_file_id"] = f"out_{batch.id}"
            shown["error_file_id"] = f"err_{batch.id}" if failed else None
        return shown

    def _output(self, name: str) -> bytes:
        kind, _, batch_id = name.partition("_")
        batch = next(one for one in self.state.batches["openai"] if one.id == batch_id)
        lines = [line for one in batch.requests if (line := _openai_result(one, kind))]
        return "\n".join(map(json.dumps, lines)).encode()

    def _anthropic(self, method: str, path: str, query: Json, content: bytes) -> Reply:
        made = self.state.batches["anthropic"]
        if method == "POST":
            requests = json.loads(content)["requests"]
            ids = [one["custom_id"] for one in requests]
            if len(set(ids)) < len(ids) or not all(
                re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in ids
            ):
                return _refused(400, "invalid_request_error")
            batch = Batch(f"msgbatch_{len(made)}", requests, {}, self.state.clock())
            self._bill(requests)
            made.append(batch)
            return 200, self._anthropic_batch(batch)
        if not path:
            for one in made:
                self._age(one)
            return _page([self._anthropic_batch(one) for one in reversed(made)], query.get("after_id"))
        name, _, results = path.partition("/")
        known = next((one for one in made if one.id == name), None)
        if known is None or (results and not known.ended):
            return _refused(404, "not_found_error")
        if results:
            lines = [line for request in known.requests if (line := _anthropic_result(request))]
            return 200, "\n".join(map(json.dumps, lines)).encode()
        self._age(known)
        return 200, self._anthropic_batch(known)

    def _anthropic_batch(self, batch: Batch) -> Json:
        counts = Counter(
            "processing"
            if not batch.ended
            else (_anthropic_result(one) or {"result": {"type": "errored"}})["result"]["type"]
            for one in batch.requests
        )
        names = ("processing", "succeeded", "errored", "canceled", "expired")
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "ended" if batch.ended else "in_progress",
            "request_counts": {name: counts[name] for name in names},
            "created_at": datetime.fromtimestamp(batch.created_s, UTC).isoformat().replace("+00:00", "Z"),
        }


def _is_openai(request: Json) -> bool:
    known = request.keys() == {"custom_id", "method", "url", "body"}
    return known and (request["method"], request["url"]) == ("POST", "/v1/chat/completions")


def _openai_result(request: Json, kind: str) -> Json | None:
    fault = fault_of(request)
    failed = fault in ("400", "500", "expired")
    if failed != (kind == "err") or fault == "silent":
        return None
    head: Json = {"id": "r", "custom_id": request["custom_id"]}
    if fault == "expired":
        return {**head, "response": None, "error": {"code": "batch_expired", "message": "too late"}}
    if failed:
        said = {"error": {"message": f"{KEY} and the prompt", "code": "refused"}}
        return {
            **head,
            "response": {"status_code": int(fault), "request_id": "x", "body": said},
            "error": None,
        }
    return {
        **head,
        "response": {"status_code": 200, "request_id": "x", "body": _completion(request)},
        "error": None,
    }


def _completion(request: Json) -> Json:
    """The answer to a request of OpenAI's form."""
    text = "" if fault_of(request) == "empty" else answer_of(request)
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 0,
        "model": request["body"]["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": INPUT_TOKENS,
            "completion_tokens": OUTPUT_TOKENS,
            "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
        },
    }


def _anthropic_result(request: Json) -> Json | None:
    fault, custom_id = fault_of(request), request["custom_id"]
    if fault == "silent":
        return None
    if fault == "expired":
        return {"custom_id": custom_id, "result": {"type": "expired"}}
    if fault in ("400", "500"):
        kind = {"400": "invalid_request_error", "500": "api_error"}[fault]
        error: Json = {"type": "error", "error": {"type": kind, "message": f"{KEY} and the prompt"}}
        return {"custom_id": custom_id, "result": {"type": "errored", "error": error}}
    message: Json = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": request["params"]["model"],
        "content": [{"type": "text", "text": answer_of(request)}] if fault != "empty" else [],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS},
    }
    return {"custom_id": custom_id, "result": {"type": "succeeded", "message": message}}


def _page(entries: list[Json], after: str | None, size: int = 2) -> tuple[int, Json]:
    """A page of a list, two entries long so that there are several."""
    ids = [entry["id"] for entry in entries]
    start = 0 if after is None else ids.index(after) + 1
    page = entries[start : start + size]
    return 200, {"object": "list", "data": [_shown(one) for one in page], "has_more": start + size < len(ids)}


def _shown(entry: Json) -> Json:
    return {name: value for name, value in entry.items() if not name.startswith("_")}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: BatchServer

    def _serve(self, method: str) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        status, body = self.server.respond(method, parts.path, query, content, self.headers)
        self.close_connection = True
        if self.server.state.after(method, parts.path):
            return
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(raw)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def log_message(self, format: str, *args: object) -> None: ...


def serving_batches() -> AbstractContextManager[BatchServer]:
    """A server that is gone when the block ends."""
    return running(BatchServer())
