"""Which experts have a say beside the heads of a network, and how much: chosen on validation."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from routoo.models.blend import Blend, Held, fit_blend
from routoo.models.calibration import LEAST_TOLD
from routoo.models.encoder.feature_cache import Features
from routoo.models.encoder.features import in_batches
from routoo.models.expert_fits import (
    Fit,
    fit_clusters,
    fit_linear,
    fit_means,
    fit_neighbours,
    fit_table,
)
from routoo.models.network.fitting import fit_network
from routoo.models.network.heads import HeadKind, Heads
from routoo.models.network.lightning import PromptData, Validation
from routoo.models.network.network import RouterNetwork
from routoo.models.stack import Part, Stack
from routoo.models.training.targets import Targets, shrunk_log_odds

MEANS = "means"
"""Name of the part that says each model's mean."""

_EMBEDDING = (0, -1)  # all layers; the last feature is the log of the length
_DIRECTIONS = 64  # of the embedding, in which exemplars are held: all of it serves no better
_RANK = 16


def expert_fits(targets: Targets) -> dict[str, Fit]:
    """How each expert on the features of a network is fitted, by name; those that these targets allow."""
    fits: dict[str, Fit] = {
        MEANS: fit_means,
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
        guessed: Weights for prompts whose domain is not known: of the network's heads, then of `candidates`.
        told: The same for prompts whose domain is known.
        candidates: Names of all parts that could be chosen.
        epochs: For how long the heads of the other kind learned.
    """

    guessed: Blend
    told: Blend
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

        def blended(domain: npt.NDArray[np.int64] | None, rows: npt.NDArray[np.intp]) -> Blend:
            everyone = (network.heads, *parts.values())
            told = None if domain is None else domain[rows]
            said = np.stack([said_by(part, held_features[rows], told) for part in everyone])
            score = held.score[rows].astype(np.float64)
            costs = validation.expected_cost[rows], validation.cost[rows]
            means = ("heads", *parts).index(MEANS)
            return fit_blend(Held(said, score, *costs, means), seed=data.options.seed)

        guessed = blended(None, np.arange(len(held_features)))
        known = np.flatnonzero(held.domain >= 0)
        told = blended(held.domain, known) if len(known) >= LEAST_TOLD else guessed
        chosen = cls(guessed, told, tuple(parts), fitted.epochs)
        chosen._attach(network, parts)
        return chosen

    @property
    def weights(self) -> dict[str, tuple[float, float]]:
        """Weights of the parts that have any, where the domain is guessed and where it is told."""
        pairs = zip(self.guessed.weights[1:], self.told.weights[1:], strict=True)
        return {name: pair for name, pair in zip(self.candidates, pairs, strict=True) if max(pair) > 0}

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
        return {**self._described(self.guessed), "told": self._described(self.told)}

    def _described(self, blend: Blend) -> dict[str, Any]:
        names = ("heads", *self.candidates)
        return {
            "weights": {n: w for n, w in zip(names, blend.weights, strict=True) if w > 0},
            "proposed": {n: w for n, w in zip(names, blend.proposed, strict=True) if w > 0},
            "gain": blend.gain,
            "gain_error": blend.error,
            "likelihood_gain": blend.likelihood_gain,
            "likelihood_gain_error": blend.likelihood_error,
            "over_means": blend.over_means,
            "over_means_error": blend.over_means_error,
        }

    def _attach(self, network: RouterNetwork, parts: dict[str, Part]) -> None:
        if self.weights:
            weighed = [(parts[name], weights) for name, weights in self.weights.items()]
            network.attach(Stack.of(weighed, network.config.heads.n_models))


def said_by(
    part: Part, features: Features, domain: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.float64]:
    """Logits ``(n_prompts, n_models)`` of a part.

    Args:
        part: Heads or an expert.
        features: ``(n_prompts, n_features)``.
        domain: Number of each prompt's domain; None where none is known.
    """
    told = np.full(len(features), -1) if domain is None else domain
    said = []
    with torch.inference_mode():
        for rows in zip(in_batches(features), in_batches(told), strict=True):
            found = part(*map(torch.from_numpy, rows))
            said.append(found.logits.mean(0) if isinstance(part, Heads) else found)
    return np.asarray(torch.cat(said).double().numpy())


def _kind(network: RouterNetwork) -> str:
    return f"{network.config.heads.kind} heads"


def _other_heads(network: RouterNetwork, targets: Targets) -> RouterNetwork:
    """A fresh network on the same trunk whose heads are of the other kind, and say nothing of usage."""
    kind: HeadKind = "free" if network.config.heads.kind == "factorised" else "factorised"
    heads = dataclasses.replace(
        network.config.heads, kind=kind, labels=(), output_tokens=False, latency=False
    )
    other = RouterNetwork(network.trunk, dataclasses.replace(network.config, heads=heads, stack=None))
    with torch.no_grad():
        other.heads.mean.copy_(network.heads.mean)
        other.heads.std.copy_(network.heads.std)
        other.heads.base.copy_(torch.from_numpy(shrunk_log_odds(targets)))
    return other


def _without_usage(data: PromptData) -> PromptData:
    return data.changed(targets=dataclasses.replace(data.targets, log_tokens=None, log_latency=None))


def _seen(data: PromptData, rows: npt.NDArray[np.intp]) -> tuple[Features, Targets]:
    assert isinstance(data.inputs, np.ndarray)  # for the type checker: an ensemble needs a frozen trunk
    return data.inputs[rows], data.targets.rows(rows)
