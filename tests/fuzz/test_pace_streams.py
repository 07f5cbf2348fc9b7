"""A share of the long run in every run of the tests, with a fresh seed that is said where it fails."""

import numpy as np
import pytest
from pace_streams import check, check_threads, make_stream, run

from routoo.solver.online.purse import Purse
from routoo.solver.pacer import Pacer

STREAMS = 25


def test_streams_that_drift_are_paced_as_stated() -> None:
    seed = np.random.SeedSequence().generate_state(1).item()
    wrong = {f"--seed {seed} --first {index}": run(seed, index) for index in range(STREAMS)}
    assert not {stream: faults for stream, faults in wrong.items() if faults}


def test_a_pacer_that_forgets_calls_under_way_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Purse, "settle", lambda purse, ticket, _: purse.bookings.take(ticket) is not None)
    found = [what for index in range(9) for what in check(make_stream(1, index), np.random.default_rng(0))]
    assert any("under way" in what for what in found)
    assert any("is taken" in what or "changed the state" in what or "calm stream" in what for what in found)


def test_threads_that_get_the_same_ticket_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    select = Pacer.select

    def forgets(pacer: Pacer, *args: object, **fields: object) -> object:
        pacer._volume.seen = 0
        return select(pacer, *args, **fields)  # type: ignore[arg-type]  # whatever came

    monkeypatch.setattr(Pacer, "select", forgets)
    assert "of them different" in check_threads(1, 1)[0]
