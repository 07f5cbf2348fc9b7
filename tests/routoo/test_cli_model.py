"""Models that come and go on the command line, and what is left when the predictor is exported."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import Result

from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.predictor import Predictor
from routoo.router import Router

Routoo = Callable[..., Result]

TWIN = PoolModel(name="twin", usd_per_1m_input=3.0, usd_per_1m_output=9.0)


@pytest.fixture
def twins(simulated: Outcomes, tmp_path: Path) -> Path:
    """Outcomes of a model that did what the large one did on eighty prompts."""
    seen = simulated.part("train", "val").outcomes
    mine = seen.filter(model="simulated-large").sort("prompt_id").head(80)
    mine = mine.with_columns(pl.lit("twin").alias("model"))
    folder = tmp_path / "twins"
    Outcomes(simulated.prompts, pl.concat([seen, mine]), "twins").write(folder)
    return folder


@pytest.fixture
def prices(simulated_models: Pool, tmp_path: Path) -> Path:
    """A pool file with the known models, the twin and a model of which nothing is known."""
    path = tmp_path / "prices.toml"
    Pool((*simulated_models.models, TWIN)).write(path)
    path.write_text(f"{path.read_text()}\n[[model]]\nname = 'unpriced'\n")
    return path


def test_a_model_is_added_exported_and_routed_to(
    routoo: Routoo, predictor_folder: Path, simulated: Outcomes, twins: Path, prices: Path, tmp_path: Path
) -> None:
    after = tmp_path / "after"
    result = routoo("model", "add", predictor_folder, twins, "--model", "twin", "--pool", prices, "-o", after)
    assert result.exit_code == 0
    assert "7 models; 'twin' learned from 80 prompts" in result.stdout
    assert f"next: routoo export {after} -o BUNDLE" in result.stdout
    before, found = Predictor.from_pretrained(predictor_folder), Predictor.from_pretrained(after)
    assert found.pool["twin"] == TWIN
    texts = simulated.texts[:30]
    was, now = before.predict(texts), found.predict(texts)
    for field in ("p_correct", "cost_usd"):
        np.testing.assert_allclose(getattr(now, field)[:, :6], getattr(was, field), rtol=1e-5, atol=1e-7)
    assert routoo("export", after, tmp_path / "bundle", "-q").exit_code == 0  # refused were graphs to differ
    router = Router.from_pretrained(tmp_path / "bundle", int8=False)
    served = router.predict(texts)
    assert served.models[-1] == "twin"
    np.testing.assert_allclose(served.p_correct, now.p_correct, atol=1e-4)
    np.testing.assert_allclose(served.cost_usd, now.cost_usd, rtol=1e-3)
    assert router.select(texts[0], models=["twin"]).model == "twin"


def test_a_model_is_removed(routoo: Routoo, predictor_folder: Path, tmp_path: Path) -> None:
    result = routoo(
        "model", "remove", predictor_folder, "--model", "simulated-tiny", "-o", tmp_path / "p", "--json"
    )
    assert result.exit_code == 0
    models = json.loads(result.stdout)["models"]
    assert len(models) == 5
    assert "simulated-tiny" not in models
    assert Predictor.from_pretrained(tmp_path / "p").pool.names == tuple(models)


def test_prices_change(
    routoo: Routoo, predictor_folder: Path, simulated: Outcomes, simulated_models: Pool, tmp_path: Path
) -> None:
    rows = [
        {**row, "usd_per_1m_input": 5.0, "usd_per_1m_output": 5.0} for row in simulated_models.to_records()
    ]
    Pool.from_records(rows).write(tmp_path / "flat.toml")
    result = routoo(
        "model", "price", predictor_folder, "--pool", tmp_path / "flat.toml", "-o", tmp_path / "p"
    )
    assert result.exit_code == 0
    before, after = Predictor.from_pretrained(predictor_folder), Predictor.from_pretrained(tmp_path / "p")
    was, now = before.predict(simulated.texts[:9]), after.predict(simulated.texts[:9])
    np.testing.assert_array_equal(was.p_correct, now.p_correct)
    assert now.output_tokens is not None
    assert (now.cost_usd > 5e-6 * now.output_tokens).all()


def test_prices_of_a_bundle_change_without_torch(
    bundle_folder: Path, simulated_models: Pool, tmp_path: Path
) -> None:
    flat = [{**row, "usd_per_1m_output": 5.0} for row in simulated_models.to_records()]
    Pool.from_records(flat).write(tmp_path / "flat.toml")
    command = ["model", "price", str(bundle_folder), "--pool", "flat.toml", "-o", "repriced"]
    script = (
        f"import sys; from routoo.cli import app; app({command}, standalone_mode=False); "
        "assert not {'torch', 'lightning', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=60)
    before, after = Router.from_pretrained(bundle_folder), Router.from_pretrained(tmp_path / "repriced")
    assert [model.usd_per_1m_output for model in after.pool.models] == [5.0] * 6
    assert (before.validation is None, after.validation is None) == (False, True)
    was, now = before.predict(["Hi"]), after.predict(["Hi"])
    np.testing.assert_array_equal(was.p_correct, now.p_correct)
    assert (was.cost_usd != now.cost_usd).any()


def test_a_file_of_scores_is_learned_from_but_for_what_is_in_test(
    routoo: Routoo, predictor_folder: Path, simulated: Outcomes, prices: Path, tmp_path: Path
) -> None:
    split = pl.Series("split", [*["train"] * 40, *["test"] * 5])
    scored = simulated.part("train", "val").prompts.head(45).select("prompt")
    scored = scored.with_columns(split, pl.lit("twin").alias("model"), score=pl.Series([1.0, 0.0, 0.5] * 15))
    scored.write_csv(tmp_path / "scored.csv")
    after, new = tmp_path / "after", ("--model", "twin", "--pool", prices)
    result = routoo("model", "add", predictor_folder, tmp_path / "scored.csv", *new, "-o", after)
    assert result.exit_code == 0
    assert "'twin' learned from 40 prompts" in result.stdout
    found = Predictor.from_pretrained(after)
    assert found.trained_on["added"] == [{"model": "twin", "data": "scored", "prompts": 40}]
    assert abs(found.predict(simulated.texts).p_correct[:, -1].mean() - 0.5) < 0.2


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["add", "{p}", "{d}", "--model", "simulated-large", "--pool", "{f}", "-o", "{o}"], "already"),
        (["add", "{p}", "{d}", "--model", "ghost", "--pool", "{f}", "-o", "{o}"], "no price for ghost"),
        (
            ["add", "{p}", "{d}", "--model", "unpriced", "--pool", "{f}", "-o", "{o}"],
            "lacks usd_per_1m_input",
        ),
        (["remove", "{p}", "--model", "ghost", "-o", "{o}"], "unknown model 'ghost'"),
        (["price", "{p}", "--pool", "{f}", "-o", "{o}"], "lacks usd_per_1m_input"),
        (["remove", "{p}", "--model", "simulated-tiny", "-o", "{d}"], "holds other files"),
        (["remove", "{d}", "--model", "simulated-tiny", "-o", "{o}"], "router.json is missing"),
        (
            ["remove", "{d}/missing", "--model", "simulated-tiny", "-o", "{o}"],
            "missing: no such folder; `routoo train` writes a predictor",
        ),
    ],
)
def test_what_cannot_be_done_is_said(
    routoo: Routoo,
    predictor_folder: Path,
    twins: Path,
    prices: Path,
    tmp_path: Path,
    command: list[str],
    words: str,
) -> None:
    places = {"p": predictor_folder, "d": twins, "f": prices, "o": tmp_path / "o"}
    result = routoo("model", *(part.format(**places) for part in command))
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in " ".join(result.stderr.split())
    assert not (tmp_path / "o").exists()
