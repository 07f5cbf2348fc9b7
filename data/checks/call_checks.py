"""What the further parameters of a call must be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from routoo.data.checks.came import came
from routoo.data.errors import InputError

KEYS = "name the environment variable that holds the key in api_key_env"
"""What to do with a key."""

_SECRETS = (
    *("api_key", "apikey", "authorization", "password", "secret", "secret_key", "access_key"),
    *("access_token", "auth_token", "session_token"),
)
_SET_ELSEWHERE = {
    "api_base": "write it as api_base of the call",
    "base_url": "write it as api_base of the call",
    "max_completion_tokens": "write it as max_tokens of the call",
    "max_tokens": "write it as max_tokens of the call",
    "messages": "they are the prompt",
    "model": "write it as model of the call",
    "n": "write it as samples of the call",
    "num_retries": "a call is tried again by routoo",
    "stream": "an answer comes at once",
    "temperature": "write it as temperature of the call",
    "timeout": "write it as timeout_s of the call",
}


def plain_parameters(values: object) -> dict[str, Any]:  # Any: plain values
    """The parameters as plain values: texts, numbers, truth values, lists and mappings by names of these.

    Raises:
        InputError: One is of another kind, is set elsewhere, or is a key, which no file is to hold.

    >>> plain_parameters({"reasoning_effort": "low", "temperature": 0.5})
    Traceback (most recent call last):
    routoo.data.errors.InputError: parameters must not hold temperature: write it as temperature of the call
    """
    found = _plain("parameters", values)
    if not isinstance(found, dict):
        raise InputError(f"parameters must be a mapping by names, got {came(values)}")
    for name in found:
        if name in _SET_ELSEWHERE:
            raise InputError(f"parameters must not hold {name}: {_SET_ELSEWHERE[name]}")
    return found


def _plain(what: str, value: object) -> Any:  # Any: plain values
    if isinstance(value, Mapping):
        if odd := [name for name in value if not isinstance(name, str)]:
            raise InputError(f"{what}: each must be called by its name, got {came(odd[0])}")
        if secret := [name for name in value if name.casefold().replace("-", "_").endswith(_SECRETS)]:
            raise InputError(f"{what} must not hold {secret[0]}: {KEYS}")
        return {str(name): _plain(f"{what}.{name}", item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(f"{what}[{at}]", item) for at, item in enumerate(value)]
    if isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise InputError(f"{what} must be text, a finite number, a list or a mapping, got {came(value)}")
