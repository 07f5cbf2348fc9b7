"""A provider's model over HTTP: what is sent, what is read, what it costs, and what goes wrong."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest
from provider_server import Asked, ProviderServer, Sent, completion, failure, serving

from routoo.data.answer import Answer
from routoo.data.call import Call
from routoo.data.errors import CallError, InputError
from routoo.data.pool import PoolModel
from routoo.data.request import Request
from routoo.members.calling import Retries
from routoo.members.clock import Clock
from routoo.members.provider import ProviderModel

pytestmark = [
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),  # LiteLLM's own records
    pytest.mark.filterwarnings("ignore:Items? .* using the `ReadOnly` qualifier:UserWarning"),
]
RIVER = Request("q", "Which is a river?", options=("Rhine", "Alps"))
SUM = Request("q", "2 + 2?")
NO_WAIT = Clock(sleep=lambda seconds: asyncio.sleep(0))


def member(server: ProviderServer, *, clock: Clock = NO_WAIT, **changed: Any) -> ProviderModel:
    of_model = {"usd_per_call", "usd_per_1m_cached_input", "concurrency", "requests_per_minute"}
    prices: dict[str, Any] = {"usd_per_1m_input": 1e6, "usd_per_1m_output": 1e4}
    prices |= {name: changed.pop(name) for name in of_model & changed.keys()}
    options: dict[str, Any] = {
        name: changed.pop(name) for name in ("on_remark", "environment", "retries") if name in changed
    }
    fields: dict[str, Any] = {
        "kind": "provider",
        "model": "openai/x",
        "api_base": server.address,
        "max_tokens": 50,
    }
    return ProviderModel(
        PoolModel(name="m", call=Call(**{**fields, **changed}), **prices), clock=clock, **options
    )


def one(server: ProviderServer, request: Request = SUM, *signals: str, **changed: Any) -> Answer:
    return asyncio.run(member(server, **changed).answer_one(request, signals=signals))


def always(*sent: Sent | None) -> AbstractContextManager[ProviderServer]:
    """A server that sends these one after the other, and then the last."""
    return serving(lambda asked, before: sent[min(before, len(sent) - 1)])


def test_a_text_goes_by_the_way_of_asking_and_its_answer_is_read() -> None:
    with always(Sent(completion("3 + 4 is 7.\nAnswer: 7"))) as server:
        answer = one(server, ask="steps", parameters={"top_p": 0.5})
    body = server.asked[0].body
    assert body.pop("messages")[0]["content"].startswith("2 + 2?\n\nThink step by step")
    assert body == {"model": "x", "temperature": 0.0, "max_tokens": 50, "top_p": 0.5}
    assert (answer.answer, answer.text) == ("7", "3 + 4 is 7.\nAnswer: 7")
    assert (answer.input_tokens, answer.output_tokens, answer.finish_reason) == (10, 5, "stop")
    assert answer.cost_usd == 10 + 5 * 0.01
    assert answer.latency_s is not None


def test_a_chat_request_is_passed_on_unchanged_but_for_the_model() -> None:
    chat = {
        "model": "theirs",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"}],
        "temperature": 1.5,
        "max_tokens": 7,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "stream": True,
    }
    with always(Sent(completion(" 4 "))) as server:
        answer = one(server, Request("q", chat), ask="steps")
    expected = {name: value for name, value in chat.items() if name != "stream"}
    assert server.asked[0].body == {**expected, "model": "x"}
    assert answer.answer == "4"


@pytest.mark.parametrize("name", ["api_base", "api_key", "base_url", "mock_response", "n", "fallbacks"])
def test_a_chat_request_says_neither_where_it_goes_nor_how_often(name: str) -> None:
    chat = {"messages": [{"role": "user", "content": "2 + 2?"}], name: "http://elsewhere"}
    with (
        always(Sent(completion())) as server,
        pytest.raises(CallError, match=f"holds {name}, which is not passed on") as found,
    ):
        one(server, Request("q", chat))
    assert (found.value.cost_usd, server.asked) == (0.0, [])


def test_calls_of_tools_are_an_answer() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choices = [{"index": 0, "message": message, "finish_reason": "tool_calls"}]
    with always(Sent(completion(choices=choices))) as server:
        answer = one(server)
    assert answer.answer == '[{"name": "f", "arguments": "{\\"a\\": 1}"}]'
    assert answer.finish_reason == "tool_calls"


USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {**USAGE, "completion_tokens": -5},
        {**USAGE, "prompt_tokens": -1},
        {**USAGE, "prompt_tokens": 0},
        {**USAGE, "completion_tokens": 0},
        {**USAGE, "completion_tokens": 10**9},
        {**USAGE, "prompt_tokens": 10**9},
        {**USAGE, "prompt_tokens_details": {"cached_tokens": 11}},
    ],
)
def test_usage_that_is_missing_or_cannot_be_makes_the_cost_unknown(usage: Mapping[str, Any] | None) -> None:
    said: list[str] = []
    with always(Sent(completion(usage=usage))) as server:
        model = member(server, on_remark=said.append)
        answers = [asyncio.run(model.answer_one(SUM)) for _ in range(2)]
    assert [(answer.answer, answer.cost_usd, answer.input_tokens) for answer in answers] == [
        ("4", None, None)
    ] * 2
    assert said == ["m reports no usage, or one that cannot be: what it costs is not known"]


def test_cached_tokens_have_a_price_of_their_own() -> None:
    usage = {**USAGE, "prompt_tokens_details": {"cached_tokens": 4}}
    with always(Sent(completion(usage=usage))) as server:
        assert one(server, usd_per_1m_cached_input=1e5, usd_per_call=3.0).cost_usd == 6 + 0.4 + 0.05 + 3
        assert one(server).cost_usd == 10.05


@pytest.mark.parametrize(
    ("sent", "words", "retryable", "wait_s", "cost_usd"),
    [
        (failure(429, retry_after="7"), "asked too often (429)", True, 7.0, 0.0),
        (
            failure(429, retry_after="Fri, 01 May 2026 10:00:30 GMT", date="Fri, 01 May 2026 10:00:00 GMT"),
            "asked too often (429)",
            True,
            30.0,
            0.0,
        ),
        (failure(503, retry_after_ms="1500"), "failed (503)", True, 1.5, 0.0),
        (failure(500), "failed (500)", True, None, None),
        (failure(400), "refused the request (400)", False, None, 0.0),
        (failure(401), "did not take the key (401)", False, None, 0.0),
        (failure(403), "may not use this model (403)", False, None, 0.0),
        (failure(404), "knows no such model (404)", False, None, 0.0),
        (Sent(b'{"id": "c", "choi'), "cannot be read", True, None, None),
        (Sent(b"<html>Bad gateway</html>"), "cannot be read", True, None, None),
        (None, "the connection broke", True, None, None),
        (Sent(completion(usage={**USAGE, "completion_tokens": "many"})), "cannot be read", True, None, None),
        (Sent(completion(choices=[])), "an empty answer", True, None, 10.05),
    ],
    ids=lambda value: str(getattr(value, "status", value))[:20],
)
def test_what_goes_wrong_says_whether_to_try_again(
    sent: Sent | None, words: str, retryable: bool, wait_s: float | None, cost_usd: float | None
) -> None:
    with always(sent) as server, pytest.raises(CallError) as found:
        one(server)
    error = found.value
    assert words in str(error)
    assert (error.retryable, error.retry_after_s, error.cost_usd) == (retryable, wait_s, cost_usd)
    assert "river" not in str(error)


@pytest.mark.parametrize("model", ["anthropic/x", "gemini/x", "mistral/x", "openai/x"])
def test_the_errors_of_all_providers_say_the_same(model: str) -> None:
    sent = [failure(429, retry_after="7"), failure(400), failure(529), failure(500), Sent(b"{broken")]
    found = []
    with serving(lambda asked, before: sent[before]) as server:
        for _ in sent:
            with pytest.raises(CallError) as caught:
                one(server, model=model)
            found.append((caught.value.retryable, caught.value.retry_after_s, caught.value.cost_usd))
    assert found[:2] == [(True, 7.0, 0.0), (False, None, 0.0)]
    assert found[2][:2] == (True, None)  # LiteLLM says 500 of some that are overloaded
    assert found[3:] == [(True, None, None), (True, None, None)]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (failure(429, "insufficient_quota"), "the account at the provider is out of money"),
        (failure(400, "context_length_exceeded"), "the prompt is longer than the model's context window"),
    ],
)
def test_what_no_other_try_can_mend_is_known_by_its_code(sent: Sent, words: str) -> None:
    with always(sent) as server, pytest.raises(CallError, match=words) as found:
        one(server)
    assert (found.value.retryable, found.value.cost_usd) == (False, 0.0)


def test_a_prompt_that_a_filter_refuses_costs_nothing() -> None:
    with always(failure(400, "content_filter")) as server:
        answer = one(server)
    assert (answer.answer, answer.finish_reason, answer.cost_usd) == (None, "content_filter", 0.0)


@pytest.mark.parametrize("model", ["openai/x", "anthropic/x"])
def test_a_key_that_is_nowhere_is_missed(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with always(Sent(completion())) as server, pytest.raises(CallError, match="holds no key") as found:
        one(server, model=model, api_base=None)
    assert (found.value.retryable, found.value.cost_usd) == (False, 0.0)


def test_a_model_without_a_provider_is_unknown() -> None:
    with always(Sent(completion())) as server, pytest.raises(CallError, match="knows no such model") as found:
        one(server, model="nowhere/x", api_base=None)
    assert (found.value.retryable, found.value.cost_usd) == (False, 0.0)


def test_an_answer_that_does_not_come_in_time_may_be_asked_for_again() -> None:
    done = threading.Event()

    def wait(asked: Asked, before: int) -> Sent:
        done.wait(10)
        return Sent(completion())

    with serving(wait) as server:
        with pytest.raises(CallError, match="no answer came in time") as found:
            one(server, timeout_s=0.05)
        done.set()
    assert (found.value.retryable, found.value.cost_usd) == (True, None)


@pytest.mark.parametrize("text", ["", "I was about to"])
def test_an_answer_that_a_filter_ended_is_none_and_is_billed(text: str) -> None:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "content_filter",
    }
    with always(Sent(completion(choices=[choice]))) as server:
        answer = one(server, SUM, "refusal")
    assert (answer.answer, answer.finish_reason, answer.cost_usd) == (None, "content_filter", 10.05)
    assert answer.error == "a content filter of the provider left no answer"
    assert answer.signals == {"refusal": 1.0}


def test_code_that_has_no_value_is_no_answer_and_costs_what_it_did() -> None:
    with always(Sent(completion("I cannot."))) as server:
        answer = one(server, ask="code")
    assert (answer.answer, answer.error, answer.text) == (None, "what came holds no answer", "I cannot.")
    assert answer.cost_usd == 10.05


def test_of_several_samples_the_most_frequent_counts_and_all_are_paid() -> None:
    texts = ["5", "Four.", "four", "4"]
    with serving(lambda asked, before: Sent(completion(texts[before]))) as server:
        answer = one(server, SUM, "sample_agreement", samples=4, temperature=0.5)
    assert answer.answer in ("Four.", "four")
    assert sorted(answer.samples or ()) == sorted(texts)
    assert (answer.input_tokens, answer.output_tokens) == (40, 20)
    assert answer.cost_usd == pytest.approx(4 * 10.05)
    assert answer.signals == {"sample_agreement": 0.5}
    assert len({asked.headers["idempotency-key"] for asked in server.asked}) == 4


def test_a_sample_that_failed_fails_the_try_and_what_came_is_paid() -> None:
    with (
        always(Sent(completion()), failure(429, retry_after="3")) as server,
        pytest.raises(CallError, match="429") as found,
    ):
        one(server, samples=2, temperature=0.5)
    assert (found.value.retryable, found.value.retry_after_s, found.value.cost_usd) == (True, 3.0, 10.05)


def log_probs(*top: tuple[str, float]) -> dict[str, Any]:
    tokens = [{"token": token, "logprob": value, "bytes": None} for token, value in top]
    return {"content": [{**tokens[0], "top_logprobs": tokens}, {**tokens[0], "top_logprobs": []}]}


def with_log_probs(text: str, *top: tuple[str, float]) -> Sent:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": log_probs(*top)}
    return Sent(completion(choices=[choice]))


def test_signals_are_read_off_log_probabilities() -> None:
    sent = with_log_probs("A", ("A", -0.5), ("B", -2.0), (" A", -3.0), ("The", -4.0))
    names = ["option_margin_log_odds", "open_margin_log_odds", "sequence_log_prob_sum", "member_agreement"]
    with always(sent) as server:
        answer = one(server, RIVER, *names)
    assert server.asked[0].body["logprobs"] is True
    assert server.asked[0].body["top_logprobs"] == 20
    assert answer.signals == {
        "option_margin_log_odds": 1.5,
        "open_margin_log_odds": 1.5,
        "sequence_log_prob_sum": -1.0,
    }


def test_an_option_that_is_not_among_the_likeliest_is_at_most_as_likely_as_their_last() -> None:
    with always(with_log_probs("A", ("A", -0.5), ("The", -4.0))) as server:
        assert one(server, RIVER, "option_margin_log_odds").signals == {"option_margin_log_odds": 3.5}
    with always(with_log_probs("It is A", ("It", -0.5), ("The", -4.0))) as server:
        assert one(server, RIVER, "option_margin_log_odds").signals == {}


def test_log_probabilities_are_asked_for_only_where_a_signal_needs_them() -> None:
    with always(with_log_probs("A", ("A", -0.5), ("B", -2.0))) as server:
        one(server, RIVER, "refusal", "sample_agreement")
    assert "logprobs" not in server.asked[0].body


def test_a_provider_that_refuses_log_probabilities_is_asked_without() -> None:
    def picky(asked: Asked, before: int) -> Sent:
        return failure(400) if "logprobs" in asked.body else Sent(completion("A"))

    with serving(picky) as server:
        model = member(server)
        for _ in range(2):
            answer = asyncio.run(model.answer_one(RIVER, signals=["sequence_log_prob_sum", "refusal"]))
            assert (answer.answer, answer.signals) == ("A", {"refusal": 0.0})
    assert ["logprobs" in asked.body for asked in server.asked] == [True, False, False]


@pytest.mark.parametrize("value", [math.inf, "high", None])
def test_log_probabilities_that_cannot_be_are_left_out(value: Any) -> None:
    with always(with_log_probs("A", ("A", value), ("B", -2.0))) as server:
        answer = one(server, RIVER, "sequence_log_prob_sum", "option_margin_log_odds")
    assert (answer.answer, answer.signals) == ("A", {})


def test_requests_of_one_kind_have_one_key_and_others_another() -> None:
    asked = [
        SUM,
        SUM,
        Request("q", "2 + 2?", sample=1),
        Request("q", "3 + 3?"),
        Request("q", "?", key="mine"),
    ]
    with always(Sent(completion())) as server:
        for request in asked:
            one(server, request)
        one(server, SUM, model="openai/y")
    keys = [request.headers["idempotency-key"] for request in server.asked]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 5
    assert keys[4] == "mine"


def test_a_key_comes_from_the_environment_and_stands_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with always(failure(401)) as server:
        model = member(server, api_key_env="MY_KEY", environment={"MY_KEY": "sk-secret"})
        with pytest.raises(CallError) as found:
            asyncio.run(model.answer_one(RIVER))
        with pytest.raises(InputError, match="model m: the environment has no MY_KEY: export MY_KEY="):
            member(server, api_key_env="MY_KEY", environment={})
    assert server.asked[0].headers["authorization"] == "Bearer sk-secret"
    everywhere = f"{found.value!r} {model!r} {vars(model)['pool_model']!r} {caplog.text}"
    assert "sk-secret" not in everywhere
    assert "river" not in everywhere
    assert found.value.__cause__ is None


def test_an_address_of_ones_own_is_not_sent_the_key_of_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    with always(Sent(completion())) as server:
        one(server)
    assert server.asked[0].headers["authorization"] == "Bearer none"


@pytest.mark.parametrize(
    "request_",
    [
        SUM,
        RIVER,
        Request("q", "Größe? 大小?"),
        Request("q", [{"role": "user", "content": "2 + 2?"}] * 9),
        Request("q", {"messages": [{"role": "user", "content": "2 + 2?"}], "max_tokens": 500}),
    ],
)
def test_no_call_costs_more_than_the_most(request_: Request) -> None:
    with always(Sent(completion())) as server:
        model = member(server, samples=3, temperature=0.5, usd_per_call=2.0)
        text = len(request_.text.encode())
        allowed = 500 if isinstance(request_.prompt, dict) else 50
        assert model.most_usd(request_) >= 3 * (2 + text + allowed * 0.01)
        assert model.most_usd(request_) < 3 * (2 + 4 * text + 1500 + allowed * 0.01)


def test_many_are_answered_at_once_and_tried_again() -> None:
    came: list[Answer] = []

    def flaky(asked: Asked, before: int) -> Sent:
        text = asked.body["messages"][0]["content"]
        if text == "9?":
            return failure(404)
        return failure(503) if before < 5 else Sent(completion(text))

    requests = [Request(str(at), f"{at}?") for at in range(20)]
    with serving(flaky) as server:
        answers = member(server).answer(requests, on_answer=came.append)
    rows = answers.rows.sort(answers.rows["prompt_id"].cast(int))
    assert rows["answer"].to_list() == [None if at == 9 else f"{at}?" for at in range(20)]
    assert rows["error"][9] == "the provider knows no such model (404)"
    assert len(server.asked) == 25
    assert {answer.prompt_id for answer in came} == {str(at) for at in range(20)}


@pytest.mark.parametrize("samples", [1, 2, 4])
def test_no_more_than_the_pool_says_are_asked_at_once(samples: int) -> None:
    """Samples are requests of their own."""
    lock, now, most = threading.Lock(), 0, 0
    both = threading.Barrier(2, timeout=10)

    def count(asked: Asked, before: int) -> Sent:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        both.wait()
        with lock:
            now -= 1
        return Sent(completion())

    with serving(count) as server:
        asked = member(server, concurrency=2, samples=samples, temperature=0.5)
        asked.answer([Request(str(at), "?") for at in range(8)])
    assert most == 2
    assert len(server.asked) == 8 * samples


def test_samples_count_as_requests_of_a_minute() -> None:
    """Six samples of two prompts, four a minute: the second prompt waits a minute for its three."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    clock = Clock(now=lambda: sum(waited), sleep=sleep)
    with always(Sent(completion())) as server:
        asked = member(server, clock=clock, requests_per_minute=4, samples=3, temperature=0.5)
        asked.answer([SUM, Request("r", "Which is a river?")])
    assert (waited, len(server.asked)) == ([60.0], 6)


def test_retries_come_to_an_end() -> None:
    with always(failure(503)) as server:
        answers = member(server, retries=Retries(tries=3)).answer([SUM])
    assert len(server.asked) == 3
    assert answers.rows["error"].to_list() == ["the provider failed (503)"]


def test_what_on_answer_raises_goes_up() -> None:
    def broken(answer: Answer) -> None:
        raise RuntimeError("a bug")

    with always(Sent(completion())) as server, pytest.raises(RuntimeError, match="a bug"):
        member(server).answer([SUM, RIVER], on_answer=broken)


@pytest.mark.parametrize("call", [None, Call(kind="local", model="x")])
def test_another_kind_of_call_is_refused(call: Call | None) -> None:
    with pytest.raises(InputError, match=r"model m has .*; it needs one of kind provider"):
        ProviderModel(PoolModel(name="m", usd_per_1m_input=1, usd_per_1m_output=1, call=call))
