"""Submits and collects batches at a server of both endpoints by processes that are killed at random moments.

    PYTHONPATH=tests/servers python tests/fuzz/kill_batches.py --kills 20 [--seed 7]

Each process is forked, so that what takes long to import is imported once, and killed by SIGKILL a random
moment later. In the end every prompt has its answer, and by the server's own bill each was billed once.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import signal
import tempfile
import time
import traceback
from pathlib import Path

from batch_server import KEY, BatchServer, serving_batches

from routoo.batch import submit as submitting
from routoo.batch.at_once import ask_at_once
from routoo.batch.collect import collect_batch
from routoo.batch.write import write_batch
from routoo.members.remote.client import load

MODELS = ("openai/mini", "anthropic/claude-x")
PROMPTS, MEMBERS, AT_ONCE = 14, 7, "m6"
LEAST_WAIT_S, MOST_WAIT_S = 0.05, 3.0
GRACE_S = 0.5  # the server is here: what was sent has arrived by then, or never will


def write_inputs(folder: Path, server: BatchServer) -> None:
    """Writes prompts, a pool, and a plan that gives two prompts to each member, in a file or at once."""
    bases = (server.openai, server.anthropic)
    rows = [{"prompt_id": f"q{n}", "prompt": f"Which is {n}?"} for n in range(PROMPTS)]
    names = [*(f"m{at}@batch" for at in range(MEMBERS - 1)), AT_ONCE]
    plan = [{"prompt_id": row["prompt_id"], "model": names[n % MEMBERS]} for n, row in enumerate(rows)]
    for name, lines in (("prompts.jsonl", rows), ("plan.jsonl", plan)):
        (folder / name).write_text("\n".join(map(json.dumps, lines)))
    (folder / "pool.toml").write_text(
        "\n".join(
            f'[[model]]\nname = "{name}"\nusd_per_1m_input = 1\nusd_per_1m_output = 1\n'
            f"{'' if name == AT_ONCE else 'batch_window_s = 86400'}\n[model.call]\n"
            f'kind = "provider"\nmodel = "{MODELS[at % 2]}"\n'
            f'api_base = "{bases[at % 2]}"\napi_key_env = "BATCH_KEY"\n'
            for at, name in enumerate(names)
        )
    )


def work(folder: Path) -> None:
    """What a process does: all that is next, until nothing is."""
    batch = folder / "batch"
    if not (batch / "batch.json").exists():
        write_batch(folder / "plan.jsonl", folder / "prompts.jsonl", folder / "pool.toml", batch)
    while True:
        submitting.submit_batch(batch)
        ask_at_once(batch)
        known, parts = collect_batch(batch)
        if known.to_come.is_empty() and all(part.status for part in parts):
            return


def start(folder: Path) -> int:
    """The process of a run, which leaves what goes wrong in `said.txt`."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        work(folder)
        code = 0
    except BaseException:
        (folder / "said.txt").write_text(traceback.format_exc())
    finally:
        os._exit(code)


def ended(process: int, wait_s: float) -> bool:
    """Whether a process ends by itself in so many seconds; it is killed where it does not.

    Raises:
        AssertionError: It failed.
    """
    until = time.monotonic() + wait_s
    while time.monotonic() < until:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            assert status == 0, "a process failed; see said.txt"
            return True
        time.sleep(0.001)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return False


def run(folder: Path, rng: random.Random) -> int:
    """Kills processes over one batch until one ends, and says how many were."""
    with serving_batches() as server:
        write_inputs(folder, server)
        kills = 0
        while not ended(start(folder), LEAST_WAIT_S * (MOST_WAIT_S / LEAST_WAIT_S) ** rng.random()):
            kills += 1
        asked = {f"Which is {n}?": 1 for n in range(PROMPTS)}
        assert dict(server.state.billed) == asked, f"billed otherwise than once: {server.state.billed}"
    return kills


def main(kills: int, seed: int) -> None:
    """Kills so many processes at least."""
    os.environ["BATCH_KEY"], submitting.GRACE_S = KEY, GRACE_S
    load()
    rng, done, batches = random.Random(seed), 0, 0
    while done < kills:
        with tempfile.TemporaryDirectory() as folder:
            done, batches = done + run(Path(folder), rng), batches + 1
    print(f"{batches} batches of {PROMPTS} prompts, {done} processes killed: every prompt was billed once")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    main(given.kills, given.seed)
