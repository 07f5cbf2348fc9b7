"""A provider's model behind Anthropic's own interface: blocks, words of its own, no log-probabilities."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from provider_server import Asked, Json, Sent, anthropic_message, serving

from routoo.data.answer import Answer
from routoo.data.call import Call
from routoo.data.errors import CallError
from routoo.data.pool import PoolModel
from routoo.data.request import Request
from routoo.members.provider import ProviderModel

pytestmark = [
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),  # LiteLLM's own records
    pytest.mark.filterwarnings("ignore:Items? .* using the `ReadOnly` qualifier:UserWarning"),
]
SIGNALS = ("sequence_log_prob_sum", "open_margin_log_odds", "refusal")


def asked(sent: Sent, prompt: Any = "2 + 2?", **call: Any) -> tuple[Answer, Asked]:  # Any: as callers give it
    """What came of one request, and what was sent for it; tokens out of a cache cost a tenth."""
    with serving(lambda asked, before: sent) as server:
        address = server.address.removesuffix("/v1")
        model = PoolModel(
            name="m",
            usd_per_1m_input=1e6,
            usd_per_1m_output=1e4,
            usd_per_1m_cached_input=1e5,
            call=Call(kind="provider", model="anthropic/claude-x", api_base=address, max_tokens=50, **call),
        )
        answer = asyncio.run(ProviderModel(model).answer_one(Request("q", prompt), signals=SIGNALS))
        return answer, server.asked[-1]


def text(words: str) -> Json:
    return {"type": "text", "text": words}


THOUGHT = {"type": "thinking", "thinking": "two and two", "signature": "s"}
TOOL = {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}}


@pytest.mark.parametrize(
    ("content", "stop_reason", "answer", "finish_reason"),
    [
        ([text("4")], "end_turn", "4", "stop"),
        ([text("4")], "stop_sequence", "4", "stop"),
        ([text("The answer "), text("is 4.")], "end_turn", "The answer is 4.", "stop"),
        ([THOUGHT, text("4")], "end_turn", "4", "stop"),
        ([text("4 and")], "max_tokens", "4 and", "length"),
        ([TOOL], "tool_use", '[{"name": "f", "arguments": "{\\"x\\": 1}"}]', "tool_calls"),
        ([], "refusal", None, "content_filter"),
    ],
)
def test_blocks_are_one_text_and_its_end_has_one_name(
    content: list[Json], stop_reason: str, answer: str | None, finish_reason: str
) -> None:
    """10 tokens sent anew, 2 written to a cache, 4 read from one, 5 received: 10 + 2.5 + 0.4 + 0.05 USD."""
    found, _ = asked(Sent(anthropic_message(*content, stop_reason=stop_reason)))
    assert (found.answer, found.finish_reason) == (answer, finish_reason)
    assert (found.error is None) == (answer is not None)
    assert (found.input_tokens, found.output_tokens) == (16, 5)
    assert found.cost_usd == pytest.approx(12.95)


def test_what_needs_log_probabilities_is_left_out_and_none_are_asked_for() -> None:
    found, sent = asked(Sent(anthropic_message(text("4"))))
    assert found.signals == {"refusal": 0.0}
    assert "logprobs" not in sent.body


def test_a_chat_goes_in_the_form_of_the_interface() -> None:
    chat = {"system": "Be brief.", "messages": [{"role": "user", "content": "2 + 2?"}], "max_tokens": 7}
    _, sent = asked(Sent(anthropic_message(text("4"))), chat, parameters={"top_p": 0.5})
    assert sent.body["system"] == [text("Be brief.")]
    assert sent.body["messages"] == [{"role": "user", "content": [text("2 + 2?")]}]
    assert (sent.body["model"], sent.body["max_tokens"], sent.body["top_p"]) == ("claude-x", 7, 0.5)


def test_what_a_cache_keeps_for_an_hour_costs_twice_the_input() -> None:
    """10 tokens sent anew, 20 kept for five minutes, 30 for an hour: 10 + 25 + 60 USD, and 0.05 received."""
    lives = {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30}
    usage = {
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_creation_input_tokens": 50,
        "cache_creation": lives,
    }
    found, _ = asked(Sent(anthropic_message(text("4"), usage=usage)))
    assert found.input_tokens == 60
    assert found.cost_usd == pytest.approx(95.05)


def most_usd(message: Json, parameters: Json) -> float:
    """The most that a try of one message can cost, at a dollar for a token of input."""
    call = Call(kind="provider", model="anthropic/claude-x", max_tokens=1, parameters=parameters)
    model = PoolModel(name="m", usd_per_1m_input=1e6, usd_per_1m_output=0, call=call)
    return ProviderModel(model).most_usd(Request("q", [message]))


def test_the_most_that_a_try_can_cost_counts_what_may_be_written_to_a_cache() -> None:
    kept = {"type": "ephemeral", "ttl": "1h"}
    message = {"role": "user", "content": "2 + 2?"}
    without = most_usd(message, {})
    assert most_usd(message, {"cache_control": kept}) == 2 * without
    as_long = most_usd({**message, "cache_contro_": kept}, {})
    assert most_usd({**message, "cache_control": kept}, {}) == 2 * as_long > 2 * without


def test_usage_that_is_missing_makes_the_cost_unknown() -> None:
    found, _ = asked(Sent(anthropic_message(text("4"), usage={})))
    assert (found.answer, found.cost_usd, found.input_tokens) == ("4", None, None)


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [(529, "overloaded_error", True), (429, "rate_limit_error", True), (400, "invalid_request_error", False)],
)
def test_its_errors_say_whether_another_try_may_help(status: int, kind: str, retryable: bool) -> None:
    error = {"type": "error", "error": {"type": kind, "message": "SECRET of the river"}}
    with pytest.raises(CallError) as found:
        asked(Sent(error, status))
    assert found.value.retryable == retryable
    assert "SECRET" not in str(found.value)
