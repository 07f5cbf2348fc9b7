"""A local model answers as its weights say: alone, in a batch, sampled, by letters, at the pool's prices."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import routoo
from routoo.data.answer import Answer
from routoo.data.errors import CallError, InputError
from routoo.data.pool import PoolModel
from routoo.data.request import Request
from routoo.members.local import LocalModel
from routoo.models.signals.normalisation import normalised
from routoo.models.signals.registry import SIGNALS

MakeModel = Callable[..., PoolModel]
REQUESTS = [Request(f"p{at}", f"{'sort and ' * (at % 7)}add {at} and {at * 3}") for at in range(90)]


def _plain(folder: Path, request: Request, most: int) -> tuple[str, int]:
    """What transformers' own generation writes, token by token for this prompt alone, and how many tokens."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    messages = [{"role": "user", "content": request.text}]
    read = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    written = model.generate(**read, max_new_tokens=most, do_sample=False, pad_token_id=1)
    tokens = written[0, read["input_ids"].shape[1] :].tolist()
    ends = model.generation_config.eos_token_id
    kept = tokens[:-1] if tokens[-1] in ends else tokens
    return tokenizer.decode(kept, skip_special_tokens=True).strip(), len(tokens)


def _by_id(model: LocalModel, requests: list[Request], **options: Any) -> dict[str, Answer]:
    found: list[Answer] = []
    model.answer(requests, on_answer=found.append, **options)
    return {answer.prompt_id: answer for answer in found}


def _log_probs(model: LocalModel, tokens: list[int]) -> torch.Tensor:
    """Of every token of the vocabulary after each token of a text, all read at once."""
    network = model._loaded().language.model
    found: torch.Tensor = network(torch.tensor([tokens])).logits[0].log_softmax(-1)
    return found


def test_greedy_answers_are_those_of_plain_generation(make_model: MakeModel, language_folder: Path) -> None:
    answers = _by_id(LocalModel(make_model()), REQUESTS)
    assert len(answers) == len(REQUESTS)
    assert {answer.finish_reason for answer in answers.values()} == {"stop", "length"}
    for request in REQUESTS[:12]:
        found = answers[request.prompt_id]
        assert (found.answer, found.output_tokens) == _plain(language_folder, request, 12)


def test_an_answer_does_not_depend_on_its_batch(make_model: MakeModel) -> None:
    model = LocalModel(make_model())
    together = _by_id(model, REQUESTS)
    for request in REQUESTS[::9]:
        alone = asyncio.run(model.answer_one(request))
        assert alone.answer == together[request.prompt_id].answer


def test_samples_do_not_depend_on_their_batch(make_model: MakeModel) -> None:
    model = LocalModel(make_model(samples=5, temperature=1.0))
    together = _by_id(model, REQUESTS)
    for request in REQUESTS[::9]:
        alone = asyncio.run(model.answer_one(request))
        assert alone.samples == together[request.prompt_id].samples
        assert alone.samples is not None
        assert len(alone.samples) == 5
        assert alone.answer in alone.samples


def test_the_answer_is_what_most_samples_say(make_model: MakeModel) -> None:
    answers = _by_id(LocalModel(make_model(samples=9, temperature=0.6, max_tokens=1)), REQUESTS[:20])
    for answer in answers.values():
        forms = [normalised(sample) for sample in answer.samples or ()]
        said = [form for form in forms if form]
        assert not said or said.count(normalised(str(answer.answer))) == max(map(said.count, said))


def test_other_samples_and_seeds_are_other_draws(make_model: MakeModel) -> None:
    request, again = REQUESTS[0], Request(REQUESTS[0].prompt_id, REQUESTS[0].prompt, sample=1)
    model = LocalModel(make_model(temperature=1.0))
    other = LocalModel(make_model(temperature=1.0, seed=1))
    first, same, second, third = (
        asyncio.run(who.answer_one(what))
        for who, what in ((model, request), (model, request), (model, again), (other, request))
    )
    assert first.answer == same.answer
    assert len({first.answer, second.answer, third.answer}) == 3
    assert (first.sample, second.sample) == (0, 1)


