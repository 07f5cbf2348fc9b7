"""What is tried many times, from the command line: a seed repeats all, and the first trial repeats one."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import numpy as np

_SHOWN = 3
_EVERY = 1000


def run_trials(
    about: str | None, trial: Callable[[int, int], list[str]], *, count: int, called: Callable[[], str]
) -> int:
    """The exit code once all trials are done, or the time is over: 1 where one failed.

    Args:
        about: What the help says.
        trial: What is wrong with the trial of this seed and number.
        count: How many trials, unless asked for others.
        called: What was tried, in words that follow its count.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=count)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=math.inf)
    chosen = parser.parse_args()
    seed = np.random.SeedSequence().generate_state(1).item() if chosen.seed is None else chosen.seed
    print(f"seed {seed}", flush=True)
    started, failed, done = time.monotonic(), 0, 0
    for index in range(chosen.first, chosen.first + chosen.count):
        if time.monotonic() - started > chosen.seconds:
            break
        wrong = trial(seed, index)
        failed, done = failed + bool(wrong), done + 1
        for what in wrong[:_SHOWN]:
            print(f"--seed {seed} --first {index}: {what}", flush=True)
        if done % _EVERY == 0:
            print(f"{done} {called()}, {failed} failed", flush=True)
    print(f"{done} {called()}, {failed} failed; seed {seed}")
    return int(failed > 0)
