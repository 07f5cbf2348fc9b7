"""The demo does the whole job on the lab's record, and says what was measured and what is stated."""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.predictor import Predictor, train

Routoo = Callable[..., Result]

SMALL = ("--prompts", "160", "--encoder", "tiny")


def test_the_demo_does_the_whole_job(routoo: Routoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "demo"
    monkeypatch.setattr("routoo.predictor.train", partial(train, epochs=2))
    shown = routoo("demo", folder, *SMALL)
    assert shown.exit_code == 0
    stages = [line for line in shown.stderr.splitlines() if re.search(r": \d+\.\d s$", line)]
    begins = [
        "read what",
        "trained on",
        "exported",
        "predicted",
        "assigned",
        "drew the report",
    ]
    assert [line for line, begin in zip(stages, begins, strict=True) if not line.startswith(begin)] == []
    assert "answered to 160 prompts, measured once; prices are stated by size" in shown.stderr
    assert "simulated" not in shown.stdout + shown.stderr
    assert re.search(r"Per million prompts: \S+ USD in place of \S+ USD; \S+ USD saved", shown.stdout)
    assert f"report: {folder}/report.html" in shown.stdout
    page = (folder / "report.html").read_text()
    for words in ("lab (measured answers, stated prices)", "none is simulated", "nobody sells these models"):
        assert words in page
    assert not Outcomes.read(folder / "data").simulated
    assert shown.stdout.splitlines()[-1].startswith("verdict: ")
    models = Pool.read(folder / "pool.toml").names
    assert routoo("select", folder / "bundle", "Name a river.").stdout.startswith(models)


def test_the_demo_runs_over_what_an_earlier_one_wrote(
    routoo: Routoo,
    tmp_path: Path,
    simulated: Outcomes,
    tiny_predictor: Predictor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[dict[str, Any]] = []  # Any: options of training

    def trained(outcomes: Outcomes, pool: Pool, **options: Any) -> Predictor:
        asked.append(options)
        return train(outcomes, pool, **(options | {"epochs": 1, "members": 1}))

    simulated.write(tmp_path / "demo" / "data")
    tiny_predictor.save_pretrained(tmp_path / "demo" / "bundle")
    monkeypatch.setattr("routoo.predictor.train", trained)
    result = routoo("demo", tmp_path / "demo", *SMALL, "--seed", "5", "--json", "-q")
    assert (result.exit_code, result.stderr) == (0, "")
    assert (asked[0]["encoder"], asked[0]["tune"], asked[0]["seed"]) == ("tiny", "full", 5)
    found = json.loads(result.stdout)
    assert not found["simulated"]
    assert found["prompts"] == found["evaluation"]["n_prompts"] > 30
    assert found["budget_usd"] == pytest.approx(found["best_single_cost_usd"] / 2, rel=0.5)
    assert found["cost_usd"] < found["best_single_cost_usd"]
    assert found["report"] == str(tmp_path / "demo" / "report.html")


def test_the_demo_leaves_other_files_alone(routoo: Routoo, tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("mine")
    result = routoo("demo", tmp_path / "demo", *SMALL)
    assert result.exit_code == 1
    assert (tmp_path / "demo").read_text() == "mine"
