"""A small share of the calls that `make fuzz` makes with odd values: an answer, or an error of ours."""

import secrets
from pathlib import Path

import pytest

from routoo.predictor import Predictor

CALLS = 400


def test_odd_values_end_in_an_answer_or_in_an_error_of_ours(
    tiny_predictor: Predictor, bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "fuzz")
    import call_doors

    seed = secrets.token_hex(4)
    print(f"python tests/fuzz/call_doors.py --calls {CALLS} --seed {seed}")
    world = call_doors.World.of(tiny_predictor, bundle_folder)
    ends = [call_doors.outcome(world, f"{seed}/{at}") for at in range(CALLS)]
    assert [end for end in ends if end[1] not in ("answer", "error of ours")] == []
    assert sum(end == "answer" for _, end in ends) > CALLS / 20
