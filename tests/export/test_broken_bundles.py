"""A small share of what `tests/fuzz` does to bundles, each time with a fresh seed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from routoo.export.bundle import Bundle

FUZZ = Path(__file__).parents[1] / "fuzz"


def _last_line(*command: object) -> str:
    """What a command says last; it prints its seed first, to be repeated by where it fails."""
    done = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, timeout=300, check=False
    )
    print(done.stdout, done.stderr[-5000:], sep="\n")
    assert done.returncode == 0, " ".join(map(str, command))
    return done.stdout.splitlines()[-1]


def test_broken_bundles_are_refused_in_words_or_work(bundle: Bundle) -> None:
    counts = ("--edits", 40, "--mutations", 80)
    said = _last_line(FUZZ / "break_bundles.py", *counts, "--bundle", bundle.folder)
    assert said.startswith("40 edits of router.json and 80 mutations: ")
    assert said.endswith(", 0 failed")


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_a_bundle_is_replaced_under_its_readers() -> None:
    said = _last_line(FUZZ / "replace_bundles.py", "--seconds", 3)
    assert "none half" in said
