"""A pool has a price for every model, and reads what it writes."""

import json
import math
import tomllib
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.call import KINDS, Call
from routoo.data.errors import InputError
from routoo.data.pool import NOMINAL_OUTPUT_TOKENS, Pool, PoolModel

SMALL = PoolModel(name="small", usd_per_1m_input=0.2, usd_per_1m_output=0.4)
LARGE = PoolModel(
    name="large",
    usd_per_1m_input=10,
    usd_per_1m_output=30,
    usd_per_call=0.001,
    output_tokens=350,
    context_window=128_000,
    time_to_first_token_s=0.5,
    tokens_per_second=40.0,
    tags=("vision", "region:eu"),
)


@pytest.mark.parametrize("price", [math.nan, math.inf, -1.0, 10**400, None, "cheap", True])
@pytest.mark.parametrize("field", ["usd_per_1m_input", "usd_per_1m_output", "usd_per_call"])
def test_a_price_that_is_none_is_refused(field: str, price: Any) -> None:
    prices: dict[str, Any] = {"usd_per_1m_input": 1.0, "usd_per_1m_output": 1.0, field: price}
    with pytest.raises(InputError, match=f"pool model 'm': {field} must be"):
        PoolModel(name="m", **prices)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": " "}, "needs a name"),
        ({"name": 3}, "needs a name"),
        ({"tokens_per_second": 0}, "tokens_per_second must be above 0"),
        ({"context_window": 0}, "context_window must be above 0; leave it out where it is unknown"),
        ({"requests_per_minute": 0}, "requests_per_minute must be above 0"),
        ({"tokens_per_minute": 0.0}, "tokens_per_minute must be above 0"),
        ({"output_tokens": 0}, "output_tokens must be above 0; leave it out where it is unknown"),
        ({"concurrency": 0}, "concurrency must be above 0"),
        ({"context_window": -1}, "context_window must be finite and at least 0"),
        ({"requests_per_minute": math.inf}, "at least 0, got inf; leave it out where there is none"),
        ({"usd_per_call": math.inf}, "at least 0, got inf; an unknown price is not zero"),
        ({"tags": "vision"}, "tags must be a list of texts, got one text: put it in a list"),
        ({"tags": [1]}, "tags must be a list of texts"),
    ],
)
def test_other_faults_of_a_model_are_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        PoolModel(**{"name": "m", "usd_per_1m_input": 1, "usd_per_1m_output": 1, **fields})


def test_numbers_of_numpy_become_plain_ones() -> None:
    model = PoolModel(name="m", usd_per_1m_input=np.float32(0.5), usd_per_1m_output=np.int64(2))  # type: ignore[arg-type]  # what arrays give
    assert (type(model.usd_per_1m_input), type(model.usd_per_1m_output)) == (float, int)


def test_models_are_named_once_and_found_by_name() -> None:
    pool = Pool((SMALL, LARGE))
    assert pool.select(["large"]).names == ("large",)
    with pytest.raises(InputError, match="unknown model 'huge'; the pool has small, large"):
        pool.select(["huge"])
    with pytest.raises(InputError, match="named twice: small"):
        Pool((SMALL, SMALL))
    with pytest.raises(InputError, match="at least one model"):
        Pool(())


def test_cost_is_tokens_times_prices_and_a_price_per_call() -> None:
    cost = Pool((SMALL, LARGE)).cost_usd(np.array([[100.0]]), np.array([[50.0, 200.0]]))
    np.testing.assert_allclose(cost, [[100 * 0.2e-6 + 50 * 0.4e-6, 100 * 10e-6 + 200 * 30e-6 + 0.001]])


def test_unrecorded_tokens_are_costed_by_list_price() -> None:
    stated = PoolModel(name="stated", usd_per_1m_input=1, usd_per_1m_output=2, output_tokens=500)
    cost = Pool((SMALL, stated)).cost_usd(np.array([[100.0], [np.nan]]), np.full((2, 2), np.nan))
    expected = [100 * 0.2e-6 + NOMINAL_OUTPUT_TOKENS * 0.4e-6, 100 * 1e-6 + 500 * 2e-6]
    np.testing.assert_allclose(cost, [expected, [np.nan, np.nan]])


