"""A network behind the contract of all estimators, and what one on torch predicts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

import numpy as np

from routoo.data.chat import Prompt
from routoo.data.checks.batch import prompt_texts
from routoo.data.domains import Attributes, attribute_numbers, domain_numbers
from routoo.data.scores import priced_scores
from routoo.models.network.predicting import predict_inputs
from routoo.models.training.train import TrainedNetwork, train_network

if TYPE_CHECKING:
    from routoo.data.outcomes import Outcomes
    from routoo.data.pool import Pool
    from routoo.data.scores import Scores
    from routoo.models.training.options import TrainOptions


class NetworkEstimator:
    """A network, as an estimator.

    Args:
        options: How it is trained.
    """

    def __init__(self, options: TrainOptions) -> None:
        self.options = options

    def fit(self, outcomes: Outcomes, pool: Pool) -> Self:
        """Trains on the prompts in ``train`` and ``val``.

        Raises:
            InputError: There is too little to train on.
        """
        self.trained = train_network(outcomes, pool, self.options)
        return self

    def predict(self, prompts: Iterable[Prompt], domains: Iterable[str | None] | None = None) -> Scores:
        """What the network says."""
        return predicted_scores(self.trained, prompts, domains)


def predicted_scores(
    trained: TrainedNetwork,
    prompts: Iterable[Prompt],
    domains: Iterable[str | None] | None = None,
    attributes: Attributes | None = None,
) -> Scores:
    """Predicted score, cost and latency of each model on each prompt, by a network on torch.

    Args:
        trained: The network with its text side.
        prompts: Texts or chats.
        domains: Domain of each prompt, where it is known; else it is inferred from the text.
        attributes: Values of attributes that it learned, likewise.

    Raises:
        InputError: There is no prompt, or one is neither text nor chat, or blank, or an attribute
            was not learned.
    """
    encoded = trained.tokenizer.encode(prompt_texts(prompts))
    order = np.argsort(encoded.lengths, kind="stable")
    back = np.argsort(order)
    numbers = domain_numbers(domains, trained.domains, len(encoded))
    observed = (
        attribute_numbers(attributes, trained.attributes, len(encoded))
        if trained.attributes or attributes is not None
        else None
    )
    found = predict_inputs(trained.network, encoded, order, domain=numbers, attributes=observed)
    sent = encoded.input_tokens[:, None] * trained.input_token_ratio
    outputs = {name: value.numpy()[back] for name, value in found._asdict().items()}
    return priced_scores(trained.pool, sent, **outputs, unrecorded=trained.unrecorded)
