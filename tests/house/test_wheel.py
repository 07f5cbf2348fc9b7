"""What a user installs: the wheel and the source archive, built from a copy and imported from elsewhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

# Each floor and each public name, and where its code came from.
_LOOK = """
import importlib, sys
from pathlib import Path
import routoo
modules = [importlib.import_module(name) for name in sys.argv[2:]]
modules += [sys.modules[getattr(routoo, name).__module__] for name in routoo.__all__]
home = Path(sys.argv[1])
print(*(module.__name__ for module in modules if home not in Path(module.__file__).parents))
"""


@pytest.fixture(scope="module")
def built(root: Path, files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a source archive and of the wheel built from that archive."""
    copy, dist = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("dist")
    for file in files:
        target = copy / file.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(dist), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return dist


@pytest.fixture(scope="module")
def unpacked(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files, as an install lays them down."""
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(
    root: Path, files: list[Path], unpacked: Path
) -> None:
    floors = {"data", "export", "models", "solver"}
    ours = {file.relative_to(root) for file in files}
    expected = {file for file in ours if file.parts[0] == "routoo"}
    expected |= {Path("routoo") / file for file in ours if file.parts[0] in floors}
    packed = {file.relative_to(unpacked) for file in unpacked.rglob("*") if file.is_file()}
    assert {file for file in packed if not file.parts[0].endswith(".dist-info")} == expected
    assert Path("routoo/py.typed") in expected
    assert [file for file in packed if file.name == "LICENSE"]


def test_the_wheel_works_where_there_is_no_checkout(
    project: dict[str, Any], unpacked: Path, tmp_path: Path
) -> None:
    packages = project["tool"]["setuptools"]["packages"]
    done = subprocess.run(
        [sys.executable, "-c", _LOOK, str(unpacked), *packages],
        cwd=tmp_path,
        env={"PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_the_command_of_the_wheel_answers(unpacked: Path, tmp_path: Path) -> None:
    code = "import sys; from routoo.cli import main; sys.argv[0] = 'routoo'; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert "assign" in done.stdout
    (entry_points,) = unpacked.glob("*.dist-info/entry_points.txt")
    assert "routoo = routoo.cli:main" in entry_points.read_text()


def test_the_source_archive_is_enough_to_build_and_to_license(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.split("/", 1)[-1] for name in opened.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml", "data/outcomes.py", "routoo/py.typed"} <= names
