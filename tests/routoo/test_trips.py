"""How many files a reader passes on the longest trips, but for the records and checks of the ground floor."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import numpy as np

from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.predictor import train
from routoo.router import Router

ROOT = Path(__file__).parents[2]


def passed(trip: Callable[[], object]) -> set[str]:
    """The files above `data/` in which a function ran."""
    files: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if frame.f_code.co_name != "<module>":
            files.add(frame.f_code.co_filename)

    before = sys.gettrace()
    threading.settrace(note)
    sys.settrace(note)
    try:
        trip()
    finally:
        sys.settrace(before)
        threading.settrace(None)
    rooms = ("routoo", "export", "models", "solver")
    inside = (Path(file).relative_to(ROOT).parts for file in files if file.startswith(f"{ROOT}/"))
    return {"/".join(parts) for parts in inside if parts[0] in rooms and parts[:2] != ("routoo", "data")}


def test_a_prompt_becomes_a_choice(bundle_folder: Path) -> None:
    router = Router.from_pretrained(bundle_folder).warm_up()
    files = passed(lambda: router.select("Name a river."))
    assert "routoo/router.py" in files
    assert len(files) < 11, sorted(files)


def test_outcomes_become_a_bundle(simulated: Outcomes, simulated_models: Pool, tmp_path: Path) -> None:
    def trip() -> None:
        predictor = train(
            simulated, simulated_models, encoder="tiny", tune="full", epochs=1, progress=False, cache_dir=None
        )
        predictor.export(tmp_path / "bundle", int8=False)

    files = passed(trip)
    assert "routoo/export/writer.py" in files
    assert len(files) < 41, sorted(files)


def test_many_rows_become_a_plan(bundle_folder: Path) -> None:
    router, draw = Router.from_pretrained(bundle_folder), np.random.default_rng(0)
    p, cost = draw.random((2, 50_000, 6), np.float32)
    scores = Scores(p, cost, models=router.pool.names)
    router.assign(scores, budget_usd=9_000.0)  # once, so that no class is made on the way
    files = passed(lambda: router.assign(scores, budget_usd=10_000.0))
    assert "routoo/solver/backends/dual.py" in files
    assert len(files) < 20, sorted(files)
