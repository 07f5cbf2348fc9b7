"""What tests of graders share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def grader_file(tmp_path: Path) -> Callable[[str], str]:
    """Writes a file of a user's own, and says where."""

    def write(source: str) -> str:
        path = tmp_path / "mine.py"
        path.write_text(source)
        return str(path)

    return write
