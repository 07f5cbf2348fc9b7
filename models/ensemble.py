"""Which experts have a say beside the heads of a network, and how much: chosen on validation."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from routoo.models.blend import Blend, Held, fit_blend
from routoo.models.expert_fits import (
    Fit,
    fit_clusters,
    fit_linear,
    fit_means,
    fit_neighbours,
    fit_table,
)
from routoo.models.features import Features, in_batches
from routoo.models.fitting import fit_network
from routoo.models.heads import HeadKind, Heads
from routoo.models.lightning import PromptData, Validation
from routoo.models.network import RouterNetwork
from routoo.models.stack import Part, Stack
from routoo.models.targets import Targets, shrunk_log_odds

_EMBEDDING = (0, -1)  # all layers; the last feature is the log of the length
_DIRECTIONS = 64  # of the embedding, in which exemplars are held: all of it serves no better
_RANK = 16


def expert_fits(targets: Targets) -> dict[str, Fit]:
    """How each expert on the features of a network is fitted, by name; those that these targets allow."""
    fits: dict[str, Fit] = {
        "means": fit_means,
        "nearest exemplars": partial(fit_neighbours, span=_EMBEDDING, width=_DIRECTIONS),
        "clusters": partial(fit_clusters, span=_EMBEDDING),
        "item response": partial(fit_linear, rank=1),
        "matrix factorisation": partial(fit_linear, rank=_RANK),
        "logistic regression": fit_linear,
    }
    if len(targets.domains) > 1:
        fits["domain table"] = fit_table
    return fits


@dataclasses.dataclass(frozen=True)
class Ensemble:
    """What was chosen to stand beside a network's heads.

    Args:
        weights: Weight of each part by name; what is left to 1 is that of the network's own heads.
        blend: How the weights came about; its parts are the network's heads, then `candidates`.
        candidates: Names of all parts that could be chosen.
        epochs: For how long the heads of the other kind learned.
    """

    weights: dict[str, float]
    blend: Blend
    candidates: tuple[str, ...]
    epochs: int

    @classmethod
    def of(cls, network: RouterNetwork, data: PromptData, validation: Validation, run_id: str) -> Ensemble:
        """The ensemble that serves best on validation; the network gets it as its stack.

        Args:
            network: With a frozen trunk, its heads trained and not yet calibrated.
            data: What it was trained on, as features.
            validation: Costs of the validation prompts.
            run_id: Folder of the run's checkpoints.
        """
        features, targets = _seen(data, data.fitting)
        other = _other_heads(network, targets)
        fitted = fit_network(other, _without_usage(data), validation, data.options, f"{run_id}-other")
        parts: dict[str, Part] = {name: fit(features, targets) for name, fit in expert_fits(targets).items()}
        parts[_kind(other)] = other.heads.cpu().eval()
        held_features, held = _seen(data, data.validating)
        blend = fit_blend(
            Held(
                np.stack([said_by(part, held_features) for part in (network.heads, *parts.values())]),
                held.score.astype(np.float64),
                validation.expected_cost,
                validation.cost,
            ),
            seed=data.options.seed,
        )
        weights = dict(zip(parts, blend.weights[1:], strict=True))
        chosen = cls(
            {name: weight for name, weight in weights.items() if weight > 0},
            blend,
            tuple(parts),
            fitted.epochs,
        )
        chosen._attach(network, parts)
        return chosen

    def refit(self, network: RouterNetwork, data: PromptData, run_id: str) -> None:
        """Gives a network that was trained again, on other prompts, the same parts fitted on these."""
        features, targets = _seen(data, data.fitting)
        fits = expert_fits(targets)
        parts: dict[str, Part] = {}
        for name in self.weights:
            if name in fits:
                parts[name] = fits[name](features, targets)
            else:
                other = _other_heads(network, targets)
                fit_network(
                    other, _without_usage(data), None, data.options, f"{run_id}-other-all", epochs=self.epochs
                )
                parts[name] = other.heads.cpu().eval()
        self._attach(network, parts)

    def to_dict(self) -> dict[str, Any]:
        """What was chosen, as JSON values: weights by name, and what they were seen to be worth."""
        names = ("heads", *self.candidates)
        blend = self.blend
        return {
            "weights": {n: w for n, w in zip(names, blend.weights, strict=True) if w > 0},
            "proposed": {n: w for n, w in zip(names, blend.proposed, strict=True) if w > 0},
            "gain": blend.gain,
            "gain_error": blend.error,
            "likelihood_gain": blend.likelihood_gain,
            "likelihood_gain_error": blend.likelihood_error,
        }

    def _attach(self, network: RouterNetwork, parts: dict[str, Part]) -> None:
        if self.weights:
            weighed = [(parts[name], weight) for name, weight in self.weights.items()]
            network.attach(Stack.of(weighed, network.config.heads.n_models))


def said_by(part: Part, features: Features) -> npt.NDArray[np.float64]:
    """Logits ``(n_prompts, n_models)`` of a part, for prompts whose domain is not known."""
    said = []
    with torch.inference_mode():
        for rows in map(torch.from_numpy, in_batches(features)):
            said.append(part(rows).logits.mean(0) if isinstance(part, Heads) else part(rows))
    return np.asarray(torch.cat(said).double().numpy())


def _kind(network: RouterNetwork) -> str:
    return f"{network.config.heads.kind} heads"


def _other_heads(network: RouterNetwork, targets: Targets) -> RouterNetwork:
    """A fresh network on the same trunk whose heads are of the other kind, and say nothing of usage."""
    kind: HeadKind = "free" if network.config.heads.kind == "factorised" else "factorised"
    heads = dataclasses.replace(network.config.heads, kind=kind, output_tokens=False, latency=False)
    other = RouterNetwork(network.trunk, dataclasses.replace(network.config, heads=heads, stack=None))
    with torch.no_grad():
        other.heads.mean.copy_(network.heads.mean)
        other.heads.std.copy_(network.heads.std)
        other.heads.base.copy_(torch.from_numpy(shrunk_log_odds(targets)))
    return other


def _without_usage(data: PromptData) -> PromptData:
    targets = dataclasses.replace(data.targets, log_tokens=None, log_latency=None)
    return PromptData(
        data.inputs,
        targets,
        fitting=data.fitting,
        validating=data.validating,
        options=data.options,
        mean_cost=data.mean_cost,
    )


def _seen(data: PromptData, rows: npt.NDArray[np.intp]) -> tuple[Features, Targets]:
    assert isinstance(data.inputs, np.ndarray)  # for the type checker: an ensemble needs a frozen trunk
    return data.inputs[rows], data.targets.rows(rows)
