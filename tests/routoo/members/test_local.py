"""A local model answers as its weights say: alone, in a batch, sampled, by letters, at the pool's prices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from routoo.data.answer import Answer
from routoo.data.pool import PoolModel
from routoo.data.request import Request
from routoo.members.local import LocalModel

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
