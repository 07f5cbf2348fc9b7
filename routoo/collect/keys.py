"""What tells one call from another, and one way of grading from another: hashes of what they depend on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from routoo.collect.graders.grader import Reference
from routoo.data.pool import PoolModel
from routoo.data.request import Request
from routoo.members.ask import ask_of

_NOT_ASKED = ("timeout_s", "api_key_env", "threshold")  # change no answer, or are part of what is asked


def digest(value: Any) -> str:  # Any: whatever JSON holds
    """128 bits of the SHA-256 of a value of JSON, in hexadecimal.

    >>> digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def asked_of(model: PoolModel) -> str:
    """The hash of what decides how a model answers: its name, and how it is called."""
    call = model.call
    if call is None:
        return digest([model.name])
    known = {name: value for name, value in dataclasses.asdict(call).items() if name not in _NOT_ASKED}
    return digest([model.name, {**known, "ask": ask_of(call.ask, threshold=call.threshold).template}])


def prompt_hash(request: Request) -> str:
    """The hash of what is asked, and by which name: two prompts of one text are asked apart."""
    return digest([request.prompt_id, request.prompt, list(request.options)])


def call_key(model: str, prompt: str, sample: int) -> str:
    """The idempotency key of a call, of the hashes of model and prompt and the number of the sample."""
    return digest([model, prompt, sample])


def graded_by(grader: Mapping[str, Any], reference: Reference) -> str:  # Any: options of every kind
    """The hash of what a grade depends on beside the answer: what a grader says of itself, and a prompt."""
    known = [reference.prompt, list(reference.answers), list(reference.options)]
    return digest([grader, known])
