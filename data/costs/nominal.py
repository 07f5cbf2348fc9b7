"""Costs that are no more than nominal: of models whose output tokens were never recorded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from routoo.data.words import some

if TYPE_CHECKING:
    from routoo.data.pool import Pool

NominalCosts = Mapping[str, str]
"""Models whose costs are nominal, by name, with the output tokens that a call counts, in words."""


def nominal_costs(pool: Pool, unrecorded: Collection[str], *, others: bool) -> dict[str, str]:
    """The models of a pool whose costs are nominal, and what their calls are costed at.

    Args:
        pool: Says how many output tokens a call counts, where its author does.
        unrecorded: Models of which no output tokens were recorded; where output tokens cost nothing, that
            does not matter.
        others: Whether those of other models were recorded, and are expected of these too.

    >>> from routoo.data.pool import Pool, PoolModel
    >>> prices = {"usd_per_1m_input": 1, "usd_per_1m_output": 2}
    >>> pool = Pool((PoolModel(name="a", **prices), PoolModel(name="b", **prices, output_tokens=400)))
    >>> nominal_costs(pool, ["a", "b"], others=False)
    {'a': '100 output tokens', 'b': '400 output tokens, as the pool states'}
    """
    found = {}
    for model, tokens in zip(pool.models, pool.nominal_output_tokens, strict=True):
        if model.name not in unrecorded or not model.usd_per_1m_output:
            continue
        if model.output_tokens is not None:
            found[model.name] = f"{tokens:g} output tokens, as the pool states"
        elif others:
            found[model.name] = "as many output tokens as the other models use"
        else:
            found[model.name] = f"{tokens:g} output tokens"
    return found


def nominal_remark(nominal: NominalCosts) -> str | None:
    """In words: for which models costs are nominal, why, and what to do; None where they are for none.

    >>> nominal_remark({"a": "100 output tokens"})
    'costs are nominal: no output tokens of a were recorded, so that a call of a counts 100 output tokens; \
record them, or state output_tokens in the pool'
    """
    if not nominal:
        return None
    alike: dict[str, list[str]] = {}
    for name, words in nominal.items():
        alike.setdefault(words, []).append(name)
    counted = "; ".join(f"a call of {some(names)} counts {words}" for words, names in alike.items())
    return (
        f"costs are nominal: no output tokens of {some(list(nominal))} were recorded, so that {counted}; "
        "record them, or state output_tokens in the pool"
    )
