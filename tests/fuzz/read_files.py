"""Reads odd files by the thousand: each must end in a record or in an error of ours, in time and in silence.

    python tests/fuzz/read_files.py --files 20000 [--seed 7]

A file that fails is kept in the folder of `--keep`; its number after the seed makes it again.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from odd_files import Trial, trial_of

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.tables.prompts import read_prompts

LIMIT_S = 30
FOREIGN = ("polars", "panicked", "Schema", "pyo3", "rust", "Traceback", "dtype", "ComputeError")
"""Words of other libraries, none of which may reach a user."""


def faults(trial: Trial, folder: Path) -> list[str]:
    """What goes wrong when the file of a trial is read, in words."""
    path = folder / trial.name
    path.write_bytes(trial.content)
    shared = {name: value for name, value in trial.options.items() if name in ("columns", "separator")}
    found = []
    for read in (
        lambda: _used(Outcomes.read(path, **trial.options)),
        lambda: read_prompts(path, attributes=["tenant", "odd"], **shared).attributes(["tenant", "odd"]),
    ):
        found += _faults_of(read)
    path.unlink()
    return found


def _used(outcomes: Outcomes) -> None:
    """Does what everyone does with outcomes."""
    assert len(outcomes.texts) == len(outcomes)
    outcomes.to_matrices()


def _faults_of(read: Callable[[], object]) -> list[str]:
    said = ""
    with _stderr() as printed, _alarm():
        try:
            read()
        except InputError as error:
            said = str(error)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a panic is none of Exception
            return [f"{type(error).__name__}: {str(error)[:300]}"]
        said += printed()
    return [f"says {word!r}: {said[:300]}" for word in FOREIGN if word in said][:1]


@contextmanager
def _stderr() -> Iterator[Callable[[], str]]:
    """What is written to standard error in the block, by anyone."""
    with tempfile.TemporaryFile() as held:
        kept = os.dup(2)
        os.dup2(held.fileno(), 2)

        def printed() -> str:
            held.seek(0)
            return held.read().decode(errors="replace")

        try:
            yield printed
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@contextmanager
def _alarm() -> Iterator[None]:
    """Stops a read that hangs."""

    def late(*_: object) -> None:
        raise TimeoutError(f"more than {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", default=secrets.token_hex(4), help="fresh when not given")
    parser.add_argument(
        "--keep", type=Path, default=Path("fuzz-failures"), help="where files that fail are kept"
    )
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    found: Counter[str] = Counter()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        for at in range(given.files):
            trial = trial_of(f"{given.seed}/{at}")
            if wrong := faults(trial, Path(scratch)):
                given.keep.mkdir(exist_ok=True)
                (given.keep / f"{given.seed}-{at}-{trial.name}").write_bytes(trial.content)
                print(f"{given.seed}/{at} {trial.name} {trial.options}: {'; '.join(wrong)}", flush=True)
                found[wrong[0].partition(":")[0]] += 1
    seconds = time.monotonic() - started
    kinds = ", ".join(f"{count} {kind}" for kind, count in found.most_common()) or "none"
    print(f"{given.files:,} files read twice each in {seconds:.0f} s, seed {given.seed}; failures: {kinds}")
    return min(found.total(), 1)


if __name__ == "__main__":
    sys.exit(main())
