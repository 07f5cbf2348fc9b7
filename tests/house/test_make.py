"""Where `make install` takes torch from, with interpreters that only write down what they are asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

INDEX = "https://download.pytorch.org/whl/cpu"

_PIP = """#!/bin/sh
echo "$@" >> pip.txt
case "$*" in *unreachable*) exit 1;; esac
"""
_PYTHON = f"""#!/bin/sh
case "$1" in -c) exit 0;; esac
mkdir -p .venv/bin
cat > .venv/bin/pip <<'END'
{_PIP}END
chmod +x .venv/bin/pip
"""


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    """A folder with the Makefile, what it reads, and a `python` of our own."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(root / name, tmp_path)
    _script(tmp_path / "python", _PYTHON)
    return tmp_path


def _script(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def _install(folder: Path, *variables: str, path: str = os.defpath) -> tuple[str, list[str]]:
    """What `make install` says, and what pip is asked for."""
    make = shutil.which("make")
    assert make
    done = subprocess.run(
        [make, "install", "PYTHON=./python", *variables],
        cwd=folder,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, (folder / "pip.txt").read_text().splitlines()


def test_torch_comes_from_the_index_that_is_named_before_the_rest(checkout: Path) -> None:
    said, asked = _install(checkout, "TORCH_INDEX=http://here/simple")
    assert "torch for processors, from http://here/simple" in said
    assert "PyPI" not in said
    torch, rest = asked[1:]
    assert torch.endswith("--no-deps -c constraints.txt --index-url http://here/simple torch")
    assert rest.endswith("-e .[dev]")


def test_an_index_that_cannot_be_reached_is_made_up_for_by_pypi(checkout: Path) -> None:
    said, asked = _install(checkout, "TORCH_INDEX=http://unreachable")
    assert "torch comes from PyPI, on Linux with CUDA, 6 GB in all" in said
    assert asked[-1].endswith("-e .[dev]")


def test_no_index_is_asked_where_none_is_wanted(checkout: Path) -> None:
    _, asked = _install(checkout, "TORCH_INDEX=")
    assert not [line for line in asked if "--index-url" in line]


@pytest.mark.parametrize(
    ("system", "card", "expected"),
    [("Linux", False, [INDEX]), ("Linux", True, []), ("Darwin", False, [])],
)
def test_processors_get_their_build_on_linux_without_a_card(
    checkout: Path, system: str, card: bool, expected: list[str]
) -> None:
    if Path("/proc/driver/nvidia").exists() or (not card and shutil.which("nvidia-smi", path=os.defpath)):
        pytest.skip("there is a graphics card here")
    _script(checkout / "tools" / "uname", f"#!/bin/sh\necho {system}\n")
    if card:
        _script(checkout / "tools" / "nvidia-smi", "#!/bin/sh\n")
    _, asked = _install(checkout, path=f"{checkout / 'tools'}:{os.defpath}")
    indexes = [line.split("--index-url ")[1].split()[0] for line in asked if "--index-url" in line]
    assert indexes == expected
