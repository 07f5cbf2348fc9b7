"""The Lightning side of training: a detail behind `train_network`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import lightning as L
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from routoo.models.encoder.encoder import layers_of
from routoo.models.network.heads import HeadOutputs
from routoo.models.network.network import RouterNetwork
from routoo.models.network.predicting import Inputs, input_tensors, network_features
from routoo.models.training.options import TrainOptions
from routoo.models.training.targets import Targets

_EPOCHS, _LEAST_STEPS = 10, 100
_LONGEST = 1.0  # gradient, beyond which it is cut


class PromptData:
    """Training prompts in batches, in an order that seed and step alone decide: a resumed run sees the same.

    Args:
        inputs: Features of a frozen encoder, or token ids for one that learns, or what its frozen layers say.
        targets: What is learned of the same prompts.
        seen: Prompts that each member learns from, ``(members, n_prompts)``.
        options: Batch size, epochs and seed.
    """

    def __init__(
        self, inputs: Inputs, targets: Targets, *, seen: npt.NDArray[np.bool_], options: TrainOptions
    ) -> None:
        self.inputs, self.targets, self.seen, self.options = inputs, targets, seen, options
        self.rows = np.flatnonzero(seen.any(0))
        self.step: Callable[[], int] = lambda: 0
        self.epochs = options.epochs or max(_EPOCHS, math.ceil(_LEAST_STEPS / len(self)))

    def __len__(self) -> int:
        return math.ceil(len(self.rows) / self.options.batch_size)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        rows = np.random.default_rng((self.options.seed, self.step())).permutation(self.rows)
        size = self.options.batch_size
        return (self.batch(rows[at : at + size]) for at in range(0, len(rows), size))

    def batch(self, rows: npt.NDArray[np.intp]) -> dict[str, Tensor]:
        """The tensors of these rows."""
        targets = self.targets.rows(rows)
        arrays = {
            "score": targets.score,
            "observed": targets.observed,
            "seen": self.seen[:, rows],
        }
        tensors = {key: torch.from_numpy(value) for key, value in arrays.items()}
        return tensors | input_tensors(self.inputs, rows)


class RouterModule(L.LightningModule):
    """Masked losses over all heads, each member on the prompts that it may see.

    Args:
        network: What learns.
        data: What it learns from, by which rates and weights.
    """

    def __init__(self, network: RouterNetwork, data: PromptData) -> None:
        super().__init__()
        self.network, self.data, self.options = network, data, data.options
        data.step = lambda: self.global_step

    def training_step(self, batch: dict[str, Tensor], _: int) -> Tensor:
        """The loss of one batch; dropout is seeded by the step, so that a resumed run goes on unchanged."""
        torch.manual_seed(hash((self.options.seed, self.global_step)) % 2**63)
        outputs = self.network.heads(network_features(self.network, batch))
        loss = router_loss(outputs, batch, attribute_weight=self.options.attribute_weight)
        self.log("train_loss", loss, prog_bar=True, batch_size=len(batch["score"]))
        return loss

    def configure_gradient_clipping(self, *_: Any, **__: Any) -> None:  # Lightning's optimiser and options
        """No gradient is longer than one: of no member, lest it hear what others see, and of no encoder."""
        heads = [p.grad for p in self.network.heads.parameters() if p.grad is not None]
        squares = torch.stack([gradient.square().flatten(1).sum(1) for gradient in heads])
        factor = _LONGEST / squares.sum(0).sqrt().clamp_min(_LONGEST)
        for gradient in heads:
            gradient.mul_(factor.reshape(-1, *[1] * (gradient.ndim - 1)))
        torch.nn.utils.clip_grad_norm_(self.network.encoder.parameters(), _LONGEST)

    def configure_optimizers(self) -> Any:  # Lightning's own union of a dozen forms
        """AdamW with a rate for the heads and one for each layer of the encoder, all in one cycle."""
        options = self.options
        groups: list[dict[str, Any]] = [
            {"params": list(self.network.heads.parameters()), "lr": options.learning_rate}
        ]
        for depth, learning in enumerate(_learning_by_depth(self.network.encoder)):
            if learning:
                rate = options.encoder_learning_rate * options.layer_decay**depth
                groups.append({"params": learning, "lr": rate})
        optimizer = torch.optim.AdamW(groups, weight_decay=options.weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, [group["lr"] for group in groups], total_steps=self.data.epochs * len(self.data) + 1
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _learning_by_depth(encoder: nn.Module) -> list[list[nn.Parameter]]:
    """Parameters that learn, of each layer from the last down; then what is in none, the embeddings."""
    inside = [list(layer.parameters()) for layer in reversed(layers_of(encoder))]
    known = {id(p) for layer in inside for p in layer}
    outside = [p for p in encoder.parameters() if id(p) not in known]
    return [[p for p in layer if p.requires_grad] for layer in (*inside, outside)]


def router_loss(outputs: HeadOutputs, batch: dict[str, Tensor], *, attribute_weight: float) -> Tensor:
    """Cross-entropy with soft labels over the known cells, and over the observed attributes.

    Each member's loss is a mean over what it may see; members add up, so that they learn as if alone.
    """
    score, seen = batch["score"], batch["seen"]
    members = len(seen)
    known = (seen[:, :, None] & ~torch.isnan(score)).to(outputs.logits.dtype)
    cells = F.binary_cross_entropy_with_logits(
        outputs.logits, score.nan_to_num().expand_as(outputs.logits), weight=known, reduction="none"
    )
    loss = (cells.sum((1, 2)) / known.sum((1, 2)).clamp_min(1.0)).sum()
    for logits, number in zip(outputs.attribute_logits, batch["observed"].unbind(1), strict=True):
        observed = (seen & (number >= 0)).to(logits.dtype)
        each = F.cross_entropy(
            logits.flatten(0, 1), number.clamp_min(0).repeat(members), reduction="none"
        ).view_as(observed)
        loss = loss + attribute_weight * ((each * observed).sum(1) / observed.sum(1).clamp_min(1.0)).sum()
    return loss
