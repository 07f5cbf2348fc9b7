"""How fast a local model answers: beside plain generation prompt by prompt, and in padded batches.

    python benchmarks/local_model.py MODEL [--prompts 64] [--max-tokens 64] [--batch 64] [--rounds 2]

MODEL is a folder or a GGUF file. All three read the same prompts in the same number format and take the
likeliest token each time; the batches of plain generation are padded and in the order of the prompts. Rounds
are taken in turns, and the best of each counts. Seconds are those of the processor where the model runs on
one, since others may use the machine meanwhile.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from routoo.data.call import Call
from routoo.data.pool import PoolModel
from routoo.data.request import Request
from routoo.members.causal.language_model import LanguageModel, language_model
from routoo.members.local import LocalModel

Way = Callable[[Sequence[Request]], int]
"""Answers requests, and returns how many tokens it wrote."""

_VERBS = ("add", "list", "explain", "compare", "translate", "count")
_STORY = "A shop sold apples and pears on every day of the week but one, and wrote down how many. "


def requests_of(n: int) -> list[Request]:
    """Questions of a dozen to some two hundred tokens, each another."""
    return [
        Request(
            str(at), f"{_STORY * (at * 7 % 9)}Please {_VERBS[at % 6]} {at * 37 % 101} and {at * 53 % 89}."
        )
        for at in range(n)
    ]


def plain(language: LanguageModel, max_tokens: int, batch: int) -> Way:
    """Generation of transformers in batches of so many prompts, in their order."""
    tokenizer, model = language.tokenizer, language.model
    tokenizer.padding_side = "left"

    def answer(requests: Sequence[Request]) -> int:
        written = 0
        for start in range(0, len(requests), batch):
            chats = [[{"role": "user", "content": one.text}] for one in requests[start : start + batch]]
            read: Any = tokenizer.apply_chat_template(  # Any: transformers leaves it open
                chats, add_generation_prompt=True, return_tensors="pt", return_dict=True, padding=True
            ).to(language.device)
            with torch.inference_mode():
                found = model.generate(
                    **read, max_new_tokens=max_tokens, do_sample=False, pad_token_id=tokenizer.pad_token_id
                )
            for row in found[:, read["input_ids"].shape[1] :].tolist():
                ends = [at + 1 for at, token in enumerate(row) if token in language.ends]
                written += min([*ends, len(row)])
        return written

    return answer


def local(name: str, max_tokens: int) -> Way:
    """A member of a pool."""
    call = Call(kind="local", model=name, max_tokens=max_tokens)
    model = LocalModel(PoolModel(name="local", usd_per_1m_input=0, usd_per_1m_output=0, call=call))

    def answer(requests: Sequence[Request]) -> int:
        return int(model.answer(requests).rows["output_tokens"].sum())

    return answer


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    chosen = parser.parse_args()
    language = language_model(chosen.model)
    clock = time.process_time if language.device.type == "cpu" else time.perf_counter
    ways = {
        "local model": local(chosen.model, chosen.max_tokens),
        "batches": plain(language, chosen.max_tokens, chosen.batch),
        "one by one": plain(language, chosen.max_tokens, 1),
    }
    asked = requests_of(chosen.prompts)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    written = {}
    for _ in range(chosen.rounds):
        for name, way in ways.items():
            started = clock()
            written[name] = way(asked)
            seconds[name].append(clock() - started)
    where = f"{language.model.dtype} on {language.device}, {torch.get_num_threads()} threads"
    print(f"{len(asked)} prompts, {where}")
    ours = min(seconds["local model"])
    for name, taken in seconds.items():
        least = min(taken)
        print(f"{name:12} {least:7.1f} s {written[name] / least:7.0f} tokens/s written {least / ours:6.2f} x")


if __name__ == "__main__":
    main()
