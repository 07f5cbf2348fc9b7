"""What every test may use."""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import typer.main
import typer.testing

if TYPE_CHECKING:
    from routoo.models.network.network import RouterNetwork

_BESIDE = Path(__file__).parents[2] / "shared" / "data"
RECORDED = Path(os.environ.get("ROUTOO_RECORDED", _BESIDE))


@pytest.fixture(autouse=True)
def _seeds() -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - third-party code under test may still use the legacy generator


@pytest.fixture(scope="session", autouse=True)
def _no_long_waits() -> Iterator[None]:
    """The tree of commands is built once; files need not reach the disk: no test outlives a loss of power."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", functools.cache(typer.main.get_command))
        patch.setattr("os.fsync", lambda fd: None)
        yield


@pytest.fixture(scope="session")
def traced_once() -> Iterator[None]:
    """A network that is exported again is not traced again."""
    import onnx

    from routoo.export.onnx import to_onnx

    traced: dict[bytes, bytes] = {}

    def once(network: RouterNetwork) -> onnx.ModelProto:
        weights = [(name, value.numpy()) for name, value in network.state_dict().items()]
        key = hashlib.sha256(pickle.dumps((network.config, weights))).digest()
        if key not in traced:
            traced[key] = to_onnx(network).SerializeToString()
        return onnx.load_model_from_string(traced[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("routoo.export.writer.to_onnx", once)
        yield


@pytest.fixture
def recorded() -> Path:
    """The folder of recorded outcome sets; the test is skipped where there is none."""
    if not RECORDED.is_dir():
        pytest.skip("no recorded outcome sets here; set ROUTOO_RECORDED to their folder")
    return RECORDED
