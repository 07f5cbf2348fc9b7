"""A predictor trained on a few simulated prompts, its bundle, and the command line in process."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from simulated.outcomes import simulated_outcomes, simulated_pool
from typer.testing import CliRunner, Result

from routoo.cli import app
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.predictor import Predictor, train

Routoo = Callable[..., Result]


@pytest.fixture(scope="session", autouse=True)
def _no_network_is_traced_twice(traced_once: None) -> None: ...


@pytest.fixture
def routoo() -> Routoo:
    """Runs the command line in process: `routoo("pool", "show", path).stdout`."""

    def run(*arguments: object, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(app, [str(a) for a in arguments], input=stdin, catch_exceptions=False)

    return run


@pytest.fixture(scope="session")
def simulated() -> Outcomes:
    """Two hundred simulated prompts with a split, and what models answered."""
    found = simulated_outcomes(200).with_split(val=0.2, test=0.2)
    right = pl.col("score") > 0.5
    said = pl.when(right).then(pl.lit("right")).otherwise(pl.lit("wrong"))
    return Outcomes(found.prompts, found.outcomes.with_columns(response=said), found.name)


@pytest.fixture(scope="session")
def simulated_models() -> Pool:
    """The six simulated models."""
    return simulated_pool()


@pytest.fixture(scope="session")
def data_folder(simulated: Outcomes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same prompts on disk, with no pool beside them."""
    folder = tmp_path_factory.mktemp("recorded") / "simulated"
    simulated.write(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_predictor(simulated: Outcomes, simulated_models: Pool) -> Predictor:
    """A predictor with a tiny encoder that saw every prompt twice."""
    return train(simulated, simulated_models, encoder="tiny", tune="full", epochs=2, progress=False)


@pytest.fixture(scope="session")
def predictor_folder(tiny_predictor: Predictor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny predictor on disk."""
    folder = tmp_path_factory.mktemp("trained") / "predictor"
    tiny_predictor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def bundle_folder(tiny_predictor: Predictor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the tiny predictor."""
    folder = tmp_path_factory.mktemp("exported") / "bundle"
    tiny_predictor.export(folder)
    return folder
