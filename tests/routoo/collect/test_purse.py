"""The purse: what is set aside, waited for and refused."""

from __future__ import annotations

import asyncio

import pytest

from routoo.collect.purse import BudgetSpentError, Purse


def test_what_is_set_aside_is_not_given_again() -> None:
    async def spend() -> None:
        purse = Purse(1.0)
        await purse.reserve(0.75)
        assert purse.left_usd == 0.25
        with pytest.raises(BudgetSpentError):
            await purse.reserve(0.5, wait=False)
        purse.settle(0.75, 0.25)
        assert purse.left_usd == 0.75

    asyncio.run(spend())


def test_a_try_waits_for_what_others_may_leave_over() -> None:
    async def spend() -> tuple[float, float]:
        purse = Purse(1.0)
        await purse.reserve(0.75)
        waiting = asyncio.create_task(purse.reserve(0.5))
        await asyncio.sleep(0)
        assert not waiting.done()
        purse.settle(0.75, 0.25)
        await waiting
        return purse.spent_usd, purse.reserved_usd

    assert asyncio.run(spend()) == (0.25, 0.5)


def test_a_try_that_waited_in_vain_is_refused() -> None:
    async def spend() -> None:
        purse = Purse(1.0)
        await purse.reserve(0.75)
        waiting = asyncio.create_task(purse.reserve(0.5))
        await asyncio.sleep(0)
        purse.settle(0.75, None)
        with pytest.raises(BudgetSpentError, match="the budget is spent"):
            await waiting

    asyncio.run(spend())


def test_what_costs_nothing_is_never_refused() -> None:
    asyncio.run(Purse(1.0, spent_usd=2.0).reserve(0.0))
