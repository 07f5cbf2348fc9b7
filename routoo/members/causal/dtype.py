"""The number format in which weights are multiplied fastest here."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_ROWS, _WIDTH = 32, 1024
_REPEATS = 5


def dtype_of(name: str, device: torch.device) -> torch.dtype:
    """The format of this name; of ``auto`` the one in which `device` multiplies faster.

    It is measured, in some milliseconds: what a processor is called does not tell whether bfloat16 is three
    times as fast on it as float32, or four times as slow.
    """
    import torch

    if name != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]
    return _faster(device.type)


@cache
def _faster(device_type: str) -> torch.dtype:
    import torch

    if device_type != "cpu":
        supported = device_type == "cuda" and torch.cuda.is_bf16_supported()
        return torch.bfloat16 if supported else torch.float32
    return min((torch.float32, torch.bfloat16), key=_seconds)


def _seconds(dtype: torch.dtype) -> float:
    """Least seconds of a product as large as a layer's of a small model, for a batch."""
    import torch

    left, right = torch.ones(_ROWS, _WIDTH, dtype=dtype), torch.ones(_WIDTH, _WIDTH, dtype=dtype)
    taken = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        torch.nn.functional.linear(left, right)
        taken.append(time.perf_counter() - started)
    return min(taken)
