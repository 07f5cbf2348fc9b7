"""Prompts that have a model, answered by it: what comes after a router's choice."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.chat import Prompt
from routoo.data.checks.arguments import known_names, name_list, same_length
from routoo.data.checks.batch import listed
from routoo.data.request import Request
from routoo.members.local import LocalModel
from routoo.members.member import Member, OnAnswer


def answer(
    members: Mapping[str, Member],
    prompts: Iterable[Prompt | Request],
    models: Sequence[str],
    *,
    prompt_ids: Sequence[str] | None = None,
    signals: Sequence[str] = (),
    on_answer: OnAnswer | None = None,
) -> Answers:
    """The answer of the chosen model to every prompt; one that failed for good has an `error` and no answer.

    Members are asked at the same time, local models one after the other.

    Args:
        members: Who answers, by name (`members_of`).
        prompts: Texts, chats, or requests (`routoo.data.request.Request`).
        models: The model of each, such as `Assignment.chosen`.
        prompt_ids: Their names, ``0``, ``1`` and so on where they are left out, as in an assignment.
        signals: Signals to read off the answers, by name.
        on_answer: Called with each answer as it comes, from several threads but one at a time.

    Raises:
        InputError: There is no prompt, not one model a prompt, or a model that is no member.

    >>> import routoo
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
    asked = listed(prompts, "prompts", "texts")
    ids = name_list("prompt_ids", range(len(asked)) if prompt_ids is None else prompt_ids)
    chosen = known_names("models", models, [*members])
    same_length(prompts=asked, prompt_ids=ids, models=chosen)
    requests: dict[str, list[Request]] = {}
    for prompt_id, prompt, model in zip(ids, asked, chosen, strict=True):
        request = prompt if isinstance(prompt, Request) else Request(prompt_id, prompt)
        requests.setdefault(model, []).append(request)
    lock, stopped = threading.Lock(), threading.Event()

    def tell(came: Answer) -> None:
        with lock:
            if stopped.is_set():
                raise InterruptedError("another member failed, or Ctrl-C was pressed")
            if on_answer is not None:
                on_answer(came)

    def ask(names: Sequence[str]) -> list[Answers]:
        return [members[name].answer(requests[name], signals=signals, on_answer=tell) for name in names]

    local = [name for name in requests if isinstance(members[name], LocalModel)]
    groups = [[name] for name in requests if name not in local] + ([local] if local else [])
    with ThreadPoolExecutor(len(groups)) as threads:
        try:
            found = [answers.rows for group in threads.map(ask, groups) for answers in group]
        except BaseException:
            stopped.set()  # the next answer of each member is its last
            raise
    return Answers(pl.concat(found, how="diagonal_relaxed"))
