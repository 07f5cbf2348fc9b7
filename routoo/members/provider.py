"""A member behind a provider's interface, called through LiteLLM."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from functools import partial

from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.call import Call
from routoo.data.checks.batch import listed
from routoo.data.errors import CallError, InputError
from routoo.data.pool import PoolModel
from routoo.data.request import Request
from routoo.members.ask import Ask, ask_of
from routoo.members.background import run_in_background
from routoo.members.calling import Retries, call_member
from routoo.members.clock import Clock
from routoo.members.limiter import CONCURRENCY, Limiter
from routoo.members.member import OnAnswer
from routoo.members.remote import body as sent
from routoo.members.remote.client import LOG_PROBS, complete, load
from routoo.members.remote.failures import RefusedError, call_error, is_filtered
from routoo.members.remote.joining import FILTERED, joined
from routoo.members.remote.reply import Reply, read_reply
from routoo.members.remote.usage import Usage
from routoo.members.stopping import Stop, StoppedError
from routoo.members.together import together
from routoo.models.signals.registry import SIGNALS

_OF_LOG_PROBS = {"token_log_probs", "option_log_probs", "top_tokens"}
_BYTES_PER_TOKEN = 4  # of most texts: what a limit of tokens a minute counts for a prompt


class ProviderModel:
    """A member that is asked over the network, by a provider's interface or one like OpenAI's.

    Cost follows from the usage that the provider reports, by the pool's prices; where it reports none, or one
    that cannot be, the cost is not known. Of several samples the answer is the one given most often. The key
    comes from the environment alone, and stands in no message.

    Args:
        pool_model: Its name, prices, limits, and how it is called.
        retries: How often, and for how long, `answer` asks; `Retries()` where it is left out.
        limiter: How fast `answer` asks; by the pool's limits where it is left out.
        clock: Where time comes from.
        environment: Where keys are looked for; that of the process where it is left out.
        on_remark: Called once with each thing that its user may want to know: that costs are not known, or
            that a call waits for hours.

    Raises:
        InputError: The pool model has no call of kind ``provider``, or its key is not in the environment.
    """

    def __init__(
        self,
        pool_model: PoolModel,
        *,
        retries: Retries | None = None,
        limiter: Limiter | None = None,
        clock: Clock | None = None,
        environment: Mapping[str, str] | None = None,
        on_remark: Callable[[str], None] | None = None,
    ) -> None:
        call = pool_model.call
        if call is None or call.kind != "provider":
            kind = "no call" if call is None else f"a call of kind {call.kind}"
            raise InputError(f"model {pool_model.name} has {kind}; it needs one of kind provider")
        self.pool_model, self.call, self.ask = pool_model, call, ask_of(call.ask, threshold=call.threshold)
        self._key = _key(
            pool_model.name, call.api_key_env, os.environ if environment is None else environment
        )
        self._retries, self._clock = retries, clock or Clock()
        self._limiter = limiter or Limiter.of(pool_model, clock=clock, on_remark=on_remark)
        self._on_remark, self._remarked, self._gives_log_probs = on_remark, False, True

    @property
    def name(self) -> str:
        """Its name in the pool."""
        return self.pool_model.name

    def answer(
        self, requests: Sequence[Request], *, signals: Sequence[str] = (), on_answer: OnAnswer | None = None
    ) -> Answers:
        """An answer to every request, several at once, tried again where that may help; see `Member.answer`.

        `on_answer` is called in another thread, one answer at a time.
        """
        asked = listed(requests, "requests", "Request")
        load()
        found = run_in_background(self.answer_all(asked, signals, on_answer, Stop()))
        return Answers.of(found, name=self.name)

    async def answer_all(
        self, requests: Sequence[Request], signals: Sequence[str], on_answer: OnAnswer | None, stop: Stop
    ) -> list[Answer]:
        """As `answer`; once it is asked to stop, of the calls in flight alone."""
        found: list[Answer] = []
        waiting = iter(requests)
        width = min(len(requests), self.pool_model.concurrency or CONCURRENCY)
        await together(self._work(waiting, signals, found, on_answer, stop) for _ in range(width))
        return found

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        """The answer to one request, tried once; see `Member.answer_one`.

        Raises:
            CallError: None came; it says whether another try may help, and when.
        """
        started = self._clock.now()
        free = asyncio.Semaphore(self._limiter.concurrency)

        async def sample(number: int) -> Reply | CallError:
            async with free:
                return await self._sample(request, number, signals)

        samples = await asyncio.gather(*map(sample, range(self.call.samples)))
        answer = joined(request, self.pool_model, self.ask, samples, signals)
        if answer.cost_usd is None and not self._remarked and self._on_remark is not None:
            self._remarked = True
            self._on_remark(
                f"{self.name} reports no usage, or one that cannot be: what it costs is not known"
            )
        return replace(answer, latency_s=self._clock.now() - started)

    def most_usd(self, request: Request) -> float:
        """What all samples cost with as many tokens as the bytes sent and as the call lets come, in USD.

        All that is sent counts as written to a cache for an hour where the request or its call asks for one.
        """
        return most_usd(request, self.pool_model, self.ask)

    def slot(self, request: Request) -> AbstractAsyncContextManager[None]:
        """Entered when a try of a request may begin, by the limits of its account."""
        tokens = most_tokens(request, self.call, self.ask)
        return self._limiter.slot(tokens, requests=self.call.samples)

    async def _work(
        self,
        waiting: Iterator[Request],
        signals: Sequence[str],
        found: list[Answer],
        on_answer: OnAnswer | None,
        stop: Stop,
    ) -> None:
        for request in waiting:
            if stop.asked:
                return
            try:
                answer = await call_member(
                    self,
                    request,
                    signals=signals,
                    retries=self._retries,
                    slot=partial(self._slot, request, stop),
                    clock=stop.clock(self._clock),
                )
            except StoppedError:
                return
            found.append(answer)
            if on_answer is not None:
                on_answer(answer)

    def _slot(self, request: Request, stop: Stop) -> AbstractAsyncContextManager[None]:
        return stop.entered(self.slot(request))

    async def _sample(self, request: Request, number: int, signals: Sequence[str]) -> Reply | CallError:
        """What came of one request to the provider, without log-probabilities where it refuses these."""
        try:
            body = sent.body_of(request, self.call, self.ask)
            headers = {"Idempotency-Key": sent.idempotency_key(request, self.call, body, number)}
            if self._gives_log_probs and _need_log_probs(signals):
                with suppress(RefusedError):
                    return await self._reply(request, {**body, **LOG_PROBS}, headers)
                reply = await self._reply(request, body, headers)
                self._gives_log_probs = False
                return reply
            return await self._reply(request, body, headers)
        except CallError as error:
            return error

    async def _reply(self, request: Request, body: sent.Body, headers: Mapping[str, str]) -> Reply:
        try:
            response = await complete(self.call, body, key=self._key, headers=headers)
        except Exception as error:  # LiteLLM raises what it likes
            if is_filtered(error):
                nothing = Usage(input_tokens=0, output_tokens=0)
                return Reply(text="", finish_reason=FILTERED, usage=nothing)
            raise call_error(error) from None  # the cause quotes the prompt
        return read_reply(
            response,
            most_input=sent.most_input(request, self.ask),
            most_output=sent.most_output(request, self.call),
        )


def most_usd(request: Request, model: PoolModel, ask: Ask) -> float:
    """What a try of a provider's model can cost at most; see `ProviderModel.most_usd`."""
    assert model.call is not None  # for the type checker: it is asked by its call
    most = sent.most_input(request, ask)
    written = most if sent.writes_cache(request, model.call) else 0
    usage = Usage(
        input_tokens=most,
        output_tokens=sent.most_output(request, model.call),
        written_tokens=written,
        hour_tokens=written,
    )
    return usage.cost_usd(model) * model.call.samples


def most_tokens(request: Request, call: Call, ask: Ask) -> float:
    """What a limit of tokens counts for a request: one for four bytes sent, and all that may come."""
    read = sent.most_input(request, ask) / _BYTES_PER_TOKEN
    return call.samples * (read + sent.most_output(request, call))


def _need_log_probs(signals: Sequence[str]) -> bool:
    return any(_OF_LOG_PROBS & {*SIGNALS[name].needs} for name in signals if name in SIGNALS)


def _key(name: str, variable: str | None, environment: Mapping[str, str]) -> str | None:
    """The key that a call names; None where the provider's own variable is to be looked for.

    Raises:
        InputError: It is not there.
    """
    if variable is None:
        return None
    if not environment.get(variable):
        raise InputError(f"model {name}: the environment has no {variable}: export {variable}=...")
    return environment[variable]
