"""What the frozen layers below the tuned ones say of each token: computed once, read by every step."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from routoo.data.progress import Progress
from routoo.data.text import EncodedPrompts
from routoo.models.encoder.encoder import Encoder, layers_of
from routoo.models.encoder.features import TOKENS_PER_BATCH, autocast, unit_mean

_BERT_KIND = ("bert", "roberta", "xlm-roberta")
"""Encoders that are embeddings and then ``encoder.layer``, one after another, under an additive mask."""


class LowerLayers:
    """Hidden states of encoded prompts below the layers that learn.

    They take two bytes a number: 98 kB for a prompt of 128 tokens in MiniLM, whose states are 384 wide. All
    tokens lie one after another in a nameless file that goes when the process does; beside it are the means
    over the tokens, of unit length, of those pooled layers that do not learn.

    Args:
        encoder: An encoder that `has_plain_layers`; it runs where its weights are.
        prompts: Token ids, as the same encoder's tokenizer made them.
        layers: Hidden states to pool, ascending; 0 is the embedding layer.
        first: Position of the lowest layer that learns.
        folder: Where the nameless file lies; the system's folder for such files when not given.
        progress: Called after every batch.
    """

    def __init__(
        self,
        encoder: Encoder,
        prompts: EncodedPrompts,
        layers: tuple[int, ...],
        *,
        first: int,
        folder: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        device = next(encoder.model.parameters()).device
        embeddings = encoder.model.get_submodule("embeddings")
        below = [layer for layer in layers if layer <= first]
        self.first, self.starts = first, np.concatenate([[0], prompts.lengths.cumsum()])
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            self.states = np.memmap(file, np.float16, "w+", shape=(int(self.starts[-1]), encoder.width))
        self.means = np.empty((len(prompts), len(below) * encoder.width), np.float32)
        done = 0
        with torch.inference_mode(), autocast(device.type):
            for rows in prompts.batches(TOKENS_PER_BATCH):
                ids, mask = (torch.from_numpy(a).to(device) for a in prompts.batch(rows))
                embedded = embeddings(input_ids=ids)
                states = [embedded, *_run(layers_of(encoder.model)[:first], embedded, mask)]
                means = torch.cat([unit_mean(states[at], mask) for at in below], 1)
                self.means[rows] = means.cpu().numpy()
                for row, last in zip(rows, states[first].half().cpu().numpy(), strict=True):
                    start, end = self.starts[row : row + 2]
                    self.states[start:end] = last[: end - start]
                done += len(rows)
                if progress:
                    progress(done, len(prompts))

    def batch(self, rows: npt.NDArray[np.intp]) -> dict[str, Tensor]:
        """States, mask and means of these prompts: what `upper_features` takes."""
        states = [torch.from_numpy(self.states[self.starts[row] : self.starts[row + 1]]) for row in rows]
        tokens = [torch.ones(len(each), dtype=torch.int64) for each in states]
        return {
            "lower_states": pad_sequence(states, batch_first=True),
            "attention_mask": pad_sequence(tokens, batch_first=True),
            "lower_means": torch.from_numpy(self.means[rows]),
            "first_layer": torch.tensor(self.first),
        }


def has_plain_layers(encoder: nn.Module) -> bool:
    """Whether the encoder's layers can be run one after another from the outside: BERT and its like."""
    config = getattr(encoder, "config", None)
    return getattr(config, "model_type", None) in _BERT_KIND and not getattr(config, "is_decoder", False)


def upper_features(encoder: nn.Module, layers: tuple[int, ...], batch: dict[str, Tensor]) -> Tensor:
    """The features of `pooled_features`, from a batch of `LowerLayers`: only layers that learn are run."""
    first, mask = int(batch["first_layer"]), batch["attention_mask"]
    states = list(_run(layers_of(encoder)[first:], batch["lower_states"].float(), mask))
    means = [unit_mean(states[layer - first - 1], mask) for layer in layers if layer > first]
    return torch.cat([batch["lower_means"], *means, mask.sum(1, keepdim=True).float().log1p()], dim=1)


def _run(layers: Iterable[nn.Module], states: Tensor, mask: Tensor) -> Iterator[Tensor]:
    """What each layer says, one after another, where padding is seen by none."""
    unseen = (1.0 - mask[:, None, None, :].to(states.dtype)) * torch.finfo(torch.bfloat16).min
    for layer in layers:
        output = layer(states, unseen)
        states = output[0] if isinstance(output, tuple) else output  # a tuple before transformers 5
        yield states
