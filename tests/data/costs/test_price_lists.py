"""Price lists that are published for all are read, and what they do not state is never zero."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.errors import InputError
from routoo.data.pool import Pool

LITELLM = {
    "sample_spec": {
        "input_cost_per_token": 0.0,
        "output_cost_per_token": 0.0,
        "max_input_tokens": "a number",
    },
    "gpt-4o-mini": {
        "mode": "chat",
        "max_tokens": 16384,
        "max_input_tokens": 128000,
        "input_cost_per_token": 1.5e-07,
        "output_cost_per_token": 6e-07,
        "cache_read_input_token_cost": 7.5e-08,
        "input_cost_per_token_batches": 7.5e-08,
        "output_cost_per_token_batches": 3e-07,
        "supports_vision": True,
        "supports_function_calling": True,
    },
    "azure/gpt-4o": {"mode": "chat", "input_cost_per_token": 2.75e-06, "output_cost_per_token": 1.1e-05},
    "ollama/free": {"mode": "chat", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
    "embedder": {"mode": "embedding", "input_cost_per_token": 1e-07, "output_cost_per_token": 0.0},
    "images": {"mode": "image_generation", "output_cost_per_image": 0.04},
    "half": {"mode": "chat", "input_cost_per_token": 1e-07},
}
OPENROUTER = {
    "data": [
        {
            "id": "openai/gpt-4o",
            "context_length": 128000,
            "architecture": {"input_modalities": ["text", "image"]},
            "supported_parameters": ["tools"],
            "pricing": {
                "prompt": "0.0000025",
                "completion": "0.00001",
                "request": "0.001",
                "input_cache_read": "0.00000125",
            },
        },
        {"id": "maker/small:free", "context_length": 8192, "pricing": {"prompt": "0", "completion": "0"}},
        {"id": "openrouter/auto", "context_length": 2000000, "pricing": {"prompt": "-1", "completion": "-1"}},
        {"id": "maker/unknown", "pricing": {"prompt": None}},
    ]
}


@pytest.fixture
def write(tmp_path: Path) -> Any:  # a function
    def written(document: Any, name: str = "list.json") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return written


def test_litellms_list_is_read(write: Any) -> None:
    said: list[str] = []
    path = write(LITELLM)
    pool = Pool.read(path, on_remark=said.append)
    assert pool.names == ("gpt-4o-mini", "azure/gpt-4o", "ollama/free")
    assert pool.to_records()[0] == {
        "name": "gpt-4o-mini",
        "usd_per_1m_input": 0.15,
        "usd_per_1m_output": 0.6,
        "usd_per_1m_cached_input": 0.075,
        "usd_per_1m_batch_input": 0.075,
        "usd_per_1m_batch_output": 0.3,
        "context_window": 128000,
        "tags": ["vision", "tools"],
    }
    assert pool["ollama/free"].usd_per_1m_output == 0
    (remark,) = said
    assert remark == (
        f"{path}: 3 models read; 3 left out that state no price for a token of text, such as embedder"
    )


def test_that_long_prompts_cost_more_is_said(write: Any) -> None:
    long = {"input_cost_per_token_above_128k_tokens": 3e-07, "output_cost_per_token_above_128k_tokens": 1e-06}
    unpriced = {"input_cost_per_token_above_200k_tokens": None}
    path = write(
        {
            "maker/long": LITELLM["gpt-4o-mini"] | long,
            "null": LITELLM["gpt-4o-mini"] | unpriced,
            "plain": LITELLM["gpt-4o-mini"],
        }
    )
    words = f"{path}: other prices for long prompts are left out; the base price is taken of "
    said: list[str] = []
    assert Pool.read(path, on_remark=said.append)["maker/long"].usd_per_1m_input == 0.15
    Pool.read(path, names=["long", "plain"], on_remark=said.append)
    Pool.read(path, names=["plain", "null"], on_remark=said.append)
    assert said == [words + "maker/long", words + "long"]


def test_openrouters_list_is_read_and_its_unknown_prices_are_left_out(write: Any) -> None:
    for document in (OPENROUTER, OPENROUTER["data"]):
        said: list[str] = []
        pool = Pool.read(write(document), on_remark=said.append)
        assert pool.names == ("openai/gpt-4o", "maker/small:free")
        assert pool.to_records()[0] == {
            "name": "openai/gpt-4o",
            "usd_per_1m_input": 2.5,
            "usd_per_1m_output": 10.0,
            "usd_per_call": 0.001,
            "usd_per_1m_cached_input": 1.25,
            "context_window": 128000,
            "tags": ["vision", "tools"],
        }
        assert "2 left out" in said[0]


def test_models_are_found_by_name_with_their_provider_or_without(write: Any) -> None:
    pool = Pool.read(write(OPENROUTER), names=["gpt-4o", "maker/small:free"])
    assert pool.names == ("gpt-4o", "maker/small:free")
    assert pool["gpt-4o"].usd_per_1m_input == 2.5
    assert Pool.read(write(LITELLM), among=["gpt-4o-mini"]).names == ("gpt-4o-mini",)


@pytest.mark.parametrize(
    ("document", "names", "words"),
    [
        (OPENROUTER, ["openrouter/auto"], "no price for openrouter/auto; it states none by the token"),
        (
            {**LITELLM, "gpt-4o": {"mode": "chat"}},
            ["gpt-4o"],
            "no price for gpt-4o; it states none by the token",
        ),
        (LITELLM, ["gpt-4o-mni"], "no price for gpt-4o-mni; it lists 3 models, such as gpt-4o-mini"),
        (LITELLM, ["zzz"], "no price for zzz; it lists 3 models: `routoo pool"),
        (
            {"a/x": LITELLM["azure/gpt-4o"], "b/x": LITELLM["azure/gpt-4o"]},
            ["x"],
            "'x' may be a/x, b/x: write a pool.toml",
        ),
    ],
    ids=["unknown price", "unpriced beside a priced one", "slip", "stranger", "several"],
)
def test_a_name_without_a_price_is_refused(write: Any, document: Any, names: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Pool.read(write(document), names=names)


@pytest.mark.parametrize("document", [{}, [], [1], {"a": {"price": 1}}, {"data": []}, "text", 3], ids=str)
def test_what_is_no_price_list_is_told_the_forms_that_are(write: Any, document: Any) -> None:
    with pytest.raises(InputError, match="in one of these forms") as caught:
        Pool.read(write(document))
    for form in ("usd_per_1m_input", "input_cost_per_token", '"pricing": {"prompt"'):
        assert form in str(caught.value)


def test_what_show_prints_as_json_is_a_list_too(write: Any) -> None:
    pool = Pool.read(write(LITELLM))
    assert Pool.read(write({"models": pool.to_records()}, "again.json")) == pool


@pytest.mark.parametrize(
    "price", ["-1", "", "free", None, True, "nan", "inf", "1e400", -0.1, [1], "1e999999"]
)
def test_an_unknown_price_is_never_zero(write: Any, price: Any) -> None:
    known = {"prompt": "0.1", "completion": "0.2"}
    rows = [{"id": "a", "pricing": {**known, "completion": price}}, {"id": "b", "pricing": known}]
    assert Pool.read(write({"data": rows})).names == ("b",)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.decimals(0, 1, places=12), st.decimals(0, 1, places=12))
def test_prices_come_through_to_the_last_digit(tmp_path_factory: Any, sent: Any, received: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "one.json"
    for row in (
        {"data": [{"id": "a", "pricing": {"prompt": str(sent), "completion": str(received)}}]},
        {"a": {"input_cost_per_token": float(sent), "output_cost_per_token": float(received)}},
    ):
        path.write_text(json.dumps(row))
        model = Pool.read(path)["a"]
        expected = float(sent * 1_000_000), float(received * 1_000_000)
        assert (model.usd_per_1m_input, model.usd_per_1m_output) == expected


def test_one_entry_without_prices_does_not_hide_the_list(write: Any) -> None:
    odd = [{"id": "maker/new"}, {"id": "maker/later", "pricing": None}, {"object": "list"}]
    told: list[str] = []
    pool = Pool.read(write({"data": [*OPENROUTER["data"], *odd]}), on_remark=told.append)
    assert pool.names == ("openai/gpt-4o", "maker/small:free")
    assert "4 left out" in told[0]
