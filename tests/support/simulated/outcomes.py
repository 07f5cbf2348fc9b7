"""Simulated prompts, and what six simulated models would achieve on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from simulated.prompts import SimulatedPrompt, simulated_prompts

Matrix = npt.NDArray[np.float64]

_DISCRIMINATION = 2.0
_GUESS, _SLIP = 0.02, 0.02
_CHARACTERS_PER_TOKEN = 4.0
_TOKENS_SPREAD, _LATENCY_SPREAD = 0.3, 0.25
_GRADED_IN_QUARTERS = frozenset({"translation", "summary", "writing"})
_ANSWER_TOKENS = {
    "arithmetic": 90, "units": 60, "code": 320, "sql": 150, "translation": 70, "summary": 80,
    "trivia": 30, "logic": 160, "extraction": 90, "writing": 260,
}  # fmt: skip


@dataclass(frozen=True)
class _Simulated:
    """A simulated model: its entry in the pool, and its skills."""

    entry: PoolModel
    skill: float
    verbosity: float
    better_at: Mapping[str, float]


def _simulated(
    name: str,
    price: tuple[float, float],
    speed: tuple[float, float],
    *,
    skill: float,
    verbosity: float = 1.0,
    **better_at: float,
) -> _Simulated:
    entry = PoolModel(
        name=f"simulated-{name}",
        usd_per_1m_input=price[0],
        usd_per_1m_output=price[1],
        time_to_first_token_s=speed[0],
        tokens_per_second=speed[1],
    )
    return _Simulated(entry, skill, verbosity, better_at)


_MODELS = (
    _simulated("tiny", (0.05, 0.1), (0.15, 220.0), skill=-1.2, verbosity=0.8),
    _simulated("small", (0.15, 0.45), (0.25, 140.0), skill=-0.4),
    _simulated("medium", (0.6, 1.8), (0.4, 90.0), skill=0.5, verbosity=1.1),
    _simulated("coder", (0.5, 1.5), (0.4, 95.0), skill=-0.6, code=2.4, sql=2.5, extraction=1.4),
    _simulated("linguist", (0.5, 1.5), (0.4, 95.0), skill=-0.7, translation=2.4, summary=2.2, writing=2.3),
    _simulated("large", (3.0, 12.0), (0.8, 45.0), skill=1.5, verbosity=1.2, trivia=0.4, code=-0.2),
)


def simulated_pool() -> Pool:
    """Six models that do not exist: four sizes, a coder and a linguist, with prices and speeds.

    >>> simulated_pool().names[:2]
    ('simulated-tiny', 'simulated-small')
    """
    return Pool(tuple(model.entry for model in _MODELS))


def simulated_outcomes(n_prompts: int = 3000, seed: int = 0, *, missing: float = 0.0) -> Outcomes:
    """What the models of `simulated_pool` achieve on simulated prompts.

    A model solves a prompt with a probability that grows with its skill in the domain less the
    difficulty of the prompt (the three-parameter logistic model: Birnbaum 1968, with a slip).
    Translations, summaries and writing are graded in quarters. Cost follows from tokens and prices.

    Args:
        n_prompts: How many different prompts, at least 1.
        seed: Which of the possible sets.
        missing: Share of the outcomes that nobody recorded; every prompt keeps one at least.

    Raises:
        InputError: No prompt is asked for, or all outcomes are to be missing.

    >>> outcomes = simulated_outcomes(20)
    >>> len(outcomes), len(outcomes.models)
    (20, 6)
    """
    if n_prompts < 1:
        raise InputError(f"n_prompts must be at least 1, got {n_prompts}")
    if not 0 <= missing < 1:
        raise InputError(f"missing must lie in [0, 1), got {missing}")
    prompts = simulated_prompts(n_prompts, seed=seed)
    rng = np.random.default_rng(seed)
    ids = [f"simulated/{at:05d}" for at in range(n_prompts)]
    columns = _columns(prompts, rng)
    recorded = rng.random((n_prompts, len(_MODELS))) >= missing
    recorded[np.arange(n_prompts), rng.integers(len(_MODELS), size=n_prompts)] = True
    rows, models = np.nonzero(recorded)
    names = simulated_pool().names
    return Outcomes(
        pl.DataFrame(
            {
                "prompt_id": ids,
                "prompt": [prompt.text for prompt in prompts],
                "domain": [prompt.domain for prompt in prompts],
            }
        ),
        pl.DataFrame(
            {
                "prompt_id": [ids[row] for row in rows],
                "model": [names[at] for at in models],
                **{name: values[recorded] for name, values in columns.items()},
            }
        ),
        name="simulated sample",
    )


def _columns(prompts: list[SimulatedPrompt], rng: np.random.Generator) -> dict[str, Matrix]:
    """Score, tokens, cost and latency, each ``(n_prompts, n_models)``."""
    shape = len(prompts), len(_MODELS)
    pool = simulated_pool()
    grades = np.array([4 if prompt.domain in _GRADED_IN_QUARTERS else 1 for prompt in prompts])[:, None]
    score = rng.binomial(grades, _chances(prompts)) / grades
    typed = np.array([len(prompt.text) for prompt in prompts])[:, None] / _CHARACTERS_PER_TOKEN
    sent = np.broadcast_to(np.ceil(typed), shape)
    verbosity = np.array([model.verbosity for model in _MODELS])
    usual = np.array([_ANSWER_TOKENS[prompt.domain] for prompt in prompts])[:, None] * verbosity
    effort = np.exp(0.25 * np.array([prompt.difficulty for prompt in prompts]))[:, None]
    received = np.ceil(usual * effort * rng.lognormal(0.0, _TOKENS_SPREAD, shape))
    return {
        "score": score,
        "input_tokens": sent,
        "output_tokens": received,
        "cost_usd": pool.cost_usd(sent, received),
        "latency_s": pool.latency_s(received) * rng.lognormal(0.0, _LATENCY_SPREAD, shape),
    }


def _chances(prompts: list[SimulatedPrompt]) -> Matrix:
    """Probability that each model solves each prompt, ``(n_prompts, n_models)``."""
    skill = np.array(
        [[model.skill + model.better_at.get(prompt.domain, 0.0) for model in _MODELS] for prompt in prompts]
    )
    difficulty = np.array([prompt.difficulty for prompt in prompts])[:, None]
    solved = 1 / (1 + np.exp(-_DISCRIMINATION * (skill - difficulty)))
    return np.asarray(_GUESS + (1 - _GUESS - _SLIP) * solved, dtype=np.float64)
