"""Assigns batches by `routoo assign`, which is killed at random moments, and holds the file it ends with.

    PYTHONPATH=benchmarks:tests/support python tests/fuzz/kill_assignments.py --kills 20 [--seed 7]
    ... --kills 10 --prompts 10000000 --texts 0 [--folder FOLDER]

Half of the processes predict `--texts` prompts through a bundle first, the others are given simulated
predictions for `--prompts`; where one of the two is 0, all do the other. Each is killed by SIGKILL at a
random moment of the time that an undisturbed one takes. In the end the file is that of the undisturbed one,
byte for byte, no part was predicted twice, and nothing is left beside it. `--folder`: where there is room.
"""

from __future__ import annotations

import argparse
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from break_bundles import make_bundle
from simulated.prompts import simulated_prompts

from routoo.data.storage.files import sha256_of

PART = 8  # prompts that are predicted into a file: few, so that there are many moments between two
FILES = 4
TEXT_BUDGET_USD = 0.0003  # a prompt
_RUN = f"""
import sys
from routoo import scored_parts
from routoo.cli import main
scored_parts.PART = {PART}
sys.argv[0] = "routoo"
main()
"""


def start(target: Path, line: Sequence[object]) -> subprocess.Popen[bytes]:
    """A process that assigns, and leaves what it prints in `said.txt`."""
    command = [sys.executable, "-c", _RUN, "assign", *map(str, line), "-o", str(target)]
    with (target.parent / "said.txt").open("wb") as said:
        return subprocess.Popen(command, stdout=said, stderr=said)


def ended(process: subprocess.Popen[bytes], target: Path, wait_s: float | None) -> bool:
    """Whether a process ends by itself in so many seconds; it is killed where it does not.

    Raises:
        AssertionError: It failed.
    """
    try:
        assert process.wait(wait_s) == 0, (target.parent / "said.txt").read_text()
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True


def kill_and_compare(folder: Path, line: Sequence[object], rng: random.Random, kills: int) -> str:
    """Kills so many processes that assign this, lets one end, and says what was found.

    Args:
        folder: Where they write; nothing else is there.
        line: What `routoo assign` is given, but for the output.
        rng: Draws the moments.
        kills: How many, where a process that ends before it was to be killed begins anew.

    Raises:
        AssertionError: The file is another one, a part was written again, or something was left.
    """
    expected, target = folder / "expected.parquet", folder / "choices.parquet"
    began = time.monotonic()
    assert ended(start(expected, line), expected, None)
    whole_s, parts = time.monotonic() - began, folder / f".{target.name}.predictions"
    wanted, killed, whole, most = sha256_of(expected), 0, 0, 0
    finished: dict[Path, int] = {}
    while killed < kills:
        if ended(start(target, line), target, rng.random() * whole_s):
            assert sha256_of(target) == wanted, "another file than that of the undisturbed process"
            target.unlink()
            whole, finished = whole + 1, {}
            continue
        killed += 1
        assert not target.exists() or sha256_of(target) == wanted, "half a file"
        now = {path: path.stat().st_mtime_ns for path in parts.glob("*.parquet")}
        assert finished.items() <= now.items() or target.exists(), "a part was written again"
        finished, most = now, max(most, len(now))
    assert ended(start(target, line), target, None)
    assert sha256_of(target) == wanted, "another file than that of the undisturbed process"
    left = {path.name for path in folder.iterdir()} - {expected.name, target.name, "said.txt"}
    assert not left, f"left behind: {sorted(left)}"
    kept = f", up to {most} parts of predictions kept" if most else ""
    return (
        f"{killed} processes killed within the {whole_s:.1f} s that one takes, {whole} ended before{kept}: "
        f"the same file of {target.stat().st_size / 1e6:.3g} MB"
    )


def text_line(folder: Path, bundle: Path, prompts: int) -> list[object]:
    """What assigns prompts in some files through a bundle."""
    texts = folder / "texts"
    texts.mkdir()
    rows = [
        {"prompt_id": f"q{at}", "prompt": one.text}
        for at, one in enumerate(simulated_prompts(prompts, seed=0))
    ]
    for number in range(FILES):
        pl.DataFrame(rows[number::FILES]).write_parquet(texts / f"part-{number}.parquet")
    return [bundle, texts, "--budget-usd", TEXT_BUDGET_USD * prompts, "--threads", 1]


def scores_line(folder: Path, prompts: int) -> list[object]:
    """What assigns predictions that are there."""
    from scale import written  # a benchmark: only who runs this has its folder on the path

    scores = folder / "scores"
    scores.mkdir()
    return [scores, "--budget-usd", written(prompts, scores)]


def main() -> None:
    """Kills, and prints what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--prompts", type=int, default=200_000)
    parser.add_argument("--texts", type=int, default=800)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    rng, shared = random.Random(given.seed), bool(given.prompts and given.texts)
    with tempfile.TemporaryDirectory(dir=given.folder) as place:
        folder = Path(place)
        if given.texts:
            line = text_line(folder, make_bundle(folder / "bundle"), given.texts)
            (folder / "of-texts").mkdir()
            said = kill_and_compare(folder / "of-texts", line, rng, given.kills - shared * (given.kills // 2))
            print(f"{given.texts} prompts through a bundle: {said}", flush=True)
        if given.prompts:
            line = scores_line(folder, given.prompts)
            (folder / "of-scores").mkdir()
            said = kill_and_compare(folder / "of-scores", line, rng, given.kills // (1 + shared))
            print(f"predictions of {given.prompts} prompts: {said}", flush=True)


if __name__ == "__main__":
    main()
