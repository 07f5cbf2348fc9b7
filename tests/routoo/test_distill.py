"""A nano predictor from a trained one: by Python, by command, exported and served."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.evaluation.experiment import evaluate_router
from routoo.predictor import Predictor, train
from routoo.router import Router

Routoo = Callable[..., Result]


@pytest.fixture(scope="module")
def nano(tiny_predictor: Predictor, simulated: Outcomes) -> Predictor:
    return tiny_predictor.distill(simulated, cache_dir=None, progress=False)


def test_its_bundle_says_what_it_says(nano: Predictor, simulated: Outcomes, tmp_path: Path) -> None:
    report = nano.export(tmp_path / "b")
    assert report.int8 is not None
    assert report.fp32.p_max < 1e-5
    assert report.int8.p_max < 0.02
    texts = simulated.part("test").texts
    served = Router.from_pretrained(tmp_path / "b", threads=1).predict(texts)
    said = nano.predict(texts)
    np.testing.assert_allclose(served.p_correct, said.p_correct, atol=0.02)
    again = Predictor.from_pretrained(tmp_path / "b").predict(texts)
    np.testing.assert_array_equal(again.p_correct, said.p_correct)


def test_it_takes_and_loses_models_as_any_predictor(nano: Predictor) -> None:
    gone = nano.pool.names[0]
    fewer = nano.remove_model(gone)
    prompt = ["How many apples are left?"]
    kept = nano.predict(prompt).columns(fewer.pool.names)
    np.testing.assert_allclose(fewer.predict(prompt).p_correct, kept.p_correct, atol=1e-6)
    assert gone not in fewer.pool.names


def test_its_test_prompts_are_its_teachers_whatever_its_seed(
    simulated: Outcomes, simulated_models: Pool, tmp_path: Path
) -> None:
    unsplit = Outcomes(simulated.prompts.drop("split"), simulated.outcomes, "unsplit")
    quick: dict[str, Any] = {"encoder": "tiny", "tune": "full", "epochs": 1, "members": 2, "progress": False}
    teacher = train(unsplit, simulated_models, seed=3, **quick)
    nano = teacher.distill(unsplit, seed=1, cache_dir=None, progress=False)
    assert nano.trained_on["options"]["seed"] == 1
    assert nano.trained.split.seed == teacher.trained.split.seed == 3
    assert nano.trained.split.parts == teacher.trained.split.parts
    assert nano.sample_prompts == teacher.sample_prompts  # both of the validation part
    nano.export(tmp_path / "b", int8=False)
    router = Router.from_pretrained(tmp_path / "b", threads=1)
    _, judged = evaluate_router(router, unsplit, samples=0, robustness_prompts=0)
    assert judged.prompt_ids == unsplit.with_split(seed=3).part("test").prompt_ids


def test_a_nano_is_not_distilled_again(nano: Predictor, simulated: Outcomes) -> None:
    with pytest.raises(InputError, match="is a nano predictor already"):
        nano.distill(simulated, cache_dir=None, progress=False)


def test_an_option_that_is_the_teachers_is_refused(tiny_predictor: Predictor, simulated: Outcomes) -> None:
    with pytest.raises(InputError, match="unknown options encoder; known: accelerator"):
        tiny_predictor.distill(simulated, encoder="tiny")


def test_the_command_writes_a_predictor_that_exports(
    routoo: Routoo,
    predictor_folder: Path,
    data_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # where features are kept
    out = tmp_path / "nano"
    result = routoo("distill", predictor_folder, data_folder, "-o", out, "--seed", "4", "--json")
    assert result.exit_code == 0
    trained_on = json.loads(result.stdout)["trained_on"]
    assert trained_on["options"]["seed"] == 4
    assert trained_on["teacher"]["data"] == "simulated sample"
    assert routoo("export", out, tmp_path / "bundle", "--json").exit_code == 0
    assert (tmp_path / "bundle" / "model.int8.onnx").is_file()


def test_the_command_says_what_comes_next(
    routoo: Routoo,
    predictor_folder: Path,
    data_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    result = routoo("distill", predictor_folder, data_folder, "-o", tmp_path / "nano")
    assert "token vectors of tiny" in result.stdout
    assert f"next: routoo export {tmp_path}/nano -o BUNDLE" in result.stdout
