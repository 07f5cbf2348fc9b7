"""What may come in by the doors of a predictor, and what is refused there in words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.predictor import Predictor, train

NEW = PoolModel(name="new", usd_per_1m_input=1.0, usd_per_1m_output=1.0)

Fault = Callable[[Any, Any], Any]  # Any: what no type checker would let in


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda p, o: p.add_model("new", o), "a model must be a routoo.PoolModel, .* got str"),
        (lambda p, o: p.add_model(NEW, "file.csv"), "outcomes must be routoo.Outcomes, got str"),
        (lambda p, o: p.with_prices(NEW), "a pool must be a routoo.Pool or the path .* got PoolModel"),
        (lambda _, o: train(o, cast(Any, [NEW]), encoder="tiny"), "a pool must be .* got list"),
        (lambda _, o: train(o, epochs=2.5), "epochs must be a whole number of at least 1, got 2.5"),
    ],
)
def test_what_is_of_another_kind_is_refused_in_words(
    fault: Fault, words: str, tiny_predictor: Predictor, simulated: Outcomes
) -> None:
    with pytest.raises(InputError, match=words):
        fault(tiny_predictor, simulated)


def test_a_pool_may_be_the_path_of_its_file(
    tiny_predictor: Predictor, simulated_models: Pool, tmp_path: Path
) -> None:
    simulated_models.write(tmp_path / "pool.toml")
    assert tiny_predictor.with_prices(str(tmp_path / "pool.toml")).pool == tiny_predictor.pool
