"""A process that is killed at any step, and the one that goes on: everything is billed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest
from batch_server import BatchServer
from batched import Here

from routoo.batch.at_once import ask_at_once
from routoo.batch.collect import Known, collect_batch
from routoo.batch.manifest import NAME
from routoo.batch.routing import route_again
from routoo.batch.submit import submit_batch
from routoo.batch.write import write_batch
from routoo.collect.journal import Journal
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.data.storage import files

pytestmark = [
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),  # LiteLLM's own records
    pytest.mark.filterwarnings("ignore:Items? .* using the `ReadOnly` qualifier:UserWarning"),
]
TIERS = ("mini@batch", "claude-x@batch")


class KilledError(BaseException):
    """In the place of SIGKILL: nothing of ours catches it."""


@dataclass
class Steps:
    """Counts the steps of a process, and kills it after one: what follows was not begun."""

    kill_at: int | None = None
    done: int = 0

    def step(self) -> None:
        self.done += 1
        if self.done == self.kill_at:
            raise KilledError


@contextmanager
def counted(steps: Steps) -> Iterator[None]:
    """Every request, every file that appears and every line of a journal is a step."""

    def around(work: Callable[..., Any]) -> Callable[..., Any]:  # Any: whatever it takes and gives
        def run(*given: Any, **named: Any) -> Any:
            done = work(*given, **named)
            steps.step()
            return done

        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.Client, "send", around(httpx.Client.send))
        patch.setattr(files, "_replaced", around(files._replaced))
        patch.setattr(Journal, "write", around(Journal.write))
        yield


class Clock:
    """A time that passes by two minutes whenever a process begins."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


def expected(known: Known) -> pl.DataFrame:
    """Failed prompts go where the other model is."""
    names = list(known.failed)
    shape = len(names), len(TIERS)
    scores = Scores(np.full(shape, 0.5), np.full(shape, 0.01), models=TIERS, prompt_ids=names)
    return route_again(known, scores, budget_usd=1.0)


def process(here: Here, pool: Pool, clock: Clock) -> bool:
    """One process that does whatever is next; whether all is done."""
    clock.now_s += 120
    if not (here.folder / NAME).exists():
        write_batch(here.plan, here.prompts, pool, here.folder, now=clock)
    submit_batch(here.folder, now=clock)
    known, standings = collect_batch(here.folder, routing=expected, now=clock)
    return not known.failed and known.to_come.is_empty() and all(part.status for part in standings)


def to_the_end(here: Here, pool: Pool, clock: Clock) -> None:
    assert any(process(here, pool, clock) for _ in range(30)), "it does not come to its end"


@pytest.fixture
def prompts(here: Here, server: BatchServer) -> Pool:
    """Six prompts, of which two fail where they are sent first."""
    texts = [f"Which is {n}?" for n in range(6)]
    texts[0] += " [mini:400]"
    texts[1] += " [claude-x:expired]"
    here.ask(texts, [*TIERS] * 3)
    return here.pool.select(TIERS)


def test_a_kill_at_any_step_bills_nothing_twice(here: Here, server: BatchServer, prompts: Pool) -> None:
    steps = Steps()
    with counted(steps):
        to_the_end(here, prompts, Clock())
    assert steps.done > 25
    for kill_at in range(1, steps.done + 1):
        again = Here(here.root / str(kill_at), prompts)
        again.root.mkdir()
        for path in (here.prompts, here.plan):
            (again.root / path.name).write_bytes(path.read_bytes())
        clock, killed = Clock(), Steps(kill_at)
        server.state.clock = clock
        server.state.billed.clear()
        for batches in server.state.batches.values():
            batches.clear()
        server.state.files.clear()
        with suppress(KilledError), counted(killed):
            to_the_end(again, prompts, clock)
        assert killed.done == kill_at
        to_the_end(again, prompts, clock)
        assert set(server.state.billed.values()) == {1}, f"step {kill_at}"
        answers = pl.read_parquet(again.folder / "answers.parquet").drop_nulls("answer")
        assert answers.sort("prompt_id")["answer"].to_list() == [str(n) for n in range(6)], f"step {kill_at}"


def test_a_call_at_once_whose_answer_was_lost_is_billed_once(
    here: Here, server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[str] = []

    def killed(journal: Journal, event: str, **fields: Any) -> None:
        came.append(event)
        if len(came) == 3:  # all that were asked: none is in flight, and none was kept
            raise RuntimeError

    here.ask([f"Which is {n}?" for n in range(4)], [*["mini"] * 3, "mini@batch"])
    write_batch(here.plan, here.prompts, here.pool, here.folder)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", killed)
        with pytest.raises(RuntimeError):
            ask_at_once(here.folder)
    lost = server.state.heard.count("POST /v1/chat/completions")
    assert lost == 3
    assert ask_at_once(here.folder) == 3
    assert server.state.heard.count("POST /v1/chat/completions") == lost + 3
    assert dict(server.state.billed) == {f"Which is {n}?": 1 for n in range(3)}
    write_batch(here.plan, here.prompts, here.pool, here.root / "again")
    ask_at_once(here.root / "again")
    assert set(server.state.billed.values()) == {2}, "another batch is asked for by itself"
