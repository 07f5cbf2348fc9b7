"""UCCI as published (`ucci-router` 0.1.1), in an environment of its own.

This file is run there too, by `thresholds`: that half needs numpy and `ucci` alone.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

PACKAGE = "ucci-router==0.1.1"
ENVIRONMENT = Path.home() / ".cache" / "routoo" / "benchmarks" / "ucci"
CALIBRATION = 0.6  # of what is learned from; the rest validates: 30 and 20 % in its paper


def environment() -> Path:
    """The interpreter of an environment with UCCI, which is made where there is none."""
    python = ENVIRONMENT / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (ENVIRONMENT / "ready").exists():
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PACKAGE], check=True)
        (ENVIRONMENT / "ready").touch()
    return python


def thresholds(
    learned: dict[str, Vector], uncertainty: Vector, budgets: Vector, costs: tuple[float, float]
) -> tuple[Vector, Vector]:
    """P(wrong) of each judged answer, and the threshold above which to escalate at each budget.

    Args:
        learned: `u`, `small` and `large`: uncertainty and both scores of what is learned from.
        uncertainty: Of the judged answers.
        budgets: A prompt.
        costs: Of the small and the large model.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder, "given.npz"), Path(folder, "found.npz")
        arrays = {**learned, "judged": uncertainty, "budgets": budgets, "costs": np.array(costs)}
        np.savez(given, allow_pickle=False, **arrays)
        subprocess.run([environment(), __file__, given, found], check=True)
        with np.load(found) as chosen:
            return chosen["p_wrong"], chosen["threshold"]


def _run(given: Path, found: Path) -> None:
    from ucci import UCCIRouter  # type: ignore[import-not-found]  # in its own environment alone

    with np.load(given) as arrays:
        data: dict[str, Any] = dict(arrays)
    cut = int(CALIBRATION * len(data["u"]))
    router = UCCIRouter(*data["costs"].tolist(), cost_model="sequential")
    router.calibrate(data["u"][:cut], 1 - data["small"][:cut])
    validation = data["u"][cut:], data["small"][cut:], data["large"][cut:]
    threshold = [router.choose_threshold_for_budget(*validation, budget).theta for budget in data["budgets"]]
    np.savez(found, p_wrong=router.error_probability(data["judged"]), threshold=threshold)


if __name__ == "__main__":
    _run(Path(sys.argv[1]), Path(sys.argv[2]))
