"""Breaks bundles by the thousand: each must be refused in our words, or work, in time and without a crash.

    export PYTHONPATH=tests/support  # where simulated prompts are made
    python tests/fuzz/break_bundles.py --edits 400 --mutations 2000 [--seed 7] [--bundle FOLDER]

`--edits` changes one byte of `router.json`, and every such bundle must be refused. `--mutations` does all
else that `broken_bundles.py` knows; what is left of accidents must be refused, too. A bundle that fails is
made again by the number printed with it: `--seed NUMBER --edits 0 --mutations 1`, or the other way round.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from broken_bundles import ACCIDENTS, ATTACKS, Break, edit_router

import routoo
from routoo.data.errors import RoutooError

LIMIT_S = 60
PROMPTS = ["2 + 2?", "Why is the sky blue?"]


@dataclass(frozen=True)
class Trial:
    """One bundle to break: by which seed, how, and whether it must then be refused."""

    seed: int
    break_it: Break
    refused: bool


def trials(seed: int, edits: int, mutations: int) -> list[Trial]:
    """So many edits, then mutations; the seed of each is one more than that of the last."""
    found = [Trial(seed + number, edit_router, True) for number in range(edits)]
    for number in range(seed + edits, seed + edits + mutations):
        chosen = random.Random(number).choice((*ACCIDENTS, *ATTACKS))
        found.append(Trial(number, chosen, chosen in ACCIDENTS))
    return found


def outcome(trial: Trial, whole: Path, scratch: Path) -> str:
    """``refused`` or ``used``; else what went wrong, in words."""
    folder = Path(shutil.copytree(whole, scratch / "bundle"))
    trial.break_it(folder, random.Random(trial.seed))
    said = set()
    for use in (_route, _train_on):
        try:
            use(folder)
            said.add("used")
        except RoutooError as error:
            if not str(error) or "panicked" in str(error):
                return f"words of another library: {error}"
            said.add("refused")
        except BaseException as error:
            traceback.print_exc()
            return f"{type(error).__name__}: {error}"
    if trial.refused and "used" in said:
        return "used, and should have been refused"
    return "used" if "used" in said else "refused"


def _route(folder: Path) -> None:
    router = routoo.Router.from_pretrained(folder)
    scores = router.predict(PROMPTS)
    assert ((scores.p_correct >= 0) & (scores.p_correct <= 1)).all()
    repr(router.pool), router.domains, router.attributes
    router.runtime.bundle.metrics()


def _train_on(folder: Path) -> None:
    predictor = routoo.Predictor.from_pretrained(folder)
    scores = predictor.predict(PROMPTS)
    assert ((scores.p_correct >= 0) & (scores.p_correct <= 1)).all()


def run(todo: list[Trial], whole: Path) -> Iterator[tuple[Trial, str]]:
    """Each trial with its outcome. They run in a process of their own, whose death is an outcome as well."""
    first = 0
    while first < len(todo):
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.close(reader)
            try:
                _work(todo[first:], whole, writer)
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            said = pipe.read().decode().split("\0")[:-1]
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            said.append("a hang" if number == signal.SIGALRM else f"killed by signal {number}")
        yield from zip(todo[first:], said or ["no outcome"], strict=False)
        first += max(1, len(said))


def _work(todo: list[Trial], whole: Path, writer: int) -> None:
    """Writes the outcome of each trial into the pipe."""
    import torch

    torch.set_num_threads(1)
    for trial in todo:
        scratch = Path(tempfile.mkdtemp())
        signal.alarm(LIMIT_S)  # which ends this process, whatever it hangs in
        os.write(writer, outcome(trial, whole, scratch).encode() + b"\0")
        signal.alarm(0)
        shutil.rmtree(scratch, ignore_errors=True)


def make_bundle(folder: Path) -> Path:
    """A small bundle with domains and both graphs."""
    from simulated.outcomes import simulated_outcomes, simulated_pool

    outcomes = simulated_outcomes(200, seed=0).with_split(seed=0)
    predictor = routoo.train(
        outcomes, simulated_pool(), encoder="tiny", tune="full", epochs=1, progress=False
    )
    predictor.export(folder)
    return folder


def main() -> None:
    """Breaks bundles, and prints what became of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--edits", type=int, default=400)
    parser.add_argument("--mutations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    parser.add_argument("--bundle", type=Path)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    counts = {"refused": 0, "used": 0, "failed": 0}
    with tempfile.TemporaryDirectory() as folder:
        whole = options.bundle or make_bundle(Path(folder) / "bundle")
        for trial, said in run(trials(options.seed, options.edits, options.mutations), whole):
            counts[said if said in counts else "failed"] += 1
            if said not in counts:
                print(f"{trial.seed} {trial.break_it.__name__}: {said}", flush=True)
    print(
        f"{options.edits} edits of router.json and {options.mutations} mutations: "
        f"{counts['refused']} refused, {counts['used']} used, {counts['failed']} failed"
    )
    sys.exit(counts["failed"] > 0)


if __name__ == "__main__":
    main()
