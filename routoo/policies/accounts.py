"""The calls of a two-tier stream: paid off its rule's budget, and written down before and after each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from routoo.collect.journal import Journal, Line
from routoo.collect.keys import prompt_hash
from routoo.collect.purse import BudgetSpentError
from routoo.data.answer import Answer
from routoo.data.errors import CallError, InputError
from routoo.data.request import Request
from routoo.members.calling import Retries, call_member
from routoo.members.clock import Clock
from routoo.members.member import Member
from routoo.solver.cascade.quantile import QuantileRule, Step

_Call = tuple[str, str]  # a prompt and which of the two models


class Accounts:
    """A rule, and a journal of what it decided and what was paid, so that both survive the process.

    A call is written down before it is made and again, with its answer, after it. One that was under way
    when a process was killed counts as the most that it could cost.

    Args:
        rule: Of the stream; it is set to where the journal ends.
        path: Of the journal; None where nothing is to be kept.
        about: What else must be the same when the stream goes on.

    Raises:
        InputError: The journal is damaged, or of another stream.
    """

    def __init__(self, rule: QuantileRule, path: Path | None, about: Mapping[str, str]) -> None:
        self.rule = rule
        self._path, self._journal = path, None if path is None else Journal(path)
        self._prompts: dict[str, str] = {}
        self._steps: dict[str, Step] = {}
        self._escalated: dict[str, bool] = {}
        self._answers: dict[_Call, Answer] = {}
        stream = {**rule.to_dict(), **about}
        if self._journal is not None and self._journal.lines:
            self._recall(self._journal.lines, stream)
        else:
            self._write("stream", **stream)

    def begin(self, request: Request, *, small_most: float, large_most: float) -> Step:
        """What the rule says of a prompt, or said of it before.

        Raises:
            InputError: Another prompt had this id.
        """
        name, asked = request.prompt_id, prompt_hash(request)
        if self._prompts.setdefault(name, asked) != asked:
            raise InputError(f"prompt_id {name} was that of another prompt; give each an id of its own")
        if name not in self._steps:
            self._steps[name] = self.rule.begin(small_most=small_most, large_most=large_most)
            self._write("begin", prompt_id=name, prompt=asked, step=self._steps[name])
        return self._steps[name]

    def escalates(self, request: Request, signal: float, *, large_most: float) -> bool:
        """Whether the rule has the large model asked too, or had before."""
        name = request.prompt_id
        if name not in self._escalated:
            self._escalated[name] = self.rule.escalates(signal, large_most=large_most)
            self._write("read", prompt_id=name, signal=signal, escalated=self._escalated[name])
        return self._escalated[name]

    async def ask(
        self,
        model: str,
        member: Member,
        request: Request,
        *,
        signals: Sequence[str],
        retries: Retries | None,
        clock: Clock | None,
    ) -> Answer | None:
        """The answer of ``small`` or ``large``, or that which came before; None where there is no money."""
        call = request.prompt_id, model
        if call not in self._answers:
            booked = _Booked(member, model, self)
            try:
                came = await call_member(booked, request, signals=signals, retries=retries, clock=clock)
            except BudgetSpentError:
                return None
            if came.error is not None:
                self._write("failed", prompt_id=call[0], model=model, row=came.row())
            self._answers[call] = came
        return self._answers[call]

    def open(self, model: str, request: Request, most: float) -> None:
        """Sets money aside for a try, and writes so.

        Raises:
            BudgetSpentError: There is none.
        """
        if not self.rule.affords(most):
            raise BudgetSpentError("the budget is spent")
        self.rule.hold(most)
        self._write("try", prompt_id=request.prompt_id, model=model, most=most)

    def close(
        self, model: str, request: Request, most: float, cost: float | None, answer: Answer | None = None
    ) -> None:
        """Takes what a try cost, the most that it could where nobody knows, and writes so with its answer."""
        cost, row = most if cost is None else cost, None if answer is None else answer.row()
        self.rule.pay(model, cost, held=most)
        self._write("paid", prompt_id=request.prompt_id, model=model, cost=cost, row=row)

    def close_journal(self) -> None:
        """Lets go of the journal; nothing is written from then on."""
        if self._journal is not None:
            self._journal.close()

    def _write(self, event: str, **fields: Any) -> None:  # Any: values of JSON
        if self._journal is not None:
            self._journal.write(event, **fields)

    def _recall(self, lines: Sequence[Line], stream: Mapping[str, Any]) -> None:  # Any: values of JSON
        """Sets rule and answers to where the lines of a journal end."""
        if other := [name for name, value in stream.items() if lines[0].get(name) != value]:
            raise InputError(
                f"{self._path}: that stream has another {', '.join(other)}; go on with the same, or begin a "
                "new file"
            )
        state, under_way = self.rule.to_dict(), dict[_Call, float]()
        for line in lines[1:]:
            name, model = line["prompt_id"], line.get("model", "")
            if line["event"] == "begin":
                state["begun"] += 1
                self._prompts[name], self._steps[name] = line["prompt"], line["step"]
            elif line["event"] == "read":
                state["signals"].append(line["signal"])
                self._escalated[name] = line["escalated"]
            elif line["event"] == "try":
                under_way[name, model] = line["most"]
            elif line["event"] == "paid":
                del under_way[name, model]
                state["spent"] += line["cost"]
                calls, total = state["paid"][model]
                state["paid"][model] = [calls + 1, total + line["cost"]]
            if line.get("row") is not None:
                self._answers[name, model] = Answer.from_row(line["row"])
        state["spent"] += sum(under_way.values())
        self.rule = QuantileRule.from_dict(state)


class _Booked:
    """A member each of whose tries is in the accounts."""

    def __init__(self, member: Member, model: str, accounts: Accounts) -> None:
        self._member, self._model, self._accounts = member, model, accounts
        self.name, self.most_usd, self.answer = member.name, member.most_usd, member.answer

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        """See `Member.answer_one`."""
        most = self.most_usd(request)
        self._accounts.open(self._model, request, most)
        close = partial(self._accounts.close, self._model, request, most)
        try:
            answer = await self._member.answer_one(request, signals=signals)
        except CallError as error:
            close(error.cost_usd)
            raise
        except BaseException:  # broken off
            close(None)
            raise
        close(answer.cost_usd, answer)
        return answer
