"""Votes of several samples that may refuse, weighed by the thresholds they were asked at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from routoo.data.checks.arguments import number
from routoo.data.errors import InputError
from routoo.models.signals.normalisation import normalised


def ranged(n: int) -> tuple[float, ...]:
    """As many thresholds from 1 downwards to ``1 / n``, the strictest, which weighs most, first.

    >>> ranged(5)
    (1.0, 0.8, 0.6, 0.4, 0.2)
    """
    return tuple((n - at) / n for at in range(number("n", n, least=1, whole=True)))


@dataclass(frozen=True)
class Verdict:
    """How a vote stands.

    Args:
        answer: The accepted answer; None where none was.
        decided: Whether further samples can change nothing.
        share: The weight of the leading answer, over that of all samples, those not drawn yet included.
    """

    answer: str | None
    decided: bool
    share: float


@dataclass(frozen=True)
class ConfidenceVote:
    """Confidence voting of Shen et al. (2025): fixed, where all thresholds are one, and ranged.

    A sample's vote weighs what its threshold is: answering under a stricter one is stronger evidence. A
    refusal votes for no answer. An answer is accepted once its weight reaches `share` of that of all samples,
    those not drawn yet included; the vote is over as soon as that has happened, or can no longer. The weights
    and the order are ours, the paper's are not known to us.

    Args:
        thresholds: What is stated to each sample, in the order in which they are drawn; None, which weighs 1,
            for a model that knows no thresholds: plain self-consistency.
        share: Weight that an answer needs, above 0, at most 1.

    Raises:
        InputError: There is no sample, a threshold is not above 0, or a number is out of range.

    >>> vote = ConfidenceVote(ranged(4), 0.6)  # the samples weigh 0.4, 0.3, 0.2 and 0.1
    >>> vote.after(["4"])
    Verdict(answer=None, decided=False, share=0.4)
    >>> vote.after(["4", "4."])
    Verdict(answer='4', decided=True, share=0.7)
    >>> vote.after([None, None]).decided  # what is left weighs 0.3
    True
    """

    thresholds: tuple[float | None, ...]
    share: float

    def __post_init__(self) -> None:
        if not self.thresholds:
            raise InputError("thresholds must name at least one sample, got none")
        for name, value in [("share", self.share), *(("thresholds", value) for value in self.thresholds)]:
            if value is not None and not number(name, value, most=1):
                raise InputError(f"{name} must be above 0, got {value}")

    @property
    def weights(self) -> tuple[float, ...]:
        """What the samples weigh together with all others, which is 1."""
        weights = [1.0 if threshold is None else threshold for threshold in self.thresholds]
        return tuple(weight / sum(weights) for weight in weights)

    def after(self, answers: Sequence[str | None]) -> Verdict:
        """How the vote stands after the first samples, None for those that refused."""
        weights, votes, first = self.weights, defaultdict[str, float](float), dict[str, str]()
        for weight, answer in zip(weights, answers, strict=False):
            if answer is not None and (form := normalised(answer)):
                votes[form] += weight
                first.setdefault(form, answer)
        leader = max(votes, key=lambda form: votes[form], default="")
        most, left = votes.get(leader, 0.0), sum(weights[len(answers) :])
        if most >= self.share - _ROUNDING:
            return Verdict(first[leader], True, most)
        return Verdict(None, most + left < self.share - _ROUNDING, most)


_ROUNDING = 1e-9
