"""Prompts that have a model, answered by it: what comes after a router's choice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from routoo.collect.interrupts import run_attended
from routoo.collect.threads import in_thread
from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.chat import Prompt
from routoo.data.checks.arguments import known_names, same_length
from routoo.data.request import Request, named_requests
from routoo.members.local import LocalModel
from routoo.members.member import Member, OnAnswer
from routoo.members.provider import ProviderModel
from routoo.members.remote.client import load
from routoo.members.stopping import Stop, StoppedError


def answer(
    members: Mapping[str, Member],
    prompts: Iterable[Prompt | Request],
    models: Sequence[str],
    *,
    prompt_ids: Sequence[str] | None = None,
    signals: Sequence[str] = (),
    on_answer: OnAnswer | None = None,
    on_remark: Callable[[str], None] = lambda words: None,
) -> Answers:
    """The answer of the chosen model to every prompt; one that failed for good has an `error` and no answer.

    Members are asked at the same time, local models one after the other; answers stand in the order of the
    prompts. After Ctrl-C, or where one member fails altogether, no more calls are made, and what comes of
    those in flight is still handed to `on_answer`. A second Ctrl-C leaves them.

    Args:
        members: Who answers, by name (`members_of`).
        prompts: Texts, chats, or requests (`routoo.data.request.Request`).
        models: The model of each, such as `Assignment.chosen`.
        prompt_ids: Their names, ``0``, ``1`` and so on where they are left out, as in an assignment.
        signals: Signals to read off the answers, by name.
        on_answer: Called with each answer as it comes, from several threads but one at a time.
        on_remark: Called at Ctrl-C with what is waited for.

    Raises:
        InputError: There is no prompt, not one model a prompt, or a model that is no member.
        KeyboardInterrupt: Ctrl-C was pressed before all had come.

    >>> import polars as pl, routoo
    >>> rows = {"prompt_id": ["0", "1"], "model": ["small", "large"], "answer": ["4", "Canberra"]}
    >>> pool = routoo.Pool(
    ...     tuple(
    ...         routoo.PoolModel(name=name, usd_per_1m_input=price, usd_per_1m_output=price)
    ...         for name, price in (("small", 0.1), ("large", 5.0))
    ...     )
    ... )
    >>> members = routoo.members_of(pool, answers=Answers(pl.DataFrame(rows)))
    >>> answer(members, ["2 + 2?", "Capital of Australia?"], ["small", "large"]).rows["answer"].to_list()
    ['4', 'Canberra']
    """
    asked = named_requests(prompts, prompt_ids)
    chosen = known_names("models", models, [*members])
    same_length(prompts=asked, models=chosen)
    requests: dict[str, list[Request]] = {}
    places: dict[tuple[str, str], int] = {}
    for request, model in zip(asked, chosen, strict=True):
        requests.setdefault(model, []).append(request)
        places[request.prompt_id, model] = len(places)
    found, lock, stop = list[Answer](), threading.Lock(), Stop()

    def take(came: Answer) -> None:
        with lock:
            found.append(came)
            if on_answer is not None:
                on_answer(came)

    def take_or_end(came: Answer) -> None:
        take(came)
        if stop.asked:
            raise StoppedError

    def ask(names: Sequence[str]) -> None:
        for name in names:
            members[name].answer(requests[name], signals=signals, on_answer=take_or_end)

    remote = {name: member for name in requests if isinstance(member := members[name], ProviderModel)}
    local = [name for name in requests if isinstance(members[name], LocalModel)]
    others = [[name] for name in requests if name not in remote and name not in local]
    if remote:
        load()
    work = [
        *(member.answer_all(requests[name], signals, take, stop) for name, member in remote.items()),
        *(in_thread(partial(ask, names)) for names in [*others, local] if names),
    ]
    run_attended(_all_of(work, stop), stop, on_remark)
    if len(found) < len(asked):
        raise KeyboardInterrupt
    return Answers.of(sorted(found, key=lambda came: places[came.prompt_id, came.model]))


async def _all_of(work: Iterable[Coroutine[Any, Any, object]], stop: Stop) -> None:  # Any: of a coroutine
    """Awaits all of these; where one fails, the others are asked to stop, and its error is raised after."""

    async def ended(each: Coroutine[Any, Any, object]) -> None:  # Any: as above
        try:
            with suppress(StoppedError):
                await each
        except Exception:
            stop.ask()
            raise

    ends = await asyncio.gather(*map(ended, work), return_exceptions=True)
    for error in ends:
        if error is not None:
            raise error
