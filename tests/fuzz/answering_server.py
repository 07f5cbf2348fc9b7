"""A server of OpenAI's chat interface that answers as its prompts ask it to, and counts what it bills.

    python tests/fuzz/answering_server.py [--keys] [--seconds 0.02]

It prints its port, and serves until its standard input is closed. A word in square brackets in a prompt is
how the first request for it ends, or every one where the word ends in ``-always`` (`FAULTS`); the answer is
the number in the prompt. ``GET /bill`` is what was billed: a token of input a word, `OUTPUT_TOKENS` of
output, at a dollar a million each. With ``--keys`` requests of one idempotency key are billed once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

OUTPUT_TOKENS = 7
USD_PER_TOKEN = 1e-6
Reply = tuple[int, dict[str, str], bytes]


def completion(text: str | None, words: int, **changed: Any) -> dict[str, Any]:
    """A completion with this text, as OpenAI's interface writes it."""
    usage = {
        "prompt_tokens": words,
        "completion_tokens": OUTPUT_TOKENS,
        "total_tokens": words + OUTPUT_TOKENS,
    }
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    head = {"id": "c", "object": "chat.completion", "created": 0, "model": "served"}
    return {**head, "choices": [choice], "usage": usage, **changed}


def _usage(sent: int, came: int) -> dict[str, Any]:
    return {"usage": {"prompt_tokens": sent, "completion_tokens": came, "total_tokens": sent + came}}


def _filtered(words: int) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "content_filter"}
    return completion(None, words, choices=[choice])


def _error(status: int, headers: dict[str, str] | None = None) -> Reply:
    body = {"error": {"message": "as the prompt asked", "type": "server_error", "code": str(status)}}
    return status, headers or {}, json.dumps(body).encode()


ANSWERS: dict[str, Callable[[str, int], dict[str, Any]]] = {  # Any: values of JSON
    "empty": lambda text, words: completion(text, words, choices=[]),
    "null": lambda text, words: completion(None, words),
    "filter": lambda text, words: _filtered(words),
    "no-usage": lambda text, words: completion(text, words, usage=None),
    "negative-usage": lambda text, words: completion(text, words, **_usage(-5, -7)),
    "absurd-usage": lambda text, words: completion(text, words, **_usage(10**12, 10**12)),
}
"""What is billed and answered in another way."""

ERRORS: dict[str, Reply] = {
    "429": _error(429),
    "429-after": _error(429, {"Retry-After": "1"}),
    "500": _error(500),
}
"""What is not billed, and no answer."""

FAULTS = (*ANSWERS, *ERRORS, "slow", "broken", "closed")
"""Words that a prompt may hold in square brackets."""


@dataclass
class Bill:
    """What was asked and billed, by the text of the prompt with its model."""

    usd: float = 0.0
    requests: Counter[str] = field(default_factory=Counter)
    billed: Counter[str] = field(default_factory=Counter)
    most_at_once: int = 0


class Server:
    """Serves completions.

    Args:
        keys: Whether requests of one idempotency key are billed once.
        seconds: That each answer takes.
    """

    def __init__(self, *, keys: bool, seconds: float) -> None:
        self.bill, self._keys, self._seconds = Bill(), keys, seconds
        self._paid: set[str] = set()
        self._at_once = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the requests of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *fields = head.decode().split("\r\n")
                headers = {k.strip().lower(): v.strip() for k, _, v in (f.partition(":") for f in fields)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                reply = self._bill_as_reply() if line.startswith("GET") else await self._reply(headers, body)
                if reply is None:
                    break
                await _write(writer, reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _bill_as_reply(self) -> Reply:
        return 200, {}, json.dumps(vars(self.bill)).encode()

    async def _reply(self, headers: dict[str, str], body: bytes) -> Reply | None:
        """What a request is answered with; None where the connection is closed instead."""
        request = json.loads(body)
        text = " ".join(str(message["content"]) for message in request["messages"])
        what = f"{request['model']}: {text}"
        tries, self.bill.requests[what] = self.bill.requests[what], self.bill.requests[what] + 1
        fault = next(iter(re.findall(r"\[([\w-]+)\]", text)), "")
        if tries and not fault.endswith("-always"):
            fault = ""
        fault = fault.removesuffix("-always")
        self._at_once += 1
        self.bill.most_at_once = max(self.bill.most_at_once, self._at_once)
        if fault not in ERRORS:
            self._charge(what, headers.get("idempotency-key", ""), len(text.split()))
        try:
            await asyncio.sleep(self._seconds * (20 if fault == "slow" else 1))
        finally:
            self._at_once -= 1
        return self._came(fault, text)

    def _came(self, fault: str, text: str) -> Reply | None:
        if fault in ERRORS:
            return ERRORS[fault]
        if fault == "closed":
            return None
        number, words = (
            next(iter(re.findall(r"\d+", re.sub(r"\[.*?\]", "", text))), "none"),
            len(text.split()),
        )
        answer = ANSWERS[fault](number, words) if fault in ANSWERS else completion(number, words)
        content = json.dumps(answer).encode()
        return 200, {}, content[: len(content) // 2] if fault == "broken" else content

    def _charge(self, what: str, key: str, words: int) -> None:
        """Bills a request, unless its key was billed before."""
        if self._keys and key:
            if key in self._paid:
                return
            self._paid.add(key)
        self.bill.billed[what] += 1
        self.bill.usd += (words + OUTPUT_TOKENS) * USD_PER_TOKEN


async def _write(writer: asyncio.StreamWriter, reply: Reply) -> None:
    status, headers, content = reply
    fields = {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}
    lines = [f"HTTP/1.1 {status} as asked", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    writer.write("\r\n".join(lines).encode() + content)
    await writer.drain()


async def _main(*, keys: bool, seconds: float) -> None:
    server = await asyncio.start_server(Server(keys=keys, seconds=seconds).serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", action="store_true")
    parser.add_argument("--seconds", type=float, default=0.02)
    given = parser.parse_args()
    asyncio.run(_main(keys=given.keys, seconds=given.seconds))
