"""Expected scores by group: what is luck is not believed, and what is not luck is."""

import numpy as np
import numpy.typing as npt
import pytest

from routoo.data.group_table import GroupTable

Floats = npt.NDArray[np.float64]
Groups = npt.NDArray[np.intp]

N_GROUPS, EACH, MODELS = 30, 40, 8


def _drawn(truth: Floats, seed: int) -> tuple[Floats, Groups]:
    """Scores of 0 and 1 with these chances by group and model, prompts of unlike ease."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(truth)), EACH)
    ease = rng.normal(0, 0.1, len(groups))[:, None]
    chance = np.clip(truth[groups] + ease, 0, 1)
    return (rng.random(chance.shape) < chance).astype(np.float64), groups


@pytest.mark.parametrize("seed", range(5))
def test_models_that_differ_by_luck_alone_do_not_complement_one_another(seed: int) -> None:
    """The best of eight means looks far better than any model; the table does not fall for it."""
    score, groups = _drawn(np.full((N_GROUPS, MODELS), 0.5), seed)
    raw = np.stack([score[groups == group].mean(0) for group in range(N_GROUPS)])
    table = GroupTable.of(score, groups, N_GROUPS)
    assert raw.max(axis=1).mean() > 0.58
    assert table.share @ table.expected.max(axis=1) == pytest.approx(0.5, abs=0.04)
    assert table.spread < 0.03


@pytest.mark.parametrize("seed", range(5))
def test_what_models_are_better_at_is_found_and_promised_truly(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    truth = np.clip(0.5 + rng.normal(0, 0.1, (N_GROUPS, MODELS)), 0, 1)
    score, groups = _drawn(truth, seed)
    raw = np.stack([score[groups == group].mean(0) for group in range(N_GROUPS)])
    table = GroupTable.of(score, groups, N_GROUPS)
    assert table.spread == pytest.approx(0.1, abs=0.025)
    assert np.square(table.expected - truth).mean() < 0.8 * np.square(raw - truth).mean()
    chosen = table.expected.argmax(axis=1)
    earned = truth[np.arange(N_GROUPS), chosen].mean()
    assert table.expected.max(axis=1).mean() == pytest.approx(earned, abs=0.03)
    assert raw.max(axis=1).mean() - earned > 0.035


def test_a_model_is_not_praised_for_the_easy_prompts_it_was_run_on() -> None:
    """The second model was run on the easy group more often; the two are equal in both."""
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1], 2000)
    chance = np.where(groups == 0, 0.9, 0.3)[:, None]
    score = (rng.random((4000, 2)) < chance).astype(np.float64)
    score[(groups == 1) & (rng.random(4000) < 0.8), 1] = np.nan
    expected = GroupTable.of(score, groups, 2).expected
    assert np.abs(expected[:, 0] - expected[:, 1]).max() < 0.05
    assert np.nanmean(score[:, 1]) - np.nanmean(score[:, 0]) > 0.1


def test_prompts_on_which_one_model_was_run_tell_of_that_model() -> None:
    rng = np.random.default_rng(0)
    score = np.full((2000, 2), np.nan)
    score[:1000, 0], score[1000:, 1] = rng.random(1000) < 0.8, rng.random(1000) < 0.4
    expected = GroupTable.of(score, np.zeros(2000, np.intp), 1).expected
    assert expected[0] == pytest.approx([0.8, 0.4], abs=0.05)


def test_a_group_without_prompts_gets_the_levels_of_the_models() -> None:
    score, groups = _drawn(np.tile([0.2, 0.7], (2, 1)), seed=0)
    table = GroupTable.of(score, groups, 3)
    assert table.expected[2] == pytest.approx(score.mean(axis=0))
    assert table.share.tolist() == [0.5, 0.5, 0.0]


def test_expected_scores_stay_within_their_range() -> None:
    score = np.repeat([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]], 3, axis=0)
    expected = GroupTable.of(score, np.array([0, 0, 0, 1, 1, 2]), 3).expected
    assert expected.min() >= 0
    assert expected.max() <= 1
