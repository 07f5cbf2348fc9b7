"""The nano network: what a large one knows, in one that reads words alone and answers many times as fast."""

from __future__ import annotations

import dataclasses

import numpy as np

from routoo.data.outcomes import Outcomes
from routoo.data.progress import Progress
from routoo.data.text import EncodedPrompts
from routoo.models.encoder.features import on_accelerator, prompt_features
from routoo.models.encoder.static import without_layers
from routoo.models.network.predicting import predict_inputs
from routoo.models.training.options import TrainOptions
from routoo.models.training.targets import Array
from routoo.models.training.train import train_network
from routoo.models.training.trained_network import TrainedNetwork

ASKED = ("seed", "accelerator", "threads", "cache_dir", "progress")
"""Training options that count; all others are the teacher's, but for the epochs."""


def nano_network(
    teacher: TrainedNetwork, outcomes: Outcomes, options: TrainOptions, *, progress: Progress | None = None
) -> TrainedNetwork:
    """A network on the teacher's token vectors alone whose heads learned the teacher's predictions.

    The loss is the cross-entropy against the score that the teacher predicts (Hinton, Vinyals and Dean 2015,
    arXiv 1503.02531), for every model on every prompt, recorded or not. Heads are trained as the teacher's
    were; the evidence heads are fitted on what was recorded, as ever.

    Args:
        teacher: The large network, which stays as it is.
        outcomes: Recorded outcomes; without a split they get the teacher's, so that what it was not trained
            on stays unseen.
        options: Of these, those in `ASKED` count.
        progress: Called while the teacher reads the prompts.

    Raises:
        InputError: The teacher is a nano itself, a model of its has no outcome in ``train``, or there is too
            little to train on.
    """
    large = teacher.encoder

    def teach(prompts: EncodedPrompts) -> Array:
        layers = teacher.network.config.layers
        with on_accelerator(large, options.accelerator):
            features = prompt_features(large, prompts, layers, cache_dir=options.cache_dir, progress=progress)
        return predict_inputs(teacher.network, features, np.arange(len(prompts))).p_correct.numpy()

    learned = outcomes.with_split(keep=teacher.split)
    pupil = _pupil_options(teacher, options)
    nano = train_network(learned, teacher.pool, pupil, encoder=without_layers(large), teach=teach)
    kept = ("data", "n_train", "options", "added")
    record = {name: teacher.trained_on[name] for name in kept if name in teacher.trained_on}
    trained_on = {**nano.trained_on, "teacher": record}
    return dataclasses.replace(
        nano, trained_on=trained_on, split=teacher.split.with_learned(learned.placed())
    )


def _pupil_options(teacher: TrainedNetwork, options: TrainOptions) -> TrainOptions:
    """How the teacher's heads were trained, as far as this version knows how; then what is asked."""
    known = {field.name for field in dataclasses.fields(TrainOptions)} - {"resume"}
    heads = {name: value for name, value in teacher.trained_on["options"].items() if name in known}
    asked = {name: getattr(options, name) for name in ASKED}
    # A teacher that learned with its encoder may have had two or three epochs.
    fixed = {"tune": "frozen", "epochs": None, "max_tokens": teacher.tokenizer.policy.max_tokens}
    return TrainOptions(**heads | asked | fixed)
