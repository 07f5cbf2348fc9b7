"""What bundles up to format 7 hold otherwise, as it is held since: up to 6 by other names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KEYS = {
    "trunk": "encoder",
    "trunk_learning_rate": "encoder_learning_rate",
    "labels": "attributes",
    "domain_weight": "attribute_weight",
    "guessed": "inferred",
}
"""Keys of `router.json`."""

WEIGHTS = (("trunk.", "encoder."), ("heads.guess.", "heads.attributes."), ("evidence.told", "evidence.table"))
"""How names of weights begin."""

_SQUARED_LENGTH = 0.4
"""That of the kernel up to format 7."""

ATTRIBUTES_INPUT = "labels"
"""The input of the graphs that is now called `layout.ATTRIBUTES_INPUT`."""


def newer_keys(values: Mapping[str, Any]) -> dict[str, Any]:  # any JSON values
    """The mapping and the mappings in it, with each key as it is called today.

    >>> newer_keys({"network": {"trunk": {"hidden_size": 64}}})
    {'network': {'encoder': {'hidden_size': 64}}}
    """
    return {
        KEYS.get(key, key): newer_keys(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
    }


def newer_weights(weights: Mapping[str, Any]) -> dict[str, Any]:  # any tensors
    """The weights of a network as they are called and held today, with the same predictions.

    Up to format 7 weights were of likeness itself, not of inputs made of it by a root; embeddings were in
    units of another length; and what no centre is like added nothing to the variance.
    """
    found = {_newer_name(name): value for name, value in weights.items()}
    if "evidence.level" in found and not {"evidence.kernel.root", "evidence.unlike"} & found.keys():
        for name in ("evidence.kernel.centres", "evidence.kernel.factor"):
            found[name] = found[name] * _SQUARED_LENGTH**-0.5
        centres = found["evidence.kernel.centres"]
        found["evidence.kernel.root"] = centres.new_ones(len(centres)).diag()
        found["evidence.unlike"] = centres.new_zeros(found["evidence.level"].shape)
    return found


def _newer_name(name: str) -> str:
    for older, newer in WEIGHTS:
        if name.startswith(older):
            return newer + name.removeprefix(older)
    return name
