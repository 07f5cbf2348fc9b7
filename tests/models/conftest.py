"""Small recorded outcomes that a predictor can learn something from."""

import dataclasses
from typing import Any

import numpy as np
import polars as pl
import pytest

from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.models.encoder.encoder import Encoder, load_encoder
from routoo.models.training.options import TrainOptions
from routoo.models.training.train import train_network
from routoo.models.training.trained_network import TrainedNetwork

WORDS = {"sum": "add the numbers", "code": "write a function that sorts", "history": "when did the war end"}
SKILL = {"sum": (0.9, 0.3, 0.6), "code": (0.2, 0.9, 0.6), "history": (0.5, 0.5, 0.6)}
MODELS = ("adder", "coder", "even")
QUICK: dict[str, Any] = {
    "encoder": "tiny",
    "epochs": 10,
    "batch_size": 16,
    "members": 3,
    "width": 32,
    "encoder_learning_rate": 2e-3,
    "max_tokens": 32,
    "progress": False,
    "cache_dir": None,
    "accelerator": "cpu",
}


def recorded_outcomes(n: int = 480, *, seed: int = 0, missing: float = 0.1) -> Outcomes:
    """Three kinds of prompts that their words tell apart, and three models good at different ones."""
    rng = np.random.default_rng(seed)
    prompts, rows = [], []
    for at in range(n):
        domain = list(WORDS)[at % 3]
        numbers = " ".join(map(str, rng.integers(0, 100, 2)))
        prompt_id = f"p{at:04d}"
        prompts.append({"prompt_id": prompt_id, "prompt": f"{WORDS[domain]} {numbers}", "domain": domain})
        for model, skill in zip(MODELS, SKILL[domain], strict=True):
            if rng.random() < missing:
                continue
            tokens = int(20 + 200 * (domain == "code") + rng.integers(0, 10))
            score = float(rng.random() < skill)
            rows.append(
                {
                    "prompt_id": prompt_id,
                    "model": model,
                    "score": score,
                    "response": "right" if score else f"wrong {at % 2}",
                    "signal_sequence_log_prob_mean": score - at % 7 / 3,
                    "input_tokens": 30,
                    "output_tokens": tokens,
                    "latency_s": 0.5 + tokens / 100,
                }
            )
    return Outcomes(pl.DataFrame(prompts), pl.DataFrame(rows), "three kinds").with_split(val=0.2, test=0.2)


@pytest.fixture(scope="session")
def outcomes() -> Outcomes:
    return recorded_outcomes()


@pytest.fixture(scope="session")
def pool() -> Pool:
    prices = zip(MODELS, (1.0, 2.0, 0.5), strict=True)
    return Pool(tuple(PoolModel(name=n, usd_per_1m_input=p, usd_per_1m_output=3 * p) for n, p in prices))


@pytest.fixture(scope="session")
def trained(outcomes: Outcomes, pool: Pool) -> TrainedNetwork:
    """A network whose encoder learned who is good at what."""
    return train_network(outcomes, pool, TrainOptions(**QUICK, tune="full"))


@pytest.fixture(scope="session")
def frozen_encoder(outcomes: Outcomes) -> Encoder:
    """A tiny encoder of fresh weights that is taken for a pretrained one."""
    return dataclasses.replace(load_encoder("tiny", texts=outcomes.texts), pretrained=True)


@pytest.fixture(scope="session")
def frozen(outcomes: Outcomes, pool: Pool, frozen_encoder: Encoder) -> TrainedNetwork:
    """A network of heads alone on an encoder that stays as it is."""
    return train_network(outcomes, pool, TrainOptions(**QUICK), encoder=frozen_encoder)
