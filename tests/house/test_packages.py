"""The package list in `pyproject.toml` against the folders on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

FLOORS = ("data", "export", "models", "solver")


def test_every_folder_of_code_is_a_listed_package(
    root: Path, project: dict[str, Any], files: list[Path]
) -> None:
    folders = {file.parent.relative_to(root) for file in files if file.suffix == ".py"}
    code = {folder for folder in folders if folder.parts and folder.parts[0] in ("routoo", *FLOORS)}
    names = {".".join(_under_routoo(folder)) for folder in code}
    assert names == set(project["tool"]["setuptools"]["packages"])
    assert not [folder for folder in code if not (root / folder / "__init__.py").is_file()]


def _under_routoo(folder: Path) -> tuple[str, ...]:
    return folder.parts if folder.parts[0] == "routoo" else ("routoo", *folder.parts)


def test_the_build_finds_the_floors_at_the_root(root: Path, project: dict[str, Any]) -> None:
    expected = {"routoo": "routoo"} | {f"routoo.{floor}": floor for floor in FLOORS}
    assert project["tool"]["setuptools"]["package-dir"] == expected


def test_links_make_the_same_names_true_on_disk(root: Path) -> None:
    links = {path.name: path.readlink() for path in (root / "routoo").iterdir() if path.is_symlink()}
    assert links == {floor: Path("..") / floor for floor in FLOORS}


def test_what_is_not_code_but_is_read_is_packaged(
    root: Path, project: dict[str, Any], files: list[Path]
) -> None:
    listed = project["tool"]["setuptools"]["package-data"]
    packaged = {
        path
        for package, patterns in listed.items()
        for pattern in patterns
        for path in (root / package.replace(".", "/")).glob(pattern)
    }
    left_out = [
        file.relative_to(root)
        for file in files
        if file.relative_to(root).parts[0] in ("routoo", *FLOORS) and file.suffix != ".py"
        if file not in packaged
    ]
    assert not left_out
