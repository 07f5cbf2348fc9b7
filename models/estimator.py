"""The one contract that predictors and baselines obey."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from routoo.data.chat import Prompt
    from routoo.data.outcomes import Outcomes
    from routoo.data.pool import Pool
    from routoo.data.scores import Scores


class Estimator(Protocol):
    """Something fitted on recorded outcomes that predicts scores, costs and latencies of new prompts."""

    def fit(self, outcomes: Outcomes, pool: Pool) -> Estimator:
        """Learns from the prompts in ``train`` and ``val``; returns itself.

        Raises:
            InputError: The outcomes lack what it learns from.
        """
        ...

    def predict(self, prompts: Iterable[Prompt], domains: Iterable[str | None] | None = None) -> Scores:
        """Predictions for new prompts, one row a prompt.

        Args:
            prompts: Texts or chats, as `routoo.data.checks.batch.prompt_texts` takes them.
            domains: Domain of each prompt, where the user knows it.

        Raises:
            InputError: There is no prompt, or one is neither text nor chat.
        """
        ...
