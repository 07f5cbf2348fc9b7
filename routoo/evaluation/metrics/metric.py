"""What a metric is: one number of a policy that chooses, with the words that explain it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from routoo.data.curves import Vector
from routoo.evaluation.metrics.deferral import Deferral
from routoo.evaluation.trial.policy import Policy
from routoo.evaluation.trial.single_models import SingleModels
from routoo.evaluation.trial.trial import Trial


@dataclass(frozen=True, eq=False)
class Subject:
    """What a metric looks at.

    Args:
        policy: A policy with choices.
        policies: All that are compared.
        trial: What they are compared on.
        deferral: The policy between the cheapest and the best single model, where these are two.
    """

    policy: Policy
    policies: Sequence[Policy]
    trial: Trial
    deferral: Deferral | None


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A column of the table of metrics; a line in `registry.py` puts it there, and into the JSON.

    Args:
        key: Its name in the JSON.
        heading: Its name in the table.
        source: Who publishes it; empty where nobody does.
        words: What it is, for the note below the table.
        of: What it is of a subject; NaN where it is not defined. Of `best`, when not given.
        best: Of the best setting in hindsight, which is picked by the very outcomes that it is judged on:
            the value for settings ``(n_points, 2)`` of cost and score, on the scale of the single models. It
            has a range over resamples, in each of which the setting is picked anew.
    """

    key: str
    heading: str
    source: str = ""
    words: str
    of: Callable[[Subject], float] | None = None
    best: Callable[[Vector, SingleModels], float] | None = None

    def __call__(self, subject: Subject) -> float:
        """The value of a subject."""
        if self.of is not None:
            return self.of(subject)
        assert self.best is not None  # for the type checker: one of the two is given
        return self.best(subject.policy.points, subject.trial.singles)
