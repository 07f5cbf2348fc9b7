"""The lab's pool: real small models, each with the ways of asking that make it a member."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from routoo.data.call import Call
from routoo.data.pool import Pool, PoolModel
from routoo.lab.specialists import adapter_path
from routoo.lab.weights import weights_path

_USD_PER_1M_INPUT, _USD_PER_1M_OUTPUT = (
    0.05,
    0.10,
)  # for a billion parameters: the tier of small hosted models


@dataclass(frozen=True)
class LabMember:
    """A model and a way of asking it.

    Args:
        weights: Name of its weights.
        billions: Of parameters; prices follow from them.
        ask: The way of asking.
        samples: Answers of which the majority counts.
        max_tokens: Most tokens of an answer.
        specialist: Name of the adapter, for a model that was fine-tuned.
        dtype: In which it was recorded.
    """

    weights: str
    billions: float
    ask: str = "brief"
    samples: int = 1
    max_tokens: int = 64
    specialist: str | None = None
    dtype: str = "bfloat16"

    def entry(self, name: str, *, cache_dir: Path | None = None) -> PoolModel:
        """The member as a model of the pool."""
        adapter = self.specialist and str(adapter_path(self.specialist, cache_dir=cache_dir))
        return PoolModel(
            name=name,
            usd_per_1m_input=round(self.billions * _USD_PER_1M_INPUT, 6),
            usd_per_1m_output=round(self.billions * _USD_PER_1M_OUTPUT, 6),
            context_window=2048,
            call=Call(
                kind="local",
                model=str(weights_path(self.weights, cache_dir=cache_dir)),
                ask=self.ask,
                samples=self.samples,
                temperature=0.0 if self.samples == 1 else 0.7,
                max_tokens=self.max_tokens,
                adapter=adapter or None,
                dtype=self.dtype,
            ),
        )


def _smol(specialist: str | None = None) -> LabMember:
    return LabMember("smollm2-135m", 0.135, specialist=specialist, dtype="float32")


def _qwen(billions: float, ask: str, max_tokens: int = 64, samples: int = 1) -> LabMember:
    return LabMember(f"qwen2.5-coder-{billions}b", billions, ask, samples, max_tokens)


MEMBERS: dict[str, LabMember] = {
    "smol": _smol(),
    "smol-words": _smol("words"),
    "smol-texts": _smol("texts"),
    "smol-dates": _smol("dates"),
    "qwen-0.5b": _qwen(0.5, "brief"),
    "qwen-0.5b-steps": _qwen(0.5, "steps", 192),
    "qwen-0.5b-code": _qwen(0.5, "code"),
    "qwen-0.5b-five": _qwen(0.5, "brief", samples=5),
    "qwen-1.5b": _qwen(1.5, "brief"),
    "qwen-1.5b-code": _qwen(1.5, "code"),
}
"""The lab's members by name."""


def lab_pool(*, cache_dir: Path | None = None) -> Pool:
    """The members with their prices, and how each is called.

    Nobody sells these models; they are priced by size: 0.05 USD for a million input tokens and 0.10 for a
    million output tokens, for each billion of parameters, fine-tuned or not.

    >>> lab_pool()["qwen-1.5b"].usd_per_1m_output
    0.15
    """
    return Pool(tuple(member.entry(name, cache_dir=cache_dir) for name, member in MEMBERS.items()))
