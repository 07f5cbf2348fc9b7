"""How to train: every choice in one record that checks itself."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

from routoo.data.checks.arguments import choice, name_list, number, path_of, record, text_of
from routoo.data.errors import InputError
from routoo.models.encoder.encoder import MINILM

Tune = Literal["frozen", "last", "full"]


_RESERVED = ("prompt_id", "prompt", "domain", "split", "answer")
"""Columns that are no attributes: with a meaning of their own, or not known when a prompt comes."""


_TUNING = {
    "tuned_layers": ("last",),
    "encoder_learning_rate": ("last", "full"),
    "layer_decay": ("last", "full"),
}
"""Options that have an effect under these values of `tune` alone."""


_COUNTS = ("tuned_layers", "width", "members", "epochs", "batch_size", "threads")
_SHARES = ("dropout", "learning_rate", "encoder_learning_rate", "layer_decay")
_WEIGHTS = ("weight_decay", "attribute_weight")


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
        given = {option.name: getattr(self, option.name) for option in fields(self)}
        counted = [name for name in _COUNTS if given[name] is not None or name not in ("epochs", "threads")]
        kept = {name: number(name, given[name], least=1, whole=True) for name in counted}
        kept |= {name: number(name, given[name], most=1) for name in _SHARES}
        kept |= {name: number(name, given[name], finite=True) for name in _WEIGHTS}
        kept["max_tokens"] = number("max_tokens", self.max_tokens, least=8, whole=True)
        kept["seed"] = number("seed", self.seed, most=2**32 - 1, whole=True)
        kept["encoder"] = str(path_of("encoder", self.encoder))
        kept["attributes"] = name_list("attributes", self.attributes)
        for name in ("checkpoint_dir", "cache_dir"):
            kept[name] = None if given[name] is None else path_of(name, given[name])
        for name, value in kept.items():
            object.__setattr__(self, name, value)
        record("resume", self.resume, bool)
        record("progress", self.progress, bool)
        text_of("accelerator", self.accelerator)
        choice("tune", self.tune, ("frozen", "last", "full"))
        self._check_pairs()

    def _check_pairs(self) -> None:
        for name in _SHARES[1:]:
            if not getattr(self, name):
                raise InputError(f"{name} must be above 0")
        if self.dropout == 1:
            raise InputError("dropout must be below 1")
        if self.tune == "frozen" and self.members < 2:
            raise InputError(
                "members must be at least 2 under tune='frozen': each learns without a share of the prompts"
            )
        if self.resume and self.checkpoint_dir is None:
            raise InputError(
                "resume needs checkpoint_dir: the folder in which the interrupted run left its state"
            )
        if len(set(self.attributes) - set(_RESERVED)) < len(self.attributes):
            raise InputError(
                f"attributes must be columns beside {', '.join(_RESERVED)}, each named once, "
                f"got {', '.join(self.attributes)}"
            )

    def refuse_idle(self) -> None:
        """Refuses an option that does nothing beside the others.

        Raises:
            InputError: It has another value than its default; the message names what it needs.
        """
        for name, tunes in _TUNING.items():
            value = getattr(self, name)
            if value != getattr(type(self), name) and self.tune not in tunes:
                needed = " or ".join(map(repr, tunes))
                raise InputError(f"{name}={value!r} does nothing here: it needs tune={needed}; leave it out")
