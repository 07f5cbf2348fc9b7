"""An encoder without layers: a table of token vectors, whose mean is all that the heads read."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from routoo.data.errors import InputError
from routoo.models.encoder.encoder import Encoder, max_positions


class StaticConfig(PretrainedConfig):  # type: ignore[no-untyped-call]  # transformers leaves it untyped
    """What a `StaticEncoder` looks like: rows and width of its table."""

    model_type = "routoo-static"

    def __init__(
        self,
        vocab_size: int = 1,
        hidden_size: int = 1,
        max_position_embeddings: int = 512,
        **others: Any,  # what every configuration of transformers may carry
    ) -> None:
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.max_position_embeddings = max_position_embeddings
        self.num_hidden_layers = 0
        super().__init__(**{name: value for name, value in others.items() if name != "num_hidden_layers"})


class StaticEncoder(PreTrainedModel):
    """An encoder that says of a token the same whatever stands around it.

    Its only hidden state is the embedding layer; a prompt costs one look-up a token.

    Args:
        config: See `StaticConfig`.
    """

    config_class = StaticConfig

    def __init__(self, config: StaticConfig) -> None:
        super().__init__(config)  # type: ignore[no-untyped-call]  # transformers leaves it untyped
        self.table = nn.Embedding(config.vocab_size, config.hidden_size)
        self.post_init()  # type: ignore[no-untyped-call]  # transformers leaves it untyped

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        **_: object,  # what encoders are asked for: all hidden states, as a record
    ) -> BaseModelOutput:
        """The vectors of the tokens, ``(n_prompts, length, width)``, as the one hidden state there is."""
        states = self.table(input_ids)
        return BaseModelOutput(last_hidden_state=states, hidden_states=(states,))


def without_layers(encoder: Encoder) -> Encoder:
    """What is left of an encoder without its layers: tokenizer and token vectors.

    Raises:
        InputError: It has no layers to leave out.

    Example:
        >>> from routoo.models.encoder.encoder import load_encoder
        >>> without_layers(load_encoder("tiny", texts=["a b c"])).n_layers
        0
    """
    if isinstance(encoder.model, StaticEncoder):
        raise InputError(
            "the predictor is a nano predictor already, which reads words alone; distill the one it came from"
        )
    vectors = encoder.model.get_input_embeddings().get_parameter("weight").detach()
    rows, width = vectors.shape
    static = StaticEncoder(StaticConfig(rows, width, max_position_embeddings=max_positions(encoder)))
    with torch.no_grad():
        static.table.weight.copy_(vectors)
    static.requires_grad_(False).train(False)
    return Encoder(static, encoder.tokenizer, encoder.origin, True)
