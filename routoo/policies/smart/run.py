"""A batch under way: items are profiled in random order, then the rest goes to whom may have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from routoo.data.answer import Answer
from routoo.data.errors import CallError
from routoo.policies.smart.calls import Calls
from routoo.policies.smart.items import Items
from routoo.policies.smart.methods import METHODS, bounds_of
from routoo.policies.smart.promise import Promise
from routoo.policies.smart.record import Key
from routoo.solver.smart.replay import Method
from routoo.solver.smart.terms import Terms

GIVE_UP = 20
"""Calls of the reference that fail in a row before the run ends; it goes on where it stopped."""

_AT_ONCE = 256  # items that are asked together


@dataclass(frozen=True)
class Look:
    """What was known when it was decided whether to profile on.

    Args:
        seen: Items profiled.
        differed: How many answers of each candidate differed, while it was asked.
        most: Bound on how many answers of the candidate differ in the whole batch; None of one that is not
            asked any more.
        cost_usd: What each model cost an item.
    """

    seen: int
    differed: dict[str, int]
    most: dict[str, int | None]
    cost_usd: dict[str, float]


@dataclass(frozen=True)
class Progress:
    """How far a batch is.

    Args:
        seen: Items profiled.
        answered: Items that have their answer.
        n_items: All items.
        reference_usd: What the reference costs an item, as far as is known.
        most: As in the last `Look`.
    """

    seen: int
    answered: int
    n_items: int
    reference_usd: float
    most: dict[str, int | None]


OnStep = Callable[[Progress], None]


@dataclass
class SmartRun:
    """One run over a batch, whose answers stand in `answers` when it has ended.

    Args:
        items: The batch.
        promise: What is promised.
        calls: Where answers come from.
        on_step: Called with how far it is after each step.
    """

    items: Items
    promise: Promise
    calls: Calls
    on_step: OnStep | None = None
    looks: list[Look] = field(default_factory=list)
    policy: dict[str, int] = field(default_factory=dict)
    """How many of the items left each model is to answer, in the order of the run."""
    answers: dict[int, Answer] = field(default_factory=dict)
    """By place in the batch; one that failed for good has an error."""
    failed: list[int] = field(default_factory=list)
    """Places of items to which the reference gave no answer."""

    def __post_init__(self) -> None:
        n = len(self.promise.candidates)
        self._known: dict[Key, Answer] = {}
        self._differed, self._asked = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._paid, self._in_a_row = np.zeros(n + 1), 0
        self._counted, self._heard = set[Key](), set[str]()

    async def to_end(self) -> None:
        """Answers all items.

        Raises:
            CallError: The reference failed too often in a row.
        """
        n = len(self.items)
        method, seen, stops = METHODS[self.promise.method](self._terms(0)), 0, False
        for now in method.looks():
            await self._profile(self.items.order[seen:now], method.asked[0])
            seen = now
            method.terms = self._terms(seen)
            stops = bool(method.look(seen, self._differed[None], np.array([0]))[0])
            self._look(seen, method)
            if stops:
                break
        if not self.looks:
            self._look(0, method)
        blocks = method.blocks(np.array([0]))[0] if stops else np.append(self._differed * 0, n - seen)
        self.policy = dict(
            zip((*self.promise.candidates, self.promise.reference), blocks.tolist(), strict=True)
        )
        await self._rest(self.items.order[seen:], blocks)
        await self._without_reference()

    @property
    def reference_usd(self) -> float:
        """What the reference alone would cost, by the mean of its calls."""
        costs = [
            self.promise.expected_usd[name] if answer.cost_usd is None else answer.cost_usd
            for (name, _), answer in self._known.items()
            if name == self.promise.reference
        ]
        mean = sum(costs) / len(costs) if costs else self.promise.expected_usd[self.promise.reference]
        return mean * self.items.distinct

    async def _profile(self, items: npt.NDArray[np.int64], asked: npt.NDArray[np.bool_]) -> None:
        """Asks the reference and the candidates that are still asked."""
        reference, candidates = self.promise.reference, np.flatnonzero(asked).tolist()
        names = [reference, *(self.promise.candidates[at] for at in candidates)]
        for part in _parts(items):
            await self._ask(dict.fromkeys(names, part))
            self._refer(part)
            for item in part:
                self._pay(-1, reference, item)
                for at in candidates:
                    self._pay(at, self.promise.candidates[at], item)
                    self._asked[at] += 1
                    self._differed[at] += not await self._same(item, self.promise.candidates[at])
            self._step()

    async def _same(self, item: int, candidate: str) -> bool:
        """Whether a candidate's answer is the reference's; where one gave none, it is not."""
        answer, reference = self._of(item, candidate).answer, self._of(item, self.promise.reference).answer
        if answer is None or reference is None:
            return False
        return await self.calls.same(item, answer, reference)

    async def _rest(self, items: npt.NDArray[np.int64], blocks: npt.NDArray[np.int64]) -> None:
        """Has the items left answered: the reference's first, whose answers others may share."""
        *parts, by_reference = np.split(items, np.cumsum(blocks)[:-1])
        await self._by_reference(by_reference)
        for candidate, block in zip(self.promise.candidates, parts, strict=True):
            for part in _parts(block):
                new = [item for item in part if not self._has(item, self.promise.reference)]
                await self._ask({candidate: new})
                for item in new:
                    self.answers[item] = self._of(item, candidate)
                self._refer([item for item in part if item not in set(new)])
                self._step()
            await self._by_reference([item for item in block if self.answers[item].answer is None])

    async def _by_reference(self, items: Sequence[int] | npt.NDArray[np.int64]) -> None:
        for part in _parts(items):
            await self._ask({self.promise.reference: part})
            self._refer(part)
            self._step()

    def _refer(self, items: Sequence[int]) -> None:
        """Gives items the reference's answer, where there is one.

        Raises:
            CallError: Too many in a row have none.
        """
        for item in items:
            answer = self._of(item, self.promise.reference)
            self.answers[item] = answer
            if answer.answer is None:
                self.failed.append(item)
            if self.items.keys[item] not in self._heard:
                self._heard.add(self.items.keys[item])
                self._in_a_row = self._in_a_row + 1 if answer.answer is None else 0
            if self._in_a_row == GIVE_UP:
                raise CallError(
                    f"the reference {answer.model} failed {GIVE_UP} times in a row, the last time: "
                    f"{answer.error}; run again to go on, what was answered is kept"
                )

    async def _without_reference(self) -> None:
        """Gives items without an answer that of the candidate that differed least."""
        share = (self._differed + 0.5) / (self._asked + 1)
        for at in np.lexsort((self._paid[:-1], share)).tolist():
            name = self.promise.candidates[at]
            left = [item for item in self.failed if self.answers[item].answer is None]
            for part in _parts(left):
                await self._ask({name: part})
                for item in part:
                    if self._of(item, name).answer is not None:
                        self.answers[item] = self._of(item, name)

    async def _ask(self, wanted: Mapping[str, Sequence[int]]) -> None:
        """Asks models for items, each thing once."""
        calls: dict[Key, int] = {}
        for name, items in wanted.items():
            for item in items:
                key = name, self.items.keys[item]
                if key not in self._known:
                    calls.setdefault(key, item)
        self._known.update(await self.calls.ask(calls) if calls else {})

    def _has(self, item: int, model: str) -> bool:
        found = self._known.get((model, self.items.keys[item]))
        return found is not None and found.answer is not None

    def _of(self, item: int, model: str) -> Answer:
        """A model's answer, under the name of this item."""
        return replace(self._known[model, self.items.keys[item]], prompt_id=self.items.ids[item])

    def _pay(self, at: int, model: str, item: int) -> None:
        """Counts what a call cost while profiling; what is asked twice is paid once."""
        key = model, self.items.keys[item]
        if key not in self._counted:
            self._counted.add(key)
            cost = self._known[key].cost_usd
            self._paid[at] += self.promise.expected_usd[model] if cost is None else cost

    def _terms(self, seen: int) -> Terms:
        """The promise, at what models cost by now."""
        expected = np.array([self.promise.expected_usd[name] for name in self.promise.candidates])
        costs = np.where(self._asked > 0, self._paid[:-1] / np.maximum(self._asked, 1), expected)
        reference = self._paid[-1] / seen if seen else self.promise.expected_usd[self.promise.reference]
        return self.promise.terms(len(self.items), costs, reference)

    def _look(self, seen: int, method: Method) -> None:
        names = self.promise.candidates
        costs = zip((*names, self.promise.reference), self._terms(seen).unit_costs.tolist(), strict=True)
        most = bounds_of(method, seen, self._differed).tolist()
        bounds = zip(names, most, method.asked[0].tolist(), strict=True)
        self.looks.append(
            Look(
                seen,
                dict(zip(names, self._differed.tolist(), strict=True)),
                {name: most if asked else None for name, most, asked in bounds},
                {name: float(f"{cost:.12g}") for name, cost in costs},
            )
        )
        self._step()

    def _step(self) -> None:
        if self.on_step is None:
            return
        last = self.looks[-1] if self.looks else None
        reference = last.cost_usd[self.promise.reference] if last else 0.0
        seen = last.seen if last else 0
        self.on_step(Progress(seen, len(self.answers), len(self.items), reference, last.most if last else {}))


def _parts(items: Sequence[int] | npt.NDArray[np.int64]) -> list[list[int]]:
    """The items in parts that are asked together."""
    places = [int(item) for item in items]
    return [places[at : at + _AT_ONCE] for at in range(0, len(places), _AT_ONCE)]
