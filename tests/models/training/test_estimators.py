"""The one contract that networks obey as baselines do."""

from typing import Any

import numpy as np
import pytest

from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.models.estimator import Estimator
from routoo.models.training.estimators import NetworkEstimator
from routoo.models.training.options import TrainOptions

NETWORK: dict[str, Any] = {
    "encoder": "tiny",
    "tune": "full",
    "epochs": 1,
    "max_tokens": 32,
    "width": 8,
    "members": 2,
    "progress": False,
    "accelerator": "cpu",
    "cache_dir": None,
}
ESTIMATORS: dict[str, Estimator] = {
    "network": NetworkEstimator(TrainOptions(**NETWORK)),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_keeps_the_contract(name: str, outcomes: Outcomes, pool: Pool) -> None:
    estimator = ESTIMATORS[name]
    assert estimator.fit(outcomes, pool) is estimator
    test = outcomes.part("test")
    scores = estimator.predict(test.texts, test.domains)
    assert scores.models == pool.names
    assert scores.p_correct.shape == (len(test), len(pool))
    assert (scores.cost_usd > 0).all()
    again = estimator.predict(test.texts, test.domains)
    np.testing.assert_array_equal(scores.p_correct, again.p_correct)
    order = np.arange(len(test))[::-1]
    turned = estimator.predict([test.texts[i] for i in order], [(test.domains or [])[i] for i in order])
    np.testing.assert_allclose(turned.p_correct, scores.p_correct[order], atol=1e-5)
