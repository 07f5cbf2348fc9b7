"""Prompts to the model that was right on those most like them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from routoo.models.baselines.neighbours import NearestNeighbours
from routoo.models.gaps import column_means
from routoo.orchestra.embedding import Embedding
from routoo.orchestra.votes import PoolVotes

if TYPE_CHECKING:
    from routoo.data.chat import Prompt
    from routoo.data.outcomes import Outcomes
    from routoo.data.pool import Pool
    from routoo.data.scores import Scores
    from routoo.export.parity import ParityReport


@dataclass(frozen=True, eq=False)
class Orchestra:
    """Pools of held-out prompts, and the vote of the nearest (OrchestraLLM, arXiv 2311.09758).

    Args:
        outcomes: What was learned from.
        pool: The models.
        embedding: By which the nearest are found.
        learner: What the nearest say.
    """

    outcomes: Outcomes
    pool: Pool
    embedding: Embedding
    learner: NearestNeighbours

    @classmethod
    def learn(
        cls,
        outcomes: Outcomes,
        pool: Pool,
        *,
        embedding: Embedding | None = None,
        k: int = 10,
        balance: bool = False,
        vote: bool = True,
        seed: int = 0,
    ) -> Self:
        """An orchestra of what models achieved on held-out prompts: those in ``train`` and ``val``, or all.

        Args:
            outcomes: Recorded outcomes of the models.
            pool: The models, with their prices.
            embedding: By which the nearest are found; that of the default encoder when not given.
            k: How many vote.
            balance: Whether all pools are cut to the size of the smallest.
            vote: Whether each prompt votes for the cheapest model that was right; else the mean of its
                neighbours' scores, weighted by likeness, is expected of each model: the form for many.
            seed: Of what is drawn for balance.

        Raises:
            InputError: An model has no outcome, or none was right on any prompt.
        """
        embed = embedding or Embedding()
        learner = (
            PoolVotes(embed, k=k, balance=balance, seed=seed)
            if vote
            else NearestNeighbours(embed, k=k, weighted=True)
        )
        return cls(outcomes.select(pool.names), pool, embed, learner.fit(outcomes, pool))

    def predict(self, prompts: Iterable[Prompt]) -> Scores:
        """Each model's share of the votes as its `p_correct`, and its mean cost; a tie goes to the cheapest.

        Raises:
            InputError: There is no prompt, or one is blank.
        """
        return self.learner.predict(prompts)

    def export(self, folder: str | Path) -> ParityReport:
        """Writes a bundle that `Router.from_pretrained` serves without torch; how near its graph is.

        Encoder, projection and candidates' vectors are one graph. It is in float32 alone: a vote is a whole
        number, which rounding may move.

        Args:
            folder: Where to write, in one step; a bundle that was there is replaced.

        Raises:
            InputError: The folder holds files that are no bundle's.
            BundleError: The graph is not what the orchestra is.
        """
        from routoo.export.writer import write_bundle
        from routoo.models.training.train import input_token_ratio
        from routoo.models.training.trained_network import TrainedNetwork
        from routoo.orchestra.neighbour_network import NeighbourNetwork

        known = self.outcomes.part("train", "val") if self.outcomes.has_split else self.outcomes
        encoder, tokenizer = self.embedding.features.load(known.texts)
        recorded = known.to_matrices(self.pool.names)
        network = NeighbourNetwork(
            encoder,
            self.learner,
            projection=self.embedding.projection,
            output_tokens=_means(recorded.output_tokens),
            latency_s=_means(recorded.latency_s),
        ).eval()
        unrecorded = np.isnan(_means(recorded.output_tokens))
        trained = TrainedNetwork(
            network,
            tokenizer,
            self.pool,
            input_token_ratio(known, self.pool.names, tokenizer.encode(known.texts)),
            {"data": known.name, "prompts": len(known), "encoder": self.embedding.encoder},
            {},
            unrecorded=tuple(np.array(self.pool.names)[unrecorded].tolist()),
        )
        return write_bundle(trained, folder, sample_prompts=known.texts[:64], int8=False)


def _means(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(column_means(values), np.float64)
