"""Which share of the calls goes to the best single model for nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.data.curves import Vector
from routoo.evaluation.metrics.metric import Metric, Subject
from routoo.evaluation.trial.curve import NEARLY_FREE


def collapse(chosen: npt.NDArray[np.integer[Any]], needless: Vector, best: int) -> float:
    """Share of the calls that go to the best single model though a cheaper one scores no less.

    Routers are known to drift to the dearest model as money allows, though cheaper ones would do (arXiv
    2602.03478). 0 where it is called only when needed; near 1 is a router that has collapsed.

    Args:
        chosen: The model of each prompt when money is no object, ``(n_prompts,)``.
        needless: 1 where a cheaper model scores no less, else 0, ``(n_prompts, n_models)``.
        best: Position of the best single model.

    >>> collapse(np.array([1, 1, 0, 0]), np.array([[0, 1.0], [0, 0], [0, 1.0], [0, 1.0]]), 1)
    0.25
    """
    return float(((chosen == best) & (needless[:, best] > 0)).mean())


def _of(subject: Subject) -> float:
    chosen, trial = subject.policy.chosen, subject.trial
    assert chosen is not None  # for the type checker: subjects choose
    return collapse(chosen[NEARLY_FREE], trial.needless, trial.singles.best)


COLLAPSE = Metric(
    key="collapse",
    heading="collapse",
    words=(
        "share of the calls that go to the best single model when money is no object though a cheaper one "
        "scores no less"
    ),
    of=_of,
)
