"""Which prompts are expected to be answered alike: those of a domain, else those that share words."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from routoo.data.errors import MissingExtraError

if TYPE_CHECKING:
    from routoo.data.outcomes import Outcomes
    from routoo.design.topics import Topics


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

        Raises:
            MissingExtraError: There are no domains, and extra `train` is not installed.

        >>> from routoo.lab.shipped import lab_outcomes
        >>> groups = PromptGroups.of(lab_outcomes(50))
        >>> groups.by, len(groups.of_prompts(lab_outcomes(20)))
        ('domain', 20)
        """
        named = sorted({domain for domain in outcomes.domains or [] if domain})
        if named:
            return cls(tuple(named))
        if importlib.util.find_spec("sklearn") is None:
            raise MissingExtraError(
                "prompts without domains are grouped by their words, which needs scikit-learn: "
                "pip install 'routoo[train]', or add a column domain"
            )
        from routoo.design.topics import Topics

        return cls((), Topics(outcomes.texts, seed=seed))

    @property
    def by(self) -> str:
        """What prompts are grouped by."""
        return "domain" if self.topics is None else "words"

    def __len__(self) -> int:
        return len(self.domains) + 1 if self.topics is None else len(self.topics)

    def of_prompts(self, outcomes: Outcomes) -> npt.NDArray[np.intp]:
        """Number of the group of each prompt, ``(n_prompts,)``."""
        if self.topics is not None:
            return self.topics.groups(outcomes.texts)
        place = {domain: at for at, domain in enumerate(self.domains)}
        domains = outcomes.domains or [None] * len(outcomes)
        return np.array([place.get(domain or "", len(place)) for domain in domains], np.intp)
