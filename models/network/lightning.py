"""The Lightning side of training: a detail behind `train_network`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import lightning as L
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler

from routoo.data.curves import PRICES, routing_area
from routoo.models.encoder.inputs import Inputs, input_tensors, network_features
from routoo.models.encoder.trunk import layers_of
from routoo.models.network.heads import HeadOutputs
from routoo.models.network.network import RouterNetwork
from routoo.models.regret import mean_regret
from routoo.models.training.options import TrainOptions
from routoo.models.training.targets import Targets

_PRICES = PRICES[::3]


@dataclass(frozen=True, eq=False)
class Validation:
    """What routing utility is measured with after each epoch: costs, ``(n_prompts, n_models)`` in USD."""

    expected_cost: npt.NDArray[np.float64]
    cost: npt.NDArray[np.float64]


class PromptData(L.LightningDataModule):
    """Training and validation prompts in batches of row numbers.

    Args:
        inputs: Features of a frozen trunk, or token ids for one that learns, or what its frozen layers say.
        targets: Recorded outcomes of the same prompts.
        fitting: Rows to train on.
        validating: Rows to choose on.
        options: Batch size and seed.
        mean_cost: What a call of each model costs, ``(n_models,)`` in USD; needed where `utility_weight` is.
    """

    def __init__(
        self,
        inputs: Inputs,
        targets: Targets,
        *,
        fitting: npt.NDArray[np.intp],
        validating: npt.NDArray[np.intp],
        options: TrainOptions,
        mean_cost: npt.NDArray[np.float64] | None = None,
    ) -> None:
        super().__init__()
        self.inputs, self.targets = inputs, targets
        self.fitting, self.validating = fitting, validating
        self.options, self.mean_cost = options, mean_cost

    def changed(
        self, *, targets: Targets | None = None, fitting: npt.NDArray[np.intp] | None = None
    ) -> PromptData:
        """The same prompts with other targets, or with other rows to train on."""
        return PromptData(
            self.inputs,
            self.targets if targets is None else targets,
            fitting=self.fitting if fitting is None else fitting,
            validating=self.validating,
            options=self.options,
            mean_cost=self.mean_cost,
        )

    def train_dataloader(self) -> DataLoader[Any]:
        """Batches in an order that seed and step alone decide, so that a resumed run sees the same."""
        batches = _Batches(self.fitting, self.options.batch_size, self._key)
        return DataLoader(_Cut(self), sampler=batches, batch_size=None)

    def val_dataloader(self) -> DataLoader[Any]:
        """Batches in order."""
        batches = _Batches(self.validating, 4 * self.options.batch_size, None)
        return DataLoader(_Cut(self), sampler=batches, batch_size=None)

    def _key(self) -> tuple[int, int]:
        return self.options.seed, 0 if self.trainer is None else self.trainer.global_step

    def cut(self, rows: npt.NDArray[np.intp]) -> dict[str, Tensor]:
        """The tensors of these rows."""
        batch = {
            key: torch.from_numpy(value) for key, value in _target_arrays(self.targets.rows(rows)).items()
        }
        if self.options.utility_weight > 0 and self.mean_cost is not None:
            batch["mean_cost"] = torch.from_numpy(self.mean_cost.astype(np.float32))
        return batch | input_tensors(self.inputs, rows)


class _Cut(Dataset[dict[str, Tensor]]):
    """Batches by their row numbers."""

    def __init__(self, data: PromptData) -> None:
        self.data = data

    def __getitem__(self, rows: npt.NDArray[np.intp]) -> dict[str, Tensor]:
        return self.data.cut(rows)


class _Batches(Sampler[npt.NDArray[np.intp]]):
    """Row numbers in batches; shuffled by `key`, which is asked anew for every pass, where there is one."""

    def __init__(
        self, rows: npt.NDArray[np.intp], size: int, key: Callable[[], tuple[int, int]] | None
    ) -> None:
        self.rows, self.size, self.key = rows, size, key

    def __len__(self) -> int:
        return math.ceil(len(self.rows) / self.size)

    def __iter__(self) -> Iterator[npt.NDArray[np.intp]]:
        rows = self.rows if self.key is None else np.random.default_rng(self.key()).permutation(self.rows)
        return (rows[at : at + self.size] for at in range(0, len(rows), self.size))


def _target_arrays(targets: Targets) -> dict[str, npt.NDArray[Any]]:
    arrays: dict[str, npt.NDArray[Any]] = {"score": targets.score, "domain": targets.domain}
    if targets.log_tokens is not None:
        arrays["log_tokens"] = targets.log_tokens
    if targets.log_latency is not None:
        arrays["log_latency"] = targets.log_latency
    if targets.taught is not None:
        arrays["taught"] = targets.taught
    if targets.label is not None:
        arrays["label"] = targets.label
    if targets.told is not None:
        arrays["told"] = targets.told
    return arrays


class RouterModule(L.LightningModule):
    """Masked losses over all heads; after each epoch the routing utility on validation.

    Args:
        network: What learns.
        validation: Costs of the validation prompts; None where nothing is validated.
        options: Rates and weights.
        total_steps: Optimiser steps of a whole run, for the rate's schedule.
    """

    def __init__(
        self, network: RouterNetwork, validation: Validation | None, options: TrainOptions, total_steps: int
    ) -> None:
        super().__init__()
        self.network = network
        self.validation = validation
        self.options = options
        self.total_steps = total_steps
        self._seen: list[tuple[Tensor, Tensor]] = []
        self.history: list[dict[str, float]] = []
        self.prompt_losses = np.zeros(0)

    def outputs(self, batch: dict[str, Tensor]) -> HeadOutputs:
        """What the heads say of a batch of inputs of any kind."""
        features = network_features(self.network, batch)
        return self.network.heads(features, labels=batch.get("label"))  # type: ignore[no-any-return]  # nn.Module is untyped

    def training_step(self, batch: dict[str, Tensor], _: int) -> Tensor:
        """The loss of one batch; dropout is seeded by the step, so that a resumed run goes on unchanged."""
        torch.manual_seed(hash((self.options.seed, self.global_step)) % 2**63)
        loss = router_loss(self.outputs(batch), batch, self.options)
        self.log("train_loss", loss, prog_bar=True, batch_size=len(batch["score"]))
        return loss

    def validation_step(self, batch: dict[str, Tensor], _: int) -> None:
        """Keeps the logits until the epoch ends."""
        logits = self.outputs(batch).logits.float().mean(0)
        self._seen.append((logits.cpu(), batch["score"].cpu()))

    def on_validation_epoch_end(self) -> None:
        """Logs the loss and the routing utility of all validation prompts together."""
        logits, score = (torch.cat(parts) for parts in zip(*self._seen, strict=True))
        self._seen.clear()
        if self.trainer.sanity_checking or self.validation is None:
            return
        known = ~torch.isnan(score)
        cells = F.binary_cross_entropy_with_logits(logits, score.nan_to_num(), reduction="none")
        per_prompt = torch.where(known, cells, 0.0).sum(1) * (len(score) / known.sum())
        self.prompt_losses, loss = per_prompt.double().numpy(), per_prompt.mean()
        utility = routing_area(
            logits.sigmoid().double().numpy(),
            self.validation.expected_cost,
            score.double().numpy(),
            self.validation.cost,
            prices=_PRICES,
        )
        if math.isnan(utility):  # the cheapest model is the best one: nothing to trade, so go by the loss
            utility = -float(loss)
        self.log_dict({"val_loss": loss, "val_utility": utility}, prog_bar=True)
        self.history.append(
            {"epoch": self.current_epoch, "val_loss": float(loss), "val_utility": float(utility)}
        )

    def configure_optimizers(self) -> Any:  # Lightning's own union of a dozen forms
        """AdamW with a rate for the heads and one for each layer of the trunk, all in one cycle."""
        options = self.options
        groups: list[dict[str, Any]] = [
            {"params": list(self.network.heads.parameters()), "lr": options.learning_rate}
        ]
        for depth, learning in enumerate(_learning_by_depth(self.network.trunk)):
            if learning:
                rate = options.trunk_learning_rate * options.layer_decay**depth
                groups.append({"params": learning, "lr": rate})
        optimizer = torch.optim.AdamW(groups, weight_decay=options.weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, [group["lr"] for group in groups], total_steps=self.total_steps + 1
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _learning_by_depth(trunk: nn.Module) -> list[list[nn.Parameter]]:
    """Parameters that learn, of each layer from the last down; then what is in none, the embeddings."""
    inside = [list(layer.parameters()) for layer in reversed(layers_of(trunk))]
    known = {id(p) for layer in inside for p in layer}
    outside = [p for p in trunk.parameters() if id(p) not in known]
    return [[p for p in layer if p.requires_grad] for layer in (*inside, outside)]


def router_loss(outputs: HeadOutputs, batch: dict[str, Tensor], options: TrainOptions) -> Tensor:
    """Masked cross-entropy with soft labels, plus domain cross-entropy and Huber losses on log usage.

    Where prompts have labels, half of the first is that of the logits of those who know them, so that both
    are learned: what a prompt says by itself, and what a label adds.

    Each member's loss is its own mean over the known cells; members add up, so that they learn as if alone.
    Where costs are told, what is lost by choosing by the predictions is added (see `mean_regret`).
    """
    members = outputs.logits.shape[0]
    target = batch.get("taught", batch["score"])
    loss = _masked(F.binary_cross_entropy_with_logits, outputs.logits, target)
    if outputs.told is not None:
        told = _masked(F.binary_cross_entropy_with_logits, outputs.told_logits, batch.get("told", target))
        loss = (loss + told) / 2
    guesses = [] if outputs.domain_logits is None else [(outputs.domain_logits, batch["domain"])]
    if outputs.label_logits:
        guesses += zip(outputs.label_logits, batch["label"].unbind(1), strict=True)
    for said, number in guesses:
        known = number >= 0
        if options.domain_weight > 0 and known.any():
            missed = F.cross_entropy(said[:, known].flatten(0, 1), number[known].repeat(members))
            loss = loss + options.domain_weight * missed
    for guess, name in ((outputs.log_tokens, "log_tokens"), (outputs.log_latency, "log_latency")):
        if guess is not None:
            loss = loss + options.usage_weight * _masked(F.smooth_l1_loss, guess, batch[name])
    if "mean_cost" in batch:
        lost = mean_regret(outputs.logits.sigmoid(), batch["score"], batch["mean_cost"])
        loss = loss + options.utility_weight * lost
    return loss * members


def _masked(loss: Any, guess: Tensor, target: Tensor) -> Tensor:  # any torch loss with a `reduction`
    """Mean loss over the cells of ``(n_prompts, n_models)`` that are known, for all members together."""
    target = target.expand_as(guess)
    known = ~torch.isnan(target)
    if not known.any():
        return guess.sum() * 0.0
    value: Tensor = loss(guess[known], target[known], reduction="mean")
    return value
