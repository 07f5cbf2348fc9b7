"""Models that come and go after training: one column more or less, all others as they are."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import torch

from routoo.data.domains import attribute_numbers, domain_numbers
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.data.progress import Progress
from routoo.data.validation import repriced
from routoo.models.adding.column_fit import Known, fit_column, fit_log
from routoo.models.encoder.feature_cache import Features
from routoo.models.encoder.features import prompt_features
from routoo.models.evidence.evidence import Column
from routoo.models.network.network import RouterNetwork
from routoo.models.training.targets import Targets, targets_of
from routoo.models.training.train import input_token_ratio
from routoo.models.training.trained_network import TrainedNetwork

LEAST_PROMPTS = 20
"""Scored prompts below which a new model is refused: its level would be chance."""


def with_model(
    trained: TrainedNetwork, model: PoolModel, outcomes: Outcomes, *, progress: Progress | None = None
) -> TrainedNetwork:
    """The trained network with one more model, learned from a few scored prompts.

    What validation showed of choices among the others no longer holds, and is dropped. Its answers are taken
    to tell what those of the others do on average.

    Args:
        trained: The network as it is; it does not change.
        model: Name and prices.
        outcomes: The model's own, on `LEAST_PROMPTS` prompts at least. What models of the pool achieved on
            the same prompts is used too, where it is recorded. Those in ``test`` by their split are not
            looked at. Without a split, that of training is continued: prompts that it knows stay in their
            parts. Of others all are learned from where the outcomes hold the new model alone; where they hold
            models of the pool too, a share is put into ``test``.
        progress: Called while the prompts are read.

    Raises:
        InputError: The pool has a model of that name, or the outcomes have none or too few of it.
    """
    if model.name in trained.pool.names:
        raise InputError(
            f"the predictor knows a model {model.name!r} already; remove it first, or rename one"
        )
    judged = _judged(trained, outcomes, model.name)
    scored = judged.part("train", "val")
    encoded = trained.tokenizer.encode(scored.texts)
    targets = targets_of(scored, (*trained.pool.names, model.name), fitting=np.ones(len(scored), bool))
    features = prompt_features(trained.encoder, encoded, trained.network.config.layers, progress=progress)
    known = [attribute.name for attribute in trained.attributes if attribute.name in scored.prompts.columns]
    attributes = attribute_numbers(scored.attributes(known), trained.attributes, len(scored))
    domains = domain_numbers(scored.domains, trained.domains, len(scored))
    observed = np.concatenate([domains[:, None][:, : bool(trained.domains)], attributes], axis=1)
    ratio = trained.input_token_ratio
    own_ratio = input_token_ratio(scored, [model.name], encoded, otherwise=float(ratio.mean()))
    learns_tokens = trained.network.fitted.config.output_tokens
    predicted = learns_tokens and model.name not in targets.unrecorded((*trained.pool.names, model.name))
    record = {"model": model.name, "data": scored.name, "prompts": len(scored)}
    added = [*trained.trained_on.get("added", []), record]
    return dataclasses.replace(
        trained,
        network=with_column(trained.network, features, targets, observed),
        pool=Pool((*trained.pool.models, model)),
        input_token_ratio=np.append(ratio, own_ratio),
        trained_on={**trained.trained_on, "added": added},
        split=trained.split.with_learned(judged.placed()),
        unrecorded=(*trained.unrecorded, *(() if predicted else (model.name,))),
        validation=None,
        answer_model=None if trained.answer_model is None else trained.answer_model.with_model(model.name),
    )


def without_model(trained: TrainedNetwork, name: str) -> TrainedNetwork:
    """The trained network without one model; what validation showed of choices with it is dropped.

    Raises:
        InputError: There is no model of that name, or no other.
    """
    trained.pool[name]
    left = [other for other in trained.pool.names if other != name]
    if not left:
        raise InputError(f"{name!r} is the only model of the predictor, and one must be left")
    at = trained.pool.names.index(name)
    record = dict(trained.trained_on)
    if "added" in record:
        record["added"] = [row for row in record["added"] if row["model"] != name]
    return dataclasses.replace(
        trained,
        network=without_column(trained.network, at),
        pool=trained.pool.select(left),
        input_token_ratio=np.delete(trained.input_token_ratio, at),
        trained_on=record,
        unrecorded=tuple(other for other in trained.unrecorded if other != name),
        validation=None,
        answer_model=None if trained.answer_model is None else trained.answer_model.select(left),
    )


def with_prices(trained: TrainedNetwork, pool: Pool) -> TrainedNetwork:
    """The trained network under other prices, limits and tags of the same models.

    Raises:
        InputError: The pool has other models.
    """
    pool, validation = repriced(trained.pool, pool, trained.validation)
    return dataclasses.replace(trained, pool=pool, validation=validation)


def with_column(
    network: RouterNetwork, features: Features, targets: Targets, observed: npt.NDArray[np.int64]
) -> RouterNetwork:
    """The network with a column for one more model, the last of `targets`.

    Args:
        network: Without the new model.
        features: Of prompts on which it was scored, ``(n_prompts, n_features)``.
        targets: What was recorded there, of the models of the network and, last, of the new one.
        observed: Number of each attribute's value, ``(n_prompts, n_attributes)``; -1 for unknown.
    """
    evidence = network.fitted
    with torch.inference_mode():
        x = torch.from_numpy(features)
        predicted = network.head_predictions(x)
        inputs = evidence.inputs(x, predicted)
        known = Known(
            directions=_numpy(evidence.directions(inputs)),
            attributes=_numpy(
                evidence.attribute_residuals(predicted, tuple(torch.from_numpy(observed).unbind(1)))
            ),
            level=_numpy(evidence.level),
            weight=_numpy(evidence.weight),
            table=_numpy(evidence.table),
            noise=_numpy(evidence.noise),
            score=targets.score[:, :-1].astype(np.float64),
        )
    new = fit_column(known, targets.score[:, -1].astype(np.float64))
    column = Column(
        level=torch.tensor(new.level),
        weight=_tensor(new.weight),
        spread=evidence.spread.mean(1),
        unlike=evidence.unlike.mean(),
        doubt=torch.tensor(new.doubt),
        table=_tensor(new.table),
        tokens=_usage(evidence.tokens, _numpy(inputs), targets.log_tokens),
        latency=_usage(evidence.latency, _numpy(inputs), targets.log_latency),
    )
    columns = [evidence.column(at) for at in range(evidence.config.n_models)]
    return network.attach(evidence.with_columns([*columns, column], _tensor(new.noise)))


def without_column(network: RouterNetwork, at: int) -> RouterNetwork:
    """The network without the column of one model."""
    evidence = network.fitted
    kept = [other for other in range(evidence.config.n_models) if other != at]
    return network.attach(
        evidence.with_columns([evidence.column(other) for other in kept], evidence.noise[kept][:, kept])
    )


def _usage(
    weight: torch.Tensor, inputs: npt.NDArray[np.float64], recorded: npt.NDArray[np.float32] | None
) -> torch.Tensor:
    """Weights of a new model's log usage: the pool's on average, shifted and stretched by its records."""
    mean = weight.mean(1)
    value = np.full(len(inputs), np.nan) if recorded is None else recorded[:, -1].astype(np.float64)
    known = ~np.isnan(value)
    if not known.any():
        return mean
    pool = _numpy(mean)
    shift, slope = fit_log(inputs[known] @ pool[:-1] + pool[-1], value[known])
    out = slope * pool
    out[-1] += shift
    return _tensor(out)


def _numpy(values: torch.Tensor) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = values.double().numpy()
    return found


def _tensor(values: npt.NDArray[np.float64]) -> torch.Tensor:
    return torch.from_numpy(values).float()


def _judged(trained: TrainedNetwork, outcomes: Outcomes, name: str) -> Outcomes:
    """The prompts on which the model was scored, with a split that leaves enough of them to learn from."""
    alone = set(trained.pool.names).isdisjoint(outcomes.models)
    split = trained.split
    whole = outcomes.with_split(keep=split, val=0.0, test=0.0) if alone else outcomes.with_split(keep=split)
    judged = whole.subset(outcomes.select([name]).outcomes["prompt_id"])
    left = judged.prompts["split"].eq("test").sum()
    if len(judged) - left < LEAST_PROMPTS:
        test = f"; {left} more are left out as test, which a column split decides otherwise" if left else ""
        raise InputError(
            f"{outcomes.name} has {len(judged) - left} scored prompts of {name!r} to learn from, at least "
            f"{LEAST_PROMPTS} are needed{test}"
        )
    return judged
