"""Every baseline by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from routoo.models.baselines.average import Average
from routoo.models.baselines.base_learner import BaseLearner, Embed
from routoo.models.baselines.clusters import Clusters
from routoo.models.baselines.domain_table import DomainTable
from routoo.models.baselines.factorisation import MatrixFactorisation
from routoo.models.baselines.logistic import LogisticRegressions
from routoo.models.baselines.means import SingleModelMeans
from routoo.models.baselines.neighbours import NearestNeighbours

LEARNED: dict[str, Callable[[Embed], BaseLearner]] = {
    "100 nearest neighbours": NearestNeighbours,
    "clusters": Clusters,
    "logistic regression": LogisticRegressions,
    "matrix factorisation": MatrixFactorisation,
}
"""Those whose mean is a baseline too, made from what embeds prompts."""

BASELINES: dict[str, Callable[[Embed], BaseLearner]] = {
    "single model means": lambda _: SingleModelMeans(),
    "domain table": lambda _: DomainTable(),
    "10 nearest neighbours": partial(NearestNeighbours, k=10),
    "100 nearest, weighted": partial(NearestNeighbours, weighted=True),
    **LEARNED,
    "mean of four": lambda embed: Average([make(embed) for make in LEARNED.values()]),
}
"""All of them, likewise; the domain table alone reads the domains, and needs them."""
