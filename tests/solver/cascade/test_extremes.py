"""What must hold of beliefs and steps at the edges of what they may be given."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from routoo.data.observation import ObservationModel
from routoo.solver.cascade.belief import Beliefs
from routoo.solver.cascade.course import Course
from routoo.solver.cascade.terms import Terms


def extreme(draw: np.random.Generator, shape: tuple[int, ...], *edges: float) -> npt.NDArray[np.float64]:
    """Numbers of the unit interval, none, half or all of which are one of the edges."""
    at_edge = draw.random(shape) < draw.choice([0.0, 0.5, 1.0])
    return np.where(at_edge, draw.choice(edges, shape), draw.random(shape))


def observed(draw: np.random.Generator, n_models: int) -> ObservationModel:
    levels = extreme(draw, (2, n_models, int(draw.integers(1, 5))), 0, 1)
    levels[levels.sum(2) == 0] = 1
    right, wrong = levels / levels.sum(2, keepdims=True)
    agreement = extreme(draw, (n_models, n_models, 3), 0, 1)
    agreement = np.maximum(agreement, agreement.transpose(1, 0, 2))
    loading = 2 * extreme(draw, (n_models,), 0.5, 0.005, 0.995, 0.9999995) - 1
    slope = float(draw.choice([0.0, 0.5, -3.0, 50.0]))
    return ObservationModel(tuple(map(str, range(n_models))), loading, right, wrong, agreement, slope)


@pytest.mark.parametrize("seed", range(60))
def test_beliefs_stay_probabilities_and_no_model_is_asked_twice(seed: int) -> None:
    draw = np.random.default_rng(seed)
    n, m = int(draw.integers(1, 6)), int(draw.integers(1, 7))
    cost = extreme(draw, (n, m), 0, 1e-9, 1e9)
    terms = Terms.of(
        cost,
        price=float(draw.choice([0.0, 1e-12, 1.0, 1e9])),
        calls_left=int(draw.integers(1, 5)),
        open_=draw.random((n, m)) < draw.choice([0.5, 1.0]),
        usd_left=float(draw.choice([np.inf, 0.0, 0.5])),
        latency_s=extreme(draw, (n, m), 0, 60),
        seconds_left=float(draw.choice([np.inf, 0.0, 2.0])),
        price_s=float(draw.choice([0.0, 0.1, 1e9])),
    )
    course = Course(Beliefs.start(extreme(draw, (n, m), 0, 1), observed(draw, m)), terms)
    price, steps = course.price_within(float(draw.choice([0.0, 1e-9, 1.0])))
    assert np.isfinite(price)
    while not course.over.all():
        assert not np.isnan(steps.value).any()
        assert (steps.value <= 1 + 1e-9).all()
        assert (steps.cost_usd >= 0).all()
        course.stop(np.flatnonzero(steps.first < 0))
        for members in (steps.first, steps.second):
            rows = np.flatnonzero(members >= 0)
            member = members[rows]
            assert course.terms.open[rows, member].all()
            ratio, code = (
                draw.choice([-700.0, -7.0, 0.0, 7.0, 700.0], len(rows)),
                draw.integers(-1, 2, len(rows)),
            )
            paid, later = cost[rows, member], np.zeros(len(rows))
            course.answered(rows, member, log_ratio=ratio, code=code, usd=paid, seconds=later)
        chosen, p_correct = course.settled
        assert ((p_correct >= 0) & (p_correct <= 1 + 1e-9)).all()
        assert ((chosen >= 0) == (course.answers > 0)).all()
        steps = course.steps()
