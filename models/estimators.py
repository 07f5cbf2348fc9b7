"""Networks behind the one contract, and what reads prompts for others: the features of a trunk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from routoo.data.batch import prompt_texts
from routoo.data.chat import Prompt
from routoo.data.domains import Labels, domain_numbers, label_numbers
from routoo.data.scores import priced_scores
from routoo.data.text import PromptEncoder, TextPolicy
from routoo.models.encoder.features import Progress, on_accelerator, prompt_features
from routoo.models.encoder.trunk import Trunk, load_trunk
from routoo.models.network.network import default_layers
from routoo.models.network.predicting import predict_inputs
from routoo.models.training.train import TrainedNetwork, train_network

if TYPE_CHECKING:
    from routoo.data.outcomes import Outcomes
    from routoo.data.pool import Pool
    from routoo.data.scores import Scores
    from routoo.models.training.options import TrainOptions


class NetworkEstimator:
    """A network, whatever its heads and its stack, as an estimator.

    Args:
        options: How it is trained.
    """

    def __init__(self, options: TrainOptions) -> None:
        self.options = options

    def fit(self, outcomes: Outcomes, pool: Pool) -> Self:
        """Trains on the prompts in ``train``, and calibrates on those in ``val``.

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
    labels: Labels | None = None,
) -> Scores:
    """Predicted score, cost and latency of each model on each prompt, by a network on torch.

    Args:
        trained: The network with its text side.
        prompts: Texts or chats.
        domains: Domain of each prompt, where it is known; else it is guessed from the text.
        labels: Values of labels that it learned, likewise.

    Raises:
        InputError: There is no prompt, or one is neither text nor chat, or blank, or a label was not learned.
    """
    encoded = trained.encoder.encode(prompt_texts(prompts))
    order = np.argsort(encoded.lengths, kind="stable")
    back = np.argsort(order)
    numbers = domain_numbers(domains, trained.domains, len(encoded))
    told = (
        label_numbers(labels, trained.labels, len(encoded)) if trained.labels or labels is not None else None
    )
    found = predict_inputs(trained.network, encoded, order, domain=numbers, labels=told, size=64)
    sent = encoded.input_tokens[:, None] * trained.input_token_ratio
    outputs = {name: value.numpy()[back] for name, value in found._asdict().items()}
    return priced_scores(trained.pool, sent, **outputs, unrecorded=trained.unrecorded)


class TrunkFeatures:
    """Features of prompts by a pretrained trunk, which is loaded when first asked.

    Args:
        trunk: Its name, see `load_trunk`.
        last_layer: The means of its last layer alone, in place of all features of a network.
        cache_dir: Where features are kept.
        progress: Told after every batch.
    """

    def __init__(
        self,
        trunk: str,
        *,
        last_layer: bool = False,
        cache_dir: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.trunk, self.last_layer, self.cache_dir, self.progress = trunk, last_layer, cache_dir, progress
        self._loaded: tuple[Trunk, PromptEncoder] | None = None

    def __call__(self, prompts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Features of these prompts, ``(n_prompts, n_features)``."""
        trunk, encoder = self.load(prompts)
        layers = default_layers(trunk.n_layers)
        with on_accelerator(trunk, "auto"):
            found = prompt_features(
                trunk, encoder.encode(prompts), layers, cache_dir=self.cache_dir, progress=self.progress
            )
        return found[:, -1 - trunk.width : -1] if self.last_layer else found

    def load(self, prompts: Sequence[str]) -> tuple[Trunk, PromptEncoder]:
        """The trunk and what encodes prompts for it, loaded unless it is; `prompts` as in `load_trunk`.

        Raises:
            InputError: The trunk is nowhere to be found.
        """
        if self._loaded is None:
            trunk = load_trunk(self.trunk, texts=prompts)
            self._loaded = trunk, PromptEncoder(trunk.tokenizer, TextPolicy())
        return self._loaded
