"""Prompts still expected, by the forecast and by the clock."""

import pytest

from routoo.data.errors import InputError
from routoo.solver.online.volume import ToCome, Volume


def likely(volume: Volume, progress: float | None = None) -> float:
    return volume.to_come(progress, None).likely


def test_without_a_clock_the_forecast_holds_and_some_are_always_likely() -> None:
    assert likely(Volume(1000)) == 1000
    assert likely(Volume(1000, seen=400)) == 600
    assert Volume(1000, seen=999).to_come(None, None) == ToCome(1, 10, 1001)
    assert Volume(1000, seen=3000).to_come(None, None) == ToCome(1, 30, 30)
    assert likely(Volume(3)) == 3


def test_with_a_clock_what_has_come_outweighs_the_forecast() -> None:
    assert likely(Volume(1000), 0.0) == pytest.approx(1000, rel=0.1)
    assert likely(Volume(1000, seen=999), 0.5) == pytest.approx(1000, rel=0.05)
    assert likely(Volume(None, seen=99), 0.25) == pytest.approx(300)
    assert likely(Volume(1000, seen=500), 1.0) == 1


def test_a_clock_that_goes_back_stands_still_and_one_that_stops_is_believed() -> None:
    volume = Volume(1000, seen=499)
    ahead = likely(volume, 0.5)
    assert likely(volume, 0.1) == ahead
    volume.seen += 100
    assert likely(volume) == pytest.approx(ahead - 100)


def test_money_is_left_for_twice_the_forecast_unless_more_is_known() -> None:
    assert Volume(1000, seen=300).to_come(None, None).most == 1700
    assert Volume(1000, seen=300).to_come(None, 1500).most == 1200
    told = Volume(1000, seen=300).to_come(0.3, None)
    assert told.most == told.likely == told.foretold


def test_a_period_of_which_nothing_is_known_is_refused() -> None:
    with pytest.raises(InputError, match="expected_prompts, or the progress"):
        likely(Volume(None))
    with pytest.raises(InputError, match="at most 1"):
        likely(Volume(9), 1.5)
