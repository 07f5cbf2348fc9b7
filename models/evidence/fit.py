"""The evidence heads of a network, fitted on prompts that its heads have not learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from routoo.models.encoder.feature_cache import Features
from routoo.models.evidence.evidence import Evidence, EvidenceConfig, HeadPredictions
from routoo.models.evidence.kernel import fit_kernel
from routoo.models.evidence.regression import Regression, fit_regression
from routoo.models.gaps import Array, column_means
from routoo.models.training.targets import Targets


@dataclass(frozen=True, eq=False)
class FittedEvidence:
    """Evidence heads, and what they would say of each prompt had they not been fitted on it.

    Args:
        evidence: The module.
        p_correct: ``(n_prompts, n_models)``.
        output_tokens: The same shape; None where none were recorded.
        metrics: How well that is, as plain JSON values.
    """

    evidence: Evidence
    p_correct: Array
    output_tokens: Array | None
    metrics: dict[str, Any]


def fit_evidence(
    features: Features, predicted: HeadPredictions, targets: Targets, *, layers: int, seed: int
) -> FittedEvidence:
    """The evidence heads by recorded outcomes.

    Args:
        features: Of the prompts, ``(n_prompts, n_features)``.
        predicted: By the heads, which have not learned from these prompts.
        targets: What was recorded of them.
        layers: Layers that the features are made of.
        seed: Of the kernel's centres.
    """
    kernel = fit_kernel(features, layers, seed=seed)
    with torch.inference_mode():
        likeness = kernel(torch.from_numpy(features)).double().numpy()
    posteriors = [each.double().numpy() for each in predicted.posteriors]
    head_scores = predicted.p.double().numpy()
    groups = [features[:, -1:].astype(np.float64), likeness, *posteriors, head_scores]
    score = targets.score.astype(np.float64)
    found = fit_regression(groups, score)
    usage = {"tokens": targets.log_tokens, "latency": targets.log_latency}
    fitted = {name: _fit_usage(groups, known) for name, known in usage.items() if known is not None}
    config = EvidenceConfig(
        n_features=features.shape[1],
        skipped=kernel.span.start,
        n_centres=len(kernel.centres),
        n_heads=head_scores.shape[1],
        inferred=tuple(each.shape[1] for each in posteriors),
        n_models=score.shape[1],
        output_tokens="tokens" in fitted,
        latency="latency" in fitted,
    )
    evidence = Evidence(config)
    evidence.kernel = kernel
    buffers = {
        name: getattr(found, name) for name in ("basis", "offset", "level", "weight", "spread", "noise")
    }
    buffers["unlike"] = found.prior[1]  # of the likeness group
    buffers["doubt"] = np.diag(found.noise) / np.maximum((~np.isnan(score)).sum(0), 1)  # of the level itself
    buffers["bias"], buffers["table"] = _attribute_table(posteriors, targets, score - found.left_out)
    for name, used in fitted.items():
        buffers[name] = np.vstack([used.weight, used.level])
    for name, value in buffers.items():
        getattr(evidence, name).copy_(torch.from_numpy(value))
    p = found.left_out.clip(0, 1)
    tokens = np.exp(fitted["tokens"].left_out) if "tokens" in fitted else None
    metrics = _metrics(p, found, score) | {
        f"left_out_{name}_explained": used.explained for name, used in fitted.items()
    }
    return FittedEvidence(evidence.eval(), p, tokens, metrics)


@dataclass(frozen=True, eq=False)
class _Usage:
    """Logs of usage: ``inputs @ weight + level``."""

    weight: Array
    level: Array
    left_out: Array
    explained: float


def _fit_usage(groups: list[Array], recorded: npt.NDArray[np.float32]) -> _Usage:
    """Expected output tokens or seconds of each model, as a log-normal regression.

    A factor on each model's predictions makes their mean the recorded mean (Duan 1983, smearing): a log
    predicts too little. A model of which nothing was recorded is taken to be as the others are on average.
    """
    some = np.asarray(~np.isnan(recorded).all(0))
    target = recorded[:, some].astype(np.float64)
    found = fit_regression(groups, target)
    missed = np.nansum((target - found.left_out) ** 2)
    spread = np.nansum((target - column_means(target)) ** 2)
    predicted = np.where(np.isnan(target), 0.0, np.exp(found.left_out)).sum(0)
    smearing = np.log(np.nansum(np.exp(target), 0) / predicted)
    weight = found.basis @ found.weight
    parts = (weight, found.level + smearing - found.offset @ found.weight, found.left_out + smearing)
    weight, level, left_out = (_all_columns(part, some) for part in parts)
    return _Usage(weight, level, left_out, float(1 - missed / max(spread, 1e-12)))


def _all_columns(values: Array, some: npt.NDArray[np.bool_]) -> Array:
    """Values of some columns as those of all, the others being their mean."""
    out = np.empty((*values.shape[:-1], len(some)))
    out[..., some] = values
    out[..., ~some] = values.mean(-1, keepdims=True)
    return out


def _attribute_table(posteriors: list[Array], targets: Targets, missed: Array) -> tuple[Array, Array]:
    """The mean of observed less inferred attributes, ``(n_values,)``, and what each value adds.

    What it adds where it is observed, ``(n_values, n_models)``, is a regression of what the left-out
    predictions miss on observed less inferred attributes, beyond that mean.
    """
    if not posteriors:
        return np.zeros(0), np.zeros((0, missed.shape[1]))
    groups, biases = [], []
    for posterior, number in zip(posteriors, targets.observed.T, strict=True):
        known = (number >= 0)[:, None]
        beyond = np.where(known, np.eye(posterior.shape[1])[number.clip(0)] - posterior, 0.0)
        biases.append(beyond.sum(0) / max(int(known.sum()), 1))
        groups.append(np.where(known, beyond - biases[-1], 0.0))
    found = fit_regression(groups, missed)
    return np.concatenate(biases), found.basis @ found.weight


def _metrics(p: Array, found: Regression, score: Array) -> dict[str, Any]:
    known = ~np.isnan(score)
    count, mean = known.sum(0), column_means(score)
    mean_left_out = np.where(count > 1, (mean * count - score) / np.maximum(count - 1, 1), mean)
    return {
        "left_out_brier": float(((p - score)[known] ** 2).mean()),
        "left_out_brier_of_means": float(((mean_left_out - score)[known] ** 2).mean()),
        "evidence_gain": found.gain,
        "evidence_scales": [round(float(share), 4) for share in found.scales],
    }
