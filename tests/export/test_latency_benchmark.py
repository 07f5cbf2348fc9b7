from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from routoo.export.bundle import Bundle
from routoo.export.runtime import Runtime

_SCRIPT = Path(__file__).parents[2] / "benchmarks" / "latency.py"


@pytest.fixture
def latency(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_latency", _SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "benchmark_latency", module)  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def test_texts_have_as_many_tokens_as_asked(latency: ModuleType, bundle: Bundle) -> None:
    tokenizer = Runtime(bundle).tokenizer
    for tokens in (12, 32, 48):
        assert tokens - 8 <= int(tokenizer.encode([latency.text_of(bundle, tokens)]).lengths[0]) <= tokens


def test_it_measures_a_bundle(
    latency: ModuleType, bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    latency.main(bundle.folder, threads=[1], repeats=3, batch=5, as_json=True)
    report = json.loads(capsys.readouterr().out)
    assert [(t["runtime"], t["tokens"]) for t in report["timings"]] == [
        ("int8", 32),
        ("fp32", 32),
        ("torch", 32),
    ]
    assert all(0 < t["p50_ms"] <= t["p95_ms"] for t in report["timings"])
    assert {t["runtime"]: t["prompts_per_s"] > 0 for t in report["throughputs"]} == {
        "int8": True, "fp32": True, "torch": True,
    }  # fmt: skip
    assert report["start"]["memory_mib"] > 10
    latency.main(bundle.folder, threads=[1], repeats=3, batch=5, as_json=False)
    shown = capsys.readouterr().out
    assert "one prompt, ms p50 / p95" in shown
    assert "(1.0x)" in shown
