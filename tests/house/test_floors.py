"""Arrows go down only: which floor imports which, read off the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

MAY_USE: dict[str, set[str]] = {
    "data": set(),
    "models": {"data"},
    "solver": {"data"},
    "export": {"data", "models"},
    "routoo": {"data", "models", "solver", "export", "routoo"},
}
WRITING_HALF = {"onnx", "writer"}
NUMBERS_ALONE = "routoo.models.signals.answer_model.AnswerModel"
"""What of `models` is read from a bundle when it is served: it needs numpy and no more."""
OF_TRAINING = {"torch", "lightning", "transformers", "onnx", "onnxscript"}


@pytest.mark.parametrize("floor", MAY_USE)
def test_a_floor_imports_only_what_lies_below(root: Path, files: list[Path], floor: str) -> None:
    wrong = [
        f"{file.relative_to(root)}:{line} imports {module}"
        for file in _code(root / floor, files)
        for line, module in _imports(ast.parse(file.read_text()))
        if module.split(".")[0] == "routoo" and _floor(module) not in MAY_USE[floor] | {floor}
    ]
    assert not wrong


def test_nobody_imports_a_floor_by_its_bare_name(root: Path, files: list[Path]) -> None:
    wrong = [
        f"{file.relative_to(root)}:{line} imports {module}"
        for file in files
        if file.suffix == ".py"
        for line, module in _imports(ast.parse(file.read_text()))
        if module.split(".")[0] in {"data", "models", "solver", "export"}
    ]
    assert not wrong


def test_the_runtime_half_of_export_needs_nothing_of_training(root: Path, files: list[Path]) -> None:
    wrong = [
        f"{file.relative_to(root)}:{line} imports {module}"
        for file in _code(root / "export", files)
        if file.stem not in WRITING_HALF
        for line, module in _imports(ast.parse(file.read_text()))
        if module.split(".")[0] in OF_TRAINING or (_floor(module) == "models" and module != NUMBERS_ALONE)
    ]
    assert not wrong


def test_no_files_import_each_other(root: Path, files: list[Path]) -> None:
    """Nor in a round of three or more, nor for type checkers alone."""
    code = {_module(file.relative_to(root)): file for floor in MAY_USE for file in _code(root / floor, files)}
    uses = {
        module: {
            name if name in code else name.rpartition(".")[0]
            for _, name in _imports(ast.parse(file.read_text()))
        }
        & code.keys() - {module}
        for module, file in code.items()
    }
    try:
        TopologicalSorter(uses).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def _module(file: Path) -> str:
    """`routoo.data.pool` for `data/pool.py`, and the name of the folder for its `__init__.py`."""
    parts = file.with_suffix("").parts
    return ".".join([*([] if parts[0] == "routoo" else ["routoo"]), *parts]).removesuffix(".__init__")


def _code(folder: Path, files: list[Path]) -> list[Path]:
    return [file for file in files if folder in file.parents and file.suffix == ".py"]


def _floor(module: str) -> str:
    """`data` for `routoo.data.pool`, and `routoo` for what belongs to the face."""
    parts = module.split(".")
    return parts[1] if parts[0] == "routoo" and len(parts) > 1 and parts[1] in MAY_USE else "routoo"


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full module of every import, wherever it stands; `from a import b` may mean module `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module or '.'}.{name.name}") for name in node.names)
