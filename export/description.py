"""What a bundle says of itself: the content of `router.json` but for the list of files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from routoo.data.batch_tiers import model_of
from routoo.data.costs.nominal import NominalCosts, nominal_costs
from routoo.data.domains import Attribute
from routoo.data.errors import BundleError, InputError
from routoo.data.pool import Pool
from routoo.data.text import TextPolicy
from routoo.data.validation import ValidationRecord, repriced
from routoo.export.older_formats import newer_keys
from routoo.models.signals.answer_model import AnswerModel

Json = dict[str, Any]
"""A mapping that JSON holds."""


@dataclass(frozen=True, eq=False)
class BundleDescription:
    """All that a runtime must know beside the graph and the tokenizer, and where the graph came from.

    Args:
        pool: The models that the graph's columns stand for, with the prices they were trained under.
        policy: How much of a prompt is read.
        input_token_ratio: Tokens that each model makes of one of the tokenizer's, one a model.
        output_tokens_known: Whether output tokens were recorded, of any model, and so are predicted.
        unrecorded: Models of which none were, so that their costs are nominal; all where none are predicted.
        latency_known: Whether latency was recorded, and so is predicted.
        domains: Names of the domains that were learned, in the order of their numbers.
        attributes: The attributes that were learned, in the order of the graph's.
        network: What rebuilds the network before `model.safetensors` is loaded.
        trained_on: Data, counts, options and seed.
        validation: What choices at a price showed on validation, where that is known and still holds.
        answer_model: What answers of the models tell, where that was learned.

    Raises:
        InputError: `input_token_ratio` does not have one positive, finite number a model.

    >>> from routoo.data.pool import PoolModel
    >>> pool = Pool((PoolModel(name="small", usd_per_1m_input=0.1, usd_per_1m_output=0.2),))
    >>> written = BundleDescription(pool, TextPolicy(128), (1.1,)).to_dict()
    >>> BundleDescription.from_dict(written).policy.max_tokens
    128
    """

    pool: Pool
    policy: TextPolicy
    input_token_ratio: tuple[float, ...]
    output_tokens_known: bool = False
    unrecorded: tuple[str, ...] = ()
    latency_known: bool = False
    domains: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    network: Mapping[str, Any] = field(default_factory=dict)
    trained_on: Mapping[str, Any] = field(default_factory=dict)
    validation: ValidationRecord | None = None
    answer_model: AnswerModel | None = None

    def __post_init__(self) -> None:
        ratio = tuple(float(value) for value in self.input_token_ratio)
        if len(ratio) != len(self.pool) or not all(math.isfinite(r) and r > 0 for r in ratio):
            raise InputError(
                f"input_token_ratio must be {len(self.pool)} positive numbers, one a model; got {ratio}"
            )
        object.__setattr__(self, "input_token_ratio", ratio)
        if self.validation is not None and self.validation.models != self.pool.names:
            raise InputError("the validation record must be of the models of the pool, in their order")
        if self.answer_model is not None and self.answer_model.models != self.pool.names:
            raise InputError("the answer model must be of the models of the pool, in their order")
        if not self.output_tokens_known:
            object.__setattr__(self, "unrecorded", self.pool.names)

    def nominal_costs(self, pool: Pool | None = None) -> NominalCosts:
        """The models whose costs are nominal, under the prices of a pool or its own."""
        pool = self.pool if pool is None else pool
        return nominal_costs(pool, self.unrecorded_in(pool), others=self.output_tokens_known)

    def unrecorded_in(self, pool: Pool) -> tuple[str, ...]:
        """The models of a pool, batch tiers too, of which no output tokens were recorded."""
        return tuple(name for name in pool.names if {name, model_of(name)} & {*self.unrecorded})

    def with_prices(self, pool: Pool) -> BundleDescription:
        """The same under other prices, limits and tags of the same models; the graph stays what it is.

        Raises:
            InputError: The pool has other models.
        """
        pool, validation = repriced(self.pool, pool, self.validation)
        return replace(self, pool=pool, validation=validation)

    def to_dict(self) -> Json:
        """A mapping that JSON can hold and `from_dict` reads back."""
        return {
            "pool": self.pool.to_records(),
            "text": {"max_tokens": self.policy.max_tokens},
            "input_token_ratio": list(self.input_token_ratio),
            "output_tokens_known": self.output_tokens_known,
            "unrecorded": list(self.unrecorded),
            "latency_known": self.latency_known,
            "domains": list(self.domains),
            "attributes": [
                {"name": attribute.name, "values": list(attribute.values), "rest": attribute.rest}
                for attribute in self.attributes
            ],
            "network": dict(self.network),
            "trained_on": dict(self.trained_on),
            "validation": None if self.validation is None else self.validation.to_dict(),
            "answer_model": None if self.answer_model is None else self.answer_model.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> BundleDescription:
        """The description that `to_dict` wrote.

        Raises:
            BundleError: A key is missing, or a value is not what it should be.
        """
        values = newer_keys(values)
        ratio = _part(values, "input_token_ratio", list)
        max_tokens = _part(_part(values, "text", dict), "max_tokens", int)
        pool = _part(values, "pool", list)
        if not all(isinstance(row, dict) for row in pool):
            raise BundleError("pool: expected one mapping a model")
        attributes = tuple(map(_attribute, _part({"attributes": [], **values}, "attributes", list)))
        network = _part(values, "network", dict)
        _check_attribute_heads(attributes, network)
        seen, tell = _optional(values, "validation"), _optional(values, "answer_model")
        try:
            return cls(
                Pool.from_records(pool),
                TextPolicy(max_tokens),
                tuple(ratio),
                output_tokens_known=_part(values, "output_tokens_known", bool),
                unrecorded=tuple(_part({"unrecorded": [], **values}, "unrecorded", list)),
                latency_known=_part(values, "latency_known", bool),
                domains=tuple(_part(values, "domains", list)),
                attributes=attributes,
                network=network,
                trained_on=_part(values, "trained_on", dict),
                validation=None if seen is None else ValidationRecord.from_dict(seen),
                answer_model=None if tell is None else AnswerModel.from_dict(tell),
            )
        except (InputError, TypeError, ValueError) as error:
            raise BundleError(str(error)) from None


def _attribute(values: Any) -> Attribute:  # Any: whatever the file holds there
    if not isinstance(values, dict):
        raise BundleError(f"attributes: expected one mapping an attribute, got {type(values).__name__}")
    name, known = _part(values, "name", str), _part(values, "values", list)
    if not all(isinstance(value, str) for value in known):
        raise BundleError(f"attributes: the values of {name} must be text")
    return Attribute(name, tuple(known), _part({"rest": False, **values}, "rest", bool))


def _check_attribute_heads(attributes: tuple[Attribute, ...], network: Mapping[str, Any]) -> None:
    """Refuses attributes that are not those of the network, where its heads are described."""
    if not isinstance(heads := network.get("heads"), dict):
        return
    described, expected = [attribute.n_values for attribute in attributes], heads.get("attributes", [])
    if not isinstance(expected, list | tuple) or described != [*expected]:
        raise BundleError(
            f"attributes: they have {described} values, and the network has {expected}, a number each"
        )


def _part(values: Mapping[str, Any], key: str, kind: type) -> Any:  # of `kind`, which checkers cannot follow
    """The value under a key, which must be there and of this kind."""
    if key not in values:
        raise BundleError(f"the key {key!r} is missing")
    value = values[key]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BundleError(f"{key!r} must be of type {kind.__name__}, got {type(value).__name__}")
    return value


def _optional(values: Mapping[str, Any], key: str) -> Json | None:
    """The mapping under a key that older bundles lack."""
    value = values.get(key)
    if not isinstance(value, dict | None):
        raise BundleError(f"{key!r} must be of type dict, got {type(value).__name__}")
    return value
