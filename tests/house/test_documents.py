"""Documents against the program: versions, links, examples, and the help page."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from packaging.version import Version

import routoo

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
_MACHINE_PATHS = tuple(f"/{folder}/" for folder in ("work", "tmp", "root", "home"))


@pytest.fixture(scope="session")
def pages(files: list[Path]) -> list[Path]:
    """Every page of Markdown."""
    return [file for file in files if file.suffix == ".md"]


def _blocks(page: Path, *languages: str) -> list[str]:
    return [code for language, code in _FENCE.findall(page.read_text()) if language in languages]


def test_the_changelog_starts_with_what_is_unreleased(root: Path, project: dict[str, Any]) -> None:
    titles = re.findall(r"^## (.*)$", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
    released = [Version(title.split()[0]) for title in titles[1:]]
    assert titles[0] == "Unreleased"
    assert released == sorted(released, reverse=True)
    assert all(re.fullmatch(r"\S+ \(\d{4}-\d\d-\d\d\)", title) for title in titles[1:])
    assert Version(project["project"]["version"]) >= max(released, default=Version("0"))


def test_links_between_pages_lead_somewhere(root: Path, pages: list[Path]) -> None:
    dead = [
        f"{page.relative_to(root)}: {target}"
        for page in pages
        for target in _LINK.findall(page.read_text())
        if not (page.parent / target).exists()
    ]
    assert not dead


def test_python_on_a_page_compiles_and_names_what_there_is(root: Path, pages: list[Path]) -> None:
    wrong = []
    for page in pages:
        for code in _blocks(page, "python"):
            compile(code, str(page), "exec")
            names = re.findall(r"\brouto{2}\.([A-Za-z]\w*)", "".join(_code_lines(code)))
            wrong += [
                f"{page.relative_to(root)}: routoo.{name}" for name in names if not hasattr(routoo, name)
            ]
    assert not wrong


def _code_lines(code: str) -> Iterator[str]:
    """Lines without imports, where a dotted name is a module."""
    return (line for line in code.splitlines(keepends=True) if not re.match(r"\s*(from|import) ", line))


def test_toml_on_a_page_reads(pages: list[Path]) -> None:
    for page in pages:
        for code in _blocks(page, "toml"):
            tomllib.loads(code)


def test_commands_on_a_page_parse(root: Path, pages: list[Path]) -> None:
    lines = [
        (page.relative_to(root), line)
        for page in pages
        if page.name != "help.md"
        for block in _blocks(page, "console", "bash", "sh", "shell")
        for line in _commands(block)
    ]
    wrong = [f"{page}: {line}: {fault}" for page, line in lines if (fault := _fault(line))]
    assert not wrong


def _commands(block: str) -> Iterator[str]:
    """The `routoo` part of every line that runs it, with continued lines joined."""
    for line in block.replace("\\\n", " ").splitlines():
        found = re.search(r"(?:^|[|;&$/]\s*)(routoo\s[^|;&>#]*)", line)
        if found:
            yield found[1]


def _fault(line: str) -> str | None:
    """Why the command line refuses `line`, looking at names and counts but not at values, or None."""
    from routoo.cli import app

    command: Any = typer.main.get_command(app)  # Any: typer keeps its copy of click to itself
    words = shlex.split(line)[1:]
    try:
        while True:
            context = command.context_class(command)
            _, words, _ = command.make_parser(context).parse_args(args=words)
            if not words or not hasattr(command, "resolve_command"):
                return f"what is {shlex.join(words)}?" if words else None
            _, command, words = command.resolve_command(context, words)
    except Exception as fault:  # whatever it is, it is the finding
        return str(fault)


@pytest.mark.parametrize(
    "line", ["routoo nope", "routoo train x --bogus 3", "routoo assign b --budget-usd", "routoo demo a b"]
)
def test_a_command_that_would_be_refused_is_noticed(line: str) -> None:
    assert _fault(line)


def test_targets_on_a_page_are_in_the_makefile(root: Path, pages: list[Path]) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))
    named = {
        name
        for page in pages
        for name in re.findall(r"(?:^ {4}|`|\$ )make ([a-z-]+)", page.read_text(), re.M)
    }
    assert {"demo", "test"} <= named <= targets


def test_the_help_page_is_fresh(root: Path) -> None:
    words = [sys.executable, "-m", "typer", "routoo.cli", "utils", "docs", "--name", "routoo"]
    written = subprocess.run(words, cwd=root, capture_output=True, text=True, check=True, timeout=30)
    assert (root / "docs" / "help.md").read_text().strip() == written.stdout.strip(), "run `make docs`"


def test_nothing_names_the_machine_it_was_written_on(root: Path, files: list[Path]) -> None:
    found = [
        f"{file.relative_to(root)}: {path}"
        for file in files
        for path in _MACHINE_PATHS
        if path in file.read_text(errors="replace")
    ]
    assert not found
