"""The columns of a network: what belongs to one model alone, and can come and go while the rest stays."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from routoo.models.network.heads import Heads, Said
from routoo.models.network.network import RouterNetwork

Array = npt.NDArray[np.float64]

_BATCH = 1024


@dataclass(frozen=True, eq=False)
class Column:
    """What a network says of one model.

    Args:
        values: Weights of each output, ``(n_inputs,)``, members one below the other, as `column_values` has
            them.
        doubt: Standard error of its log-odds beyond the members' disagreement.
    """

    values: Mapping[Said, Array]
    doubt: float = 0.0


def column_inputs(
    heads: Heads,
    features: npt.NDArray[np.float32],
    said: Said,
    labels: npt.NDArray[np.int64] | None = None,
) -> Array:
    """What a column is multiplied with, ``(n_prompts, n_inputs)``; the product is the mean of the members.

    Read off heads of the same hidden layer whose columns are unit vectors: whatever parts the heads have,
    what they then say of the "models" are the inputs.

    Args:
        heads: Of a trained network.
        features: ``(n_prompts, n_features)``.
        said: Which output.
        labels: Number of each prompt's value of each label, ``(n_prompts, n_labels)``; -1 for unknown.
    """
    members, rows = heads.config.members, _rows(heads, said)
    config = dataclasses.replace(heads.config, n_models=sum(rows.values()), dropout=0.0)
    with torch.random.fork_rng(devices=[]):
        probe = Heads(config).eval()
    shared = {name for names in heads.columns.values() for name in names} | {"labels.variance"}
    state = {name: value for name, value in heads.state_dict().items() if name not in shared}
    for name, unit in _parts(torch.eye(config.n_models), rows).items():
        state[name] = unit.expand(members, *unit.shape)
    probe.load_state_dict(state, strict=False)
    parts = []
    with torch.inference_mode():
        for at in range(0, len(features), _BATCH):
            batch = slice(at, at + _BATCH)
            told = None if labels is None else torch.from_numpy(labels[batch])
            outputs = probe(torch.from_numpy(features[batch]), labels=told)
            seen = outputs.told_logits if said == "logits" else getattr(outputs, said)
            parts.append(seen.permute(1, 0, 2).flatten(1).double().numpy() / members)
    return np.concatenate(parts)


def column_values(network: RouterNetwork, said: Said) -> Array:
    """The columns of all models, ``(n_inputs, n_models)``, calibrated where what they say is calibrated."""
    state = network.heads.state_dict()
    stacked = torch.cat([state[name] for name in network.heads.columns[said]], dim=1)
    values: Array = stacked.flatten(0, 1).double().numpy()
    if said == "logits":
        slope, shift = network.calibration.double().numpy()
        values = values * slope + column_level(network.heads, said)[:, None] * shift
    return values


def without_labels(heads: Heads, values: Array, unknown: npt.NDArray[np.bool_]) -> Array:
    """A column of the score in which these labels make no difference: each of their values says the same.

    Args:
        heads: Of the network.
        values: The column, ``(n_inputs,)``.
        unknown: Which labels, ``(n_labels,)``.
    """
    changed = values.reshape(heads.config.members, -1).copy()
    ends = np.cumsum(heads.config.labels[::-1])  # tables are the last of the inputs, one below the other
    for size, end, none in zip(heads.config.labels[::-1], ends, unknown[::-1], strict=True):
        if none:
            rows = slice(changed.shape[1] - end, changed.shape[1] - end + size)
            changed[:, rows] = changed[:, rows].mean(1, keepdims=True)
    return changed.ravel()


def column_level(heads: Heads, said: Said) -> Array:
    """The change of a column that moves all that it says by one, ``(n_inputs,)``."""
    rows = _rows(heads, said)
    constant = "base" if said == "logits" else next(name for name in rows if name.endswith(".bias"))
    member = np.concatenate([np.full(size, float(name == constant)) for name, size in rows.items()])
    return np.tile(member, heads.config.members)


def with_column(network: RouterNetwork, column: Column) -> RouterNetwork:
    """The network with one more model, the last; trunk and weights of the others are the same.

    Args:
        network: Trained.
        column: Of the new model.
    """
    heads, state = network.heads, network.state_dict()
    unchanged = torch.tensor([[1.0], [0.0]])
    added = {"calibration": unchanged, "calibration_told": unchanged, "doubt": torch.tensor([column.doubt])}
    if heads.labels is not None:
        added["calibration_labels"] = unchanged.repeat(2, 1, 1)
        added["label_guess"] = torch.ones(1)  # it has no part in a stack
        added["heads.labels.variance"] = heads.labels.variance.mean(1, keepdim=True)
    for said in heads.columns:
        values = torch.from_numpy(column.values[said]).float().reshape(heads.config.members, -1, 1)
        added |= {f"heads.{name}": part for name, part in _parts(values, _rows(heads, said)).items()}
    columns = {name: torch.cat([state[name], value], dim=-1) for name, value in added.items()}
    return _changed(network, columns, list(range(heads.config.n_models)))


def without_column(network: RouterNetwork, at: int) -> RouterNetwork:
    """The network without one model, by its place; trunk and weights of the others are the same."""
    left = [place for place in range(network.config.heads.n_models) if place != at]
    state = network.state_dict()
    names = [f"heads.{name}" for group in network.heads.columns.values() for name in group]
    names += ["calibration", "calibration_told", "doubt"]
    if network.heads.labels is not None:
        names += ["calibration_labels", "label_guess", "heads.labels.variance"]
    return _changed(network, {name: state[name][..., left] for name in names}, left)


def _rows(heads: Heads, said: Said) -> dict[str, int]:
    """Inputs of each member that each parameter is multiplied with."""
    state = heads.state_dict()
    return {name: state[name].shape[1] for name in heads.columns[said]}


def _parts(stacked: torch.Tensor, rows: Mapping[str, int]) -> dict[str, torch.Tensor]:
    """Parameters by name, cut from what `column_values` puts one below the other in its last axis but one."""
    ends = np.cumsum(list(rows.values()))
    return {name: stacked[..., end - rows[name] : end, :] for name, end in zip(rows, ends, strict=True)}


def _changed(network: RouterNetwork, columns: Mapping[str, torch.Tensor], kept: list[int]) -> RouterNetwork:
    """The network with other columns; what does not belong to a model is shared with the one before.

    `kept` are the places of the models that it had; for those that it had not, a stack lets the heads speak.
    """
    n_models = len(columns["doubt"])
    heads = dataclasses.replace(network.config.heads, n_models=n_models)
    config = dataclasses.replace(network.config, heads=heads, stack=None)
    with torch.random.fork_rng(devices=[]):
        changed = RouterNetwork(network.trunk, config)
    own = {name: value for name, value in network.state_dict().items() if not name.startswith("stack.")}
    changed.load_state_dict({**own, **columns})
    if network.stack is not None:
        changed.attach(network.stack.with_models(kept, added=n_models - len(kept)))
    return changed.eval()
