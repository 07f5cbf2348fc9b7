"""What bundles up to format 6 call things, and what these are called since."""

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


def newer_weight(name: str) -> str:
    """The name of a weight as it is called today.

    >>> newer_weight("trunk.embeddings.weight"), newer_weight("heads.mean")
    ('encoder.embeddings.weight', 'heads.mean')
    """
    for older, newer in WEIGHTS:
        if name.startswith(older):
            return newer + name.removeprefix(older)
    return name
