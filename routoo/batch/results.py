"""From the lines of results to answers, with true tokens and cost."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from routoo.batch.forms import Form, Result, form_of, word
from routoo.batch.manifest import RESULTS, Manifest
from routoo.batch.round import numbered
from routoo.batch.standing import PartStanding
from routoo.data.answer import Answer, no_answer
from routoo.data.errors import CallError
from routoo.data.pool import PoolModel
from routoo.data.request import Request
from routoo.members.ask import ask_of
from routoo.members.remote.body import most_input, most_output
from routoo.members.remote.client import received
from routoo.members.remote.failures import status_error
from routoo.members.remote.joining import FILTERED, joined
from routoo.members.remote.reply import Reply, read_reply
from routoo.members.remote.usage import Usage

_RAN_OUT = "the batch expired or was cancelled before it was asked"
_SILENT = "the batch ended without a result"
_UNREAD = "what came cannot be read"


Closes = Literal["nothing", "member", "model"]


@dataclass(frozen=True, eq=False)
class Came:
    """What came of a prompt in a batch.

    Args:
        number: The number of the prompt in its round.
        answer: The answer, or why there is none.
        closes: What is not asked for the prompt again, where none came: the ``member``, as a batch that was
            too slow; the ``model``, at once as in batches; or ``nothing``, as where another line of its file
            was refused.
    """

    number: int
    answer: Answer
    closes: Closes = "member"


def read_results(
    folder: Path,
    manifest: Manifest,
    standing: PartStanding,
    prompts: Mapping[int, Request],
) -> Iterator[Came]:
    """What came of every prompt in a file whose batch ended.

    Args:
        folder: Where the results lie.
        manifest: Says how its member is called.
        standing: How its batch ended.
        prompts: What was asked, by number.
    """
    model = manifest.pool[standing.part.model]
    form, came = form_of(model.name, model.call), defaultdict[int, dict[int, Result]](dict)
    if standing.code is None:
        for line in (folder / RESULTS / standing.part.name).read_bytes().splitlines():
            for number, sample, result in _results(line, form):
                came[number][sample] = result
    refused = _refused(folder, standing)
    for number, request in prompts.items():
        if standing.code is not None:
            yield _of_refused(number, request, model.name, standing.code, certain=number in refused)
        else:
            yield _of_samples(number, request, model, came[number], expired=standing.status == "expired")


def _results(line: bytes, form: Form) -> Iterator[tuple[int, int, Result]]:
    """The result that a line holds, with numbers of prompt and sample; none where it cannot be read."""
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        result = form.result(json.loads(line))
        yield *numbered(result.custom_id), result


def _refused(folder: Path, standing: PartStanding) -> set[int]:
    """Numbers of the prompts in the lines that a file was refused for; of all where no line is named."""
    lines = (folder / standing.part.name).read_bytes().splitlines() if standing.code is not None else []
    named = [lines[at - 1] for at in standing.lines if 0 < at <= len(lines)] or lines
    return {numbered(json.loads(line)["custom_id"])[0] for line in named}


def _of_refused(number: int, request: Request, model: str, code: str, *, certain: bool) -> Came:
    words = f"the provider refused the file ({word(code)})"
    return Came(
        number, no_answer(request, model, words, cost_usd=0.0), closes="model" if certain else "nothing"
    )


def _of_samples(
    number: int, request: Request, model: PoolModel, came: Mapping[int, Result], *, expired: bool
) -> Came:
    """The answer of all samples of a prompt."""
    call = model.call
    assert call is not None  # for the type checker: it was asked by its call
    silent = Result("", ran_out=expired)
    results = [came.get(sample, silent) for sample in range(call.samples)]
    replies = [_reply(result, request, model) for result in results]
    try:
        return Came(number, joined(request, model, ask_of(call.ask), replies, ()))
    except CallError as error:
        answer = no_answer(request, model.name, str(error), cost_usd=error.cost_usd)
        return Came(number, answer, closes="member" if error.retryable else "model")


def _reply(result: Result, request: Request, model: PoolModel) -> Reply | CallError:
    call = model.call
    assert call is not None  # for the type checker: see above
    if result.ran_out:
        return CallError(_RAN_OUT, retryable=True, cost_usd=0.0)
    if result.content is None:
        if result.code == FILTERED:
            return Reply(text="", finish_reason=FILTERED, usage=Usage(input_tokens=0, output_tokens=0))
        if result.status is None:
            words = _SILENT if result.code is None else f"the provider gave no answer ({word(result.code)})"
            return CallError(words, retryable=True, cost_usd=None if result.code is None else 0.0)
        error = status_error(result.status, {}, result.code)
        return CallError(str(error), retryable=error.retryable, cost_usd=0.0)  # what failed is not billed
    try:
        response = received(call, result.content)
    except Exception:  # LiteLLM raises what it likes
        return CallError(_UNREAD, retryable=True)
    return read_reply(
        response,
        most_input=most_input(request, ask_of(call.ask)),
        most_output=most_output(request, call),
    )
