"""A provider's interface over HTTP in this process: it answers what a test says, and keeps what was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

Json = dict[str, Any]  # Any: whatever JSON holds

Server = TypeVar("Server", bound=ThreadingHTTPServer)


@dataclass(frozen=True)
class Sent:
    """A response: JSON, or bytes that are none."""

    body: Json | bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A request: its JSON, and its headers in lower case."""

    body: Json
    headers: Mapping[str, str]


Script = Callable[[Asked, int], Sent | None]
"""From a request and how many came before it to the response; None breaks the connection."""


def completion(text: str | None = "4", **changed: Any) -> Json:  # Any: whatever JSON holds
    """A response of one choice; `changed` replaces its parts, and those that are None are left out."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "x", "choices": [choice]}
    found = {**whole, "usage": usage, **changed}
    return {name: value for name, value in found.items() if value is not None}


def anthropic_message(*content: Json, stop_reason: str = "end_turn", usage: Json | None = None) -> Json:
    """A response in the form of Anthropic's messages: a list of blocks, and a word of its own for the end."""
    usual = {
        "input_tokens": 10,
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 2,
        "output_tokens": 5,
    }
    whole = {"id": "m", "type": "message", "role": "assistant", "model": "claude-x", "stop_sequence": None}
    return {
        **whole,
        "content": [*content],
        "stop_reason": stop_reason,
        "usage": usual if usage is None else usage,
    }


def failure(status: int, code: str | None = None, **headers: str) -> Sent:
    """An error as OpenAI's interface words it, with a secret and the prompt in its message."""
    error = {"message": "SECRET of the river", "type": "error", "code": code}
    return Sent({"error": error}, status, {name.replace("_", "-"): value for name, value in headers.items()})


class ProviderServer(ThreadingHTTPServer):
    """Listens on this machine; `address` is what a call names as `api_base`."""

    daemon_threads = True

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script, self.asked = script, list[Asked]()
        self._counting = threading.Lock()

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    def respond(self, asked: Asked) -> Sent | None:
        """What the script says to a request, which is kept."""
        with self._counting:
            before = len(self.asked)
            self.asked.append(asked)
        return self.script(asked, before)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ProviderServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        sent = self.server.respond(Asked(body, headers))
        self.close_connection = True  # no socket is left open when the test is over
        if sent is None:
            return
        content = sent.body if isinstance(sent.body, bytes) else json.dumps(sent.body).encode()
        self.send_response_only(sent.status)
        length = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        for name, value in {**length, "Connection": "close", **sent.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None: ...


def serving(script: Script) -> AbstractContextManager[ProviderServer]:
    """A server that is gone when the block ends."""
    return running(ProviderServer(script))


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server at work, until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