def test_tokens_and_cost_are_counted(make_model: MakeModel) -> None:
    model = LocalModel(make_model(samples=3, temperature=1.0))
    answer = asyncio.run(model.answer_one(REQUESTS[0]))
    sent = len(model._loaded().tokens(REQUESTS[0]))
    assert answer.input_tokens == sent
    assert answer.output_tokens is not None
    assert 3 <= answer.output_tokens <= 36
    assert answer.cost_usd == pytest.approx((sent + 2 * answer.output_tokens) * 1e-6)
    assert model.most_usd(REQUESTS[0]) == pytest.approx((sent + 2 * 36) * 1e-6)
    assert answer.latency_s is not None
    assert answer.latency_first_s is not None
    assert 0 < answer.latency_first_s <= answer.latency_s


def test_signals_are_those_of_the_whole_text_read_at_once(make_model: MakeModel) -> None:
    model = LocalModel(make_model())
    answers = _by_id(model, REQUESTS, signals=tuple(SIGNALS))
    tokenizer = model._loaded().language.tokenizer
    checked = 0
    for request in REQUESTS:
        answer = answers[request.prompt_id]
        assert {"open_margin_log_odds", "refusal"} <= set(answer.signals)
        if answer.finish_reason != "length":
            continue
        read = list(model._loaded().tokens(request))
        written = tokenizer(answer.text or answer.answer, add_special_tokens=False)["input_ids"]
        if len(written) != answer.output_tokens:
            continue  # other tokens spell the same text
        checked += 1
        rows = _log_probs(model, read + written)[len(read) - 1 : -1]
        expected = rows.gather(1, torch.tensor(written)[:, None]).sum().item()
        assert answer.signals["sequence_log_prob_sum"] == pytest.approx(expected, abs=1e-3)
    assert checked


def test_of_options_the_likeliest_letter_is_the_answer(make_model: MakeModel) -> None:
    model = LocalModel(make_model())
    request = Request("o", "Which is a river?", options=("Rhine", "Alps", "Ruhr"))
    answer = asyncio.run(model.answer_one(request, signals=["option_margin_log_odds"]))
    first = _log_probs(model, list(model._loaded().tokens(request)))[-1]
    vocabulary = model._loaded().language.tokenizer.get_vocab()
    letters = [
        np.logaddexp(*first[[vocabulary[letter], vocabulary[f"\u0120{letter}"]]].tolist()) for letter in "ABC"
    ]
    assert answer.answer == "ABC"[int(np.argmax(letters))]
    assert (answer.text, answer.output_tokens, answer.finish_reason) == (None, 1, "stop")
    highest, next_one = sorted(letters, reverse=True)[:2]
    assert answer.signals["option_margin_log_odds"] == pytest.approx(highest - next_one, abs=1e-4)


def test_options_with_steps_are_answered_in_writing(make_model: MakeModel) -> None:
    asked = [Request(f"o{at}", f"Which is {at}?", options=("Rhine", "Alps")) for at in range(20)]
    answers = _by_id(LocalModel(make_model(ask="steps", temperature=2.0)), asked)
    assert max(answer.output_tokens or 0 for answer in answers.values()) == 12


def test_a_chat_is_passed_on_as_messages(make_model: MakeModel) -> None:
    model = LocalModel(make_model(ask="steps"))
    chat = {
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "add 3"}]},
            {"role": "assistant", "content": "and?"},
            {"role": "user", "content": "4"},
        ],
    }
    read = model._loaded().tokens(Request("c", chat))
    turns = [("system", "Be brief."), ("user", "add 3"), ("assistant", "and?"), ("user", "4")]
    expected = "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in turns)
    assert model._loaded().language.tokenizer.decode(read) == f"{expected}<|im_start|>assistant\n"


