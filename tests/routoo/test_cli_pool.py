"""The pool of recorded outcomes, written and shown."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from routoo.data.pool import Pool

Routoo = Callable[..., Result]

PRICES = [
    {"model": name, "usd_per_1m_input": 1.0, "usd_per_1m_output": at + 1.0, "source": "made up"}
    for at, name in enumerate(("a", "b-1", "b-2", "unheard of"))
]


@pytest.fixture
def unpriced(tmp_path: Path) -> Path:
    """Outcomes of three models that record no costs."""
    rows = "".join(f"Name a river.,{name},1\n" for name in ("a", "b-1", "b-2"))
    (tmp_path / "mine.csv").write_text(f"prompt,model,score\n{rows}")
    return tmp_path / "mine.csv"


@pytest.fixture
def price_list(tmp_path: Path) -> Path:
    (tmp_path / "models.json").write_text(json.dumps(PRICES))
    return tmp_path / "models.json"


def test_published_lists_are_shown_and_price_recorded_models(
    routoo: Routoo, unpriced: Path, tmp_path: Path
) -> None:
    rows: list[dict[str, object]] = [
        {
            "id": f"maker/{name}",
            "context_length": 8192,
            "pricing": {"prompt": "0.000001", "completion": price},
        }
        for name, price in (("a", "0.000002"), ("b-1", "0.000003"), ("b-2", "-1"))
    ]
    path = tmp_path / "openrouter.json"
    path.write_text(json.dumps({"data": rows}))
    shown = routoo("pool", "show", path)
    assert "maker/b-1" in shown.stdout
    assert "8,192" in shown.stdout
    assert "2 models read; 1 left out that state no price" in shown.stderr
    derived = routoo("pool", "derive", unpriced, "--prices", path, "--exclude", "b-2", "--json")
    assert [model["name"] for model in json.loads(derived.stdout)["models"]] == ["a", "b-1"]
    refused = routoo("pool", "derive", unpriced, "--prices", path)
    assert refused.exit_code == 2
    assert "no price for b-2" in refused.stderr


def test_derive_prints_toml_that_reads_back(routoo: Routoo, data_folder: Path, tmp_path: Path) -> None:
    result = routoo("pool", "derive", data_folder)
    assert result.exit_code == 0
    (tmp_path / "pool.toml").write_text(result.stdout)
    large = Pool.read(tmp_path / "pool.toml")["simulated-large"]
    assert (large.usd_per_1m_input, large.usd_per_1m_output) == pytest.approx((3.0, 12.0))


def test_derive_writes_a_file_and_shows_it(routoo: Routoo, data_folder: Path, tmp_path: Path) -> None:
    result = routoo("pool", "derive", data_folder, "-o", tmp_path / "pool.toml")
    assert f"{tmp_path}/pool.toml: 6 models" in result.stdout
    assert len(Pool.read(tmp_path / "pool.toml")) == 6


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], ["a", "b-1", "b-2"]),
        (["--only", "b-*"], ["b-1", "b-2"]),
        (["--only", "a", "--only", "b-2"], ["a", "b-2"]),
        (["--exclude", "*-1"], ["a", "b-2"]),
        (["--only", "b-*", "--exclude", "b-1"], ["b-2"]),
    ],
)
def test_a_price_list_prices_the_models_that_are_wanted(
    routoo: Routoo, unpriced: Path, price_list: Path, options: list[str], names: list[str]
) -> None:
    result = routoo("pool", "derive", unpriced, "--prices", price_list, *options, "--json")
    assert [model["name"] for model in json.loads(result.stdout)["models"]] == names


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "no recorded cost_usd"),
        (["--only", "c*"], "no model 'c*' in mine; it has a, b-1, b-2"),
        (["--exclude", "*"], "--only and --exclude leave no model"),
        (["-o", "pool.json"], "expected a file to write that ends in .toml"),
        (["-o", "nowhere/pool.toml"], "there is no folder nowhere"),
        (["--prices", "none.json"], "none.json: no such file"),
    ],
)
def test_what_cannot_be_derived_is_said(
    routoo: Routoo, unpriced: Path, options: list[str], words: str
) -> None:
    result = routoo("pool", "derive", unpriced, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_show_leaves_out_what_is_known_of_no_model(routoo: Routoo, price_list: Path) -> None:
    shown = routoo("pool", "show", price_list).stdout
    assert "USD per 1M out" in shown
    assert "unheard of" in shown
    assert "tokens per s" not in shown


def test_show_reads_bundles_too(routoo: Routoo, bundle_folder: Path) -> None:
    found = json.loads(routoo("pool", "show", bundle_folder, "--json").stdout)
    assert len(found["models"]) == 6
    assert "tokens per s" in routoo("pool", "show", bundle_folder).stdout


@pytest.mark.parametrize("name", ["none.toml", "none"])
def test_a_pool_that_is_not_there_is_named(routoo: Routoo, tmp_path: Path, name: str) -> None:
    result = routoo("pool", "show", tmp_path / name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert name in result.stderr


@pytest.mark.parametrize("flags", [(), ("--columns", "cost_usd=paid")], ids=["cost_usd", "paid"])
def test_prices_of_costs_alone_are_by_the_input_and_said_to_be(
    routoo: Routoo, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    rows = "".join(f"{'word' * at},m,1,{at * 2e-6 + 1e-4 + at % 3 * 1e-5}\n" for at in range(1, 90))
    name = "paid" if flags else "cost_usd"
    (tmp_path / "mine.csv").write_text(f"prompt,model,score,{name}\n{rows}")
    result = routoo("pool", "derive", tmp_path / "mine.csv", "-o", tmp_path / "found.toml", *flags)
    model = Pool.read(tmp_path / "found.toml")["m"]
    assert model.usd_per_1m_input == pytest.approx(2, rel=0.05)
    assert model.usd_per_call == pytest.approx(1.1e-4, rel=0.1)
    assert "do not tell what output tokens of m cost" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("pool.csv", "name,usd_per_1m_input\na,1\n", "not a TOML file, such as [[model]] name ="),
        ("pool.yaml", "models:\n- a\n", "not a TOML file, such as [[model]] name ="),
        ("k.toml", '[[model]]\nname = "a"\nusd_per_1k_input = 1\n', "did you mean usd_per_1m_input?"),
        (
            "text.toml",
            '[[model]]\nname = "a"\nusd_per_1m_input = "1"\nusd_per_1m_output = 1\n',
            "text.toml: pool model 'a': usd_per_1m_input must be a number",
        ),
    ],
)
def test_a_file_that_is_no_pool_is_told_what_one_is(
    routoo: Routoo, tmp_path: Path, name: str, content: str, words: str
) -> None:
    (tmp_path / name).write_text(content)
    result = routoo("pool", "show", tmp_path / name)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
