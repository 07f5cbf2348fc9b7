"""How to train: every choice in one record that checks itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

import numpy as np

from routoo.data.checks.arguments import choice, shown
from routoo.data.errors import InputError
from routoo.data.text import TextPolicy
from routoo.models.encoder.encoder import MINILM

Tune = Literal["frozen", "last", "full"]


def _is_finite(value: Any) -> bool:  # Any: whatever a caller gives
    """Whether this is a number of Python or numpy that a float holds."""
    if isinstance(value, np.number):
        value = value.item()
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max


_KINDS: dict[str, tuple[str, Callable[[Any], bool], Callable[[Any], object]]] = {
    "int": ("a whole number", lambda value: isinstance(value, Integral) and not isinstance(value, bool), int),
    "float": ("a finite number", _is_finite, float),
    "bool": ("True or False", lambda value: isinstance(value, bool), bool),
    "str": ("text", lambda value: isinstance(value, str | Path), str),
    "Path": ("the path of a folder", lambda value: isinstance(value, str | Path), Path),
}
"""By annotation: what a value must be in words, whether it is that, and what it becomes."""


_RESERVED = ("prompt_id", "prompt", "domain", "split", "answer")
"""Columns that are no attributes: with a meaning of their own, or not known when a prompt comes."""


_EFFECTIVE: tuple[tuple[str, str, Callable[[TrainOptions], bool]], ...] = (
    ("tuned_layers", "tune='last'", lambda options: options.tune == "last"),
    ("encoder_learning_rate", "tune='last' or 'full'", lambda options: options.tune != "frozen"),
    ("layer_decay", "tune='last' or 'full'", lambda options: options.tune != "frozen"),
)
"""Options without effect unless others have these values, in words."""


def default_cache_dir() -> Path:
    """Where features are kept by default."""
    return Path.home() / ".cache" / "routoo" / "features"


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How to train a predictor.

    Args:
        encoder: A folder, a hub id, or ``tiny`` (see `load_encoder`).
        tune: ``frozen``: the encoder stays as it is and its features are computed once; ``last``: its last
            `tuned_layers` layers learn with the heads; ``full``: all of it does.
        tuned_layers: Layers that learn under ``last``.
        width: Hidden units of the heads.
        members: Heads trained side by side; with a frozen encoder each is without a share of the prompts, so
            that what it says of these is what it would say of new ones.
        dropout: Share of hidden units left out in training.
        max_tokens: Tokens of a prompt that are read, from its head and its tail.
        epochs: Passes over the training prompts; unless given ten, and more where these make less than a
            hundred steps.
        batch_size: Prompts a step.
        learning_rate: Peak rate of the heads.
        encoder_learning_rate: Peak rate of the encoder, where it learns.
        layer_decay: What the rate of each layer that learns is multiplied by for the layer below it.
        weight_decay: Of AdamW.
        attributes: Columns of the prompts that are known when they are routed, beside the domain: language,
            tenant, task. The router then takes observed values, and infers the others from the text.
        attribute_weight: Weight of the auxiliary losses by which the heads learn to infer domain and
            attributes.
        seed: Of weights, batches and dropout.
        accelerator: Lightning's: ``auto`` takes a GPU when there is one.
        threads: CPU threads; all that this process may use when not given.
        checkpoint_dir: Where checkpoints are written, so that training can go on after an interruption.
        resume: Go on from the last checkpoint in `checkpoint_dir`, when there is one.
        cache_dir: Where features of a frozen encoder are kept; None to keep none.
        progress: Show progress bars on standard error.

    Raises:
        InputError: A value is of another kind, or out of range; the message names the option.
    """

    encoder: str = MINILM
    tune: Tune = "frozen"
    tuned_layers: int = 2
    width: int = 128
    members: int = 5
    dropout: float = 0.3
    max_tokens: int = 256
    epochs: int | None = None
    batch_size: int = 256
    learning_rate: float = 3e-3
    encoder_learning_rate: float = 5e-5
    layer_decay: float = 0.8
    weight_decay: float = 1e-2
    attributes: tuple[str, ...] = ()
    attribute_weight: float = 0.3
    seed: int = 0
    accelerator: str = "auto"
    threads: int | None = None
    checkpoint_dir: Path | None = None
    resume: bool = False
    cache_dir: Path | None = field(default_factory=default_cache_dir)
    progress: bool = True

    def __post_init__(self) -> None:
        self._check_kinds()
        choice("tune", self.tune, ("frozen", "last", "full"))
        for name in ("tuned_layers", "width", "members", "epochs", "batch_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1, got {value}")
        if self.tune == "frozen" and self.members < 2:
            raise InputError(
                "members must be at least 2 under tune='frozen': each learns without a share of the prompts"
            )
        for name in ("learning_rate", "encoder_learning_rate"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"{name} must lie between 0 and 1, got {getattr(self, name)}")
        if not 0 < self.layer_decay <= 1:
            raise InputError(f"layer_decay must be above 0 and at most 1, got {self.layer_decay}")
        for name in ("weight_decay", "attribute_weight"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} must be at least 0, got {getattr(self, name)}")
        if self.resume and self.checkpoint_dir is None:
            raise InputError(
                "resume needs checkpoint_dir: the folder in which the interrupted run left its state"
            )
        if self.threads is not None and self.threads < 1:
            raise InputError(f"threads must be at least 1, got {self.threads}")
        if not 0 <= self.seed < 2**32:
            raise InputError(f"seed must be at least 0 and below 2**32, got {self.seed}")
        TextPolicy(self.max_tokens)

    def refuse_idle(self) -> None:
        """Refuses an option that does nothing beside the others.

        Raises:
            InputError: It has another value than its default; the message names what it needs.
        """
        for name, needed, has_effect in _EFFECTIVE:
            value = getattr(self, name)
            if value != getattr(type(self), name) and not has_effect(self):
                raise InputError(f"{name}={value!r} does nothing here: it needs {needed}; leave it out")

    def _check_kinds(self) -> None:
        """Refuses values of another kind; numbers of numpy become Python's, and names of folders paths."""
        attributes = self.attributes
        if not isinstance(attributes, list | tuple) or not all(isinstance(name, str) for name in attributes):
            raise InputError(f"attributes must be a list of names of columns, got {shown(attributes)}")
        if len(set(attributes) - set(_RESERVED)) < len(attributes):
            raise InputError(
                f"attributes must be columns beside {', '.join(_RESERVED)}, each named once, "
                f"got {', '.join(attributes)}"
            )
        object.__setattr__(self, "attributes", tuple(attributes))
        for option in fields(self):
            value, (kind, *others) = getattr(self, option.name), str(option.type).split(" | ")
            if kind not in _KINDS or (value is None and others == ["None"]):
                continue
            what, fits, made = _KINDS[kind]
            if not fits(value):
                raise InputError(f"{option.name} must be {what}, got {shown(value)}")
            object.__setattr__(self, option.name, made(value))
