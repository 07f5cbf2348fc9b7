"""The public names, and what importing them costs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import routoo

HEAVY = {"torch", "cvxpy", "polars", "onnxruntime", "transformers", "lightning", "sklearn", "scipy", "altair"}


def test_every_public_name_resolves() -> None:
    for name in routoo.__all__:
        assert getattr(routoo, name).__name__ == name
    assert set(routoo.__all__) <= set(dir(routoo))


def test_the_three_lists_of_public_names_agree(root: Path) -> None:
    tree = ast.parse((root / "routoo" / "__init__.py").read_text())
    (block,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )
    for_checkers = {
        name.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    assert for_checkers == routoo._HOME
    assert sorted(routoo.__all__) == sorted(routoo._HOME)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'Ruter'; it has .*Router"):
        _ = routoo.Ruter


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("routoo", HEAVY),
        ("routoo.cli", HEAVY),
        ("routoo.solver", {"torch", "cvxpy", "onnxruntime", "transformers"}),
        ("routoo.data", {"torch", "cvxpy", "onnxruntime", "transformers"}),
        ("routoo.export.bundle", {"torch", "cvxpy", "transformers", "lightning", "onnx"}),
        ("routoo.models.baselines", HEAVY),
        ("routoo.models.signals.registry", HEAVY),
        ("routoo.models.signals.calibration", HEAVY),
        ("routoo.models.signals.fusion", HEAVY),
        ("routoo.router", {"torch", "transformers", "lightning", "onnx", "sklearn"}),
    ],
)
def test_an_import_loads_only_its_own_weight(tmp_path: Path, module: str, never: set[str]) -> None:
    assert not _loaded_by(f"import {module}", tmp_path) & never


def test_no_module_of_the_solver_loads_a_library_of_solving_or_learning(root: Path, tmp_path: Path) -> None:
    files = (file.relative_to(root).with_suffix("") for file in (root / "solver").rglob("*.py"))
    loaded = _loaded_by("; ".join(f"import {'.'.join(('routoo', *file.parts))}" for file in files), tmp_path)
    assert not loaded & {"cvxpy", "highspy", "torch", "scipy", "onnxruntime"}


def _loaded_by(statement: str, folder: Path) -> set[str]:
    """Names of the modules that a clean interpreter holds after `statement`."""
    ask = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", ask], cwd=folder, capture_output=True, text=True, check=True, timeout=30
    )
    return set(json.loads(answer.stdout))
