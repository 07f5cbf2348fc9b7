"""A trained network with its text side and its record: what is predicted with, exported and changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.data.chat import Prompt
from routoo.data.checks.batch import prompt_texts
from routoo.data.domains import Attribute, Attributes, attribute_numbers, domain_numbers
from routoo.data.pool import Pool
from routoo.data.scores import Scores, priced_scores
from routoo.data.splits import Split
from routoo.data.text import PromptTokenizer
from routoo.data.validation import ValidationRecord
from routoo.models.encoder.encoder import Encoder
from routoo.models.network.network import RouterNetwork
from routoo.models.network.predicting import predict_inputs
from routoo.models.signals.answer_model import AnswerModel


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network, the text side that belongs to it, and the record of how it came about.

    Args:
        network: In evaluation mode, on the CPU.
        tokenizer: Prompts to token ids.
        pool: The models that its columns stand for.
        input_token_ratio: Recorded input tokens over the tokenizer's own count, ``(n_models,)``.
        trained_on: Data, options and seed, as plain JSON values.
        metrics: Of predictions for prompts that were left out, as plain JSON values.
        domains: Names of the domains that it learned, in the order of their numbers.
        attributes: The attributes that it learned.
        split: Which prompts it was trained, validated and is to be tested on.
        unrecorded: Models whose output tokens were never recorded, so that their costs are nominal.
        validation: What its choices showed on validation, where that is known and still holds.
        answer_model: What answers of the models tell, in their order, where answers were recorded.
    """

    network: RouterNetwork
    tokenizer: PromptTokenizer
    pool: Pool
    input_token_ratio: npt.NDArray[np.float32]
    trained_on: dict[str, Any]
    metrics: dict[str, Any]
    domains: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    split: Split = field(default_factory=Split)
    unrecorded: tuple[str, ...] = ()
    validation: ValidationRecord | None = None
    answer_model: AnswerModel | None = None

    @property
    def encoder(self) -> Encoder:
        """What reads prompts, with its tokenizer."""
        return Encoder(self.network.encoder, self.tokenizer.backend, str(self.trained_on["encoder"]), True)

    def predict(
        self,
        prompts: Iterable[Prompt],
        domains: Iterable[str | None] | None = None,
        attributes: Attributes | None = None,
    ) -> Scores:
        """Predicted score, cost and latency of each model on each prompt; see `Predictor.predict`."""
        encoded = self.tokenizer.encode(prompt_texts(prompts))
        order = np.argsort(encoded.lengths, kind="stable")
        found = predict_inputs(
            self.network,
            encoded,
            order,
            domain=domain_numbers(domains, self.domains, len(encoded)),
            attributes=attribute_numbers(attributes, self.attributes, len(encoded)),
        )
        back = np.argsort(order)
        outputs = {name: value.numpy()[back] for name, value in found._asdict().items()}
        sent = encoded.input_tokens[:, None] * self.input_token_ratio
        return priced_scores(self.pool, sent, **outputs, unrecorded=self.unrecorded)
