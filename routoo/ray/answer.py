"""The answer for a batch that workers hold: what is said of all of it here, its choices on the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl

from routoo.data.assignment import Assignment, Solution
from routoo.data.tables.predictions import NUMBERS
from routoo.ray.cluster import Ray, came


@dataclass(frozen=True, eq=False, kw_only=True)
class RayAssignment(Solution):
    """A model for every prompt of a dataset, or the reason why there is none.

    Args:
        ray: Ray.
        counts: Prompts that each model gets, in the order of `models`.
        n_prompts: Number of prompts.
        blocks: References to tables of the choices, in the order of the prompts; none when infeasible.
    """

    ray: Ray
    n_prompts: int
    counts: Sequence[int] = ()
    blocks: Sequence[Any] = ()

    def __len__(self) -> int:
        return self.n_prompts

    def shares(self) -> dict[str, float]:
        """Share of the prompts that each model gets."""
        return {name: count / self.n_prompts for name, count in zip(self.models, self.counts, strict=False)}

    @property
    def choices(self) -> Any:  # a dataset of Ray, which does not type it
        """A row for each prompt, as `Assignment.to_polars` has them: a dataset of Ray.

        Its blocks lie in the store of the cluster, where ``plan.choices.write_parquet(folder)`` writes them
        from, a file a block, without bringing them here.

        Raises:
            InfeasibleError: There is no assignment; the message says why.
        """
        self.or_raise()
        import ray.data as datasets

        return datasets.from_arrow_refs(list(self.blocks))

    def tables(self) -> Iterator[pl.DataFrame]:
        """The rows of `choices` in their order, brought here some prompts at a time."""
        return (pl.DataFrame(pl.from_arrow(came(self.ray, block))) for block in self.blocks)

    def to_assignment(self) -> Assignment:
        """The same with all choices in the memory of this process."""
        said = {name.name: getattr(self, name.name) for name in fields(Solution)}
        if not self.found:
            return Assignment(**said, choice=np.full(len(self), -1, np.int32))
        rows = pl.concat(self.tables())
        code = pl.Series(range(len(self.models)), dtype=pl.Int32)
        choice = rows["model"].replace_strict(pl.Series(self.models), code, return_dtype=pl.Int32)
        known = [name for name in NUMBERS if name in rows.columns]
        numbers: dict[str, Any] = {
            f"chosen_{name}": rows[name].fill_null(np.nan).to_numpy() for name in known
        }
        return Assignment(**said, choice=choice.to_numpy(), prompt_ids=rows["prompt_id"].to_list(), **numbers)
