"""Experts fitted on features and recorded outcomes; what each has to choose, it chooses on these alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from routoo.data.errors import InputError
from routoo.models.encoder.feature_cache import Features
from routoo.models.experts import Expert, ExpertConfig, Kind, build_expert, nearer
from routoo.models.groups.kmeans import spherical_centres, unit_rows
from routoo.models.linear_fit import fit_linear_map
from routoo.models.training.targets import Targets

Matrix = npt.NDArray[np.float32]
Span = tuple[int, int | None]
Fit = Callable[[Features, Targets], Expert]
"""Features ``(n_prompts, n_features)`` and the outcomes of the same prompts to an expert."""

_WHOLE: Span = (0, None)
_PROBES = 1024
_NEAREST = (25, 50, 100, 200, 400)
_SHARPNESS = (0.0, 10.0, 30.0)
_STRENGTHS = (1.0, 5.0, 20.0)


def fit_means(features: Features, targets: Targets) -> Expert:
    """`Means`: the log-odds of each model's mean score."""
    return _filled("means", features, targets, bias=_log_odds(_means(targets.score)))


def fit_linear(features: Features, targets: Targets, *, rank: int | None = None, seed: int = 0) -> Expert:
    """`Linear`: a logistic regression for each model, with soft labels.

    Args:
        features: ``(n_prompts, n_features)``.
        targets: Outcomes of the same prompts.
        rank: With a rank, models share so many directions of the features: matrix factorisation (EmbedLLM,
            arXiv 2410.02223). Rank 1 is an item response form (IRT-Router, arXiv 2506.01048): one axis of
            difficulty, and how much it hurts each model.
        seed: Of what is held out to choose the penalty.
    """
    score = torch.from_numpy(targets.score)
    known = ~score.isnan()
    filled = score.nan_to_num()

    def loss(logits: Tensor, rows: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(logits, filled[rows], known[rows].float())

    bias = torch.from_numpy(_log_odds(_means(targets.score)))
    found = fit_linear_map(features, loss, bias, rank=rank, seed=seed)
    return _filled("linear", features, targets, weight=found.weight, bias=found.bias)


def fit_table(features: Features, targets: Targets, *, strength: float = 20.0, seed: int = 0) -> Expert:
    """`Table`: mean scores by domain, shrunk, behind a multinomial regression of the domain.

    Args:
        features: ``(n_prompts, n_features)``.
        targets: Outcomes of the same prompts.
        strength: Prompts of evidence that the model's overall mean counts for in each domain.
        seed: Of what is held out to choose the penalty.

    Raises:
        InputError: There are fewer than two domains with prompts enough.
    """
    size = len(targets.domains)
    if size < 2:
        raise InputError(
            "a domain table needs at least two domains with ten prompts each; there are not so many"
        )
    known = np.flatnonzero(targets.domain >= 0)
    domain = torch.from_numpy(targets.domain[known])

    def loss(logits: Tensor, rows: Tensor) -> Tensor:
        return F.cross_entropy(logits, domain[rows])

    member = np.eye(size, dtype=np.float32)[targets.domain[known]]
    bias = torch.from_numpy(np.log((member.sum(0) + 1) / (len(known) + size)).astype(np.float32))
    found = fit_linear_map(features[known], loss, bias, seed=seed)
    table = _shrunk(member, targets.score[known], _means(targets.score), strength)
    return _filled("table", features, targets, size=size, weight=found.weight, bias=found.bias, mean=table)


def fit_clusters(
    features: Features,
    targets: Targets,
    *,
    n_clusters: int = 60,
    nearest: int = 4,
    strength: float = 20.0,
    span: Span = _WHOLE,
    seed: int = 0,
) -> Expert:
    """`Clusters`: k-means on the embeddings, and each model's shrunk mean score in each cluster.

    Avengers-Pro has 60 clusters, looks at the 4 nearest, and does not shrink; the first Avengers has 64
    and looks at the nearest alone.

    Args:
        features: ``(n_prompts, n_features)``.
        targets: Outcomes of the same prompts.
        n_clusters: Clusters at the most: one for ten prompts.
        nearest: Clusters that a prompt is held against.
        strength: Prompts of evidence that the model's overall mean counts for in each cluster.
        span: The features that are an embedding.
        seed: Of the first centres.
    """
    vectors = unit_rows(features[:, slice(*span)])
    n_clusters = max(1, min(n_clusters, len(vectors) // 10))
    centres = spherical_centres(vectors, n_clusters, np.random.default_rng(seed))
    member = np.eye(len(centres), dtype=np.float32)[(vectors @ centres.T).argmax(1)]
    table = _shrunk(member, targets.score, _means(targets.score), strength)
    return _filled(
        "clusters",
        features,
        targets,
        size=len(centres),
        nearest=min(nearest, len(centres)),
        span=span,
        centres=centres,
        mean=table,
    )


def fit_neighbours(
    features: Features,
    targets: Targets,
    *,
    nearest: int | None = None,
    sharpness: float | None = None,
    strength: float | None = None,
    most: int = 16384,
    width: int = 0,
    fading: bool = True,
    span: Span = _WHOLE,
    seed: int = 0,
) -> Expert:
    """`Neighbours`: recorded prompts as exemplars.

    What is not given is chosen by the cross-entropy of a thousand prompts, each left out in turn.

    Args:
        features: ``(n_prompts, n_features)``.
        targets: Outcomes of the same prompts.
        nearest: Exemplars that are averaged.
        sharpness: An exemplar weighs ``exp(sharpness · (cosine - best cosine))``; 0 weighs all alike.
        strength: Prompts of evidence that the model's overall mean counts for.
        most: Exemplars that are kept.
        width: Directions of the embedding that are kept, of which they make the most; 0 for all of it.
        fading: Whether exemplars fade out towards the last of the nearest (see `ExpertConfig`).
        span: The features that are an embedding.
        seed: Of the exemplars kept and the prompts left out.
    """
    rows = np.random.default_rng(seed).permutation(len(features))[:most]
    vectors, score = unit_rows(features[rows, slice(*span)]), targets.score[rows]
    buffers: dict[str, Matrix] = {}
    if width := min(width, vectors.shape[1]):
        buffers["directions"] = _principal(vectors, width)
        vectors = unit_rows(vectors @ buffers["directions"])
    mean = _means(targets.score)
    tried = list(
        product(
            _NEAREST if nearest is None else (nearest,),
            _SHARPNESS if sharpness is None else (sharpness,),
            _STRENGTHS if strength is None else (strength,),
        )
    )
    chosen = tried[0] if len(tried) == 1 else _best_left_out(vectors, score, mean, tried, fading)
    return _filled(
        "neighbours",
        features,
        targets,
        size=len(rows),
        nearest=min(chosen[0], len(rows)),
        span=span,
        width=width,
        fading=fading,
        **buffers,
        exemplars=vectors,
        score=np.nan_to_num(score),
        observed=(~np.isnan(score)).astype(np.float32),
        mean=mean,
        sharpness=np.float32(chosen[1]),
        strength=np.float32(chosen[2]),
    )


def _principal(vectors: Matrix, width: int) -> Matrix:
    """The directions that the vectors have most of, ``(n_embedded, width)``: right singular vectors."""
    moments = vectors.T.astype(np.float64) @ vectors
    _, found = np.linalg.eigh(moments)
    return np.asarray(found[:, ::-1][:, :width], np.float32)


def _best_left_out(
    vectors: Matrix, score: Matrix, mean: Matrix, tried: Sequence[tuple[int, float, float]], fading: bool
) -> tuple[int, float, float]:
    """The neighbours, sharpness and strength that predict prompts best from the others."""
    probes = np.arange(min(_PROBES, len(vectors)))
    similarity = vectors[probes] @ vectors.T
    similarity[probes, probes] = -np.inf
    most = min(max(k for k, _, _ in tried), len(vectors) - 1)
    order = np.argsort(-similarity, axis=1)[:, :most]
    near = np.take_along_axis(similarity, order, axis=1)
    known = ~np.isnan(score)
    filled = np.nan_to_num(score)
    losses = []
    for k, sharpness, strength in tried:
        nearest = near[:, :k]
        weight = np.exp((nearest - nearest[:, :1]) * np.float32(sharpness))
        if fading:
            weight *= nearer(*map(torch.from_numpy, (nearest, nearest[:, :1], nearest[:, -1:]))).numpy()
        total, count = (
            np.stack([w @ of[at] for w, at in zip(weight, order[:, :k], strict=True)])
            for of in (filled, known.astype(np.float32))
        )
        p = (total + strength * mean) / (count + strength + 1e-9)
        losses.append(_cross_entropy(p, score[probes]))
    return tried[int(np.argmin(losses))]


def _cross_entropy(p: Matrix, score: Matrix) -> float:
    known = ~np.isnan(score)
    p, y = np.clip(p[known], 1e-3, 1 - 1e-3), score[known]
    return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())


def _filled(
    kind: Kind,
    features: Features,
    targets: Targets,
    *,
    size: int = 0,
    nearest: int = 1,
    span: Span = _WHOLE,
    width: int = 0,
    fading: bool = False,
    **buffers: Tensor | Matrix | np.float32,
) -> Expert:
    """An expert with these buffers."""
    config = ExpertConfig(
        kind=kind,
        n_features=features.shape[1],
        n_models=targets.score.shape[1],
        size=size,
        nearest=nearest,
        span=span,
        width=width,
        fading=fading,
    )
    expert = build_expert(config)
    expert.load_state_dict({name: torch.as_tensor(value).float() for name, value in buffers.items()})
    return expert.eval()


def _means(score: Matrix) -> Matrix:
    """Mean score of each model, ``(n_models,)``, as if two more prompts had come out half and half."""
    return np.asarray((np.nansum(score, 0) + 1) / ((~np.isnan(score)).sum(0) + 2), np.float32)


def _log_odds(p: Matrix) -> Matrix:
    return np.asarray(np.log(p / (1 - p)), np.float32)


def _shrunk(member: Matrix, score: Matrix, mean: Matrix, strength: float) -> Matrix:
    """Mean score by group and model, each cell pulled towards the model's mean, ``(n_groups, n_models)``."""
    total = member.T @ np.nan_to_num(score) + strength * mean
    count = member.T @ (~np.isnan(score)).astype(np.float32) + strength
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1e-9), mean), np.float32)
