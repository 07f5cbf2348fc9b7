from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from routoo.data.scores import Scores
from routoo.evaluation.metrics.coverage import LEVELS, coverage_of

N, MODELS = 6000, ("a", "b", "c", "d")


def made(std: float, *, seed: int = 0) -> tuple[Scores, np.ndarray, list[str]]:
    """Predictions that are off by one draw for each domain, model and third, and what came."""
    rng = np.random.default_rng(seed)
    domains = [f"domain {at % 40}" for at in range(N)]
    level = rng.uniform(-1.5, 1.5, (N, len(MODELS)))
    p = np.asarray(expit(level), np.float32)
    true = p.astype(np.float64)
    for domain in range(40):
        rows = np.arange(N) % 40 == domain
        for j in range(len(MODELS)):
            order = np.flatnonzero(rows)[np.argsort(p[rows, j], kind="stable")]
            for third in np.array_split(order, 3):
                true[third, j] = expit(logit(true[third, j]) + std * rng.normal())
    score = (rng.random(true.shape) < true).astype(float)
    scores = Scores(p, np.ones_like(p), models=MODELS, logit_std=np.full_like(p, std))
    return scores, score, domains


def test_intervals_as_wide_as_the_error_hold_what_they_promise() -> None:
    scores, score, domains = made(0.5)
    found = coverage_of(scores, score, domains)
    assert [at.level for at in found] == list(LEVELS)
    assert {at.groups for at in found} == {40 * 4 * 3}
    for at in found:
        assert at.held == pytest.approx(at.level, abs=0.06)
        assert at.by_luck < at.held
    widths = [at.half_width for at in found]
    assert widths == sorted(widths)


def test_intervals_that_are_too_narrow_are_found_out() -> None:
    scores, score, domains = made(0.8)
    narrow = replace(scores, logit_std=np.full_like(scores.p_correct, 0.1))
    at_ninety = coverage_of(narrow, score, domains)[LEVELS.index(0.9)]
    assert at_ninety.held < 0.75


def test_where_predictions_are_right_luck_alone_explains_all() -> None:
    scores, score, _ = made(0.0)
    for at in coverage_of(scores, score, None):
        assert at.groups == 4 * 3
        assert at.held == at.by_luck == pytest.approx(at.level, abs=0.2)
        assert at.half_width == pytest.approx(0, abs=1e-6)


def test_what_was_not_run_does_not_count_and_small_groups_are_left_out() -> None:
    scores, score, domains = made(0.5)
    fewer = score.copy()
    fewer[np.arange(N) % 40 >= 10] = np.nan
    assert {at.groups for at in coverage_of(scores, fewer, domains)} == {10 * 4 * 3}
    assert coverage_of(scores.rows(np.arange(50)), score[:50], domains[:50]) == ()


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_a_model_whose_predictions_are_certain_leaves_no_warning(certain: float) -> None:
    scores, score, domains = made(0.5)
    sure = scores.p_correct.copy()
    sure[:, 0] = certain
    score[:, 0] = certain
    for at in coverage_of(replace(scores, p_correct=sure), score, domains):
        assert at.held > 0.25
        assert at.groups == 40 * 4 * 3


def test_a_model_that_was_never_run_leaves_no_warning() -> None:
    scores, score, domains = made(0.5)
    score[:, 1] = np.nan
    assert {at.groups for at in coverage_of(scores, score, domains)} == {40 * 3 * 3}


def test_without_errors_there_is_nothing_to_say() -> None:
    scores, score, domains = made(0.5)
    assert coverage_of(replace(scores, logit_std=None), score, domains) == ()
