"""Replaces one bundle over and over, by writers that are killed, while readers must always find a whole one.

    python tests/fuzz/replace_bundles.py --seconds 60 [--seed 7] [--folder FOLDER]

Two writers write bundles of which every file names its version; each is killed at a random moment, and
another takes its place. Readers look whether all files of what they find are of one version. In the end one
more bundle is written, and nothing but its files may be in the folder. `--folder` is for another file system.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from routoo.data.pool import Pool, PoolModel
from routoo.data.text import TextPolicy
from routoo.export.bundle import Bundle, write_files
from routoo.export.description import BundleDescription
from routoo.export.layout import LAYOUT

POOL = Pool((PoolModel(name="small", usd_per_1m_input=0.1, usd_per_1m_output=0.2),))
NAMES = (*LAYOUT.required, *LAYOUT.optional)
LONGEST_LIFE_S = 0.3


def write_version(folder: Path, version: str, random: random.Random) -> None:
    """Writes a bundle of which every file names this version; some files are left out at times."""
    description = BundleDescription(POOL, TextPolicy(), (1.0,), trained_on={"version": version})
    names = [name for name in NAMES if name in LAYOUT.required or random.random() < 0.5]
    contents = {
        name: json.dumps({"version": version, "fill": "x" * random.choice((0, 100, 50_000))}).encode()
        for name in names
    }
    write_files(folder, description, contents)


def read_version(folder: Path) -> str:
    """The version of the bundle in the folder, of which every file is."""
    bundle = Bundle.read(folder)
    version = str(bundle.description.trained_on["version"])
    for name in bundle.files:
        found = json.loads(bundle.content(name))["version"]
        if found != version:
            raise AssertionError(f"{name} is of version {found}, and router.json of {version}")
    return version


def write_for_ever(folder: Path, seed: int) -> None:
    """Writes version after version, until it is killed, from outside or by itself between two renames.

    It waits there at times, and never for the disk, which no kill needs: so readers see what else is rare.
    """
    rng, replace = random.Random(seed), Path.replace

    def hesitant(self: Path, target: Path) -> Path:
        if rng.random() < 0.1:
            time.sleep(rng.random() * 0.01)
        if rng.random() < 0.01:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(self, target)

    os.fsync = lambda fd: None  # in this process alone
    Path.replace = hesitant  # type: ignore[assignment,method-assign]
    for number in range(10**9):
        write_version(folder, f"{seed}-{number}", rng)


def read_until(folder: Path, deadline: float, told: Path) -> None:
    """Reads until the deadline, and tells how often, and how many versions there were."""
    reads, versions = 0, set()
    while time.monotonic() < deadline:
        versions.add(read_version(folder))
        reads += 1
    told.write_text(f"{reads} {len(versions)}")


def start(work: Callable[[], None]) -> int:
    """The number of a new process that does this work, and exits 1 where it fails."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def replace_and_read(folder: Path, rng: random.Random, seconds: float, *, readers: int = 2) -> str:
    """What was found, in words.

    Raises:
        AssertionError: A reader or writer failed, or something was left.
    """
    write_version(folder / "bundle", "first", rng)
    deadline = time.monotonic() + seconds
    told = [folder / f"reader-{number}" for number in range(readers)]
    reading = [start(lambda t=t: read_until(folder / "bundle", deadline, t)) for t in told]  # type: ignore[misc]  # a default binds
    writing: dict[int, float] = {}
    killed = 0
    while time.monotonic() < deadline:
        while len(writing) < 2:
            seed = rng.randrange(10**9)
            child = start(lambda s=seed: write_for_ever(folder / "bundle", s))  # type: ignore[misc]  # a default binds
            writing[child] = time.monotonic() + rng.random() * LONGEST_LIFE_S
        for child, end in list(writing.items()):
            if time.monotonic() > end or os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                del writing[child]
                killed += _killed(child)
        time.sleep(0.001)
    for child in writing:
        killed += _killed(child)
    failed = [child for child in reading if os.waitpid(child, 0)[1] != 0]
    assert not failed, "a reader found no whole bundle"
    left = len(list((folder / "bundle").iterdir()))
    read_version(folder / "bundle")
    write_version(folder / "bundle", "last", rng)
    assert read_version(folder / "bundle") == "last"
    names = {path.name for path in (folder / "bundle").iterdir()}
    assert names == {LAYOUT.router, *Bundle.read(folder / "bundle").files}, f"left behind: {sorted(names)}"
    assert {path.name for path in folder.iterdir()} == {"bundle", *(t.name for t in told)}
    counts = [t.read_text().split() for t in told]
    reads, versions = sum(int(c[0]) for c in counts), max(int(c[1]) for c in counts)
    return (
        f"{reads} reads found {versions} versions and none half; {killed} writers were killed; "
        f"{left} files in the folder at the last kill, {len(names)} after the next writer"
    )


def _killed(child: int) -> int:
    """Kills a writer, which must not have ended by itself."""
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status), "a writer failed"
    return 1


def main() -> None:
    """Runs the stress, and prints what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        print(replace_and_read(folder, random.Random(options.seed), options.seconds))
    except AssertionError as error:
        sys.exit(f"seed {options.seed}: {error}; see {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
