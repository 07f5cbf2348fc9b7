"""Runs a folder of cases: what each prints beside what it should, and whether a known one is wrong.

A case is a folder `NUMBER-name` with a script `cmd`, which is given `ROUTOO` (the command line), `PY`
(its Python) and `BUNDLE` (a bundle of `routoo demo`), and with `expected.txt`, which is prose. What of that
can be checked stands in `cases.toml`; a case that is not listed there is only shown.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMAND = str(Path(sys.executable).with_name("routoo"))
CHECKOUT = {"PYTHONPATH": str(ROOT)}
LIMIT_S = 600.0


@dataclass(frozen=True)
class Check:
    """What is known of a right answer; expressions are searched over lines, `.` stays within one."""

    code: int | None = None
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()

    def faults(self, code: int, output: str) -> list[str]:
        """What is wrong, in words."""
        found = [] if self.code in (None, code) else [f"exit {code} in place of {self.code}"]
        found += [f"lacks {one}" for one in self.has if not re.search(one, output, re.MULTILINE)]
        return found + [f"has {one}" for one in self.lacks if re.search(one, output, re.MULTILINE)]


def read_checks(path: Path) -> dict[str, Check]:
    """The checks by the number of their case."""
    tables = tomllib.loads(path.read_text())
    return {
        number: Check(fields.get("code"), tuple(fields.get("has", ())), tuple(fields.get("lacks", ())))
        for number, fields in tables.items()
    }


def run_case(case: Path, bundle: Path) -> tuple[int, str]:
    """Exit status and output of a case; whatever it started ends with it."""
    told = {"ROUTOO": COMMAND, "PY": sys.executable, "BUNDLE": str(bundle.resolve())}
    with subprocess.Popen(
        ["bash", str(case / "cmd")],
        env={**os.environ, **CHECKOUT, **told},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as running:
        try:
            output, _ = running.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            output, _ = running.communicate()
            output += f"\nstopped after {LIMIT_S:.0f} s"
        return running.returncode, output


def bundle_of_demo(folder: Path) -> Path:
    """A bundle of a short demo, made once."""
    bundle = folder / "bundle"
    if not bundle.is_dir():
        print("making a bundle", flush=True)
        command = [COMMAND, "demo", str(folder), "--prompts", "600", "--quiet"]
        subprocess.run(command, env={**os.environ, **CHECKOUT}, stdout=subprocess.DEVNULL, check=True)
    return bundle


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder of cases")
    parser.add_argument("--only", default="", help="numbers of the cases to run, such as '01 02'")
    parser.add_argument("--bundle", type=Path, help="a bundle of `routoo demo`; unless given, one is made")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        print(f"skipped: there is no folder of cases {options.folder}")
        return 0
    only = options.only.replace(",", " ").split()
    cases = {path.parent.name.partition("-")[0]: path.parent for path in sorted(options.folder.glob("*/cmd"))}
    if unknown := set(only) - set(cases):
        parser.error(
            f"no case {', '.join(sorted(unknown))} in {options.folder}; there are {', '.join(cases)}"
        )
    checks = read_checks(Path(__file__).with_suffix(".toml"))
    bundle = options.bundle or bundle_of_demo(ROOT / "build" / "cases")
    wrong, unchecked = [], []
    for number in only or cases:
        started = time.monotonic()
        code, output = run_case(cases[number], bundle)
        print(f"\n{cases[number].name}: exit {code}, {time.monotonic() - started:.1f} s")
        print(textwrap.indent(output.rstrip(), "    | "))
        print(textwrap.indent((cases[number] / "expected.txt").read_text().rstrip(), "    expected: "))
        if number not in checks:
            unchecked.append(number)
            continue
        faults = checks[number].faults(code, output)
        wrong += [number] if faults else []
        print(
            textwrap.indent("\n".join(faults) or "as expected", "    WRONG: " if faults else "    "),
            flush=True,
        )
    ran = len(only or cases)
    print(
        f"\n{ran} cases, {ran - len(wrong) - len(unchecked)} as expected, "
        f"wrong: {' '.join(wrong) or 'none'}, not checked: {' '.join(unchecked) or 'none'}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
