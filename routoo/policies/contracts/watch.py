"""A contract watched: scores of live prompts, and an alarm when the promise no longer holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from routoo.data.checks.arguments import number, record
from routoo.data.errors import InputError
from routoo.policies.contracts.contract import Contract
from routoo.solver.bounds.drift import DriftTest

_FORMAT = 1


class ContractWatch:
    """Watches whether a contract is kept, and lets it lapse when it is not.

    Give it prompts drawn at random from those that are served, each with the score of the policy's answer and
    that of the reference model's, which has to be asked for the purpose. As long as the promise holds, given
    all that came before, the probability that an alarm is ever raised is at most `false_alarm`, however long
    it runs (`routoo.solver.bounds.drift.DriftTest`). Where spend is promised too, either promise has half.

    Args:
        contract: The contract.
        false_alarm: Probability of ever raising an alarm though the promise holds.

    Raises:
        InputError: It is no contract, or the probability is not above 0 and below 1.

    Example:
        What is to be kept over a restart is plain JSON, with the contract in it::

            watch = ContractWatch(routoo.Contract.read("contract.json"))
            if watch.observe(score=0, reference_score=1):
                watch.contract.write("contract.json")  # routers that serve by this file now fall back
    """

    def __init__(self, contract: Contract, *, false_alarm: float = 0.01) -> None:
        self._contract = record("contract", contract, Contract)
        self.false_alarm: float = number("false_alarm", false_alarm, most=1)
        promises = {"score": contract.of_score.floor}
        if contract.of_spend is not None:
            promises["spend"] = contract.of_spend.floor
        self._tests = {
            name: DriftTest(floor=floor, false_alarm=self.false_alarm / len(promises))
            for name, floor in promises.items()
        }

    @property
    def contract(self) -> Contract:
        """The contract as it stands: lapsed once there was an alarm."""
        found = self._contract
        for name, test in self._tests.items():
            if test.alarm:
                found = found.lapse(
                    f"the {name} promised is not kept on live prompts: alarm after {self.seen:,}, false with "
                    f"probability {self.false_alarm:g}"
                )
        return found

    @property
    def alarm(self) -> bool:
        """Whether there was an alarm."""
        return any(test.alarm for test in self._tests.values())

    @property
    def seen(self) -> int:
        """Prompts that were looked at."""
        return self._tests["score"].seen

    def observe(self, *, score: float, reference_score: float, cost_usd: float | None = None) -> bool:
        """Whether there is an alarm, after one more prompt; once raised it stays.

        Args:
            score: Of the policy's answer, in [0, 1].
            reference_score: Of the reference model's answer to the same prompt.
            cost_usd: What all calls of the policy for the prompt cost; needed where spend is promised.

        Raises:
            InputError: A score is no number in [0, 1], or the cost is missing.
        """
        if self.alarm:
            return True
        promise, of_spend = self._contract.of_score, self._contract.of_spend
        kept = promise.kept(
            number("score", score, most=1), number("reference_score", reference_score, most=1)
        )
        if of_spend is not None:
            if cost_usd is None:
                raise InputError("this contract promises a spend: give cost_usd too")
            self._tests["spend"].observe(float(of_spend.kept(number("cost_usd", cost_usd))))
        self._tests["score"].observe(float(kept))
        return self.alarm

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """All that a restart needs, as plain JSON."""
        return {
            "format": _FORMAT,
            "contract": self._contract.to_dict(),
            "false_alarm": self.false_alarm,
            "tests": {name: test.to_dict() for name, test in self._tests.items()},
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:  # Any: a JSON document
        """The watch that `to_dict` wrote down.

        Raises:
            InputError: It is of another format.
        """
        if state.get("format") != _FORMAT:
            raise InputError(f"a watch of format {state.get('format')!r} cannot be read: {_FORMAT} can")
        watch = cls(Contract.from_dict(state["contract"]), false_alarm=state["false_alarm"])
        watch._tests = {name: DriftTest.from_dict(test) for name, test in state["tests"].items()}
        return watch
