"""The record of what answers tell."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from routoo.data.errors import InputError
from routoo.data.observation import ObservationModel

GOOD: dict[str, Any] = {
    "models": ("a", "b"),
    "loading": [0.3, -0.2],
    "level_right": [[0.2, 0.8], [0.5, 0.5]],
    "level_wrong": [[0.7, 0.3], [0.5, 0.5]],
    "agreement": [[[1.0, 0.0, 1.0], [0.2, 0.01, 0.9]], [[0.2, 0.01, 0.9], [1.0, 0.0, 1.0]]],
    "agreement_slope": 0.5,
    "loading_slope": -0.2,
    "n_prompts": 40,
}


def test_what_was_written_is_read_back() -> None:
    model = ObservationModel(**GOOD)
    again = ObservationModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert again.to_dict() == model.to_dict()


def test_a_part_keeps_what_belongs_to_its_models() -> None:
    part = ObservationModel(**GOOD).select(["b", "a"])
    assert part.loading.tolist() == [-0.2, 0.3]
    assert part.agreement[0, 1].tolist() == [0.2, 0.01, 0.9]


def test_one_more_model_is_like_the_mean_of_the_others() -> None:
    more = ObservationModel(**GOOD).with_model("c")
    assert more.models == ("a", "b", "c")
    np.testing.assert_allclose(more.loading, [0.3, -0.2, 0.05])
    np.testing.assert_allclose(more.level_right[2], [0.35, 0.65])
    np.testing.assert_allclose(more.level_wrong[2], [0.6, 0.4])
    np.testing.assert_allclose(more.agreement[[2, 0], [1, 2]], [[0.2, 0.01, 0.9]] * 2)
    assert more.select(["a", "b"]).to_dict() == ObservationModel(**GOOD).to_dict()
    alone = more.select(["a"]).with_model("d")
    assert alone.agreement[0, 1].tolist() == [1.0, 0.0, 1.0]
    with pytest.raises(InputError, match="knows a model 'a' already"):
        more.with_model("a")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"loading": [1.0, 0.0]}, "between -1 and 1"),
        ({"loading": [0.0]}, "shape"),
        ({"level_right": [[0.5, 0.4], [0.5, 0.5]]}, "sum to 1"),
        ({"agreement": np.arange(12).reshape(2, 2, 3) / 12}, "either order"),
        ({"level_wrong": [[1.5, -0.5], [0.5, 0.5]]}, "must lie in"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        ObservationModel(**GOOD | change)


@pytest.mark.parametrize("change", [{"format": 2}, {"loading": "x"}, {"models": 3}])
def test_a_saved_one_that_is_not_whole_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"fit it again|shape|models"):
        ObservationModel.from_dict(ObservationModel(**GOOD).to_dict() | change)
