"""No sixty seconds hold more than the limits allow, and nobody waits for nothing."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.pool import PoolModel
from routoo.data.rates import DAY_S, Rate
from routoo.members.clock import Clock
from routoo.members.limiter import CONCURRENCY, Limiter


class Simulated:
    """Seconds that pass when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.seconds, sleep=self.sleep)


def begun(limiter: Limiter, simulated: Simulated, tokens: list[float]) -> list[float]:
    """When calls of so many tokens begin that are all there from the start."""

    async def run() -> list[float]:
        found = []
        for count in tokens:
            async with limiter.slot(count):
                found.append(simulated.seconds)
        return found

    return asyncio.run(run())


def test_requests_of_a_minute_begin_at_once_and_the_next_a_minute_later() -> None:
    simulated = Simulated()
    limiter = Limiter([Rate("minute", requests=2)], clock=simulated.clock)
    assert begun(limiter, simulated, [0] * 5) == [0, 0, 60, 60, 120]


def test_a_day_is_kept_beside_its_minutes_and_a_long_wait_is_said_once() -> None:
    simulated, said = Simulated(), list[str]()
    rates = [Rate("minute", requests=2), Rate("day", requests=3, tokens=100)]
    limiter = Limiter(rates, clock=simulated.clock, on_remark=said.append)
    found = begun(limiter, simulated, [10, 10, 10, 80, 15, 1, 1])
    assert found == [0, 0, 60, DAY_S, DAY_S + 60, DAY_S + 60, 2 * DAY_S]
    assert said == ["what a day allows has begun; the next call waits 24.0 hours"]


def test_a_day_of_many_calls_is_kept_in_parts() -> None:
    simulated = Simulated()
    limiter = Limiter([Rate("day", requests=50_000)], clock=simulated.clock)

    async def run() -> None:
        for _ in range(50_001):
            async with limiter.slot():
                simulated.seconds += 0.5

    asyncio.run(run())
    assert DAY_S <= simulated.seconds < DAY_S + 60
    assert len(limiter._windows[0]._begun) < 3600


def test_tokens_are_counted_and_one_that_is_too_large_goes_alone() -> None:
    simulated = Simulated()
    limiter = Limiter([Rate("minute", tokens=100)], clock=simulated.clock)
    assert begun(limiter, simulated, [60, 40, 1, 500, 10]) == [0, 0, 60, 120, 180]


def test_a_call_of_several_requests_counts_as_so_many() -> None:
    """Three of a minute's four are begun, so that two more wait; five at once go when nothing else has."""
    simulated = Simulated()
    limiter = Limiter([Rate("minute", requests=4)], clock=simulated.clock)

    async def run() -> list[float]:
        found = []
        for count in (3, 1, 2, 2, 5, 1):
            async with limiter.slot(requests=count):
                found.append(simulated.seconds)
        return found

    assert asyncio.run(run()) == [0, 0, 60, 60, 120, 180]


def test_calls_of_several_requests_hold_as_many_places() -> None:
    limiter = Limiter(concurrency=3)
    open_now, most = 0, 0

    async def one(requests: int) -> None:
        nonlocal open_now, most
        async with limiter.slot(requests=requests):
            open_now += min(requests, 3)
            most = max(most, open_now)
            await asyncio.sleep(0)
            open_now -= min(requests, 3)

    async def run() -> None:
        await asyncio.gather(*(one(1 + at % 5) for at in range(20)))

    asyncio.run(run())
    assert (open_now, most) == (0, 3)


def test_without_limits_nothing_waits() -> None:
    simulated = Simulated()
    assert begun(Limiter(clock=simulated.clock), simulated, [1e9] * 3) == [0, 0, 0]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.floats(0, 30), st.integers(0, 60)), max_size=30),
    st.integers(1, 5),
    st.integers(50, 100),
)
def test_no_minute_holds_more(calls: list[tuple[float, int]], requests: int, tokens: int) -> None:
    simulated = Simulated()
    limiter = Limiter([Rate("minute", requests, tokens)], clock=simulated.clock)

    async def run() -> list[tuple[float, int]]:
        found = []
        for pause, count in calls:
            await simulated.sleep(pause)
            async with limiter.slot(count):
                found.append((simulated.seconds, count))
        return found

    all_begun = asyncio.run(run())
    for start, _ in all_begun:
        window = [count for at, count in all_begun if start <= at < start + 60 - 1e-6]
        assert len(window) <= requests
        assert sum(window) <= tokens or len(window) == 1


def test_no_more_than_so_many_at_once_in_one_loop_after_another() -> None:
    limiter = Limiter.of(PoolModel(name="m", usd_per_1m_input=1, usd_per_1m_output=1, concurrency=3))
    open_now, most = 0, 0

    async def one() -> None:
        nonlocal open_now, most
        async with limiter.slot():
            open_now += 1
            most = max(most, open_now)
            await asyncio.sleep(0)
            open_now -= 1

    async def run() -> None:
        await asyncio.gather(*(one() for _ in range(20)))

    asyncio.run(run())
    asyncio.run(run())
    assert (open_now, most) == (0, 3)


@pytest.mark.parametrize(("stated", "expected"), [({}, CONCURRENCY), ({"concurrency": 2}, 2)])
def test_a_pool_model_states_its_limits(stated: dict[str, int], expected: int) -> None:
    model = PoolModel(name="m", usd_per_1m_input=1, usd_per_1m_output=1, **stated)  # type: ignore[arg-type]  # whole numbers all
    assert Limiter.of(model).concurrency == expected
