"""Cascades under way on models that answer: steps become calls, and what comes becomes belief."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from routoo.data.answer import Answer
from routoo.data.scores import Scores
from routoo.models.signals.agreement import answer_codes
from routoo.models.signals.answer_model import AnswerModel
from routoo.models.signals.registry import text_signals
from routoo.policies.asking import Asking, Call, Came
from routoo.policies.cascade_answer import CascadeAnswer, CascadeAnswers, OnSettled, Round
from routoo.solver.cascade.belief import Beliefs
from routoo.solver.cascade.course import Course
from routoo.solver.cascade.steps import Steps
from routoo.solver.cascade.terms import Terms

_FEW = 16
"""Calls that are made at once under any budget."""


class CascadeRun:
    """Prompts under way: their course, and what came.

    Args:
        model: What answers tell; its models are the columns of the scores.
        scores: What is predicted of the prompts.
        terms: Of each prompt.
        asking: Who asks for them; where it has a purse, the price follows what is left in it.
        on_settled: See `OnSettled`.
    """

    def __init__(
        self, model: AnswerModel, scores: Scores, terms: Terms, asking: Asking, on_settled: OnSettled | None
    ) -> None:
        self.model, self.scores, self.asking = model, scores, asking
        self.course = Course(Beliefs.start(scores.p_correct, model.observation), terms)
        self._on_settled = on_settled
        self._came: list[list[Answer]] = [[] for _ in asking.requests]
        self._settled: dict[int, CascadeAnswer] = {}

    async def to_end(self) -> CascadeAnswers:
        """What comes of all prompts, in their order; round by round, all of a round at once."""
        rounds: list[Round] = []
        while not self.course.over.all():
            price, spent, steps = self._steps()
            self._settle(np.flatnonzero((steps.first < 0) & ~self.course.over))
            waited, found = np.zeros(len(self._came)), await self.asking.ask(self._calls(steps))
            if price is not None and (made := sum(came.answer is not None for came in found)):
                rounds.append(Round(price, spent, float(steps.cost_usd.sum()), made))
            for came in found:
                prompt = came.call.prompt
                self._take(came, max(came.seconds - waited[prompt], 0.0))
                waited[prompt] = max(came.seconds, waited[prompt])
        answers = tuple(self._settled[prompt] for prompt in range(len(self._came)))
        return CascadeAnswers(answers, tuple(rounds))

    def _steps(self) -> tuple[float | None, float, Steps]:
        """The price that was solved for the next steps, what was spent before them, and the steps."""
        purse, left = self.asking.purse, self.asking.left_usd
        if purse is None:
            return None, 0.0, self.course.steps()
        price, steps = self.course.price_within(left)
        return price, max(purse.cap_usd - left, 0.0), steps

    def _calls(self, steps: Steps) -> list[Call]:
        """The calls that steps ask for; first those of prompts that have no answer yet, while money lasts.

        Under a budget many calls at once are expected to cost at most half of what is left, so that the
        others are planned when it is known what calls really cost.
        """
        prompts = np.flatnonzero(steps.first >= 0)
        prompts = prompts[np.argsort(self.course.answers[prompts], kind="stable")]
        left = self.course.terms.seconds_left
        calls = [
            Call(prompt, self.scores.models[at[prompt]], float(left[prompt]))
            for prompt in prompts.tolist()
            for at in (steps.first, steps.second)
            if at[prompt] >= 0
        ]
        cost = [self.scores.cost_usd[call.prompt, self.scores.models.index(call.model)] for call in calls]
        within = np.searchsorted(np.cumsum(cost), self.asking.left_usd / 2, side="right")
        return calls[: max(int(within), _FEW)]

    def _take(self, came: Came, seconds: float) -> None:
        """Takes in what came of a call, so many seconds after what came for its prompt before."""
        prompt, answer = came.call.prompt, came.answer
        member = self.scores.models.index(came.call.model)
        rows, members, later = np.array([prompt]), np.array([member]), np.array([seconds])
        if answer is None:
            self.course.terms.open[prompt, member] = False
            return
        self._came[prompt].append(answer)
        expected = float(self.scores.cost_usd[prompt, member])
        usd = np.array([expected if answer.cost_usd is None else answer.cost_usd])
        if answer.answer is None:
            self.course.failed(rows, members, usd=usd, seconds=later)
            return
        signals = {**text_signals(answer.answer), **answer.signals}
        log_ratio = self.model.log_ratio(
            {name: [value] for name, value in signals.items()},
            [float(self.scores.p_correct[prompt, member])],
            [answer.model],
        )
        texts = [other.answer for other in self._came[prompt] if other.answer is not None]
        code = answer_codes([texts])[0, -1:]
        self.course.answered(rows, members, log_ratio=log_ratio, code=code, usd=usd, seconds=later)

    def _settle(self, prompts: npt.NDArray[np.intp]) -> None:
        """Ends these prompts with the best of their answers."""
        self.course.stop(prompts)
        for prompt, member, p_correct in zip(
            prompts.tolist(), *(found.tolist() for found in self.course.settled_of(prompts)), strict=True
        ):
            asked = tuple(self._came[prompt])
            names = [answer.model for answer in asked]
            found = CascadeAnswer(
                self.asking.requests[prompt].prompt_id,
                asked,
                None if member < 0 else names.index(self.scores.models[member]),
                p_correct,
            )
            self._settled[prompt] = found
            if self._on_settled is not None:
                self._on_settled(found)
