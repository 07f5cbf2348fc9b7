"""Collects from a server by `routoo collect`, which is killed at random moments, until it is done.

    python tests/fuzz/kill_collections.py --kills 20 [--seed 7]

Each run is a forked process, so that what takes long to import is imported once. It is killed by SIGKILL
when its journal has grown by a random number of bytes, a random moment later. In the end nothing that was
answered may be lost or have been asked again, and by the server's own bill no cap was passed. The server of
the second half bills requests of one idempotency key once, and bills no prompt twice.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import answering_server

import routoo.cli
import routoo.collect.collect
import routoo.members.provider
from routoo.collect.history import History
from routoo.members.remote.client import load

MODELS = ("small", "large")
FAULTS = ("null", "filter", "no-usage", "negative-usage", "absurd-usage", "500", "closed")
MOST_GROWTH = 9000  # bytes of the journal until a run is killed
MOST_WAIT_S = 0.03
PROMPTS_PER_KILL = 12
AMPLE_USD = 1.0
USD_PER_CALL = (3 + answering_server.OUTPUT_TOKENS) * answering_server.USD_PER_TOKEN
Lines = list[dict[str, Any]]  # Any: values of JSON


@contextmanager
def server(*, keys: bool) -> Iterator[str]:
    """The address of a server that runs until the block ends."""
    command = [sys.executable, answering_server.__file__, "--seconds", "0.01", *(["--keys"] if keys else [])]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def bill(address: str) -> dict[str, Any]:  # Any: values of JSON
    """What the server billed."""
    with urllib.request.urlopen(f"{address}/bill") as reply:
        found: dict[str, Any] = json.load(reply)
        return found


def write_inputs(folder: Path, address: str, prompts: int) -> None:
    """Writes the prompts, of which some ask for a fault, and the pool."""
    rows = [
        {
            "prompt_id": f"q{n}",
            "prompt": f"What is {n}?" + (f" [{FAULTS[n // 20 % len(FAULTS)]}]" if n % 20 == 10 else ""),
            "answer": str(n),
        }
        for n in range(prompts)
    ]
    (folder / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "pool.toml").write_text("\n".join(_model(name, address) for name in MODELS))


def _model(name: str, address: str) -> str:
    return (
        f'[[model]]\nname = "{name}"\nusd_per_1m_input = 1\nusd_per_1m_output = 1\n[model.call]\n'
        f'kind = "provider"\nmodel = "openai/{name}"\napi_base = "{address}/v1"\nmax_tokens = 10\n'
    )


def start(folder: Path, budget_usd: float) -> int:
    """The process of a run, which leaves what it prints in `said.txt`."""
    process = os.fork()
    if process:
        return process
    said = os.open(folder / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)
    places = [str(folder / name) for name in ("prompts.jsonl", "pool.toml", "collected")]
    sys.argv = ["routoo", "collect", places[0], "--pool", places[1], "-o", places[2], "--grader", "number"]
    sys.argv += ["--budget-usd", str(budget_usd)]
    code = 1
    try:
        routoo.cli.main()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def kill_at(process: int, journal: Path, growth: int, wait_s: float) -> bool:
    """Kills a process when the journal has grown by so many bytes, and says whether it still ran."""
    before = _size(journal)
    while _size(journal) - before < growth:
        if os.waitpid(process, os.WNOHANG)[0]:
            return False
        time.sleep(0.001)
    time.sleep(wait_s)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return True


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def whole_lines(journal: Path) -> Lines:
    """The lines of a journal but for one that is cut off."""
    content = journal.read_bytes() if journal.exists() else b""
    return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]


def answers_in(lines: Lines) -> dict[str, Any]:  # Any: rows
    """The rows of the answers in a journal, by key."""
    return {line["key"]: line["row"] for line in lines if line["event"] == "answer"}


def check(lines: Lines, billed: Counter[str], *, keys: bool) -> None:
    """Refuses a journal in which something was asked after it was answered, or less often than it was billed.

    Raises:
        AssertionError: It is so.
    """
    answered, tries = set[str](), Counter[str]()
    for line in lines:
        if line["event"] == "try":
            assert line["key"] not in answered, f"asked again: {line['key']}"
            tries[line["key"]] += 1
        elif line["event"] == "answer":
            answered.add(line["key"])
    assert sum(billed.values()) <= sum(tries.values()), "more was billed than was written down"
    most = max(billed.values(), default=0)
    assert most <= (1 if keys else max(tries.values(), default=0)), f"one prompt was billed {most} times"


def run(folder: Path, rng: random.Random, *, kills: int, prompts: int, keys: bool) -> str:
    """Kills runs, lets one end at a cap that binds and one at a cap that does not; says what was found."""
    journal = folder / "collected" / "journal.jsonl"
    with server(keys=keys) as address:
        write_inputs(folder, address, prompts)
        known: dict[str, Any] = {}  # Any: rows
        for killed in range(kills):
            growth, wait_s = rng.randrange(1, MOST_GROWTH), rng.random() * MOST_WAIT_S
            running = kill_at(start(folder, AMPLE_USD), journal, growth, wait_s)
            assert running, f"done after {killed} kills: {(folder / 'said.txt').read_text()}"
            found = answers_in(whole_lines(journal))
            assert known.items() <= found.items(), "an answer was lost"
            known = found
        lines = whole_lines(journal)
        cap = History.of(lines).total_usd + 0.5 * (prompts * len(MODELS) - len(known)) * USD_PER_CALL
        assert not ended(folder, cap)["complete"], "the cap was to leave prompts"
        assert bill(address)["usd"] <= cap, "the cap was passed"
        record, billed = ended(folder, AMPLE_USD), bill(address)
    assert record["complete"]
    assert billed["usd"] <= record["spent_usd"], "more was billed than counted"
    lines = whole_lines(journal)
    assert known.items() <= answers_in(lines).items(), "an answer was lost"
    check(lines, Counter(billed["billed"]), keys=keys)
    calls = [model["scored"] + sum(model["unscored"].values()) for model in record["models"].values()]
    assert calls == [prompts] * len(MODELS), f"not every prompt ended: {calls}"
    again = sum(billed["billed"].values()) - len(billed["billed"])
    return (
        f"{kills} kills, {sum(calls)} calls, {billed['usd']:.6f} USD billed, {record['spent_usd']:.6f} "
        f"counted, {record['lost_calls']} in flight at a kill, {again} billed once more"
    )


def ended(folder: Path, budget_usd: float) -> dict[str, Any]:  # Any: values of JSON
    """What a run that nobody kills writes down."""
    _, status = os.waitpid(start(folder, budget_usd), 0)
    assert status == 0, (folder / "said.txt").read_text()
    found: dict[str, Any] = json.loads((folder / "collected" / "collected.json").read_text())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    given = parser.parse_args()
    rng, kills = random.Random(given.seed), (given.kills - given.kills // 2, given.kills // 2)
    load()
    for keys, number in zip((False, True), kills, strict=True):
        with tempfile.TemporaryDirectory() as folder:
            said = run(Path(folder), rng, kills=number, prompts=PROMPTS_PER_KILL * number, keys=keys)
        print(f"{'a server that knows keys' if keys else 'a server'}: {said}")
    print(f"{given.kills} kills, nothing lost; seed {given.seed}")


if __name__ == "__main__":
    main()
