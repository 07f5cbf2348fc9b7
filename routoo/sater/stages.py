"""The two stages of SATER on adapters: shorter answers that are right, then refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import torch
from torch import Tensor

from routoo.data.call import Call
from routoo.data.progress import Progress
from routoo.data.request import Request
from routoo.members.ask import ask_of
from routoo.members.causal.prompt_tokens import prompt_tokens
from routoo.sater.pairs import Pair
from routoo.sater.parts import made_in_parts
from routoo.sater.refusals import REFUSAL, Lesson
from routoo.sater.settings import SaterSettings
from routoo.tuning.examples import Example, padded
from routoo.tuning.losses import preference_loss, token_log_probs
from routoo.tuning.low_rank import Adapted, LowRank, adapted
from routoo.tuning.training import answering, tuned

_PAIRS_A_PART = 64
_CHECKPOINT = "training.safetensors"


def prefer(
    call: Call,
    requests: Mapping[str, Request],
    pairs: Sequence[Pair],
    folder: Path,
    settings: SaterSettings,
    *,
    on_pair: Progress | None = None,
    on_step: Progress | None = None,
) -> Path:
    """Stage one: the folder of adapters that direct preference optimisation makes of pairs.

    To its loss the mean negative log-probability of the chosen answers' tokens is added (Pang et al. 2024,
    arXiv 2404.19733): it asks only that chosen answers lose less than rejected ones, which a small model
    satisfies by forgetting how to write either. The log-probabilities of the model as it was are worked out
    once and kept, so that it is not held beside the one that is trained.

    Args:
        call: How the member is called; adapters that it has are trained on.
        requests: The prompts by id.
        pairs: What is preferred to what.
        folder: Where adapters and what is kept on the way lie; it goes on from what is there.
        settings: How it is trained.
        on_pair: Called with the pairs whose log-probabilities are known, and all.
        on_step: Called with the steps that are done, and all.
    """
    output = folder / "adapter"
    if output.is_dir():
        return output
    model = _loaded(call, settings.preference)
    ask = ask_of(call.ask)
    sent = {pair.prompt_id: prompt_tokens(model.tokenizer, requests[pair.prompt_id], ask) for pair in pairs}
    both = [
        (Example(sent[pair.prompt_id], pair.chosen), Example(sent[pair.prompt_id], pair.rejected))
        for pair in pairs
    ]

    def make(rows: Sequence[int]) -> pl.DataFrame:
        with torch.no_grad():
            found = [_sums(model, [example for at in some for example in both[at]]) for some in _fours(rows)]
        values = torch.cat(found).view(-1, 2).tolist()
        return pl.DataFrame(values, schema={"chosen": pl.Float64, "rejected": pl.Float64}, orient="row")

    known = made_in_parts(
        folder / "reference", range(len(pairs)), make, size=_PAIRS_A_PART, on_done=on_pair
    ).to_torch(dtype=pl.Float32)

    def loss_of(rows: list[int]) -> Tensor:
        now = _sums(model, [example for at in rows for example in both[at]]).view(-1, 2)
        before = known[rows].to(now.device)
        preferred = preference_loss(now[:, 0], now[:, 1], before[:, 0], before[:, 1], beta=settings.beta)
        tokens = torch.tensor([len(both[at][0].target) for at in rows], device=now.device)
        return preferred - settings.anchor * (now[:, 0] / tokens).mean()

    sizes = [chosen.size + rejected.size for chosen, rejected in both]
    return tuned(
        model, sizes, loss_of, settings.preference, output, checkpoint=folder / _CHECKPOINT, on_step=on_step
    )


def refuse(
    call: Call,
    requests: Mapping[str, Request],
    taught: Sequence[Lesson],
    folder: Path,
    settings: SaterSettings,
    *,
    on_step: Progress | None = None,
) -> Path:
    """Stage two: the folder of adapters that learnt when to refuse, by cross-entropy of what is to be
    written (`answering`).

    Args:
        call: How the member of stage one is called; its adapters are trained on.
        requests: The prompts by id.
        taught: What is to be written at which threshold.
        folder: Where adapters lie; it goes on from what is there.
        settings: How it is trained.
        on_step: Called with the steps that are done, and all.
    """
    output = folder / "adapter"
    if output.is_dir():
        return output
    model = _loaded(call, settings.refusal)
    end = model.tokenizer.eos_token_id
    refusal = (*model.tokenizer(REFUSAL, add_special_tokens=False)["input_ids"], end)
    asks = {lesson.threshold: ask_of(call.ask, threshold=lesson.threshold) for lesson in taught}
    examples = [
        Example(
            prompt_tokens(model.tokenizer, requests[lesson.prompt_id], asks[lesson.threshold]),
            refusal if lesson.target is None else lesson.target,
        )
        for lesson in taught
    ]

    # batches of like prompts, whatever follows: refusals are short, and would be batches of their own
    sizes = [len(example.sent) for example in examples]
    loss_of = answering(model, examples, first=1.0)  # the first token says whether an answer follows
    return tuned(
        model, sizes, loss_of, settings.refusal, output, checkpoint=folder / _CHECKPOINT, on_step=on_step
    )


def _loaded(call: Call, settings: LowRank) -> Adapted:
    return adapted(call.model, replace(settings, dtype=call.dtype), adapter=call.adapter)


def _sums(model: Adapted, examples: Sequence[Example]) -> Tensor:
    """The log-probability of each target, summed over its tokens."""
    return token_log_probs(model.network, padded(examples, model.device)).sum(1)


def _fours(rows: Sequence[int]) -> list[Sequence[int]]:
    return [rows[at : at + 4] for at in range(0, len(rows), 4)]
