"""Of two number formats the one that is measured to be faster is taken."""

from __future__ import annotations

import pytest
import torch

from routoo.members.causal import dtype as formats


@pytest.mark.parametrize("faster", [torch.float32, torch.bfloat16])
def test_the_faster_format_is_taken(faster: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "_seconds", lambda dtype: 1.0 if dtype == faster else 2.0)
    formats._faster.cache_clear()
    assert formats.dtype_of("auto", torch.device("cpu")) == faster
    formats._faster.cache_clear()


def test_a_format_that_is_asked_for_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert formats.dtype_of("float32", torch.device("cpu")) == torch.float32
    assert formats.dtype_of("bfloat16", torch.device("cpu")) == torch.bfloat16
    assert formats._seconds(torch.float32) > 0
