import numpy as np
import pytest

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.models.baselines import DomainTable, SingleModelMeans


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
