"""Prices of limits to prices of quantities, and sums of quantities back to what each limit uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from routoo.solver.limits import Limit, Only, Quantity
from routoo.solver.problem import ROUNDING
from routoo.solver.sums.moments import MomentPlan
from routoo.solver.sums.rows import Choice, Floats, Rows, Tables


@dataclass(frozen=True, eq=False)
class Totals:
    """Sums over the choices of some prompts; the totals of two shards add up.

    Args:
        reduced: Sum of the objective less what is used at the prices of the pass.
        gained: Sum of the objective.
        tables: Sum of each quantity by domain and model, ``(n_domains, n_models)``.
        count: Number of the choices.
        size: Magnitude of the terms of `reduced`.
    """

    reduced: float
    gained: float
    tables: Mapping[Quantity, Floats]
    count: int
    size: float = 0.0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.reduced + other.reduced,
            self.gained + other.gained,
            {name: table + other.tables[name] for name, table in self.tables.items()},
            self.count + other.count,
            self.size + other.size,
        )


@dataclass(frozen=True, eq=False)
class Constraints:
    """The limits of a problem against its columns and domains.

    Args:
        limits: The limits, in the order of every vector of prices or uses.
        n_models: Columns of the scores.
        n_domains: Domains there are, where a limit tells them apart; else 1.
        bounds: Right-hand sides with floors turned round, ``uses <= bounds``, ``(n_limits,)``.
    """

    limits: Sequence[Limit]
    n_models: int
    n_domains: int
    bounds: Floats

    @classmethod
    def of(cls, limits: Sequence[Limit], n_models: int, n_domains: int = 1) -> Constraints:
        """The constraints of these limits as they are stated."""
        bounds = np.array([limit.sign * limit.bound for limit in limits], np.float64)
        return cls(limits, n_models, n_domains, bounds)

    def bounded(self, bounds: Floats) -> Constraints:
        """The same limits with other right-hand sides: for a part of the prompts, say."""
        return replace(self, bounds=bounds)

    @cached_property
    def most(self) -> Floats:
        """The most that sums may be for the limits to hold: the bounds, and what float64 sums differ by."""
        return self.bounds + ROUNDING * np.abs(self.bounds)

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """What has to be summed, each quantity once."""
        return tuple(dict.fromkeys(limit.quantity for limit in self.limits))

    @cached_property
    def split(self) -> frozenset[Quantity]:
        """Quantities of which some limit counts a part alone."""
        return frozenset(
            limit.quantity
            for limit in self.limits
            if limit.only.column is not None or limit.only.domain is not None
        )

    @cached_property
    def by_domain(self) -> bool:
        """Whether any limit looks at one domain alone."""
        return any(limit.only.domain is not None for limit in self.limits)

    def tables(self, prices: Floats) -> Tables:
        """What one unit of each quantity costs at these dual prices; free quantities left out."""
        found: dict[Quantity, Floats] = {}
        for limit, price in zip(self.limits, prices, strict=True):
            if price == 0:
                continue
            table = found.setdefault(limit.quantity, np.zeros((1, self.n_models)))
            if limit.only.domain is not None and len(table) < self.n_domains:
                table = found[limit.quantity] = np.repeat(table, self.n_domains, axis=0)
            part_of_table(table, limit.only)[...] += limit.sign * price
        return found

    def cell(self, rows: Rows, choice: Choice) -> Choice:
        """Where these choices stand in a table of domains and models, ``(r,)``."""
        if self.by_domain and rows.domain is not None:
            return rows.domain * self.n_models + choice
        return choice

    def totals(self, rows: Rows, choice: Choice, reduced: float = 0.0, size: float = 0.0) -> Totals:
        """What these choices add up to."""
        shape = (self.n_domains, self.n_models)
        cell = self.cell(rows, choice)
        tables: dict[Quantity, Floats] = {}
        for name in self.quantities:
            amounts = rows.chosen(name, choice)
            if name in self.split:
                tables[name] = _by_cell(cell, amounts, shape)
            else:
                tables[name] = np.array([[amounts.sum()]])
        return Totals(reduced, float(rows.gained(choice).sum()), tables, len(rows), size)

    def uses(self, totals: Totals) -> Floats:
        """What each limit uses, with the sign of `bounds`, ``(n_limits,)``."""
        return np.array(
            [
                limit.sign * part_of_table(totals.tables[limit.quantity], limit.only).sum()
                for limit in self.limits
            ]
        )

    def used(self, at: int, rows: Rows, row: Choice, column: Choice) -> Floats:
        """What single choices use of one limit, with the sign of `bounds`, ``(n_cells,)``."""
        limit, found = self.limits[at], np.zeros(len(row))
        counts = np.ones(len(row), np.bool_)
        if limit.only.column is not None:
            counts &= column == limit.only.column
        if limit.only.domain is not None and rows.domain is not None:
            counts &= rows.domain[row] == limit.only.domain
        found[counts] = limit.sign * rows.quantity(limit.quantity)[row[counts], column[counts]]
        return found

    @cached_property
    def moments(self) -> MomentPlan:
        """What soft choices are summed by."""
        return MomentPlan(self.limits, self.n_models, self.n_domains if self.by_domain else 1)


def _by_cell(cell: Choice, amounts: Floats, shape: tuple[int, int]) -> Floats:
    """Sums by domain and model."""
    sums = np.bincount(cell, amounts, shape[0] * shape[1])
    return sums.astype(np.float64, copy=False).reshape(shape)


def part_of_table(table: Floats, only: Only) -> Floats:
    """The part of a ``(..., n_domains, n_models)`` table that is counted, as a view."""
    if table.shape[-2:] == (1, 1):
        return table
    whole = only.domain is None or table.shape[-2] == 1
    rows = slice(None) if whole or only.domain is None else slice(only.domain, only.domain + 1)
    columns = slice(None) if only.column is None else slice(only.column, only.column + 1)
    return table[..., rows, columns]
