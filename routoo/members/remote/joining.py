"""One answer of what came of all samples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from routoo.data.answer import Answer
from routoo.data.errors import CallError
from routoo.data.pool import PoolModel
from routoo.data.request import Request
from routoo.members.ask import Ask
from routoo.members.majority import majority
from routoo.members.remote.reply import Reply
from routoo.models.signals.generation import Generation
from routoo.models.signals.registry import read_signals

FILTERED = "content_filter"
"""Finish reason of an answer that a filter ended, in LiteLLM's word."""

_FILTERED_IN_WORDS = "a content filter of the provider left no answer"
_UNREAD = "what came holds no answer"
_EMPTY = "the provider gave an empty answer"


def joined(
    request: Request, model: PoolModel, ask: Ask, came: Sequence[Reply | CallError], signals: Sequence[str]
) -> Answer:
    """The answer given most often, with the tokens and the cost of all samples.

    One that a content filter ended is no answer, has an error, and is billed as any other.

    Args:
        request: What was asked.
        model: Whose prices count.
        ask: How the final answer of a text is read.
        came: Of each sample, what came of it.
        signals: Signals to read off it, by name.

    Raises:
        CallError: A sample failed; another try may help where it may for all that failed. Its cost is that of
            all samples.
    """
    usages = [reply.usage for reply in came if isinstance(reply, Reply)]
    costs = [None if usage is None else usage.cost_usd(model) for usage in usages]
    replies = _replies(came, costs)
    finals = [_final(request, ask, reply) for reply in replies]
    chosen = majority([final or "" for final in finals])
    final, reply, known = finals[chosen], replies[chosen], [usage for usage in usages if usage is not None]
    whole = len(known) == len(usages)
    filtered = FILTERED in [reply.finish_reason for reply in replies]
    return Answer(
        prompt_id=request.prompt_id,
        model=model.name,
        answer=final,
        sample=request.sample,
        text=reply.text if reply.text != final else None,
        input_tokens=sum(usage.input_tokens for usage in known) if whole else None,
        output_tokens=sum(usage.output_tokens for usage in known) if whole else None,
        cost_usd=_sum(costs),
        finish_reason=reply.finish_reason,
        error=None if final is not None else _FILTERED_IN_WORDS if filtered else _UNREAD,
        samples=tuple(final or "" for final in finals) if len(finals) > 1 else None,
        signals=read_signals(_generation(request, reply, finals, chosen), signals),
    )


def _replies(came: Sequence[Reply | CallError], costs: Sequence[float | None]) -> list[Reply]:
    """The replies, where every sample has one.

    Raises:
        CallError: One has none.
    """
    failed = [one for one in came if isinstance(one, CallError)]
    failed += [CallError(_EMPTY, retryable=True, cost_usd=0.0) for one in came if _is_empty(one)]
    if failed:
        waits = [error.retry_after_s for error in failed if error.retry_after_s is not None]
        raise CallError(
            str(failed[0]),
            retryable=all(error.retryable for error in failed),
            retry_after_s=max(waits, default=None),
            cost_usd=_sum([*costs, *(error.cost_usd for error in failed)]),
        )
    return [one for one in came if isinstance(one, Reply)]


def _is_empty(one: Reply | CallError) -> bool:
    return isinstance(one, Reply) and one.text is None


def _final(request: Request, ask: Ask, reply: Reply) -> str | None:
    """The final answer; None where there is none."""
    if reply.finish_reason == FILTERED or reply.text is None:
        return None
    return ask.read(reply.text) if isinstance(request.prompt, str) else reply.text.strip()


def _generation(request: Request, reply: Reply, finals: Sequence[str | None], chosen: int) -> Generation:
    text = reply.text or ""
    begins = finals[chosen] == text.strip()  # else the answer does not stand at the first position
    return Generation(
        text=text,
        finish_reason=reply.finish_reason,
        token_log_probs=reply.token_log_probs,
        option_log_probs=reply.option_log_probs(request.letters) if request.options and begins else None,
        top_tokens=reply.top_tokens,
        top_log_probs=reply.top_log_probs,
        samples=[final or "" for final in finals] if len(finals) > 1 else None,
    )


def _sum(costs: Iterable[float | None]) -> float | None:
    """The sum; None where one is not known."""
    known = list(costs)
    return None if None in known else sum(cost for cost in known if cost is not None)
