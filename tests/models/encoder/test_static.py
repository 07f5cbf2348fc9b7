from typing import Any

import pytest
import torch

from routoo.data.errors import InputError
from routoo.models.encoder.encoder import Encoder, encoder_config, load_encoder, max_positions
from routoo.models.encoder.static import StaticConfig, StaticEncoder, without_layers


@pytest.fixture(scope="module")
def tiny() -> Encoder:
    return load_encoder("tiny", texts=["one two three four", "five six seven"])


def test_a_token_is_the_same_whatever_stands_around_it(tiny: Encoder) -> None:
    static = without_layers(tiny).model
    (states,) = static(input_ids=torch.tensor([[4, 5, 6], [6, 4, 5]])).hidden_states
    assert states[0, 0].equal(states[1, 1])
    assert states[0, 2].equal(states[1, 0])


def test_its_table_is_that_of_the_encoder_and_a_copy(tiny: Encoder) -> None:
    encoder = without_layers(tiny)
    table = encoder.model.get_parameter("table.weight")
    vectors = tiny.model.get_input_embeddings().get_parameter("weight")
    assert table.equal(vectors)
    assert table.data_ptr() != vectors.data_ptr()
    assert not table.requires_grad
    assert (encoder.n_layers, encoder.width, max_positions(encoder)) == (0, tiny.width, max_positions(tiny))
    assert encoder.tokenizer is tiny.tokenizer


def test_a_table_has_no_table_to_leave(tiny: Encoder) -> None:
    with pytest.raises(InputError, match="nano predictor already"):
        without_layers(without_layers(tiny))


def test_its_configuration_survives_json(tiny: Encoder) -> None:
    values: dict[str, Any] = encoder_config(without_layers(tiny))  # Any: what JSON holds
    assert values.pop("model_type") == StaticConfig.model_type
    again = StaticEncoder(StaticConfig(**values))
    assert again.get_parameter("table.weight").shape == (tiny.tokenizer.get_vocab_size(), tiny.width)
    assert again.config.num_hidden_layers == 0
