"""`routoo smart` and `routoo verify`, on what was recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from typer.testing import Result

from routoo.data.call import Call
from routoo.data.pool import Pool, PoolModel

Routoo = Callable[..., Result]

N = 300


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Prompts, a pool, and what its models answered."""
    ids = [str(at) for at in range(N)]
    pl.DataFrame({"prompt_id": ids, "prompt": [f"Is {at} odd?" for at in ids]}).write_ndjson(
        tmp_path / "prompts.jsonl"
    )
    said = {
        "large": ["yes"] * N,
        "small": ["no" if at % 20 == 0 else "YES" for at in range(N)],
        "judge": ["yes"] * N,
    }
    usd = {"large": 0.01, "small": 0.001, "judge": 0.0001}
    rows = pl.concat(
        pl.DataFrame({"prompt_id": ids, "answer": texts}).with_columns(
            model=pl.lit(name), cost_usd=usd[name], sample=pl.lit(0, pl.Int32)
        )
        for name, texts in said.items()
    )
    rows.write_parquet(tmp_path / "answers.parquet")
    call = Call(kind="recorded", model=str(tmp_path / "answers.parquet"))
    Pool(
        tuple(PoolModel(name=name, usd_per_1m_input=1.0, usd_per_1m_output=1.0, call=call) for name in said)
    ).write(tmp_path / "pool.toml")
    return tmp_path


def command(folder: Path, *options: object, output: str = "out") -> tuple[object, ...]:
    return (
        *("smart", folder / "prompts.jsonl", "--pool", folder / "pool.toml", "--reference", "large"),
        *("-o", folder / output, *options),
    )


def certificate(folder: Path, output: str = "out") -> dict[str, object]:
    return json.loads((folder / output / "certificate.json").read_text())  # type: ignore[no-any-return]  # an object


def test_a_batch_is_answered_certified_and_checked(routoo: Routoo, folder: Path) -> None:
    result = routoo(*command(folder, "--delta", 0.2, "--candidates", "small"))
    assert result.exit_code == 0
    assert "With 95% confidence, at most 60 of the 300 answers (20.0%) differ" in result.stdout
    answers = pl.read_parquet(folder / "out" / "answers.parquet")
    assert answers["prompt_id"].to_list() == [str(at) for at in range(N)]
    assert answers["answer"].null_count() == 0
    assert (answers["answer"] == "no").sum() <= 60
    assert "With 95%" in (folder / "out" / "certificate.html").read_text()
    checked = routoo("verify", folder / "out" / "certificate.json")
    assert (checked.exit_code, "all of it follows" in checked.stdout) == (0, True)
    path = folder / "out" / "certificate.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 5'))
    checked = routoo("verify", path)
    assert (checked.exit_code, "seed: stated 5, follows 0" in checked.stdout) == (1, True)
    assert json.loads(routoo("verify", path, "--json").stdout)["differences"]


def test_the_same_command_goes_on_and_asks_for_nothing_twice(routoo: Routoo, folder: Path) -> None:
    routoo(*command(folder))
    whole = (folder / "out" / "journal.jsonl").read_bytes()
    before = certificate(folder)
    routoo(*command(folder))
    assert (folder / "out" / "journal.jsonl").read_bytes() == whole
    assert certificate(folder) == before
    cut = whole[: len(whole) // 2]
    (folder / "out" / "journal.jsonl").write_bytes(cut)
    routoo(*command(folder))
    assert certificate(folder)["answers_sha256"] == before["answers_sha256"]
    refused = routoo(*command(folder, "--delta", 0.3))
    assert refused.exit_code == 2
    assert "that batch has another promise: delta (0.05, not 0.3); go on with the same" in refused.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--delta", 0.3),
        ("--confidence", 0.5),
        ("--candidates", "judge"),
        ("--equivalence", "exact"),
        ("--method", "published"),
        ("--seed", 7),
    ],
)
def test_an_option_changes_what_is_certified(
    routoo: Routoo, folder: Path, options: tuple[object, ...]
) -> None:
    routoo(*command(folder))
    routoo(*command(folder, *options, output="other"))
    assert certificate(folder, "other") != certificate(folder)


def test_another_pool_and_another_reference(routoo: Routoo, folder: Path) -> None:
    result = routoo(*command(folder), "--reference", "small")
    assert result.exit_code == 0
    assert "differ from what small answers" in result.stdout
    result = routoo(*command(folder), "--pool", folder / "none.toml")
    assert (result.exit_code, "none.toml: no such file" in result.stderr) == (2, True)


def test_recorded_answers_stand_in_for_calls(routoo: Routoo, folder: Path) -> None:
    pool = folder / "pool.toml"
    text = pool.read_text()
    pool.write_text(
        "\n".join(
            line for line in text.splitlines() if not line.startswith(("kind", "model ", "[model.call"))
        )
    )
    assert "does not say how" in routoo(*command(folder, "--candidates", "small")).stderr
    result = routoo(*command(folder, "--answers", folder / "answers.parquet"))
    assert result.exit_code == 0


