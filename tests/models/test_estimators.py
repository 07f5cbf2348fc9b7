"""The one contract that baselines, experts and networks obey."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.models.baselines import DomainTable, SingleModelMeans
from routoo.models.estimator import Estimator
from routoo.models.estimators import ExpertEstimator, NearestExemplars, NetworkEstimator
from routoo.models.expert_fits import (
    Fit,
    fit_clusters,
    fit_linear,
    fit_means,
    fit_neighbours,
    fit_table,
)
from routoo.models.training.options import TrainOptions


def embed(prompts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Which of three words a prompt starts with, and how long it is."""
    rows = [[*(p.startswith(w) for w in ("add", "write", "when")), len(p) / 100] for p in prompts]
    return np.array(rows, np.float32)


NETWORK: dict[str, Any] = {
    "trunk": "tiny",
    "tune": "full",
    "epochs": 1,
    "max_tokens": 32,
    "width": 8,
    "members": 2,
    "progress": False,
    "accelerator": "cpu",
    "cache_dir": None,
}
SPAN = (0, 3)
EXPERTS: dict[str, Fit] = {
    "means": fit_means,
    "table": fit_table,
    "neighbours": partial(fit_neighbours, span=SPAN),
    "clusters": partial(fit_clusters, span=SPAN, n_clusters=3, nearest=1),
    "logistic regression": fit_linear,
    "matrix factorisation": partial(fit_linear, rank=2),
    "item response": partial(fit_linear, rank=1),
}
ESTIMATORS: dict[str, Estimator] = {
    "single models": SingleModelMeans(),
    "domain table": DomainTable(),
    "nearest exemplars": NearestExemplars(embed, k=20),
    "factorised heads": NetworkEstimator(TrainOptions(**NETWORK, heads="factorised")),
    "free heads": NetworkEstimator(TrainOptions(**NETWORK, heads="free")),
    **{name: ExpertEstimator(fit, embed) for name, fit in EXPERTS.items()},
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


@pytest.mark.parametrize("name", [n for n in EXPERTS if n not in ("means", "item response")])
def test_experts_learn_who_is_good_at_what(name: str, outcomes: Outcomes, pool: Pool) -> None:
    fitted = ExpertEstimator(EXPERTS[name], embed).fit(outcomes, pool)
    scores = fitted.predict(["add the numbers 1 2", "write a function that sorts 3 4"])
    assert [scores.models[at] for at in scores.p_correct.argmax(1)] == ["adder", "coder"]
    assert scores.p_correct[0, 0] > scores.p_correct[1, 0] + 0.3


def test_one_axis_of_difficulty_tells_easy_prompts_from_hard_ones(outcomes: Outcomes, pool: Pool) -> None:
    table = outcomes.part("train", "val")
    mean = np.nanmean(table.to_matrices(pool.names).score, axis=1)
    kinds = np.array(table.domains)
    easy, hard = sorted(("sum", "code", "history"), key=lambda kind: -mean[kinds == kind].mean())[::2]
    words = {"sum": "add the numbers", "code": "write a function", "history": "when did the war"}
    fitted = ExpertEstimator(EXPERTS["item response"], embed).fit(outcomes, pool)
    p = fitted.predict([f"{words[easy]} 1 2", f"{words[hard]} 1 2"]).p_correct
    assert p[0].mean() > p[1].mean()


def test_a_known_domain_is_believed(outcomes: Outcomes, pool: Pool) -> None:
    fitted = ExpertEstimator(fit_table, embed).fit(outcomes, pool)
    expected = DomainTable().fit(outcomes, pool)
    told = (["add 1 2", "add 1 2"], ["code", "sum"])
    np.testing.assert_allclose(fitted.predict(*told).p_correct, expected.predict(*told).p_correct, atol=5e-3)
    guessed = fitted.predict(["add 1 2"], ["never seen"]).p_correct
    np.testing.assert_allclose(guessed, fitted.predict(["add 1 2"]).p_correct)


def test_neighbours_are_averaged_over_known_cells_only(outcomes: Outcomes, pool: Pool) -> None:
    seen = outcomes.part("train", "val")
    score = seen.to_matrices(pool.names).score
    mine = np.array([text.startswith("add") for text in seen.texts])
    nearest = NearestExemplars(lambda prompts: embed(prompts)[:, :3], k=int(mine.sum())).fit(outcomes, pool)
    scores = nearest.predict(["add the numbers 1 2 3"])
    np.testing.assert_allclose(scores.p_correct[0], np.nanmean(score[mine], axis=0), rtol=1e-5)


def test_no_neighbour_is_refused() -> None:
    with pytest.raises(InputError, match="k must be at least 1, got 0"):
        NearestExemplars(embed, k=0)


def test_a_table_without_domains_says_so(outcomes: Outcomes, pool: Pool) -> None:
    bare = Outcomes(outcomes.prompts.drop("domain"), outcomes.outcomes)
    with pytest.raises(InputError, match="domain"):
        ExpertEstimator(fit_table, embed).fit(bare, pool)
