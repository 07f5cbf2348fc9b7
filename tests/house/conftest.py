"""The checkout under test, and the files of it that a user gets."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[2]
_NOT_OURS = {".venv", "routoo-demo", "build", "dist", "out", ".whl", "__pycache__"}


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return _ROOT


@pytest.fixture(scope="session")
def project() -> dict[str, Any]:  # Any: TOML holds what it holds
    """`pyproject.toml`, read."""
    return tomllib.loads((_ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """Every file of the checkout once, by its real path, without what tools left behind."""
    return sorted(_walk(_ROOT))


def _walk(folder: Path) -> list[Path]:
    found: list[Path] = []
    for entry in folder.iterdir():
        hidden = entry.name.startswith(".") and entry.name != ".ci"
        if hidden or entry.is_symlink() or entry.name in _NOT_OURS or entry.name.endswith(".egg-info"):
            continue
        found += _walk(entry) if entry.is_dir() else [entry]
    return found
