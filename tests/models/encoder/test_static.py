from typing import Any

import pytest
import torch

from routoo.data.errors import InputError
from routoo.models.encoder.static import StaticConfig, StaticEncoder, static_trunk
from routoo.models.encoder.trunk import Trunk, load_trunk, max_positions, trunk_config


@pytest.fixture(scope="module")
def tiny() -> Trunk:
    return load_trunk("tiny", texts=["one two three four", "five six seven"])


def test_a_token_is_the_same_whatever_stands_around_it(tiny: Trunk) -> None:
    encoder = static_trunk(tiny).model
    (states,) = encoder(input_ids=torch.tensor([[4, 5, 6], [6, 4, 5]])).hidden_states
    assert states[0, 0].equal(states[1, 1])
    assert states[0, 2].equal(states[1, 0])


def test_its_table_is_that_of_the_trunk_and_a_copy(tiny: Trunk) -> None:
    trunk = static_trunk(tiny)
    table = trunk.model.get_parameter("table.weight")
    vectors = tiny.model.get_input_embeddings().get_parameter("weight")
    assert table.equal(vectors)
    assert table.data_ptr() != vectors.data_ptr()
    assert not table.requires_grad
    assert (trunk.n_layers, trunk.width, max_positions(trunk)) == (0, tiny.width, max_positions(tiny))
    assert trunk.tokenizer is tiny.tokenizer


def test_a_table_has_no_table_to_leave(tiny: Trunk) -> None:
    with pytest.raises(InputError, match="nano predictor already"):
        static_trunk(static_trunk(tiny))


def test_its_configuration_survives_json(tiny: Trunk) -> None:
    values: dict[str, Any] = trunk_config(static_trunk(tiny))  # Any: what JSON holds
    assert values.pop("model_type") == StaticConfig.model_type
    again = StaticEncoder(StaticConfig(**values))
    assert again.get_parameter("table.weight").shape == (tiny.tokenizer.get_vocab_size(), tiny.width)
    assert again.config.num_hidden_layers == 0
