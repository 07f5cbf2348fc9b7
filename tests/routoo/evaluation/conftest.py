"""Recorded answers, and the evaluation of a router and of cascades on them."""

from __future__ import annotations

import pytest
from answered import Answered, answered_prompts

from routoo.evaluation.evaluation import Evaluation


@pytest.fixture(scope="session")
def answered() -> Answered:
    """Five hundred prompts that three models answered."""
    return answered_prompts()


@pytest.fixture(scope="session")
def with_cascades(answered: Answered) -> Evaluation:
    """A router and cascades on them."""
    return answered.evaluation()
