"""How a model of the pool is called: what ``[model.call]`` holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from routoo.data.checks.arguments import choice, known_keys, number, text_of
from routoo.data.checks.call_checks import KEYS, plain_parameters
from routoo.data.checks.came import came
from routoo.data.errors import InputError

KINDS = ("local", "provider", "recorded")
"""A Hugging Face model run here, one behind a provider's interface, or recorded answers."""

ASKS = ("direct", "brief", "steps", "code")
"""Ways of asking that have a name; any other is a file with a template."""

_OPTIONAL_TEXTS = ("adapter", "api_base", "api_key_env")


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
        threshold: Probability of being right, 0 to 1, below which the model is asked to refuse: a line that
            is added to the prompt. `routoo sater train` makes a model heed it.
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
    threshold: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)  # Any: whatever a provider takes

    def __post_init__(self) -> None:
        choice("kind", self.kind, KINDS)
        for name in ("model", "ask", *_OPTIONAL_TEXTS):
            value = getattr(self, name)
            if (value is not None or name not in _OPTIONAL_TEXTS) and not text_of(name, value).strip():
                raise InputError(f"{name} must not be blank")
        for name in ("samples", "max_tokens"):
            number(name, getattr(self, name), least=1, whole=True)
        number("temperature", self.temperature, finite=True)
        number("seed", self.seed, whole=True)
        number("timeout_s", self.timeout_s, least=1e-3, finite=True)
        if self.threshold is not None:
            number("threshold", self.threshold, most=1)
        choice("dtype", self.dtype, ("auto", "float32", "bfloat16"))
        if self.samples > 1 and self.temperature == 0:
            raise InputError(
                f"{self.samples} samples at temperature 0 are one answer {self.samples} times: "
                "give a temperature above 0, or samples = 1"
            )
        if self.api_base is not None and "@" in self.api_base:
            raise InputError(f"api_base must not hold a password: {KEYS}")
        object.__setattr__(self, "parameters", plain_parameters(self.parameters))

    @classmethod
    def from_record(cls, values: object, *, source: str = "call", folder: Path | None = None) -> Call:
        """The call of a plain mapping, as TOML and JSON give it.

        Args:
            values: What ``[model.call]`` holds.
            source: What to call it in a message: the file and the model.
            folder: Where files are that it names by a relative path; they stay as they are without.

        Raises:
            InputError: A key is unknown or missing, or a value cannot be used.

        >>> Call.from_record({"kind": "local", "modle": "models/small"}, source="pool.toml: model 'm': call")
        Traceback (most recent call last):
        routoo.data.errors.InputError: pool.toml: model 'm': call has unknown keys modle; did you mean model?
        """
        if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
            raise InputError(f"{source} must be a table by names, got {came(values)}")
        known_keys(source, values, [field.name for field in fields(cls)])
        if missing := [key for key in ("kind", "model") if key not in values]:
            raise InputError(f"{source} lacks {' and '.join(missing)}")
        try:
            call = cls(**values)
        except InputError as error:
            raise InputError(f"{source}: {error}") from None
        return call if folder is None else call.beside(folder)

    def to_record(self) -> dict[str, Any]:  # Any: a plain value each
        """A plain mapping of what is not left to its default: what `from_record` reads back.

        >>> Call(kind="local", model="small", samples=1).to_record()
        {'kind': 'local', 'model': 'small'}
        """
        default = {**vars(Call(kind=self.kind, model=self.model)), "kind": None, "model": None}
        return {key: value for key, value in vars(self).items() if value != default[key]}

    def beside(self, folder: Path) -> Call:
        """The same with the files that it names by a relative path in a folder, where the pool file lies.

        A template and a file of answers are looked for there alone; what a local model names may be the id of
        a hub, and is a path where it is one there.
        """
        there = folder.absolute()
        files = {"ask": self.ask not in ASKS, "model": self.kind == "recorded"}
        files |= {
            name: (there / value).exists()
            for name in ("model", "adapter")
            if self.kind == "local" and (value := getattr(self, name)) is not None
        }
        found: dict[str, Any] = {name: str(there / getattr(self, name)) for name in files if files[name]}
        return replace(self, **found)
