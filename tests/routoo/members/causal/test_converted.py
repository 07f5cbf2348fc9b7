"""A GGUF file is converted once, into a folder under its hash; the real model is read where it is at hand."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from routoo.data.call import Call
from routoo.data.errors import InputError
from routoo.data.pool import PoolModel
from routoo.data.request import Request
from routoo.members.causal import converted as conversion
from routoo.members.causal.converted import converted, default_cache_dir
from routoo.members.local import LocalModel

_SMOL = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def test_a_file_is_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []

    def convert(path: Path, folder: Path) -> None:
        calls.append(path)
        (folder / "config.json").write_text("{}")

    monkeypatch.setattr(conversion, "_convert", convert)
    file, other = tmp_path / "a.gguf", tmp_path / "b.gguf"
    file.write_bytes(b"weights")
    other.write_bytes(b"weights")
    first = converted(file, cache_dir=tmp_path / "cache")
    assert converted(other, cache_dir=tmp_path / "cache") == first
    assert calls == [file]
    other.write_bytes(b"other weights")
    assert converted(other, cache_dir=tmp_path / "cache") != first
    assert (first / "config.json").is_file()


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "broken.gguf"
    file.write_bytes(b"GGUF, but nothing else")
    with pytest.raises(InputError, match=r"broken\.gguf: not a GGUF file that transformers can read"):
        converted(file, cache_dir=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
    with pytest.raises(InputError, match="no such GGUF file"):
        converted(tmp_path / "none.gguf")


@pytest.fixture
def smol() -> Any:
    """The folder of SmolLM2-135M-Instruct, where it was converted before."""
    folder = default_cache_dir() / f"{_SMOL[:32]}-{conversion._VERSION}"
    if not folder.is_dir():
        pytest.skip(f"no converted SmolLM2 in {folder}: ask it once as a local model of its GGUF file")
    return folder


def test_a_real_model_answers(smol: Path) -> None:
    call = Call(kind="local", model=str(smol), max_tokens=24)
    model = LocalModel(PoolModel(name="smol", usd_per_1m_input=0, usd_per_1m_output=0, call=call))
    answer = asyncio.run(model.answer_one(Request("q", "What is the capital of France?")))
    assert "Paris" in str(answer.answer)
    assert answer.finish_reason == "stop"
