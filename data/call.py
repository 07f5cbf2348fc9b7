"""How a model of the pool is called: what ``[model.call]`` holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from routoo.data.checks.arguments import choice, number, text_of
from routoo.data.errors import InputError

KINDS = ("local", "provider", "recorded")
"""A Hugging Face model run here, one behind a provider's interface, or recorded answers."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """How a model is asked; without it a model can be chosen but not asked.

    Args:
        kind: One of `KINDS`.
        model: A folder, a GGUF file or a hub id; LiteLLM's name of a provider's model; a file of answers.
        ask: The way of asking: ``direct``, ``brief``, ``steps``, ``code``, or a file with a template.
        samples: How many answers are drawn; of several the answer is the one given most often.
        temperature: 0 takes the likeliest token each time; several samples need more than 0.
        max_tokens: Most output tokens of a sample.
        seed: Of the samples of a local model.
        dtype: Of a local model's weights: ``auto`` is what is fastest on this processor.
        adapter: Folder of a low-rank adapter of a local model.
        api_base: Address of a provider's interface, where it is not the provider's own.
        api_key_env: Environment variable that holds the key, where it is not the provider's own.
        timeout_s: Most seconds of one try.
        parameters: Further parameters of the request, say ``reasoning_effort``, passed on as they are.

    Raises:
        InputError: A field cannot be used; the message says what it must be.

    >>> Call(kind="provider", model="openai/gpt-4o-mini", samples=5, temperature=0.8).ask
    'direct'
    """

    kind: str
    model: str
    ask: str = "direct"
    samples: int = 1
    temperature: float = 0.0
    max_tokens: int = 256
    seed: int = 0
    dtype: str = "auto"
    adapter: str | None = None
    api_base: str | None = None
    api_key_env: str | None = None
    timeout_s: float = 60.0
    parameters: Mapping[str, Any] = field(default_factory=dict)  # Any: whatever a provider takes

    def __post_init__(self) -> None:
        choice("kind", self.kind, KINDS)
        for name in ("model", "ask"):
            if not text_of(name, getattr(self, name)).strip():
                raise InputError(f"{name} of a call must not be blank")
        for name in ("samples", "max_tokens"):
            number(name, getattr(self, name), least=1, whole=True)
        number("temperature", self.temperature, finite=True)
        number("seed", self.seed, whole=True)
        number("timeout_s", self.timeout_s, finite=True)
        choice("dtype", self.dtype, ("auto", "float32", "bfloat16"))
        if self.samples > 1 and self.temperature == 0:
            raise InputError(
                f"{self.samples} samples at temperature 0 are one answer {self.samples} times: "
                "give a temperature above 0, or samples = 1"
            )
