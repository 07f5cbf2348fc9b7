"""A Hugging Face model that answers on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.errors import CallError, InputError, MissingExtraError, RoutooError
from routoo.data.pool import Pool, PoolModel
from routoo.data.request import Request
from routoo.members.ask import Ask, ask_of
from routoo.members.member import OnAnswer

if TYPE_CHECKING:
    from routoo.members.causal.answering import Answering


class LocalModel:
    """A member that is a causal language model of Hugging Face, run here.

    Its weights are loaded when it is first asked, and shared by all members of one model, number format and
    adapter. Where a request has options and is asked for them as it stands, the answer is the letter that is
    likeliest to come first, and no text is written.

    Args:
        pool_model: Its name, prices, and how it is called.

    Raises:
        InputError: The pool model has no call of kind ``local``, or one that a local model does not take.
    """

    def __init__(self, pool_model: PoolModel) -> None:
        call = pool_model.call
        if call is None or call.kind != "local":
            kind = "no call" if call is None else f"a call of kind {call.kind}"
            raise InputError(f"model {pool_model.name} has {kind}; a local model needs one of kind local")
        if call.parameters:
            raise InputError(
                f"model {pool_model.name}: a local model takes no further parameters, got "
                f"{', '.join(call.parameters)}"
            )
        self.pool_model, self.call = pool_model, call
        self.ask: Ask = ask_of(call.ask, threshold=call.threshold)
        self._prices = Pool((pool_model,))
        self._answering: Answering | None = None

    @property
    def name(self) -> str:
        """Its name in the pool."""
        return self.pool_model.name

    def answer(
        self, requests: Sequence[Request], *, signals: Sequence[str] = (), on_answer: OnAnswer | None = None
    ) -> Answers:
        """An answer to every request, in batches; `latency_s` is that of a prompt among others."""
        found: list[Answer] = []

        def take(answer: Answer) -> None:
            found.append(answer)
            if on_answer is not None:
                on_answer(answer)

        self._loaded().answer(requests, signals, take)
        return Answers.of(found, name=self.name)

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        """The answer to one request, alone in its batch: `latency_s` is what such a request takes here."""
        found: list[Answer] = []
        try:
            await asyncio.to_thread(lambda: self._loaded().answer([request], signals, found.append))
        except RoutooError as error:
            raise CallError(str(error), cost_usd=0.0) from error
        if found[0].error:
            raise CallError(found[0].error, cost_usd=0.0)
        return found[0]

    def most_usd(self, request: Request) -> float:
        """The prompt's own tokens and as many new ones as the call allows in all samples, in USD."""
        sent = len(self._loaded().tokens(request))
        return self.cost_usd(sent, self.call.samples * self.call.max_tokens)

    def cost_usd(self, input_tokens: int, output_tokens: int) -> float:
        """What an answer costs by the pool's prices."""
        return float(self._prices.cost_usd(np.array(input_tokens), np.array(output_tokens)).item())

    def close(self) -> None:
        """Lets go of the weights, which are freed once no other member holds them."""
        self._answering = None

    def _loaded(self) -> Answering:
        if self._answering is None:
            try:
                from routoo.members.causal.answering import Answering
                from routoo.members.causal.language_model import language_model
            except ImportError as error:
                raise MissingExtraError(
                    f"model {self.name} runs here, which needs torch and more: pip install 'routoo[lab]'"
                ) from error
            language = language_model(self.call.model, dtype=self.call.dtype, adapter=self.call.adapter)
            self._answering = Answering(language, self.name, self.call, self.ask, self.cost_usd)
        return self._answering