def test_a_prompt_without_room_for_an_answer_is_an_error(make_model: MakeModel) -> None:
    model, long = LocalModel(make_model()), Request("long", "add 3 " * 200)
    answers = _by_id(model, [*REQUESTS[:3], long])
    assert answers["long"].answer is None
    assert "and the model's window is 256" in str(answers["long"].error)
    assert all(answers[request.prompt_id].error is None for request in REQUESTS[:3])
    with pytest.raises(CallError, match="window is 256") as raised:
        asyncio.run(model.answer_one(long))
    assert not raised.value.retryable


def test_an_answer_ends_where_the_window_does(make_model: MakeModel) -> None:
    model = LocalModel(make_model(max_tokens=500))
    answers = _by_id(model, REQUESTS)
    totals = {
        (answer.input_tokens or 0) + (answer.output_tokens or 0)
        for answer in answers.values()
        if answer.finish_reason == "length"
    }
    assert totals <= {256}


def test_answers_come_as_they_end(make_model: MakeModel) -> None:
    seen: list[Answer] = []
    answers = LocalModel(make_model()).answer(REQUESTS, on_answer=seen.append)
    assert len(seen) == len(answers) == len(REQUESTS)
    ended_first = next(answer for answer in seen if answer.finish_reason == "stop")
    assert seen.index(ended_first) < next(
        at for at, answer in enumerate(seen) if answer.finish_reason == "length"
    )


def test_weights_are_shared_and_freed(make_model: MakeModel) -> None:
    first, second = LocalModel(make_model()), LocalModel(make_model(ask="steps"))
    held = weakref.ref(first._loaded().language)
    assert second._loaded().language is held()
    first.close()
    gc.collect()
    assert held() is not None
    second.close()
    gc.collect()
    assert held() is None
    assert asyncio.run(first.answer_one(REQUESTS[0])).error is None


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # of peft
def test_an_adapter_changes_the_answers(make_model: MakeModel, language_folder: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base: Any = AutoModelForCausalLM.from_pretrained(language_folder, dtype=torch.float32)
    adapted: Any = get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False))
    adapted.save_pretrained(tmp_path)
    answers = _by_id(LocalModel(make_model(adapter=str(tmp_path))), REQUESTS)
    plain = _by_id(LocalModel(make_model()), REQUESTS)
    assert any(answers[one.prompt_id].answer != plain[one.prompt_id].answer for one in REQUESTS)
    with pytest.raises(InputError, match="no such folder"):
        LocalModel(make_model(adapter=str(tmp_path / "none"))).answer(REQUESTS)


def test_what_is_no_local_model_is_refused(make_model: MakeModel) -> None:
    with pytest.raises(InputError, match="has a call of kind provider"):
        LocalModel(make_model(kind="provider"))
    with pytest.raises(InputError, match="takes no further parameters, got top_p"):
        LocalModel(make_model(parameters={"top_p": 0.9}))
    with pytest.raises(InputError, match="signal must be one of"):
        LocalModel(make_model()).answer(REQUESTS, signals=["certainty"])


def test_two_local_models_answer_in_two_tiers(make_model: MakeModel) -> None:
    """What the budget allows for is learned from what they cost; the most that a call can cost is kept to."""
    small = LocalModel(make_model())
    large = LocalModel(replace(make_model(), name="large", usd_per_1m_input=10, usd_per_1m_output=20))
    budget = sum(small.most_usd(request) for request in REQUESTS) * 4
    two_tier = routoo.TwoTier(budget, len(REQUESTS), small=small, large=large)
    came = [two_tier.answer(request) for request in REQUESTS]
    escalated = [each.signal is not None for each in came if each.large is not None]
    assert any(escalated)
    assert all(each.answer is not None and each.answer.error is None for each in came)
    assert two_tier.spent_usd == pytest.approx(sum(each.cost_usd or 0 for each in came))
    assert 0.5 * budget < two_tier.spent_usd <= budget