def test_a_judge_of_the_pool_and_a_function_of_ones_own(routoo: Routoo, folder: Path) -> None:
    (folder / "same.py").write_text("def same(answer, reference):\n    return answer.lower() == reference\n")
    routoo(*command(folder, "--equivalence", f"{folder / 'same.py'}:same", "--candidates", "small"))
    assert certificate(folder)["equivalence"] == "function same"
    assert routoo("verify", folder / "out" / "certificate.json").exit_code == 0
    result = routoo(*command(folder, "--equivalence", "judge:judge", output="judged"))
    assert result.exit_code == 0
    assert certificate(folder, "judged")["equivalence"] == "judge judge"
    assert routoo("verify", folder / "judged" / "certificate.json").exit_code == 0


def test_what_was_damaged_or_cannot_be_meant_is_refused(routoo: Routoo, folder: Path) -> None:
    refused = routoo(*command(folder, "--candidates", "large"))
    assert "large is the reference, which answers anyway" in refused.stderr
    assert not (folder / "out").exists()
    routoo(*command(folder))
    journal = folder / "out" / "journal.jsonl"
    lines = journal.read_text().splitlines()
    for odd in ('{"event": "answer"}', '{"event": "try", "calls": 3}', '{"event": "verdict", "pair": "x"}'):
        journal.write_text("\n".join([*lines[:4], odd, *lines[5:], ""]))
        checked = routoo("verify", folder / "out" / "certificate.json")
        assert (checked.exit_code, "line 5: damaged" in checked.stderr) == (2, True)
    checked = routoo("verify", folder / "out")
    assert (checked.exit_code, "name the certificate.json in the folder" in checked.stderr) == (2, True)


def test_a_model_without_a_bound_says_why(routoo: Routoo, folder: Path) -> None:
    """With a share of 1 nothing is profiled; beside the cheapest model no other is cheaper."""
    result = routoo(*command(folder, "--delta", 1))
    assert result.stdout.count("not profiled") == 2
    result = routoo(*command(folder, output="other"), "--reference", "judge")
    assert result.stdout.count("not cheaper") == 2
    assert "dropped" not in result.stdout


def test_costs_that_nobody_knows_are_counted_aloud(routoo: Routoo, folder: Path) -> None:
    answers = pl.read_parquet(folder / "answers.parquet").with_columns(cost_usd=pl.lit(None, pl.Float64))
    answers.write_parquet(folder / "answers.parquet")
    result = routoo(*command(folder))
    assert f"{N} calls of unknown cost: counted as the most possible" in result.stdout


def test_json_and_quiet(routoo: Routoo, folder: Path) -> None:
    result = routoo(*command(folder, "--json", "-q"))
    assert json.loads(result.stdout) == certificate(folder)
    assert result.stderr == ""


def test_a_folder_with_something_else_is_left_alone(routoo: Routoo, folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "thesis.txt").write_text("mine")
    result = routoo(*command(folder))
    assert (result.exit_code, "holds something else" in result.stderr) == (2, True)
    (folder / "file").write_text("")
    assert "found a file" in routoo(*command(folder, output="file")).stderr


def test_a_router_chooses_by_its_predictions(
    routoo: Routoo, folder: Path, bundle_folder: Path, simulated_models: Pool
) -> None:
    """Two of the models that the bundle knows, in the place of those of the pool."""
    large, small = [model.name for model in simulated_models.models[:2]]
    rows = pl.read_parquet(folder / "answers.parquet")
    rows = rows.with_columns(pl.col("model").replace({"large": large, "small": small}))
    rows.write_parquet(folder / "answers.parquet")
    calls = Call(kind="recorded", model=str(folder / "answers.parquet"))
    prices = {large: 100.0, small: 0.01, "judge": 1.0}
    Pool(
        tuple(
            PoolModel(name=name, usd_per_1m_input=usd, usd_per_1m_output=usd, call=calls)
            for name, usd in prices.items()
        )
    ).write(folder / "pool.toml")
    options = ("--bundle", bundle_folder, "--reference", large, "--candidates", small, "--delta", 0.3)
    result = routoo(*command(folder, *options))
    assert result.exit_code == 0, result.stderr
    found = certificate(folder)
    assert f"items left to: {found['rule']}" in result.stdout.replace("\n", " ")
    assert "predicted agreement" in str(found["rule"])
    assert routoo("verify", folder / "out" / "certificate.json").exit_code == 0
    assert str(found["rule"]) in (folder / "out" / "certificate.html").read_text()
    refused = routoo(*command(folder, *options[:4], "--candidates", "judge", output="other"))
    assert (refused.exit_code, "judge" in refused.stderr) == (2, True)
    refused = routoo(*command(folder, *options, "--cascade", output="other"))
    assert (refused.exit_code, "knows no signal of answers" in refused.stderr) == (2, True)
    refused = routoo(*command(folder, *options[2:], "--cascade", output="other"))
    assert (refused.exit_code, "needs a router" in " ".join(refused.stderr.split())) == (2, True)


def test_money_has_an_end_and_more_of_it_goes_on(routoo: Routoo, folder: Path) -> None:
    result = routoo(*command(folder, "--budget-usd", 0.2))
    assert (result.exit_code, "which leaves no room for a call" in result.stderr) == (1, True)
    assert not (folder / "out" / "certificate.json").exists()
    result = routoo(*command(folder, "--budget-usd", 20))
    assert result.exit_code == 0
