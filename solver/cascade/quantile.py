"""Two models, one budget: who answers the next prompt, by a quantile of the signals seen so far."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any, Literal, Self, TypeVar

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import choice, number, record, vector
from routoo.data.errors import InputError

T = TypeVar("T", float, npt.NDArray[np.float64])

Step = Literal["none", "small", "large", "read"]
"""What to do with a prompt: nothing, for lack of money; ask one model; or read the small one's answer, then
decide (`QuantileRule.escalates`)."""

LEAST_SEEN = 20
"""Signals up to which nobody is escalated: their quantiles are too rough."""

READS = ("answer", "prompt")
"""What the signal is read off: the small model's answer, or the prompt, before either model is asked."""

ROUNDING = 1e-9
"""Share of the budget by which sums of costs may be off: no prompt is lost to the last digit of a sum."""

_FORMAT = 1
_GOLDEN = (math.sqrt(5) - 1) / 2


class QuantileRule:
    """Two-tier selection: the prompts with the lowest signals go to the large model, as many as money allows.

    It needs neither labels nor training. With a budget of `b` a prompt, and costs `c1` and `c2` of the small
    and the large model, a share ``(b - c1) / c2`` of the prompts can be answered by both; where the signal is
    read off the prompt, so that only one model is asked, ``(b - c1) / (c2 - c1)`` can go to the large one. A
    prompt is escalated where its signal is below that quantile of the signals so far, its own included, and
    more than 20 have been seen. Among equal signals a low-discrepancy sequence picks the same share. Before
    that two modes are tried: *frugal*, only the small model, where what is left will not do for more than the
    small model on every prompt to come; and *rich*, the large model at once, where it will do for the large
    model on all of them. (Ramírez, Birch and Titov 2024, arXiv 2405.02134, of which the code is followed.)

    A call is only made where the most that it can cost is there, so that the budget is never overspent. An
    escalation also leaves the small model's cost for every prompt to come (`hold_back`), which the published
    rule does not ask for: without, prompts at the end of a stream go unanswered.

    Args:
        budget: For all prompts, in the unit of the costs: USD, seconds, calls.
        n_prompts: How many prompts will come. Further ones count as the last.
        small_cost: What a call of the small model costs on average; None where it is to be learned: then the
            mean of the costs so far stands for it, and before the first the most that the call can cost.
        large_cost: The same of the large model.
        reads: What the signal is read off, one of `READS`.
        large_better: Whether the large model alone is better than the small one: else it is never asked at
            once.
        hold_back: Whether an escalation must leave enough for the small model on every prompt to come.

    Raises:
        InputError: A number is negative or not finite, or there is no prompt.

    Example:
        Of 40 prompts a quarter can be escalated. None of the first 20 is, so that at last some money is left.

        >>> rule = QuantileRule(40 * (1 + 0.25 * 10), 40, small_cost=1, large_cost=10)
        >>> escalated = []
        >>> for at, signal in enumerate([5, 1, 4, 2, 3] * 8):
        ...     step = rule.begin()
        ...     if step != "large":
        ...         rule.pay("small", 1)
        ...     if step == "large" or step == "read" and rule.escalates(signal):
        ...         rule.pay("large", 10)
        ...         escalated.append((at, signal, step))
        >>> escalated[:4]
        [(21, 1, 'read'), (23, 2, 'read'), (26, 1, 'read'), (31, 1, 'read')]
        >>> rule.spent, rule.budget
        (134.0, 140.0)
    """

    def __init__(
        self,
        budget: float,
        n_prompts: int,
        *,
        small_cost: float | None = None,
        large_cost: float | None = None,
        reads: str = "answer",
        large_better: bool = True,
        hold_back: bool = True,
    ) -> None:
        self.budget: float = number("budget", budget, finite=True)
        self.n_prompts: int = number("n_prompts", n_prompts, least=1, whole=True)
        self.small_cost: float | None = _cost("small_cost", small_cost)
        self.large_cost: float | None = _cost("large_cost", large_cost)
        self.reads = choice("reads", reads, READS)
        self.large_better = record("large_better", large_better, bool)
        self.hold_back = record("hold_back", hold_back, bool)
        self.spent, self.begun = 0.0, 0
        self._held, self._calls = 0.0, 0
        self._signals: list[float] = []
        self._paid = {"small": (0, 0.0), "large": (0, 0.0)}

    @property
    def free(self) -> float:
        """What is neither spent nor held for calls under way."""
        return self.budget - self.spent - self._held

    @property
    def seen(self) -> int:
        """How many signals were seen."""
        return len(self._signals)

    def begin(
        self,
        signal: float | None = None,
        *,
        small_most: float | None = None,
        large_most: float | None = None,
    ) -> Step:
        """What to do with the next prompt.

        Args:
            signal: Read off the prompt, where that is what signals are read off; low where the large model is
                to be asked.
            small_most: The most that this call of the small model can cost; its `small_cost` when not given.
            large_most: The same of the large model.

        Raises:
            InputError: A most is neither given nor known, or a signal is missing or not finite.
        """
        small_most = self._most("small", small_most)
        large_most = self._most("large", large_most)
        if (signal is None) == (self.reads == "prompt"):
            wanted = "begin needs it" if signal is None else "it is for escalates, not for begin"
            raise InputError(f"the signal is read off the {self.reads}: {wanted}")
        to_come = max(self.n_prompts - self.begun, 1)
        self.begun += 1
        if not self.affords(small_most):
            return "none"
        small, large = self._mean("small", small_most), self._mean("large", large_most)
        if self.free <= to_come * small + self._rounding:
            return "small"
        if self.large_better and self.affords(to_come * large) and self.affords(large_most):
            return "large"
        if signal is None:
            return "read"
        return "large" if self._wanted(signal, small_most, large_most) else "small"

    def escalates(self, signal: float, *, large_most: float | None = None) -> bool:
        """Whether the large model is asked too, once the small one's answer was paid for.

        Args:
            signal: Read off its answer; low where it is rather wrong.
            large_most: The most that the call can cost; `large_cost` when not given.

        Raises:
            InputError: The signal is not finite, or the most is neither given nor known.
        """
        return self._wanted(signal, 0.0, self._most("large", large_most))

    def hold(self, most: float) -> None:
        """Sets aside the most that a call can cost, before it is made."""
        self._held += number("most", most, finite=True)
        self._calls += 1

    def pay(self, model: str, cost: float, *, held: float | None = None) -> None:
        """Takes the true cost of a call.

        Args:
            model: ``small`` or ``large``.
            cost: What it cost, whatever came of it.
            held: What was set aside for it, if anything was.

        Raises:
            InputError: There is no such model, or a cost is negative or not finite.
        """
        calls, total = self._paid[choice("model", model, self._paid)]
        cost = number("cost", cost, finite=True)
        if held is not None:
            self._calls -= 1
            self._held = self._held - number("held", held, finite=True) if self._calls else 0.0
        self.spent += cost
        self._paid[model] = calls + 1, total + cost

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """All of it in plain numbers, as JSON holds them; calls under way count as spent."""
        options = ("budget", "n_prompts", "small_cost", "large_cost", "reads", "large_better", "hold_back")
        return {
            "format": _FORMAT,
            **{name: getattr(self, name) for name in options},
            "begun": self.begun,
            "spent": self.spent + self._held,
            "paid": {model: list(paid) for model, paid in self._paid.items()},
            "signals": list(self._signals),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:  # Any: a JSON document
        """The rule that `to_dict` wrote, which decides as that would have.

        Raises:
            InputError: It is of another format, or something is missing or no such value.
        """
        if not isinstance(saved, Mapping) or saved.get("format") != _FORMAT:
            raise InputError(f"a saved rule must be a mapping of format {_FORMAT}; begin anew")
        known = {"format", "begun", "spent", "paid", "signals"}
        try:
            rule = cls(**{name: value for name, value in saved.items() if name not in known})
            rule.begun = number("begun", saved["begun"], whole=True)
            rule.spent = number("spent", saved["spent"], finite=True)
            for model in rule._paid:
                calls, total = saved["paid"][model]
                rule._paid[model] = number("paid", calls, whole=True), number("paid", total, finite=True)
            rule._signals = sorted(vector("signals", saved["signals"]).tolist())
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"a saved rule is not whole: {error}; begin anew") from None
        return rule

    def _wanted(self, signal: float, small_most: float, large_most: float) -> bool:
        """Whether a prompt is to go to the large model, and can; its signal is kept."""
        signal = number("signal", signal, least=-math.inf)
        if math.isinf(signal):
            raise InputError("signal must be finite: leave a prompt without one to the small model")
        less = bisect_left(self._signals, signal)
        self._signals.insert(less, signal)
        seen = len(self._signals)
        place = place_among_equals(less, bisect_right(self._signals, signal, less) - less)
        small, large = self._mean("small", small_most), self._mean("large", large_most)
        share = share_escalated(self.budget / self.n_prompts, small, large, self.reads)
        kept = max(self.n_prompts - self.begun, 0) * small if self.hold_back else 0.0
        return seen > LEAST_SEEN and place < share * (seen - 1) and self.affords(large_most + kept)

    def _most(self, model: str, most: float | None) -> float:
        fixed: float | None = getattr(self, f"{model}_cost")
        if most is None and fixed is None:
            raise InputError(
                f"without {model}_cost the most that a call can cost is needed: give {model}_most"
            )
        return float(number(f"{model}_most", fixed if most is None else most, finite=True))

    def _mean(self, model: str, most: float) -> float:
        """What a call is expected to cost."""
        fixed: float | None = getattr(self, f"{model}_cost")
        calls, total = self._paid[model]
        return fixed if fixed is not None else total / calls if calls else most

    def affords(self, cost: float) -> bool:
        """Whether this much is free."""
        return self.free + self._rounding >= cost

    @property
    def _rounding(self) -> float:
        return ROUNDING * self.budget


def share_escalated(budget: float, small: float, large: float, reads: str) -> float:
    """Share of the prompts that can go to the large model, at this budget and these costs a prompt.

    >>> share_escalated(2, 1, 4, "answer"), share_escalated(2, 1, 5, "prompt")
    (0.25, 0.25)
    """
    more = large if reads == "answer" else large - small
    return 1.0 if more <= 0 else min(max((budget - small) / more, 0.0), 1.0)


def place_among_equals(less: T, equal: T) -> T:
    """The rank of the latest of several equal signals, so that each share of them is below each quantile.

    Ranks go round by the golden ratio: of any number in a row the places are spread evenly.

    Args:
        less: How many signals are smaller.
        equal: How many are equal, itself included.
    """
    return less + equal * (equal * _GOLDEN % 1.0) // 1


def _cost(what: str, cost: float | None) -> float | None:
    return None if cost is None else number(what, cost, finite=True)
