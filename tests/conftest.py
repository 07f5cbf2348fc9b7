"""What every test may use."""

import os
import random
from pathlib import Path

import numpy as np
import pytest

_BESIDE = Path(__file__).parents[2] / "shared" / "data"
RECORDED = Path(os.environ.get("ROUTOO_RECORDED", _BESIDE))


@pytest.fixture(autouse=True)
def _seeds() -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - third-party code under test may still use the legacy generator


@pytest.fixture
def recorded() -> Path:
    """The folder of recorded outcome sets; the test is skipped where there is none."""
    if not RECORDED.is_dir():
        pytest.skip("no recorded outcome sets here; set ROUTOO_RECORDED to their folder")
    return RECORDED
