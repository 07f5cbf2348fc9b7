"""Features and outcomes of made-up prompts, and the evidence heads fitted on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
import torch

from routoo.data.domains import Attribute
from routoo.models.evidence.evidence import HeadPredictions
from routoo.models.evidence.fit import FittedEvidence, fit_evidence
from routoo.models.training.targets import Targets

LAYERS = 3


@dataclass(frozen=True, eq=False)
class Known:
    """Prompts on which four models were run."""

    features: npt.NDArray[np.float32]
    predicted: HeadPredictions
    targets: Targets
    truth: npt.NDArray[np.float64]

    @property
    def x(self) -> torch.Tensor:
        """The features as a tensor."""
        return torch.from_numpy(self.features)

    @property
    def unknown(self) -> tuple[torch.Tensor, ...]:
        """What is observed of the attributes: nothing."""
        return (torch.full((len(self.features),), -1),) * 2

    def fit(self) -> FittedEvidence:
        """The evidence heads that this tells."""
        return fit_evidence(self.features, self.predicted, self.targets, layers=LAYERS, seed=0)


def known_prompts(n: int = 600, *, seed: int = 0) -> Known:
    """Scores follow the features, and a domain of which the features say nothing, but no attribute."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, LAYERS * 4 + 1)).astype(np.float32)
    domain, attribute = random.integers(0, 2, n), random.integers(0, 3, n)
    loadings = np.array([[0.3, -0.2, 0.1, 0.0], [0.0, 0.2, -0.2, 0.2]])
    by_domain = np.array([[0.15, -0.15, 0.0, 0.1], [-0.15, 0.15, 0.0, -0.1]])
    truth = (0.5 + np.tanh(features[:, [5, 9]]) @ loadings + by_domain[domain]).clip(0.05, 0.95)
    score = (random.random(truth.shape) < truth).astype(np.float32)
    score[random.random(score.shape) < 0.05] = np.nan
    log_tokens = (5 + features[:, [5]] * [0.5, 0.3, 0.0, 0.2] + 0.3 * random.normal(size=score.shape)).astype(
        np.float32
    )
    heads = torch.from_numpy((0.5 + 0.2 * np.tanh(features[:, 1:4])).astype(np.float32))
    posteriors = tuple(torch.softmax(torch.from_numpy(random.normal(size=(n, k))), 1).float() for k in (2, 3))
    targets = Targets(
        score,
        log_tokens,
        None,
        domain,
        ("a", "b"),
        attribute=attribute[:, None],
        attributes=(Attribute("colour", ("red", "green", "blue")),),
    )
    return Known(features, HeadPredictions(heads, posteriors), targets, truth)


@pytest.fixture(scope="module")
def known() -> Known:
    return known_prompts()


@pytest.fixture(scope="module")
def fitted(known: Known) -> FittedEvidence:
    return known.fit()
