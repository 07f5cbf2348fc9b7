from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.models.baselines import DomainTable, NearestExemplars, SingleModelMeans
from routoo.models.estimator import Estimator


def embed(prompts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Which of three words a prompt starts with."""
    return np.array([[p.startswith(w) for w in ("add", "write", "when")] for p in prompts], np.float32)


ESTIMATORS = [SingleModelMeans(), DomainTable(), NearestExemplars(embed, k=20)]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_every_estimator_keeps_the_contract(estimator: Estimator, outcomes: Outcomes, pool: Pool) -> None:
    fitted = estimator.fit(outcomes, pool)
    assert fitted is estimator
    test = outcomes.part("test")
    scores = estimator.predict(test.texts, test.domains)
    assert scores.models == pool.names
    assert scores.p_correct.shape == (len(test), len(pool))
    again = estimator.predict(test.texts, test.domains)
    np.testing.assert_array_equal(scores.p_correct, again.p_correct)


def test_means_ignore_the_test_prompts(outcomes: Outcomes, pool: Pool) -> None:
    known = np.nanmean(outcomes.part("train", "val").to_matrices(pool.names).score, axis=0)
    scores = SingleModelMeans().fit(outcomes, pool).predict(["anything"])
    np.testing.assert_allclose(scores.p_correct[0], known, rtol=1e-6)


def test_the_domain_table_knows_who_is_good_at_what(outcomes: Outcomes, pool: Pool) -> None:
    table = DomainTable().fit(outcomes, pool)
    scores = table.predict(["x", "y", "z"], ["sum", "code", "never seen"])
    assert scores.models[int(scores.p_correct[0].argmax())] == "adder"
    assert scores.models[int(scores.p_correct[1].argmax())] == "coder"
    means = SingleModelMeans().fit(outcomes, pool).predict(["z"])
    np.testing.assert_allclose(scores.p_correct[2], means.p_correct[0], rtol=1e-6)


def test_a_domain_table_without_domains_says_so(outcomes: Outcomes, pool: Pool) -> None:
    bare = Outcomes(outcomes.prompts.drop("domain"), outcomes.outcomes)
    with pytest.raises(InputError, match="domain"):
        DomainTable().fit(bare, pool)


def test_neighbours_are_averaged_over_known_cells_only(outcomes: Outcomes, pool: Pool) -> None:
    seen = outcomes.part("train", "val")
    score = seen.to_matrices(pool.names).score
    mine = np.array([text.startswith("add") for text in seen.texts])
    nearest = NearestExemplars(embed, k=int(mine.sum())).fit(outcomes, pool)
    scores = nearest.predict(["add the numbers 1 2 3"])
    np.testing.assert_allclose(scores.p_correct[0], np.nanmean(score[mine], axis=0), rtol=1e-5)
