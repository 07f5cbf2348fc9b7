"""Mean score by domain and model, looked up by the true domain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from routoo.data.errors import InputError
from routoo.models.baselines.base_learner import Array, BaseLearner, Recorded


class DomainTable(BaseLearner):
    """Mean score per domain and model, shrunk towards the model's mean."""

    def learn(self, known: Recorded) -> None:
        """Fills the table.

        Raises:
            InputError: The prompts carry no domain.
        """
        names = sorted(set(filter(None, known.domains)))
        if not names:
            raise InputError("a domain table needs a domain column in the prompts; there is none")
        domains = np.array(known.domains, dtype=object)
        rows = known.shrunk_means([domains == name for name in names])
        self._mean, self._rows = known.mean_score, dict(zip(names, rows, strict=True))

    def expected(self, texts: list[str], domains: Sequence[str | None]) -> Array:
        """The row of each prompt's domain; the models' means where it is unknown."""
        rows = [self._mean if name is None else self._rows.get(name, self._mean) for name in domains]
        return np.array(rows).reshape(len(texts), -1)
