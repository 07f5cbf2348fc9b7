"""What is believed of a prompt's models, before and after some of them have answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from routoo.data.errors import InputError
from routoo.data.observation import ObservationModel

Array = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]

_THETA, _MASS = np.polynomial.hermite_e.hermegauss(7)
_MASS = _MASS / _MASS.sum()
_MOST = 0.95
"""Largest loading: beyond it seven nodes do not tell how often two models err together."""
_CERTAIN = 1e-4
"""Nothing is held for more certain than this, so that evidence can speak against it."""

_Z = np.linspace(-6, 6, 4097)
_PHI = np.array([NormalDist().cdf(z) for z in _Z])  # linear between them: off by at most 3e-7


@dataclass(frozen=True, eq=False)
class Beliefs:
    """Joint probabilities of which asked models are right and of the factor behind errors, row by row.

    A row is a prompt that has asked as many models as the others. Its weights are those of Bayes' rule, on
    seven Gauss-Hermite nodes of the factor of `ObservationModel`; nothing is sampled.

    A new answer is the same as those of one group of equal answers, or as none. Given which answers are
    right, its odds of joining a group are the geometric mean, over all asked models, of the pairwise odds of
    agreeing within the group, so that many like-minded models do not count as many witnesses.

    Args:
        model: What answers tell.
        p_correct: Predicted score of each model, ``(n_rows, n_models)``.
        right: Probability that each model is right at each node, ``(n_rows, n_models, n_nodes)``.
        asked: Models that answered, in order, ``(n_rows, n_asked)``.
        same: For each of them the place of the first asked model with the same answer, likewise.
        weight: Of which of the asked are right, as binary numbers whose last digit is the last asked model,
            and of the nodes, ``(n_rows, 2 ** n_asked, n_nodes)``; a row sums to 1.

    >>> none, same = np.ones((2, 1)), np.tile([0.25, 0.0001, 0.9999], (2, 2, 1))
    >>> model = ObservationModel(("a", "b"), np.zeros(2), none, none, same)
    >>> once = Beliefs.start(np.array([[0.5, 0.5]]), model).after(np.array([0]), np.log([3.0]), np.array([0]))
    >>> once.own.round(2).tolist()
    [[0.75]]
    >>> once.after(np.array([1]), np.zeros(1), np.array([0])).own.round(2).tolist()  # the same answer
    [[0.92, 0.92]]
    """

    model: ObservationModel
    p_correct: Array
    right: Array
    asked: Positions
    same: Positions
    weight: Array

    @classmethod
    def start(cls, p_correct: npt.NDArray[np.floating], model: ObservationModel) -> Beliefs:
        """What is believed before any model has answered.

        Args:
            p_correct: Predicted score of each model, ``(n_rows, n_models)``.
            model: What answers tell; its models are the columns.

        Raises:
            InputError: There is not one column a model.
        """
        p = np.asarray(p_correct, np.float64)
        if p.ndim != 2 or p.shape[1] != len(model.models):
            raise InputError(
                f"p_correct must have one column for each of {len(model.models)} models, got shape {p.shape}"
            )
        none = np.empty((len(p), 0), np.intp)
        probit = np.interp(p.clip(_CERTAIN, 1 - _CERTAIN), _PHI, _Z)[..., None]
        load = np.tanh(np.arctanh(model.loading)[:, None] + model.loading_slope * probit).clip(-_MOST, _MOST)
        right = np.interp((probit + load * _THETA) / np.sqrt(1 - load**2), _Z, _PHI)
        return cls(model, p, _with_mean(right, p[..., None]), none, none, np.tile(_MASS, (len(p), 1, 1)))

    def __len__(self) -> int:
        return len(self.p_correct)

    @cached_property
    def log_odds(self) -> Array:
        """Log-odds of `p_correct`, ``(n_rows, n_models)``."""
        p = self.p_correct.clip(_CERTAIN, 1 - _CERTAIN)
        return np.asarray(np.log(p) - np.log1p(-p), np.float64)

    @property
    def n_asked(self) -> int:
        """How many models each prompt has asked."""
        return int(self.asked.shape[1])

    def after(self, member: Positions, log_ratio: Array, same: Positions) -> Beliefs:
        """What is believed once one more model has answered.

        Args:
            member: Which one, of each row.
            log_ratio: Log of how much likelier its signals are of a right answer than of a wrong one.
            same: Place among the asked models of the first with the same answer; `n_asked` where none has.
        """
        rows, states = np.arange(len(self)), 2**self.n_asked
        law = joining(self, member[:, None])[:, 0]  # (row, state, member right, group)
        seen = law[rows, :, :, same]
        right = self.right[rows, member][:, None]
        weight = np.empty((len(self), states, 2, right.shape[2]))
        tilt = np.exp(log_ratio / 2)[:, None, None]  # halves, so that neither side overflows
        weight[:, :, 0] = self.weight * (1 - right) * seen[:, :, 0, None] / tilt
        weight[:, :, 1] = self.weight * right * seen[:, :, 1, None] * tilt
        weight = weight.reshape(len(self), 2 * states, -1)
        return replace(
            self,
            asked=np.column_stack([self.asked, member]),
            same=np.column_stack([self.same, same]),
            weight=weight / weight.sum((1, 2), keepdims=True),
        )

    @cached_property
    def own(self) -> Array:
        """Probability that each asked model's answer is right, ``(n_rows, n_asked)``."""
        return np.asarray(self.weight.sum(2) @ digits(self.n_asked), np.float64)

    @property
    def stopped(self) -> Array:
        """Probability that the best answer so far is right, ``(n_rows,)``; 0 before there is one."""
        return np.asarray(self.own.max(1, initial=0), np.float64)

    @property
    def best(self) -> Positions:
        """The asked model whose answer is rather right than any other, of each row."""
        return np.take_along_axis(self.asked, self.own.argmax(1)[:, None], 1)[:, 0]

    @property
    def expected(self) -> Array:
        """Probability that each model is right: of an asked one its answer, ``(n_rows, n_models)``."""
        found = (self.right @ self.weight.sum(1)[..., None])[..., 0]
        np.put_along_axis(found, self.asked, self.own, 1)
        return np.asarray(found, np.float64)

    def rows(self, index: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Beliefs:
        """The beliefs of these rows."""
        parts = {
            name: getattr(self, name)[index] for name in ("p_correct", "right", "asked", "same", "weight")
        }
        return replace(self, **parts)


def place_of_same(earlier: npt.NDArray[np.integer], code: npt.NDArray[np.integer]) -> Positions:
    """Place of the first earlier answer that is the same, ``(n_rows,)``; the number of them where none is.

    Args:
        earlier: Equal numbers for equal answers, -1 for one that equals no other, ``(n_rows, n_earlier)``.
        code: That of the answer, ``(n_rows,)``.
    """
    alike = (earlier == code[:, None]) & (code[:, None] >= 0)
    return np.asarray(np.column_stack([alike, np.ones(len(code), bool)]).argmax(1), np.intp)


def _with_mean(right: Array, p: Array) -> Array:
    """The probabilities at the nodes, scaled so that their mean is exactly `p`, within what is certain."""
    p, right = p.clip(_CERTAIN, 1 - _CERTAIN), right.clip(_CERTAIN, 1 - _CERTAIN)
    mean = (right @ _MASS)[..., None]
    scaled = np.where(mean > p, right * p / mean, 1 - (1 - right) * (1 - p) / (1 - mean))
    return np.asarray(scaled, np.float64)


@cache
def digits(n_asked: int) -> Array:
    """Which of the asked models are right in each state, ``(2 ** n_asked, n_asked)``."""
    return (np.arange(2**n_asked)[:, None] >> np.arange(n_asked)[::-1] & 1).astype(np.float64)


def pulls(beliefs: Beliefs, member: Positions) -> Array:
    """How an answer is drawn to each group of equal answers: sums of log-odds of agreeing with its members.

    Args:
        beliefs: Before the answer.
        member: Models that may give it, ``(n_rows, n_candidates)``.

    Returns:
        ``(n_rows, n_candidates, states, 2, n_asked)``: by which of the asked are right, whether the answer
        is, and the group, which is called by its first model; the others' places hold minus infinity.
    """
    if not beliefs.n_asked:
        return np.empty((*member.shape, 1, 2, 0))
    count = digits(beliefs.n_asked).astype(np.intp)[:, None] + np.arange(2)[:, None]  # (state, right, asked)
    odds = beliefs.model.agreement_log_odds
    pairs = odds[beliefs.asked[:, None, None, None], member[:, :, None, None, None], count]
    if slope := beliefs.model.agreement_slope / 2:
        x, rows = beliefs.log_odds, np.arange(len(beliefs))[:, None]
        both = x[rows, member][:, :, None] + x[rows, beliefs.asked][:, None]
        pairs = pairs + np.where(count == 0, slope * both[:, :, None, None], 0)
    groups = beliefs.same[:, :, None] == np.arange(beliefs.n_asked)  # (row, asked, group)
    found = pairs @ groups[:, None, None].astype(np.float64)
    return np.where(groups.any(1)[:, None, None, None], found, -np.inf)


def joining(beliefs: Beliefs, member: Positions) -> Array:
    """Probability that an answer joins each group of equal answers, or none.

    Returns:
        As `pulls`, with one group more at the end: an answer that is like no other.
    """
    return shares(pulls(beliefs, member))


def shares(pull: Array) -> Array:
    """What `joining` says, from what `pulls` found."""
    mass = np.ones((*pull.shape[:-1], pull.shape[-1] + 1))
    mass[..., :-1] = np.exp(pull / max(pull.shape[-1], 1))
    return np.asarray(mass / mass.sum(-1, keepdims=True), np.float64)
