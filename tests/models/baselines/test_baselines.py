"""The one contract, kept by every baseline of the registry, and what each of them knows."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.models.baselines.domain_table import DomainTable
from routoo.models.baselines.means import SingleModelMeans
from routoo.models.baselines.neighbours import NearestNeighbours
from routoo.models.baselines.registry import BASELINES, LEARNED

READING = [name for name in BASELINES if name not in ("single model means", "domain table")]
PROMPTS = ["add the numbers 12 34", "write a function that sorts 56 78"]


def embed(prompts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Which of three words a prompt starts with, and how long it is."""
    rows = [[*(p.startswith(w) for w in ("add", "write", "when")), len(p) / 100] for p in prompts]
    return np.array(rows, np.float32)


def scored(outcomes: Outcomes, score: pl.Expr) -> Outcomes:
    return Outcomes(outcomes.prompts, outcomes.outcomes.with_columns(score=score), outcomes.name)


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_keeps_the_contract(name: str, outcomes: Outcomes, pool: Pool) -> None:
    estimator = BASELINES[name](embed)
    assert estimator.fit(outcomes, pool) is estimator
    test = outcomes.part("test")
    scores = estimator.predict(test.texts, test.domains)
    assert scores.models == pool.names
    assert scores.p_correct.shape == (len(test), len(pool))
    assert (scores.cost_usd > 0).all()
    again = BASELINES[name](embed).fit(outcomes, pool).predict(test.texts, test.domains)
    np.testing.assert_array_equal(scores.p_correct, again.p_correct)
    order = np.arange(len(test))[::-1]
    turned = estimator.predict([test.texts[i] for i in order], [(test.domains or [])[i] for i in order])
    np.testing.assert_allclose(turned.p_correct, scores.p_correct[order], atol=1e-5)


@pytest.mark.parametrize("name", BASELINES)
def test_no_baseline_looks_at_the_test_prompts(name: str, outcomes: Outcomes, pool: Pool) -> None:
    in_test = pl.col("prompt_id").is_in(outcomes.part("test").prompt_ids)
    turned = scored(outcomes, pl.when(in_test).then(1 - pl.col("score")).otherwise(pl.col("score")))
    asked = outcomes.part("test").texts[:5]
    expected, found = (BASELINES[name](embed).fit(seen, pool).predict(asked) for seen in (outcomes, turned))
    np.testing.assert_array_equal(found.p_correct, expected.p_correct)


@pytest.mark.parametrize("graded", [False, True])
@pytest.mark.parametrize("name", READING)
def test_who_is_good_at_what_is_learned(name: str, graded: bool, outcomes: Outcomes, pool: Pool) -> None:
    seen = scored(outcomes, 0.1 + 0.8 * pl.col("score")) if graded else outcomes
    scores = BASELINES[name](embed).fit(seen, pool).predict(PROMPTS)
    assert [scores.models[at] for at in scores.p_correct.argmax(1)] == ["adder", "coder"]
    assert scores.p_correct[0, 0] > scores.p_correct[1, 0] + 0.3


@pytest.mark.parametrize("name", BASELINES)
def test_a_model_that_never_failed_and_one_hardly_run_are_no_obstacle(
    name: str, outcomes: Outcomes, pool: Pool
) -> None:
    best = scored(outcomes, pl.when(pl.col("model") == "even").then(1.0).otherwise(pl.col("score")))
    known = outcomes.part("train", "val").prompt_ids[0]
    rare = (pl.col("model") != "coder") | (pl.col("prompt_id") == known)
    few = Outcomes(best.prompts, best.outcomes.filter(rare), best.name)
    p = BASELINES[name](embed).fit(few, pool).predict(PROMPTS, ["sum", "code"]).p_correct
    assert (p[:, 2] > 0.9).all()
    assert np.isfinite(p).all()


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
    nearest = NearestNeighbours(lambda prompts: embed(prompts)[:, :3], k=int(mine.sum()))
    scores = nearest.fit(outcomes, pool).predict(["add the numbers 1 2 3"])
    np.testing.assert_allclose(scores.p_correct[0], np.nanmean(score[mine], axis=0), rtol=1e-5)


@pytest.mark.parametrize("n_prompts", [1, 2])
@pytest.mark.parametrize("name", BASELINES)
def test_a_prompt_or_two_are_learned_from_or_refused_in_words(
    name: str, n_prompts: int, outcomes: Outcomes, pool: Pool
) -> None:
    complete = outcomes.outcomes.group_by("prompt_id").len().filter(pl.col("len") == len(pool))
    few = outcomes.part("train").subset(complete["prompt_id"].sort()[:20].to_list())
    few = few.subset(few.prompt_ids[:n_prompts])
    if n_prompts == 1 and name in ("logistic regression", "matrix factorisation", "mean of four"):
        with pytest.raises(InputError, match="needs at least two prompts to learn from, got 1"):
            BASELINES[name](embed).fit(few, pool)
    else:
        assert np.isfinite(BASELINES[name](embed).fit(few, pool).predict(PROMPTS).p_correct).all()


def test_no_neighbour_is_refused() -> None:
    with pytest.raises(InputError, match="k must be a whole number of at least 1, got 0"):
        NearestNeighbours(embed, k=0)


def test_the_mean_of_four_is_their_mean(outcomes: Outcomes, pool: Pool) -> None:
    found = BASELINES["mean of four"](embed).fit(outcomes, pool).predict(PROMPTS).p_correct
    four = [make(embed).fit(outcomes, pool).predict(PROMPTS).p_correct for make in LEARNED.values()]
    np.testing.assert_allclose(found, np.mean(four, axis=0), rtol=1e-6)
    assert len(four) == 4
