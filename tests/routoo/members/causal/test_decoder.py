"""The decoder writes what plain generation writes, within its bounds, for each kind of attention."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from routoo.members.causal.decoder import Bounds, Decoder, token_bytes
from routoo.members.causal.job import Job
from routoo.members.causal.language_model import LanguageModel, language_model

MakeFolder = Callable[..., Path]
JOBS = [Job(tuple(range(40 + at, 60 + at + at * 5 % 17)), 3 + at * 7 % 11) for at in range(30)]
KINDS: dict[str, dict[str, Any]] = {
    "llama": {},
    "qwen2": {},
    "mistral": {"sliding_window": 8, "head_dim": 8},
    "gemma3_text": {
        "sliding_window": 8,
        "head_dim": 8,
        "layer_types": ["sliding_attention", "full_attention"],
    },
}


def _written(language: LanguageModel, jobs: list[Job], **bounds: int) -> list[list[int]]:
    found: dict[int, list[int]] = {}
    decoder = Decoder(
        language,
        jobs,
        on_written=lambda at, written: found.update({at: written.samples[0].tokens}),
        bounds=Bounds(**bounds),
    )
    decoder.run()
    return [found[at] for at in range(len(jobs))]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shared", [(), tuple(range(50, 90))], ids=["alone", "shared"])
def test_it_writes_what_plain_generation_writes(
    kind: str, shared: tuple[int, ...], make_folder: MakeFolder
) -> None:
    language = language_model(str(make_folder(kind, **KINDS[kind])), dtype="float32")
    jobs = [Job((*shared, *job.tokens), job.most_new) for job in JOBS]
    found = _written(language, jobs)
    for job, tokens in list(zip(jobs, found, strict=True))[:10]:
        read = torch.tensor([job.tokens])
        plain: Any = language.model.generate(
            read,
            attention_mask=torch.ones_like(read),
            max_new_tokens=job.most_new,
            do_sample=False,
            pad_token_id=1,
        )
        assert plain[0, len(job.tokens) :].tolist() == tokens


def test_bounds_hold_and_change_no_answer(language_folder: Path) -> None:
    language = language_model(str(language_folder), dtype="float32")
    shapes: list[tuple[int, ...]] = []
    hook = language.model.register_forward_pre_hook(
        lambda module, given, named: shapes.append(tuple(given[0].shape)), with_kwargs=True
    )
    free = _written(language, JOBS)
    assert max(rows for rows, _ in shapes) > 3
    shapes.clear()
    most = max(job.size for job in JOBS)
    bounded = _written(
        language, JOBS, rows=5, read_tokens=60, cache_bytes=3 * most * token_bytes(language.model)
    )
    hook.remove()
    assert bounded == free
    assert max(rows * length for rows, length in shapes) <= 60
    assert max(rows for rows, length in shapes if length == 1) in (3, 4)


def test_what_all_prompts_begin_with_is_read_once(language_folder: Path) -> None:
    language = language_model(str(language_folder), dtype="float32")
    shared, read = tuple(range(50, 90)), list[int]()
    jobs = [Job((*shared, *job.tokens), 0) for job in JOBS[:6]]
    hook = language.model.register_forward_pre_hook(
        lambda module, given, named: read.append(given[0].numel()), with_kwargs=True
    )
    _written(language, jobs, rows=2)
    hook.remove()
    assert read[0] == len(shared)
    assert max(read[1:]) <= 2 * max(len(job.tokens) for job in JOBS[:6])


def test_one_job_that_is_larger_than_the_bounds_is_read_alone(language_folder: Path) -> None:
    language = language_model(str(language_folder), dtype="float32")
    assert _written(language, JOBS[:4], rows=1, read_tokens=1, cache_bytes=1) == _written(language, JOBS[:4])
