"""Training: recorded outcomes in, a network out."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

import lightning as L
import numpy as np
import numpy.typing as npt
import torch

from routoo.data.cores import usable_cores
from routoo.data.costs.recorded_costs import recorded_cost_usd
from routoo.data.errors import InputError
from routoo.data.group_table import without_gaps
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.progress import Progress
from routoo.data.scores import priced_scores
from routoo.data.splits import Split
from routoo.data.text import EncodedPrompts, PromptTokenizer, TextPolicy
from routoo.data.validation import ValidationRecord
from routoo.models.encoder.encoder import Encoder, load_encoder, max_positions
from routoo.models.encoder.feature_cache import Features
from routoo.models.encoder.features import on_accelerator, prompt_features
from routoo.models.evidence.fit import FittedEvidence, fit_evidence
from routoo.models.network.fitting import fit_network
from routoo.models.network.lightning import PromptData
from routoo.models.network.network import RouterNetwork, initial_network
from routoo.models.network.predicting import Inputs, cross_fitted, features_of
from routoo.models.signals.answer_model_fit import fit_answer_model
from routoo.models.training.options import TrainOptions
from routoo.models.training.targets import Array, Targets, targets_of
from routoo.models.training.trained_network import TrainedNetwork

Teach = Callable[[EncodedPrompts], Array]
"""What a teacher says of the score of each model on these prompts, ``(n_prompts, n_models)`` in [0, 1]."""

_STANDARD_SAMPLE = 1024
"""Training prompts by which the features of an encoder that learns are standardised before it does."""


def train_network(
    outcomes: Outcomes,
    pool: Pool,
    options: TrainOptions,
    *,
    progress: Progress | None = None,
    encoder: Encoder | None = None,
    teach: Teach | None = None,
) -> TrainedNetwork:
    """A network trained on the prompts in ``train`` and ``val``.

    With a frozen encoder both are one: each member of the heads is without a share of the prompts, and the
    evidence heads are fitted on what it says of that share. An encoder that learns does so from ``train``
    alone, and the evidence heads are fitted on what the network says of ``val``.

    What answers tell is learned from the same predictions as the evidence heads, where answers were recorded.

    The prompts in ``test`` are never looked at. The same arguments give the same network on the same machine,
    up to the rounding of features in `cache_dir`, which were computed in whatever batches they first came in.

    Args:
        outcomes: Recorded outcomes with a split; only the pool's models are learned.
        pool: The models to learn, in the order of the network's columns.
        options: See `TrainOptions`.
        progress: Called while the features of a frozen encoder are computed.
        encoder: The encoder itself, where it is not the one that the options name.
        teach: What the heads learn, where it is not the recorded scores.

    Raises:
        InputError: A model of the pool has no outcome in ``train``, ``val`` has none at all, or there is too
            little to train on.
        KeyboardInterrupt: The run was interrupted; with `checkpoint_dir` it can be resumed.
    """
    started = time.monotonic()
    whole = outcomes.select(pool.names).with_split(seed=options.seed)
    learned = whole.part("train", "val")
    in_train = learned.prompts["split"].eq("train").to_numpy()
    fitting, validating = np.flatnonzero(in_train), np.flatnonzero(~in_train)
    _check_size(learned.name, len(fitting), len(validating))
    L.seed_everything(options.seed, verbose=False)
    with _threads(options.threads):
        texts = learned.texts
        if encoder is None:
            encoder = load_encoder(options.encoder, texts=[texts[i] for i in fitting], seed=options.seed)
        _check_options(encoder, options)
        tokenizer = PromptTokenizer(
            encoder.tokenizer, TextPolicy(min(options.max_tokens, max_positions(encoder)))
        )
        encoded = tokenizer.encode(texts)
        targets = targets_of(learned, pool.names, fitting=in_train, attributes=options.attributes)
        _check_covered(targets, fitting, validating, pool.names)
        lessons = targets if teach is None else replace(targets, score=teach(encoded))
        seen = _seen(in_train, options)
        network = initial_network(encoder, targets, seen, options)
        with on_accelerator(encoder, options.accelerator):
            inputs = _read(encoder, network, encoded, np.flatnonzero(seen.any(0)), options, progress)
        cost = recorded_cost_usd(learned, pool)
        data = PromptData(inputs, lessons, seen=seen, options=options)
        fit_network(network, data, _run_id(learned, pool, options, lessons, targets.score, cost))
        rows = np.arange(len(learned)) if options.tune == "frozen" else validating
        features = features_of(network, inputs, rows)
        known = targets.rows(rows)
        predicted = cross_fitted(network, features, seen[:, rows])
        layers = len(network.config.layers)
        fitted = fit_evidence(features, predicted, known, layers=layers, seed=options.seed)
    ratio = input_token_ratio(learned, pool.names, encoded)
    record = _validation_record(
        fitted,
        known,
        pool=pool,
        input_tokens=encoded.input_tokens[rows, None] * ratio,
        cost_usd=cost[rows],
    )
    answered = learned if options.tune == "frozen" else learned.part("val")
    answer_model = fit_answer_model(answered, pool.names, fitted.p_correct, seed=options.seed)
    trained_on = {
        "data": learned.name,
        "n_train": len(fitting),
        "n_val": len(validating),
        "encoder": encoder.origin,
        "options": _plain(options),
        "seconds": round(time.monotonic() - started, 1),
        "cut_prompts": int(encoded.cut.sum()),
    }
    return TrainedNetwork(
        network.attach(fitted.evidence),
        tokenizer,
        pool,
        ratio,
        trained_on,
        fitted.metrics,
        targets.domains,
        targets.attributes,
        Split.of(whole.placed(), seed=options.seed),
        targets.unrecorded(pool.names),
        record,
        answer_model,
    )


def _validation_record(
    fitted: FittedEvidence,
    targets: Targets,
    *,
    pool: Pool,
    input_tokens: npt.NDArray[np.floating[Any]],
    cost_usd: npt.NDArray[np.float64],
) -> ValidationRecord:
    """The record of choosing by left-out predictions, where domains and attributes are inferred."""
    unknown = np.full(fitted.p_correct.shape, np.nan, np.float32)
    tokens = unknown if fitted.output_tokens is None else fitted.output_tokens.astype(np.float32)
    scores = priced_scores(
        pool,
        input_tokens,
        p_correct=fitted.p_correct.astype(np.float32),
        logit_std=unknown,
        output_tokens=tokens,
        latency_s=unknown,
        unrecorded=targets.unrecorded(pool.names),
    )
    domains = targets.domain.astype(str).tolist()
    return ValidationRecord.of(scores, without_gaps(targets.score.astype(np.float64), domains), cost_usd)


def _seen(in_train: npt.NDArray[np.bool_], options: TrainOptions) -> npt.NDArray[np.bool_]:
    """Prompts that each member learns from, ``(members, n_prompts)``."""
    if options.tune != "frozen":
        return np.tile(in_train, (options.members, 1))
    turn = np.random.default_rng(options.seed).permutation(len(in_train)) % options.members
    return np.asarray(turn != np.arange(options.members)[:, None])


def _check_size(name: str, n_fitting: int, n_validating: int) -> None:
    if n_fitting < 8 or n_validating < 2:
        raise InputError(
            f"{name}: {n_fitting} prompts to train on and {n_validating} to validate on; "
            "at least 8 and 2 are needed, and some hundreds to be useful"
        )


def _check_options(encoder: Encoder, options: TrainOptions) -> None:
    if not encoder.pretrained and options.tune != "full":
        raise InputError(f"encoder {encoder.origin!r} has fresh weights that must learn: use tune='full'")
    if options.tune == "last" and options.tuned_layers > encoder.n_layers:
        raise InputError(
            f"tuned_layers is {options.tuned_layers}, encoder {encoder.origin} has {encoder.n_layers}"
        )


def _check_covered(
    targets: Targets,
    fitting: npt.NDArray[np.intp],
    validating: npt.NDArray[np.intp],
    models: tuple[str, ...],
) -> None:
    known = ~np.isnan(targets.score)
    counts = known[fitting].sum(0).tolist()
    empty = [name for name, count in zip(models, counts, strict=True) if not count]
    if empty:
        raise InputError(f"no outcome to train on for {', '.join(empty)}; leave them out of the pool")
    if not known[validating].any():
        raise InputError(
            f"no outcome to weigh the heads by: none of the {len(validating)} prompts in val has a score "
            "of a model in the pool; put prompts that have into it"
        )


def _read(
    encoder: Encoder,
    network: RouterNetwork,
    encoded: EncodedPrompts,
    fitting: npt.NDArray[np.intp],
    options: TrainOptions,
    progress: Progress | None,
) -> Inputs:
    """What the network learns from, features where its encoder stays; heads are standardised."""
    layers = network.config.layers
    if options.tune == "frozen":
        features = prompt_features(encoder, encoded, layers, cache_dir=options.cache_dir, progress=progress)
        _standardise(network, features[fitting])
        return features
    sample = encoded.rows(fitting[:_STANDARD_SAMPLE])
    _standardise(network, prompt_features(encoder, sample, layers, progress=progress))
    return encoded


def _standardise(network: RouterNetwork, features: Features) -> None:
    network.heads.mean.copy_(torch.from_numpy(features.mean(0)))
    network.heads.std.copy_(torch.from_numpy(features.std(0).clip(1e-6)))


def input_token_ratio(
    outcomes: Outcomes, models: Sequence[str], encoded: EncodedPrompts, *, otherwise: float = 1.0
) -> Array:
    """Recorded tokens over the tokenizer's own, of each model; `otherwise` where none were recorded."""
    recorded = outcomes.to_matrices(models).input_tokens
    base = np.where(np.isnan(recorded), 0, encoded.input_tokens[:, None].astype(np.float64)).sum(0)
    return np.where(base > 0, np.nansum(recorded, 0) / base.clip(1), otherwise).astype(np.float32)


def _run_id(
    learned: Outcomes,
    pool: Pool,
    options: TrainOptions,
    lessons: Targets,
    *recorded: npt.NDArray[np.floating[Any]],
) -> str:
    """A name for the run that only the same data and options have: what may be resumed as one."""
    values = {k: v for k, v in _plain(options).items() if k not in ("resume", "progress", "threads")}
    prompts = [learned.prompt_ids, learned.texts, learned.domains, learned.prompts["split"].to_list()]
    digest = hashlib.sha256(json.dumps([values, pool.names, prompts], sort_keys=True).encode())
    arrays = (lessons.score, lessons.log_tokens, lessons.log_latency, lessons.attribute, *recorded)
    for array in arrays:
        digest.update(b"none" if array is None else np.nan_to_num(array, nan=np.inf).tobytes())
    return digest.hexdigest()[:16]


def _plain(options: TrainOptions) -> dict[str, Any]:
    """The options as JSON values; folders are left out, they say nothing of the result."""
    return {k: v for k, v in asdict(options).items() if k not in ("cache_dir", "checkpoint_dir")}


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count or min(before, usable_cores()))
    try:
        yield
    finally:
        torch.set_num_threads(before)
