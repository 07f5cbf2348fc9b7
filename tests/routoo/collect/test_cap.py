"""The cap, whatever calls cost, fail and wait, and wherever a run is killed: instances drawn at random."""

from __future__ import annotations

import json
import random
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routoo.collect.collect import collect
from routoo.collect.collected import Collected
from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.errors import CallError
from routoo.data.pool import Pool, PoolModel
from routoo.data.request import Request
from routoo.members.calling import Retries

Scripted = Callable[..., Any]  # Any: a member of the conftest
NAMES = ("small", "large")


class Provider:
    """What members truly cost, and what they say of it, by chance."""

    def __init__(self, seed: int, scripted: Scripted) -> None:
        self.rng, self.billed, self.paid = random.Random(seed), 0.0, Counter[str]()
        self.most = {name: self.rng.choice((0.0, 0.1, 1.0, 3.0)) for name in NAMES}
        self.members = [scripted(name, self._reply_of(name), most=self.most[name]) for name in NAMES]

    def _reply_of(self, name: str) -> Callable[[Request, int], Answer | CallError]:
        def reply(request: Request, tries: int) -> Answer | CallError:
            cost = self.rng.choice((0.0, self.rng.random(), 1.0)) * self.most[name]
            self.billed += cost
            known = self.rng.choice((cost, None))
            if self.rng.random() < 0.3:
                return CallError("busy", retryable=self.rng.random() < 0.7, cost_usd=known)
            self.paid[request.key or ""] += 1
            return Answer(prompt_id=request.prompt_id, model=name, answer="4", cost_usd=known)

        return reply


def _run(provider: Provider, folder: Path, cap: float, jumping: Any) -> Collected:  # Any: of the conftest
    models = tuple(PoolModel(name=name, usd_per_1m_input=1, usd_per_1m_output=1) for name in NAMES)
    prompts = pl.DataFrame({"prompt": [f"{n} + 1?" for n in range(6)], "answer": ["4"] * 6})
    return collect(
        prompts,
        Pool(models),
        folder,
        budget_usd=cap,
        grader="text",
        members=provider.members,
        retries=Retries(tries=3),
        clock=jumping.clock,
    )


a_few = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(seed=st.integers(0, 10**6), cap=st.sampled_from((0.0, 0.5, 2.0, 5.0, 100.0)), data=st.data())
@a_few
def test_the_cap_holds_and_nothing_is_paid_twice_wherever_a_run_is_killed(
    scripted: Scripted,
    jumping: Any,  # Any: a clock of the conftest
    seed: int,
    cap: float,
    data: st.DataObject,
) -> None:
    provider = Provider(seed, scripted)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "collected"
        for _ in range(data.draw(st.integers(1, 3))):
            collected = _run(provider, folder, cap, jumping)
            assert provider.billed <= cap + 1e-9
            assert provider.billed <= collected.spent_usd + 1e-9
            assert max(provider.paid.values(), default=1) == 1
            for model in collected.models.values():
                ended = model.scored + sum(model.unscored.values())
                assert ended == model.asked
                assert ended + sum(model.not_asked.values()) == 6
        if collected.answers is not None:
            assert len(collected.answers) == sum(model.asked for model in collected.models.values())


def _spent(lines: list[dict[str, Any]]) -> float:  # Any: values of JSON
    """What a journal that ends here may have cost at most."""
    spent, flight = 0.0, dict[str, float]()
    for line in lines:
        if line["event"] == "try":
            flight[line["key"]] = line["most_usd"]
        elif line["event"] in ("answer", "failure"):
            most = flight.pop(line["key"])
            spent += most if line["cost_usd"] is None else line["cost_usd"]
    return spent + sum(flight.values())


@given(seed=st.integers(0, 10**6), cap=st.sampled_from((0.5, 2.0, 5.0, 100.0)), share=st.floats(0, 1))
@a_few
def test_a_journal_that_ends_anywhere_goes_on_from_there(
    scripted: Scripted,
    jumping: Any,  # Any: a clock of the conftest
    seed: int,
    cap: float,
    share: float,
) -> None:
    """A kill leaves a beginning of the journal; calls with a line in it may have been billed, no others."""
    provider = Provider(seed, scripted)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "collected"
        _run(provider, folder, cap, jumping)
        path = folder / "journal.jsonl"
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])
        lines = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
        answered = {line["key"] for line in lines if line["event"] == "answer"}
        before = _spent(lines)
        later = Provider(seed + 1, scripted)
        for member, earlier in zip(later.members, provider.members, strict=True):
            member.most = earlier.most
        later.most = provider.most
        collected = _run(later, folder, cap, jumping)
        assert later.billed <= collected.spent_usd - before + 1e-9
        assert collected.spent_usd <= cap + 1e-9
        assert answered.isdisjoint(later.paid)
        if collected.outcomes is not None:
            assert len(Answers.read(folder / "answers.parquet")) == len(collected.answers or ())
