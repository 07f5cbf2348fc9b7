"""What a router predicts of a batch: how probably models agree with the reference, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from routoo.data.answer import Answer
from routoo.data.errors import InputError
from routoo.data.request import Request
from routoo.data.words import some
from routoo.models.signals.answer_model import AnswerModel
from routoo.models.signals.left_out import log_odds
from routoo.models.signals.registry import text_signals
from routoo.policies.smart.promise import Promise
from routoo.solver.smart.policies import Policies, spread_prices

if TYPE_CHECKING:
    from routoo.router import Router

Array = npt.NDArray[np.float64]

_DIGITS = 7  # of what is kept, more than float32 holds


@dataclass(frozen=True, eq=False)
class Predicted:
    """Predictions for the items of a batch, and the prices at which a model is chosen by them.

    A model agrees with the reference where both are right, which is at most as probable as that the less
    able of the two is. That bound is taken: it is reached where what one cannot do the other cannot either.
    A router that has learned agreement itself gives the reference 1, and so is taken at its word.

    Args:
        agreement: Probability that a candidate agrees with the reference, ``(n_items, n_candidates)``.
        cost_usd: What a call of each candidate, then of the reference, costs, ``(n_items,
            n_candidates + 1)``.
        prices: Agreeing answers that a dollar must buy, from the safest policy to the cheapest.
        answer_model: What answers tell, where policies are cascades that read them; None where they do not.
    """

    agreement: Array
    cost_usd: Array
    prices: tuple[float, ...]
    answer_model: AnswerModel | None = None

    @classmethod
    def of(
        cls, router: Router, requests: Sequence[Request], names: Sequence[str], *, cascade: bool = False
    ) -> Predicted:
        """What a router predicts of these items.

        Args:
            router: It must know all of the models.
            requests: The items.
            names: The candidates, then the reference.
            cascade: Whether answers are to be read.

        Raises:
            InputError: The router does not know a model, or nothing of answers where it is to read them.
        """
        if missing := [name for name in names if name not in router.pool.names]:
            raise InputError(
                f"the router predicts nothing of {some(missing)}: name as candidates only models that its "
                "bundle knows, or train one on outcomes of these too"
            )
        scores = router.predict([request.text for request in requests])
        at = [scores.models.index(name) for name in names]
        right = scores.p_correct[:, at].astype(np.float64)
        agreement = _rounded(np.minimum(right[:, :-1], right[:, -1:]))
        cost = _rounded(scores.cost_usd[:, at].astype(np.float64))
        if not cascade:
            return cls(agreement, cost, ())._at_spread_prices()
        if router.answer_model is None or not router.answer_model.signals:
            raise InputError(
                "the router knows no signal of answers, by which a cascade tells which may stand: train it "
                "on outcomes that hold answers and signals (routoo collect writes them), or leave cascade out"
            )
        return cls(agreement, cost, (), router.answer_model.select(names[:-1]))._at_spread_prices()

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Predicted:  # Any: values of JSON
        """What `to_json` gave."""
        known = kept.get("answer_model")
        return cls(
            np.array(kept["agreement"]),
            np.array(kept["cost_usd"]),
            tuple(kept["prices"]),
            None if known is None else AnswerModel.from_dict(known),
        )

    def to_json(self) -> dict[str, Any]:  # Any: values of JSON
        """All of it, as JSON has it."""
        return {
            "agreement": self.agreement.tolist(),
            "cost_usd": self.cost_usd.tolist(),
            "prices": list(self.prices),
            "answer_model": None if self.answer_model is None else self.answer_model.to_dict(),
        }

    @property
    def policies(self) -> Policies:
        """Whom each price chooses."""
        return self._family(np.array(self.prices))

    def _family(self, prices: Array) -> Policies:
        if self.answer_model is None:
            return Policies.at_prices(self.agreement, self.cost_usd, prices)
        levels = self.answer_model.observation.levels
        return Policies.cascades(self.agreement, self.cost_usd, prices, levels)

    def _at_spread_prices(self) -> Predicted:
        return replace(self, prices=tuple(spread_prices(self._family).tolist()))

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals of answers that are read, by name."""
        return () if self.answer_model is None else self.answer_model.signals

    def belief(self, item: int, candidate: int, answer: Answer) -> float:
        """Probability that a candidate's answer to an item agrees with the reference's, once it is read.

        What an answer's signals tell of its being right is taken to tell as much of its agreeing. One that
        did not come, or is blank, agrees with nothing.
        """
        if answer.answer is None or self.answer_model is None:
            return 0.0
        before = self.agreement[item, candidate]
        signals = {**text_signals(answer.answer), **answer.signals}
        found = {name: [value] for name, value in signals.items()}
        log_ratio = self.answer_model.log_ratio(found, [before], [answer.model])[0]
        return float(1 / (1 + np.exp(-(log_odds(np.array([before]))[0] + log_ratio))))


def policies_of(promise: Promise, n_items: int, predicted: Predicted | None) -> Policies:
    """The policies of a promise: a router's, at the prices that were declared, or each model alone."""
    if predicted is not None:
        return predicted.policies
    usd = [promise.expected_usd[name] for name in (*promise.candidates, promise.reference)]
    return Policies.alone(np.tile(np.array(usd, np.float64), (n_items, 1)))


def _rounded(values: Array) -> Array:
    """To a few significant digits, so that a journal stays small."""
    size = np.where(values > 0, np.floor(np.log10(np.maximum(values, 1e-300))), 0)
    scale = 10.0 ** (_DIGITS - 1 - size)
    return np.asarray(np.round(values * scale) / scale)
