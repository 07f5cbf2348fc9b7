"""A test that watches a mean for ever, and raises a false alarm with a stated probability."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from routoo.data.checks.arguments import number
from routoo.data.errors import InputError
from routoo.solver.bounds.special import Array
from routoo.solver.bounds.stakes import log_mean

_FORMAT = 1
_BETS = 5
_LEAST, _MOST = 0.06, 0.8  # of the largest bet that cannot ruin


class DriftTest:
    """Watches whether scores still have a mean of at least `floor`, and raises an alarm when they do not.

    As long as each score's mean, given all that came before, is at least `floor`, the probability that an
    alarm is ever raised is at most `false_alarm`, however long the test runs. It bets that failures have
    become 1.25 to 5 times as many as allowed; with a floor below 0.8 it stakes from 6 to 80 % of the
    largest bet, so as to tell small drifts of scores about the middle too. A share of its capital begins
    anew at every score (of what had not begun before the t-th, ``1 / (1 + log t)`` is left), so that a
    long good time leaves it as alert as before. (A mixture of test supermartingales: Ville's inequality;
    Shin, Ramdas and Rinaldo 2024, "E-detectors".)

    Args:
        floor: The mean that is promised, above 0 and below 1.
        false_alarm: Probability of ever raising an alarm though the mean is at least `floor`.

    Raises:
        InputError: A number is out of its range.

    Example:
        >>> test = DriftTest(floor=0.9, false_alarm=0.01)
        >>> any(test.observe(1) for _ in range(500)), test.seen
        (False, 500)
        >>> [at for at in range(1, 60) if test.observe(0.5)][0]
        16
    """

    def __init__(self, *, floor: float, false_alarm: float) -> None:
        self.floor: float = number("floor", floor, most=1)
        self.false_alarm: float = number("false_alarm", false_alarm, most=1)
        for name, value in (("floor", self.floor), ("false_alarm", self.false_alarm)):
            if value in (0, 1):
                raise InputError(f"{name} must be above 0 and below 1, got {value:g}")
        odds = (1 - self.floor) / self.floor
        self._stake: Array = np.geomspace(min(odds / 4, _LEAST), min(4 * odds, _MOST), _BETS)
        self._log_capital: Array = np.full(_BETS, -np.inf)
        self.seen, self.alarm = 0, False

    @property
    def p_value(self) -> float:
        """Valid at any time: how unlikely so large a capital is while the mean is at least `floor`."""
        total = np.logaddexp(log_mean(self._log_capital, _EQUAL), math.log(_not_begun(self.seen)))
        return math.exp(min(0.0, -float(total)))

    def observe(self, score: float) -> bool:
        """Whether there is an alarm, after one more score in [0, 1]; once raised it stays.

        Raises:
            InputError: The score is no number in [0, 1].
        """
        score = number("score", score, most=1)
        begun = math.log(_not_begun(self.seen) - _not_begun(self.seen + 1))
        gain = self._stake * (self.floor - score) / (1 - self.floor)
        self._log_capital = np.logaddexp(self._log_capital, begun) + np.log1p(gain)
        self.seen += 1
        self.alarm = self.alarm or self.p_value <= self.false_alarm
        return self.alarm

    def to_dict(self) -> dict[str, Any]:
        """All that a restart needs, as plain JSON."""
        return {
            "format": _FORMAT,
            "floor": self.floor,
            "false_alarm": self.false_alarm,
            "seen": self.seen,
            "alarm": self.alarm,
            "log_capital": self._log_capital.tolist() if self.seen else None,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """The test that `to_dict` wrote down.

        Raises:
            InputError: It is of another format.
        """
        if state.get("format") != _FORMAT:
            raise InputError(f"a drift test of format {state.get('format')!r} cannot be read: {_FORMAT} can")
        test = cls(floor=state["floor"], false_alarm=state["false_alarm"])
        test.seen, test.alarm = number("seen", state["seen"], whole=True), bool(state["alarm"])
        if state["log_capital"] is not None:
            test._log_capital = np.array(state["log_capital"], float)
        return test


_EQUAL: Array = np.full(_BETS, 1 / _BETS)


def _not_begun(t: int) -> float:
    """Share of the capital that is not bet before the score after the t-th."""
    return 1 / (1 + math.log1p(t))
