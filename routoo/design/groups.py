"""Which prompts are expected to be answered alike: those of a domain, else those that share words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from routoo.models.topics import Topics

if TYPE_CHECKING:
    from routoo.data.outcomes import Outcomes


@dataclass(frozen=True, eq=False)
class PromptGroups:
    """Groups of prompts by their recorded domains, or by topics of words where none is recorded.

    Args:
        domains: Names of the groups; one more group holds the prompts of no known domain.
        topics: Groups of words, where there are no domains.
    """

    domains: tuple[str, ...]
    topics: Topics | None = None

    @classmethod
    def of(cls, outcomes: Outcomes, *, seed: int = 0) -> PromptGroups:
        """The groups that these prompts fall into.

        >>> from routoo.data.sample import simulated_outcomes
        >>> groups = PromptGroups.of(simulated_outcomes(50))
        >>> groups.by, len(groups.of_prompts(simulated_outcomes(20)))
        ('domain', 20)
        """
        named = sorted({domain for domain in outcomes.domains or [] if domain})
        return cls(tuple(named)) if named else cls((), Topics.of(outcomes.texts, seed=seed))

    @property
    def by(self) -> str:
        """What prompts are grouped by."""
        return "domain" if self.topics is None else "words"

    def __len__(self) -> int:
        return len(self.domains) + 1 if self.topics is None else len(self.topics.centres)

    def of_prompts(self, outcomes: Outcomes) -> npt.NDArray[np.intp]:
        """Number of the group of each prompt, ``(n_prompts,)``."""
        if self.topics is not None:
            return self.topics.groups(outcomes.texts)
        place = {domain: at for at, domain in enumerate(self.domains)}
        domains = outcomes.domains or [None] * len(outcomes)
        return np.array([place.get(domain or "", len(place)) for domain in domains], np.intp)
