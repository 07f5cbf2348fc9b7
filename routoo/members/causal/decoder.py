"""Continues many prompts at once: a prompt that is done makes room for the next."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import DynamicCache

from routoo.members.causal.choosing import drawn, likeliest, log_normaliser
from routoo.members.causal.job import Job, Sample, Written
from routoo.members.causal.language_model import LanguageModel
from routoo.members.causal.last_logits import LastLogits
from routoo.members.causal.slots import Slots

_WORTH_SHARING = 32
"""Tokens at the start of all prompts from which on they are read once."""

OnWritten = Callable[[int, Written], None]
"""Called with the position of a job and what was written, as jobs end."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How much is in memory at a time.

    Args:
        rows: Most samples that are written at once.
        cache_bytes: Most bytes of keys and values, unless one job alone takes more.
        read_tokens: Most tokens of prompts that are read at once, padding included, unless one has more.
    """

    rows: int = 64
    cache_bytes: int = 2 << 30
    read_tokens: int = 4096


class Decoder:
    """Continues prompts by a causal language model.

    Prompts are read in batches of like lengths, padded on the right, where nothing attends to the padding;
    each step then writes one token of every sample in its slot of the cache. Tokens with which all prompts
    begin, such as instructions, are read once.

    Args:
        language: The model; whoever runs the decoder holds its lock.
        jobs: What is to be continued.
        on_written: Called as jobs end.
        temperature: Of the samples that are drawn.
        first: Whether to hand over the log-probabilities of the first position.
        log_probs: Whether to record that of each token.
        bounds: How much is in memory at a time.
    """

    def __init__(
        self,
        language: LanguageModel,
        jobs: Sequence[Job],
        *,
        on_written: OnWritten,
        temperature: float = 0.0,
        first: bool = False,
        log_probs: bool = False,
        bounds: Bounds | None = None,
    ) -> None:
        self.language, self.jobs, self.on_written = language, jobs, on_written
        self.temperature, self.first, self.log_probs = temperature, first, log_probs
        self.bounds = bounds or Bounds()
        self.waiting = deque(sorted(range(len(jobs)), key=lambda at: jobs[at].size))
        self.rows: list[Sample] = []
        self.open: dict[int, _Open] = {}
        self.slots = Slots()
        self.head = LastLogits(language.model.get_output_embeddings())
        self.token_bytes = token_bytes(language.model)
        self.shared = shared_tokens([job.tokens for job in jobs])
        self._shared_cache: DynamicCache | None = None

    def run(self) -> None:
        """Writes all that is to be written."""
        try:
            with torch.inference_mode():
                while self.waiting or self.rows:
                    if group := self._next_group():
                        self._read(group)
                    if self.rows:
                        self._step()
        finally:
            self.head.remove()

    def _next_group(self) -> list[int]:
        """The next jobs that fit beside what is being written, shortest first; one alone always fits."""
        group: list[int] = []
        rows = len(self.rows)
        while self.waiting:
            job = self.jobs[self.waiting[0]]
            rows += job.copies
            fits = rows <= self.bounds.rows and rows * job.size * self.token_bytes <= self.bounds.cache_bytes
            alone = not self.rows and not group
            longest = max(len(self.jobs[at].tokens) for at in (*group, self.waiting[0])) - len(self.shared)
            tokens = longest * (len(group) + 1)
            if not alone and (not fits or tokens > self.bounds.read_tokens):
                break
            group.append(self.waiting.popleft())
        return group

    def _read(self, group: list[int]) -> None:
        """Reads prompts, and writes the first token of each of their samples."""
        started = time.perf_counter()
        jobs = [self.jobs[at] for at in group]
        known, cache = len(self.shared), self._cache(len(jobs))
        lengths = torch.tensor([len(job.tokens) for job in jobs])
        ids = torch.zeros(len(jobs), int(lengths.max()) - known, dtype=torch.long)
        for row, job in enumerate(jobs):
            ids[row, : len(job.tokens) - known] = torch.tensor(job.tokens[known:])
        logits = self._logits(ids, last=lengths - known - 1, past_key_values=cache)
        now = time.perf_counter()
        new = []
        for at, job, row in zip(group, jobs, logits, strict=True):
            samples = [Sample(at, sample, started, first_s=now, last_s=now) for sample in range(job.copies)]
            self.open[at] = _Open(len(samples), samples, self._first_log_probs(row))
            new += samples
        copies = torch.tensor([job.copies for job in jobs])
        self.slots.add(cache, lengths, copies)
        self.rows += new
        self._write(logits.repeat_interleave(copies.to(logits.device), 0), len(new))

    def _cache(self, rows: int) -> DynamicCache:
        """The keys and values of the tokens that all prompts begin with, once a row."""
        found = DynamicCache()
        if not self.shared:
            return found
        if self._shared_cache is None:
            self._shared_cache = DynamicCache()
            self._logits(torch.tensor([self.shared]), last=None, past_key_values=self._shared_cache)
        layers: Any = self._shared_cache.layers  # transformers leaves its layers untyped
        for at, layer in enumerate(layers):
            found.update(layer.keys.expand(rows, -1, -1, -1), layer.values.expand(rows, -1, -1, -1), at)
        return found

    def _first_log_probs(self, logits: Tensor) -> npt.NDArray[np.float32] | None:
        return (logits - log_normaliser(logits[None])).cpu().numpy() if self.first else None

    def _step(self) -> None:
        """Writes the next token of every sample."""
        device = self.language.device
        ids = torch.tensor([[row.tokens[-1]] for row in self.rows], device=device)
        self.slots.fit()
        lengths = self.slots.lengths.to(device)
        seen = torch.arange(self.slots.shape[1], device=device) <= lengths[:, None]
        logits = self._logits(
            ids,
            last=None,
            past_key_values=self.slots,
            position_ids=lengths[:, None],
            attention_mask=_masks(self.language.model.config, seen, lengths),
        )
        self.slots.lengths = self.slots.lengths + 1
        self._write(logits, len(self.rows))

    def _logits(
        self, ids: Tensor, *, last: Tensor | None, **given: Any
    ) -> Tensor:  # Any: what the network takes
        self.head.last = last
        found: Tensor = self.language.model(ids.to(self.language.device), use_cache=True, **given).logits
        return found[:, -1].float()

    def _write(self, logits: Tensor, n: int) -> None:
        """Chooses a token of each of the last `n` samples; those that are done leave."""
        rows = self.rows[-n:]
        tokens = self._chosen(logits, rows)
        found: list[float] = []
        if self.log_probs:
            found = (logits.gather(1, tokens[:, None])[:, 0] - log_normaliser(logits)).tolist()
        now = time.perf_counter()
        for at, (row, token) in enumerate(zip(rows, tokens.tolist(), strict=True)):
            row.last_s = now
            if self.jobs[row.job].most_new:
                row.tokens.append(token)
                row.ended = token in self.language.ends
                row.log_probs += found[at : at + 1]
        self._leave()

    def _chosen(self, logits: Tensor, rows: Sequence[Sample]) -> Tensor:
        if self.temperature == 0:
            return likeliest(logits)
        uniforms = [self._draw(row) for row in rows]
        return drawn(logits, self.temperature, torch.tensor(uniforms, device=logits.device))

    def _draw(self, row: Sample) -> float:
        draws = self.jobs[row.job].draws
        return 0.0 if draws is None else float(draws[row.at, len(row.tokens)])

    def _leave(self) -> None:
        """Lets go of samples that are done, and hands over jobs of which all are."""
        kept = [at for at, row in enumerate(self.rows) if not self._done(row)]
        done = [row for row in self.rows if self._done(row)]
        if not done:
            return
        order = self.slots.keep(kept)
        self.rows = [self.rows[at] for at in order]
        for row in done:
            open_job = self.open[row.job]
            open_job.left -= 1
            if not open_job.left:
                del self.open[row.job]
                self.on_written(row.job, Written(open_job.samples, open_job.first))

    def _done(self, row: Sample) -> bool:
        return row.ended or len(row.tokens) >= self.jobs[row.job].most_new


@dataclass(eq=False)
class _Open:
    """A job of which samples are still being written."""

    left: int
    samples: list[Sample] = field(default_factory=list)
    first: npt.NDArray[np.float32] | None = None


def shared_tokens(prompts: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The tokens with which all of several prompts begin, where they are worth to be read apart.

    The last token of each prompt is left out, since what follows it is asked.

    >>> shared_tokens([tuple(range(40)), (*range(39), 7)]) == tuple(range(39))
    True
    >>> shared_tokens([(1, 2, 3), (1, 2, 4)])
    ()
    """
    if len(prompts) < 2:
        return ()
    least, most = min(prompts), max(prompts)
    room = min(map(len, prompts)) - 1
    n = next((at for at in range(room) if least[at] != most[at]), room)
    return least[:n] if n >= _WORTH_SHARING else ()


def token_bytes(model: Any) -> int:  # Any: a network of transformers
    """Bytes of the keys and values of one token, in all layers."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(2 * config.num_hidden_layers * heads * width * model.dtype.itemsize)


def _masks(config: Any, seen: Tensor, lengths: Tensor) -> Any:  # Any: as the network wants it
    """What each new token may attend to, ``(n, 1, 1, width)``; by kind of layer where there are several."""
    window = getattr(config, "sliding_window", None)
    kinds = set(getattr(config, "layer_types", None) or ())
    near = seen
    if window:
        near = seen & (torch.arange(seen.shape[1], device=seen.device) > lengths[:, None] - window)
    if len(kinds) > 1:
        return {"full_attention": seen[:, None, None], "sliding_attention": near[:, None, None]}
    return (near if kinds != {"full_attention"} else seen)[:, None, None]
