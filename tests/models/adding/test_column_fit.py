"""A new model on a pool whose scores are made of a few directions, with luck that all models share."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from routoo.models.adding.column_fit import Known, fit_column, fit_log

Array = npt.NDArray[np.float64]

MODELS, DIRECTIONS = 6, 8


@dataclasses.dataclass(frozen=True, eq=False)
class World:
    """A pool and one more model of its kind, on many prompts; what is expected of the new one is known."""

    pool: Known
    score: Array
    truth: Array

    def rows(self, rows: npt.NDArray[np.intp], *, alone: bool = False) -> tuple[Known, Array]:
        """What is known of these prompts; of the new model alone, if so asked."""
        cut = {name: getattr(self.pool, name)[rows] for name in ("directions", "attributes", "score")}
        if alone:
            cut["score"] = np.full_like(cut["score"], np.nan)
        return dataclasses.replace(self.pool, **cut), self.score[rows]

    def predicted(self, rows: npt.NDArray[np.intp], *, alone: bool = False) -> tuple[Array, float]:
        """Of all prompts, learned from these; and the variance that it is said to have."""
        new = fit_column(*self.rows(rows, alone=alone))
        said = new.level + self.pool.directions @ new.weight + self.pool.attributes @ new.table
        return said, new.doubt


def made_world(seed: int, n: int = 600) -> World:
    random = np.random.default_rng(seed)
    weight = 0.1 * random.normal(size=(DIRECTIONS, 3)) @ random.normal(size=(3, MODELS + 1))
    level = 0.6 + 0.1 * random.normal(size=MODELS + 1)
    table = 0.05 * random.normal(size=(2, MODELS + 1))
    directions, attributes = random.normal(size=(n, DIRECTIONS)), random.choice([-0.5, 0.5], (n, 2))
    noise = 0.12 + 0.06 * np.eye(MODELS + 1)  # a prompt that is easy is so for all
    truth = level + directions @ weight + attributes @ table
    score = truth + random.multivariate_normal(np.zeros(MODELS + 1), noise, size=n)
    pool = Known(
        directions=directions,
        attributes=attributes,
        level=level[:-1],
        weight=weight[:, :-1],
        table=table[:, :-1],
        noise=noise[:-1, :-1],
        score=score[:, :-1],
    )
    return World(pool, score[:, -1], truth[:, -1])


WORLDS = [made_world(seed) for seed in range(20)]
FEW = np.arange(20)


def error(world: World, rows: npt.NDArray[np.intp], *, alone: bool = False) -> float:
    return float(np.square(world.predicted(rows, alone=alone)[0] - world.truth).mean())


def test_twenty_prompts_say_more_than_the_pool_does_and_many_more_than_few() -> None:
    of_pool = [
        np.square((w.pool.level + w.pool.directions @ w.pool.weight).mean(1) - w.truth).mean() for w in WORLDS
    ]
    few, many = (np.mean([error(world, np.arange(n)) for world in WORLDS]) for n in (20, 300))
    assert many < 0.4 * few < 0.4 * np.mean(of_pool)


def test_prompts_that_flatter_are_seen_through() -> None:
    """The thirty prompts that the pool found easiest: the new model did well on them too."""
    flattered, corrected = [], []
    for world in WORLDS:
        easy = np.argsort(-world.pool.score.mean(1))[:30]
        of_all = world.truth.mean()
        flattered.append(world.predicted(easy, alone=True)[0].mean() - of_all)
        corrected.append(world.predicted(easy)[0].mean() - of_all)
    assert np.mean(flattered) > 0.2
    assert abs(np.mean(corrected)) < 0.25 * np.mean(flattered)


def test_some_scores_of_the_pool_are_better_than_none() -> None:
    some, none = [], []
    for world in WORLDS:
        hidden = np.random.default_rng(0).random(world.pool.score.shape) < 0.5
        sparse = dataclasses.replace(world.pool, score=np.where(hidden, np.nan, world.pool.score))
        easy = np.argsort(-world.pool.score.mean(1))[:30]
        some.append(error(dataclasses.replace(world, pool=sparse), easy))
        none.append(error(world, easy, alone=True))
    assert np.mean(some) < 0.6 * np.mean(none)


@pytest.mark.parametrize("n", [20, 300])
def test_the_doubt_is_of_the_size_of_the_error(n: int) -> None:
    said = np.mean([world.predicted(np.arange(n))[1] for world in WORLDS])
    assert 0.5 < said / np.mean([error(world, np.arange(n)) for world in WORLDS]) < 2.5


def test_a_twin_of_a_model_of_the_pool_is_found() -> None:
    world = WORLDS[0]
    known, _ = world.rows(np.arange(400))
    new = fit_column(known, known.score[:, 2])
    expected = known.level[2] + known.directions @ known.weight[:, 2]
    found = new.level + known.directions @ new.weight
    assert np.square(found - expected).mean() < 0.15 * expected.var()


def test_noise_is_shared_as_in_the_pool() -> None:
    found = [fit_column(*world.rows(np.arange(300))) for world in WORLDS]
    np.testing.assert_allclose(np.mean([new.noise[-1, :-1] for new in found]), 0.12, rtol=0.1)
    np.testing.assert_allclose(np.min([new.noise[-1, -1] for new in found]), 0.18, rtol=1e-4)
    assert all((np.linalg.eigvalsh(new.noise) > 0).all() for new in found)


def test_what_is_its_own_is_learned_from_many_prompts() -> None:
    world = WORLDS[0]
    own = 0.2 * world.pool.directions[:, 0] * np.sign(world.pool.directions[:, 1])
    only = np.column_stack([world.pool.directions, own])
    pool = dataclasses.replace(
        world.pool,
        directions=only,
        weight=np.vstack([world.pool.weight, np.full((1, MODELS), 0.05) * [[1, -1] * (MODELS // 2)]]),
    )
    other = World(pool, world.score + own, world.truth + own)
    errors = [error(other, np.arange(n)) for n in (20, 500)]
    assert errors[1] < 0.25 * errors[0]
    assert errors[1] < 0.25 * own.var()


@pytest.mark.parametrize("n_models", [1, 2, 30])
@pytest.mark.parametrize("size", [0.0, 0.2])
def test_models_that_are_all_alike_or_never_in_doubt_are_no_obstacle(n_models: int, size: float) -> None:
    known, _ = WORLDS[0].rows(FEW)
    alike = dataclasses.replace(
        known,
        level=np.repeat(known.level[:1], n_models),
        weight=np.repeat(known.weight[:, :1], n_models, 1),
        table=np.repeat(known.table[:, :1], n_models, 1),
        noise=np.full((n_models, n_models), size),
        score=np.repeat(known.score[:, :1], n_models, 1),
    )
    new = fit_column(alike, np.ones(20))
    assert np.isfinite([new.level, new.doubt, *new.weight, *new.noise.ravel()]).all()
    assert new.level > known.level[0]


def test_a_pool_of_one_and_no_attributes() -> None:
    world = WORLDS[0]
    known, score = world.rows(FEW)
    one = dataclasses.replace(
        known,
        attributes=np.zeros((20, 0)),
        level=known.level[:1],
        weight=known.weight[:, :1],
        table=np.zeros((0, 1)),
        noise=known.noise[:1, :1],
        score=known.score[:, :1],
    )
    new = fit_column(one, score)
    assert np.isfinite([new.level, new.doubt, *new.weight, *new.noise.ravel()]).all()
    assert new.doubt > 0
    assert new.table.shape == (0,)
    assert abs(new.level - score.mean()) < 0.2


def test_scores_that_are_all_the_same() -> None:
    known, _ = WORLDS[0].rows(np.arange(200))
    new = fit_column(known, np.ones(200))
    said = new.level + known.directions @ new.weight
    np.testing.assert_allclose(said.mean(), 1.0, atol=0.05)


@pytest.mark.parametrize(("shift", "slope"), [(0.0, 1.0), (1.0, 1.0), (-0.5, 0.6), (0.3, 1.5)])
def test_logs_are_shifted_and_stretched(shift: float, slope: float) -> None:
    random = np.random.default_rng(0)
    expected = 5 + random.normal(size=400)
    recorded = shift + slope * expected + 0.3 * random.normal(size=400)
    found = fit_log(expected, recorded)
    assert found[1] == pytest.approx(slope, abs=0.1)
    said = np.exp(found[0] + found[1] * expected)
    assert said.mean() == pytest.approx(np.exp(recorded).mean(), rel=1e-6)


def test_a_single_log_keeps_the_slope_of_the_pool() -> None:
    shift, slope = fit_log(np.array([5.0]), np.array([6.0]))
    assert (shift, slope) == pytest.approx((1.0, 1.0))
