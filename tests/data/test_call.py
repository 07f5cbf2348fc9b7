"""How a model is called is checked, and written so that it is read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from routoo.data.call import ASKS, Call
from routoo.data.errors import InputError
from routoo.members.ask import ask_of


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "remote"}, "kind must be one of local, provider, recorded, got 'remote'"),
        ({"model": " "}, "model must not be blank"),
        ({"model": 3}, "model must be text, got a number"),
        ({"ask": ""}, "ask must not be blank"),
        ({"adapter": ""}, "adapter must not be blank"),
        ({"api_key_env": 3}, "api_key_env must be text"),
        ({"samples": 0}, "samples must be a whole number of at least 1, got 0"),
        ({"samples": 2.5}, "samples must be a whole number"),
        ({"samples": 5}, "5 samples at temperature 0 are one answer 5 times"),
        ({"max_tokens": True}, "max_tokens must be a whole number"),
        ({"temperature": -0.1}, "temperature must be a finite number"),
        ({"temperature": float("nan")}, "temperature must be a finite number"),
        ({"timeout_s": 0}, "timeout_s must be a finite number of at least 0.001"),
        ({"dtype": "float8"}, "dtype must be one of auto, float32, bfloat16"),
        ({"api_base": "http://me:secret@host/v1"}, "api_base must not hold a password: name the environment"),
        ({"parameters": []}, "parameters must be a mapping by names, got a list"),
        ({"parameters": {"top_p": float("inf")}}, r"parameters\.top_p must be text, a finite number"),
        ({"parameters": {"stop": ["\n", None]}}, r"parameters\.stop\[1\] must be text, .* got None"),
        ({"parameters": {1: 2}}, "parameters: each must be called by its name, got a number"),
        ({"parameters": {"max_tokens": 5}}, "must not hold max_tokens: write it as max_tokens of the call"),
        (
            {"parameters": {"api_key": "sk"}},
            "parameters must not hold api_key: name the environment variable",
        ),
        (
            {"parameters": {"extra_headers": {"Authorization": "Bearer sk"}}},
            r"parameters\.extra_headers must not hold Authorization",
        ),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as found:
        Call(**{"kind": "provider", "model": "openai/x", **fields})
    assert "sk" not in str(found.value).split()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "local"}, "call lacks model"),
        ({}, "call lacks kind and model"),
        ({"kind": "local", "model": "m", "sample": 3}, "unknown keys sample; did you mean samples?"),
        ({"kind": "local", "model": "m", "xyz": 3}, "call has unknown keys xyz$"),
        ({"kind": "local", "model": 3}, "call: model must be text"),
        ("local", "call must be a table by names, got text"),
        ({1: "local"}, "call must be a table by names, got a mapping"),
    ],
)
def test_a_record_that_is_none_is_refused(values: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Call.from_record(values)


def test_a_record_holds_what_is_not_left_to_its_default() -> None:
    call = Call(kind="provider", model="openai/x", samples=3, temperature=0.5, parameters={"stop": ("a",)})
    written = {"kind": "provider", "model": "openai/x", "samples": 3, "temperature": 0.5}
    assert call.to_record() == {**written, "parameters": {"stop": ["a"]}}
    assert Call.from_record(call.to_record()) == call
    assert hash(Call.from_record(call.to_record())) == hash(call)


def test_files_lie_beside_the_pool_and_hub_ids_nowhere(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "code").write_text("{prompt}")
    local = Call(kind="local", model="weights", ask="mine.txt", adapter="org/adapter").beside(tmp_path)
    assert local.model == str(tmp_path / "weights")
    assert (local.ask, local.adapter) == (str(tmp_path / "mine.txt"), "org/adapter")
    assert Call(kind="local", model="org/weights", ask="code").beside(tmp_path).ask == "code"
    assert Call(kind="local", model="org/weights").beside(tmp_path).model == "org/weights"
    assert Call(kind="provider", model="weights").beside(tmp_path).model == "weights"
    assert Call(kind="recorded", model="a.parquet").beside(tmp_path).model == str(tmp_path / "a.parquet")
    assert Call(kind="recorded", model="/a.parquet").beside(tmp_path).model == "/a.parquet"


def test_ways_of_asking_that_have_a_name_are_those_that_there_are() -> None:
    assert [ask_of(name).name for name in ASKS] == list(ASKS)
    with pytest.raises(InputError, match=f"ask must be {', '.join(ASKS)}, or a template"):
        ask_of("loudly")
