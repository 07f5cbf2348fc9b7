"""A batch under way: items are profiled in random order, then the rest goes to whom may have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from routoo.data.answer import Answer
from routoo.data.errors import CallError
from routoo.policies.smart.calls import Calls
from routoo.policies.smart.items import Items
from routoo.policies.smart.methods import bounds_of, method_of
from routoo.policies.smart.predicted import Predicted, policies_of
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
        differed: How many answers of each policy differed, while it was compared.
        most: Bound on how many answers of the policy differ in the whole batch; None of one that will not
            be used.
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
        most: As in the last `Look`; of a router's policies the cheapest that may be used, and the next.
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
        predicted: What is predicted of the items; None where each candidate is a policy of its own.
        calls: Where answers come from.
        on_step: Called with how far it is after each step.
    """

    items: Items
    promise: Promise
    predicted: Predicted | None
    calls: Calls
    on_step: OnStep | None = None
    looks: list[Look] = field(default_factory=list)
    policy: dict[str, int] = field(default_factory=dict)
    """How many of the items left each policy, then the reference, is to answer, in the order of the run."""
    answers: dict[int, Answer] = field(default_factory=dict)
    """By place in the batch; one that failed for good has an error."""
    failed: list[int] = field(default_factory=list)
    """Places of items to which the reference gave no answer."""

    def __post_init__(self) -> None:
        n = len(self.promise.candidates)
        self.policies = policies_of(self.promise, len(self.items), self.predicted)
        self._known: dict[Key, Answer] = {}
        self._differed = np.zeros(len(self.policies.chosen), np.int64)
        self._asked, self._wrong = np.zeros(n + 1, np.int64), np.zeros(n, np.int64)
        self._paid, self._expected, self._in_a_row = np.zeros(n + 1), np.zeros(n + 1), 0
        self._counted, self._heard = set[Key](), set[str]()
        self._read, self._handed_on = self._differed.copy(), self._differed.copy()
        self._judged, self._compared, self._judged_usd = set[tuple[str, str]](), 0, 0.0

    async def to_end(self) -> None:
        """Answers all items.

        Raises:
            CallError: The reference failed too often in a row.
        """
        n = len(self.items)
        method = method_of(self.promise.method, self._terms(), in_sequence=self.predicted is not None)
        seen, stops = 0, False
        for now in method.looks():
            await self._profile(self.items.order[seen:now], method.asked[0])
            seen = now
            method.terms = self._terms()
            stops = bool(method.look(seen, self._differed[None], np.array([0]))[0])
            self._look(seen, method)
            if stops:
                break
        if not self.looks:
            self._look(0, method)
        blocks = method.blocks(np.array([0]))[0] if stops else np.append(self._differed * 0, n - seen)
        self.policy = dict(
            zip((*self.promise.policies, self.promise.reference), blocks.tolist(), strict=True)
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
        """Asks the reference, and the models that policies would ask which are still compared."""
        names, wanted = self.promise.candidates, self.policies.models(asked)
        for part in _parts(items):
            ask = {name: [item for item in part if of[item]] for name, of in zip(names, wanted, strict=True)}
            await self._ask({self.promise.reference: part, **ask})
            self._refer(part)
            for item in part:
                differs, belief = np.zeros(len(names) + 1, np.bool_), np.ones(len(names) + 1)
                self._pay(-1, self.promise.reference, item)
                for at in np.flatnonzero(wanted[:, item]).tolist():
                    self._pay(at, names[at], item)
                    differs[at] = not await self._same(item, names[at])
                    belief[at] = self._belief(item, at)
                self._wrong += differs[:-1]
                chosen = self.policies.chosen[:, item]
                stands = belief[chosen] >= self.policies.least[:, item]
                self._differed += asked & differs[chosen] & stands
                self._read += asked & (chosen < len(names))
                self._handed_on += asked & ~stands
            self._step()

    def _belief(self, item: int, at: int) -> float:
        """How probably a candidate's answer agrees; 1 where answers are not read."""
        if self.predicted is None or self.predicted.answer_model is None:
            return 1.0
        return self.predicted.belief(item, at, self._of(item, self.promise.candidates[at]))

    async def _same(self, item: int, candidate: str) -> bool:
        """Whether a candidate's answer is the reference's; where one gave none, it is not."""
        answer, reference = self._of(item, candidate).answer, self._of(item, self.promise.reference).answer
        if answer is None or reference is None:
            return False
        found = await self.calls.same(item, answer, reference)
        self._compared += 1
        if (answer, reference) not in self._judged:
            self._judged.add((answer, reference))
            self._judged_usd += found.cost_usd or 0.0
        return found.same

    async def _rest(self, items: npt.NDArray[np.int64], blocks: npt.NDArray[np.int64]) -> None:
        """Has the items left answered: the reference's first, whose answers others may share."""
        *parts, by_reference = np.split(items, np.cumsum(blocks)[:-1])
        chosen = [of[part] for of, part in zip(self.policies.chosen, parts, strict=True)]
        models, items = np.concatenate(chosen), np.concatenate(parts)
        least = np.concatenate([of[part] for of, part in zip(self.policies.least, parts, strict=True)])
        stands_from = dict(zip(items.tolist(), least.tolist(), strict=True))
        names = self.promise.candidates
        await self._by_reference(np.append(items[models == len(names)], by_reference))
        for at, candidate in enumerate(names):
            block, left = items[models == at], list[int]()
            for part in _parts(block):
                new = [item for item in part if not self._has(item, self.promise.reference)]
                await self._ask({candidate: new})
                for item in new:
                    self.answers[item] = self._of(item, candidate)
                self._refer([item for item in part if item not in set(new)])
                left += [item for item in new if self._doubted(item, at, stands_from[item])]
                self._step()
            await self._by_reference(left)

    def _doubted(self, item: int, at: int, least: float) -> bool:
        """Whether a candidate gave no answer, or one that agrees with too little probability to stand."""
        return self.answers[item].answer is None or self._belief(item, at) < least

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
        share = (self._wrong + 0.5) / (self._asked[:-1] + 1)
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
        self._asked[at] += 1
        self._expected[at] += self.policies.cost[item, at]
        key = model, self.items.keys[item]
        if key not in self._counted:
            self._counted.add(key)
            cost = self._known[key].cost_usd
            self._paid[at] += self.promise.expected_usd[model] if cost is None else cost

    def _terms(self) -> Terms:
        """The promise, at what models cost by now: as predicted, times what a predicted USD came to."""
        cost, asked = self.policies.cost, self._asked > 0
        ratio = np.divide(self._paid, self._expected, out=np.ones(len(asked)), where=self._expected > 0)
        mean = self._paid / np.maximum(self._asked, 1)
        handed_on = (self._handed_on + self.policies.handed_on) / (self._read + 1)
        cost = np.where(asked & (self._expected <= 0), mean, cost * ratio)
        now = replace(self.policies, cost=cost, handed_on=handed_on)
        return self.promise.terms(
            len(self.items),
            now.costs,
            float(now.cost[:, -1].mean()),
            reach=now.reach,
            profiling=partial(now.asking, beside=self._judged_usd / max(self._compared, 1)),
        )

    def _costs(self) -> dict[str, float]:
        """What each model costs an item by now, the calls that were made or else predictions."""
        mean = np.where(
            self._asked > 0, self._paid / np.maximum(self._asked, 1), self.policies.cost.mean(0)
        ).tolist()
        names = (*self.promise.candidates, self.promise.reference)
        return {name: float(f"{cost:.12g}") for name, cost in zip(names, mean, strict=True)}

    def _look(self, seen: int, method: Method) -> None:
        names, most = self.promise.policies, bounds_of(method, seen, self._differed)
        differed = dict(zip(names, self._differed.tolist(), strict=True))
        self.looks.append(Look(seen, differed, dict(zip(names, most, strict=True)), self._costs()))
        self._step()

    def _step(self) -> None:
        if self.on_step is None:
            return
        last = self.looks[-1] if self.looks else None
        reference = last.cost_usd[self.promise.reference] if last else 0.0
        seen = last.seen if last else 0
        most = self._frontier(last.most) if last else {}
        self.on_step(Progress(seen, len(self.answers), len(self.items), reference, most))

    def _frontier(self, most: dict[str, int | None]) -> dict[str, int | None]:
        """Of a router's policies the cheapest that may be used, and the next one; of models all."""
        if self.predicted is None:
            return most
        known = [name for name, bound in most.items() if bound is not None]
        allowed = self.promise.allowed(len(self.items))
        passed = sum((most[name] or 0) <= allowed for name in known)
        return {name: most[name] for name in known[max(passed - 1, 0) : passed + 1]}


def _parts(items: Sequence[int] | npt.NDArray[np.int64]) -> list[list[int]]:
    """The items in parts that are asked together."""
    places = [int(item) for item in items]
    return [places[at : at + _AT_ONCE] for at in range(0, len(places), _AT_ONCE)]