PRICE = st.floats(0, 1000)
TOKENS = st.floats(0, 1e7)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(PRICE, PRICE, TOKENS, TOKENS | st.just(math.nan), st.floats(0, 1e6), st.floats(0, 10))
def test_cost_grows_with_the_prompt_and_is_linear_in_the_prices(
    sent_price: float, price: float, sent: float, received: float, more: float, factor: float
) -> None:
    def cost(tokens: float, scale: float = 1.0) -> float:
        model = PoolModel(name="m", usd_per_1m_input=sent_price * scale, usd_per_1m_output=price * scale)
        return float(Pool((model,)).cost_usd(np.array([[tokens]]), np.array([[received]]))[0, 0])

    assert cost(sent + more) >= cost(sent) >= sent * sent_price * 1e-6
    assert cost(sent, factor) == pytest.approx(factor * cost(sent))


def test_latency_is_unknown_where_no_speed_is_listed() -> None:
    seconds = Pool((SMALL, LARGE)).latency_s(np.array([[80.0, 80.0]]))
    np.testing.assert_allclose(seconds, [[np.nan, 2.5]])


def test_toml_makes_the_round_trip(tmp_path: Path) -> None:
    pool = Pool((SMALL, LARGE))
    pool.write(tmp_path / "pool.toml")
    assert Pool.read(tmp_path / "pool.toml") == pool
    assert Pool.read(tmp_path / "pool.toml", names=["large", "small"]).names == ("large", "small")
    assert Pool.from_records(pool.to_records()) == pool


CALLED = """
[[model]]
name = "small"
usd_per_1m_input = 0.2
usd_per_1m_output = 0.4
[model.call]
kind = "provider"
model = "openai/small"
ask = "steps"
[model.call.parameters]
reasoning_effort = "low"

[[model]]
name = "large"
usd_per_1m_input = 1
usd_per_1m_output = 2
[model.call]
kind = "local"
model = "weights"
ask = "mine.txt"
"""


def test_a_pool_says_how_its_models_are_called(tmp_path: Path) -> None:
    (tmp_path / "pool.toml").write_text(CALLED)
    (tmp_path / "weights").mkdir()
    pool = Pool.read(tmp_path / "pool.toml")
    assert pool["small"].call == Call(
        kind="provider", model="openai/small", ask="steps", parameters={"reasoning_effort": "low"}
    )
    at = str(tmp_path)
    assert pool["large"].call == Call(kind="local", model=f"{at}/weights", ask=f"{at}/mine.txt")
    pool.write(tmp_path / "again.toml")
    assert "\n[model.call]\n" in (tmp_path / "again.toml").read_text()
    assert Pool.read(tmp_path / "again.toml") == pool


