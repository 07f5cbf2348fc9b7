"""The benchmark of tokens, seconds and spends, on a bundle of the simulated sample."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from routoo.data.pool import Pool

_SCRIPT = Path(__file__).parents[3] / "benchmarks" / "usage.py"


@pytest.fixture
def app() -> typer.Typer:
    spec = importlib.util.spec_from_file_location("benchmark_usage", _SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app = typer.Typer()
    app.command()(module.main)
    return app


@pytest.fixture
def arguments(data_folder: Path, bundle_folder: Path, simulated_models: Pool, tmp_path: Path) -> list[str]:
    simulated_models.write(tmp_path / "pool.toml")
    return [str(data_folder), "--bundle", str(bundle_folder), "--pool", str(tmp_path / "pool.toml")]


def test_the_document_has_errors_and_spends(app: typer.Typer, arguments: list[str]) -> None:
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    document = json.loads(result.stdout)
    assert document["n_prompts"] == document["split"]["test"]
    assert {error["quantity"] for error in document["usage"]} >= {"output_tokens"}
    assert document["spending"]["errors"][0]["predicted_usd"] > 0


def test_the_tables_name_what_is_judged(app: typer.Typer, arguments: list[str]) -> None:
    shown = CliRunner().invoke(app, arguments, catch_exceptions=False).stdout
    assert "output_tokens" in shown
    assert "by call" in shown
    assert "area of choosing by call less by mean cost" in shown