def test_a_price_list_may_say_how_too(tmp_path: Path) -> None:
    call = {"kind": "recorded", "model": "answers.parquet"}
    row = {"model": "a", "usd_per_1m_input": 1, "usd_per_1m_output": 2, "call": call}
    found = Pool.read(_price_list(tmp_path, [row, {**row, "model": "b", "call": None}]))
    assert found["a"].call == Call(kind="recorded", model=str(tmp_path / "answers.parquet"))
    assert found["b"].call is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("kind = 'remote'\nmodel = 'x'", "model 'm': call: kind must be one of local, provider, recorded"),
        ("knd = 'local'\nmodel = 'x'", "model 'm': call has unknown keys knd; did you mean kind?"),
        ("kind = 'local'", "model 'm': call lacks model"),
    ],
)
def test_a_broken_call_is_refused_with_its_model(tmp_path: Path, call: str, words: str) -> None:
    prices = "name = 'm'\nusd_per_1m_input = 1\nusd_per_1m_output = 1"
    (tmp_path / "pool.toml").write_text(f"[[model]]\n{prices}\n[model.call]\n{call}")
    with pytest.raises(InputError, match=rf"pool\.toml: {words}"):
        Pool.read(tmp_path / "pool.toml")
    with pytest.raises(InputError, match="pool model 'm': call must be Call, got a mapping"):
        PoolModel(name="m", usd_per_1m_input=1, usd_per_1m_output=1, call={})  # type: ignore[arg-type]  # on purpose


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(str.strip)
NAMES = TEXT.map("{}_x".format)  # none ends like the name of a key
PLAIN = st.recursive(
    TEXT | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
CALLS = st.builds(
    Call,
    kind=st.sampled_from(KINDS),
    model=TEXT,
    ask=TEXT,
    samples=st.integers(1, 9),
    temperature=st.floats(0.1, 2),
    max_tokens=st.integers(1, 10**6),
    api_key_env=st.none() | TEXT,
    timeout_s=st.floats(1, 1e6),
    parameters=st.dictionaries(NAMES, PLAIN, max_size=3),
)
MODELS = st.builds(
    PoolModel,
    name=TEXT,
    usd_per_1m_input=st.floats(0, 1000) | st.integers(0, 1000),
    usd_per_1m_output=st.floats(0, 1000),
    usd_per_call=st.floats(0, 1),
    context_window=st.none() | st.integers(1, 10**7),
    concurrency=st.none() | st.integers(1, 64),
    tags=st.lists(TEXT, max_size=2),
    call=st.none() | CALLS,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(MODELS, min_size=1, max_size=3, unique_by=lambda model: model.name))
def test_every_pool_makes_the_round_trip(models: list[PoolModel]) -> None:
    pool = Pool(tuple(models))
    assert Pool.from_records(tomllib.loads(pool.to_toml())["model"]) == pool
    assert Pool.from_records(json.loads(json.dumps(pool.to_records()))) == pool
    assert hash(Pool.from_records(pool.to_records())) == hash(pool)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"expected one \[\[model\]\] table a model"),
        ("model = 3", r"expected one \[\[model\]\] table a model"),
        ("model = ['small']", r"expected one \[\[model\]\] table a model"),
        ("[[model]", "not a TOML file"),
        ("[[model]]\nname = 'm'\nusd_per_1m_input = 1", "model 'm' lacks usd_per_1m_output: write it"),
        ("[[model]]\nusd_per_1m_input = 1\nusd_per_1m_output = 1", "model 'without a name' lacks name"),
        ("[[model]]\nname = 'm'\nusd_per_1m_input = inf\nusd_per_1m_output = 1", "must be finite"),
        ("[[model]]\nname = 'm'\nusd_per_1m_input = nan\nusd_per_1m_output = 1", "must be finite"),
        ("[[model]]\nname = 'm'\nusd_per_1k_input = 1", "unknown keys usd_per_1k_input"),
    ],
)
def test_a_broken_toml_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "pool.toml").write_text(text)
    with pytest.raises(InputError, match=words):
        Pool.read(tmp_path / "pool.toml")


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        Pool.read(tmp_path / "pool.toml")
    with pytest.raises(InputError, match="cannot be read"):
        Pool.read(tmp_path)
    (tmp_path / "pool.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(InputError, match="not a TOML file"):
        Pool.read(tmp_path / "pool.toml")


def _price_list(folder: Path, rows: Any) -> Path:
    path = folder / "models.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def test_a_price_list_is_read_for_what_a_pool_knows(tmp_path: Path) -> None:
    rows = [
        {"model": "a", "usd_per_1m_input": 1, "usd_per_1m_output": 2, "params_b": 7, "context_window": None},
        {"name": "b", "usd_per_1m_input": 0.5, "usd_per_1m_output": 0.5, "context_window": 8192},
    ]
    pool = Pool.read(_price_list(tmp_path, rows))
    assert pool.names == ("a", "b")
    assert (pool["a"].context_window, pool["b"].context_window) == (None, 8192)


def test_a_null_price_is_refused_unless_the_model_is_left_out(tmp_path: Path) -> None:
    rows = [
        {"model": "open", "usd_per_1m_input": None, "usd_per_1m_output": None},
        {"model": "a", "usd_per_1m_input": 1, "usd_per_1m_output": 2},
    ]
    path = _price_list(tmp_path, rows)
    with pytest.raises(InputError, match="model 'open' lacks usd_per_1m_input, usd_per_1m_output"):
        Pool.read(path)
    assert Pool.read(path, names=["a"]).names == ("a",)
    with pytest.raises(InputError, match="no price for c; it lists open, a"):
        Pool.read(path, names=["a", "c"])


@pytest.mark.parametrize("text", ["", "{}", "[]", "[1]", '[{"model": "a"', "[" * 100_000])
def test_a_broken_price_list_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "models.json").write_text(text)
    with pytest.raises(InputError, match=r"not a JSON file|expected a list of objects"):
        Pool.read(tmp_path / "models.json")


@pytest.mark.parametrize("models", ["small", 3, None, ["small"], [{"name": "small"}]])
def test_a_pool_of_something_else_is_refused(models: object) -> None:
    with pytest.raises(InputError, match=r"a pool (is|must be) a list of PoolModel, got"):
        Pool(models)  # type: ignore[arg-type]


def test_a_table_is_told_how_to_become_records() -> None:
    frame = pl.DataFrame({"name": ["m"], "usd_per_1m_input": [1.0], "usd_per_1m_output": [2.0]})
    with pytest.raises(InputError, match=r"pool: expected .*, got DataFrame: give frame\.to_dicts\(\)"):
        Pool.from_records(cast(Any, frame))
    assert Pool.from_records(frame.to_dicts()).names == ("m",)
