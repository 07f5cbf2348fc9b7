"""The benchmark of small sets: variants of recorded outcomes, rows that are kept, and their summary."""

from __future__ import annotations

import io
import json
import re
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from routoo.data.costs.recorded_costs import recorded_cost_usd
from routoo.data.curves import routing_area
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.evaluation.trial.bootstrap import Resamples
from routoo.models.baselines.registry import BASELINES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

_BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def small_sets(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(_BENCHMARKS))
    import small_sets

    return small_sets


@pytest.fixture
def shown(small_sets: ModuleType) -> ModuleType:
    import small_sets_shown

    return small_sets_shown


def features(prompts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Counts of a few letters, and the log of the length."""
    rows = [[*(text.lower().count(letter) for letter in "aeiou"), np.log(len(text))] for text in prompts]
    return np.array(rows, np.float32)


def varied(small_sets: ModuleType, variant: str, outcomes: Outcomes) -> Outcomes:
    changed: Outcomes = small_sets.VARIANTS[variant](outcomes, np.random.default_rng(0))
    return changed


def test_noise_keeps_means_and_takes_scores_from_their_prompts(
    small_sets: ModuleType, simulated: Outcomes
) -> None:
    found = varied(small_sets, "noise", simulated)
    for part in ("train", "val", "test"):
        before, after = (each.part(part).to_matrices().score for each in (simulated, found))
        np.testing.assert_allclose(np.nanmean(after, axis=0), np.nanmean(before, axis=0))
        assert (np.nan_to_num(before) != np.nan_to_num(after)).any()


def test_one_domain_is_the_most_frequent_and_has_to_be_there(
    small_sets: ModuleType, simulated: Outcomes
) -> None:
    found = varied(small_sets, "one-domain", simulated)
    counts = simulated.prompts["domain"].value_counts()
    assert len(set(found.domains or [])) == 1
    assert len(found) == counts["count"].max()
    bare = Outcomes(simulated.prompts.drop("domain"), simulated.outcomes, "bare")
    with pytest.raises(InputError, match="bare: variant one-domain needs a column domain"):
        varied(small_sets, "one-domain", bare)


def test_a_dominant_model_is_nowhere_below_another(small_sets: ModuleType, simulated: Outcomes) -> None:
    score = varied(small_sets, "dominant", simulated).to_matrices().score
    best = int(np.nanmean(score, axis=0).argmax())
    known = ~np.isnan(score[:, best])
    np.testing.assert_array_equal(score[known, best], np.nanmax(score[known], axis=1))


def test_only_learned_cells_go_missing(small_sets: ModuleType, simulated: Outcomes) -> None:
    found = varied(small_sets, "missing", simulated)
    shares = [len(found.part(*parts).outcomes) / len(simulated.part(*parts).outcomes) for parts in _HALVES]
    assert shares[0] == pytest.approx(0.4, abs=0.05)
    assert shares[1] == 1


_HALVES: tuple[Any, ...] = (("train", "val"), ("test",))


def test_grades_are_called_simulated_and_stay_on_their_side(
    small_sets: ModuleType, simulated: Outcomes
) -> None:
    found = varied(small_sets, "graded", simulated)
    assert found.name.endswith("simulated grades")
    before, after = simulated.outcomes["score"].to_numpy(), found.outcomes["score"].to_numpy()
    assert set(np.unique(after)) - {0.0, 1.0}
    right = before == 1
    assert after[right].min() > 0.5 > after[before == 0].max()


def test_draws_are_nested_and_keep_the_test_part_and_the_ends_of_the_pool(
    small_sets: ModuleType, simulated: Outcomes, simulated_models: Pool
) -> None:
    cell = small_sets.Cell("simulated", "plain", 3, 50, 1, 0, 10)
    small, large = (small_sets.drawn_prompts(simulated, size, cell.random(1)) for size in (50, 90))
    assert len(small.part("train", "val")) == 50
    assert set(small.prompt_ids) < set(large.prompt_ids)
    assert small.part("test").prompt_ids == simulated.part("test").prompt_ids
    learned = simulated.part("train", "val").to_matrices(simulated_models.names)
    for draw in range(3):
        names = small_sets.drawn_models(simulated, simulated_models, 3, np.random.default_rng(draw)).names
        assert len(names) == 3
        assert simulated_models.names[int(np.nanmean(learned.score, axis=0).argmax())] in names


def test_every_baseline_has_a_row_whose_area_its_resamples_surround(
    small_sets: ModuleType, shown: ModuleType, simulated: Outcomes, simulated_models: Pool
) -> None:
    cell = small_sets.Cell("simulated", "plain", 4, 100, 0, 0, 50)
    rows = list(small_sets.measured(cell, simulated, simulated_models, features, {shown.DEFAULT}))
    assert [row["method"] for row in rows] == list(BASELINES)
    for row in rows:
        assert len(row["resampled"]) == 50
        assert min(row["resampled"]) < row["area"] < max(row["resampled"])
    json.dumps(rows)


def test_a_default_that_predicts_costs_chooses_by_them_too(
    small_sets: ModuleType,
    shown: ModuleType,
    simulated: Outcomes,
    simulated_models: Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cell = small_sets.Cell("simulated", "plain", len(simulated_models), 100, 0, 0, 20)
    test = simulated.part("test")
    cost = recorded_cost_usd(test, simulated_models)
    p = np.random.default_rng(0).random(cost.shape).astype(np.float32)
    said = Scores(p, cost.astype(np.float32), models=simulated_models.names)
    monkeypatch.setattr(small_sets, "_predicted", lambda *_, **__: said)
    rows = list(small_sets.measured(cell, simulated, simulated_models, features, set(BASELINES)))
    assert [row["method"] for row in rows] == [shown.DEFAULT, shown.PREDICTED]
    assert rows[1]["area"] > rows[0]["area"]  # who knows what a call costs chooses better
    lines = {line["method"]: line for line in shown.summary(rows).to_dicts()}
    assert lines[shown.DEFAULT]["priced_above"] == pytest.approx(rows[1]["area"] - rows[0]["area"])


def test_a_resample_that_is_the_prompts_themselves_has_their_area(
    small_sets: ModuleType, simulated: Outcomes, simulated_models: Pool
) -> None:
    resamples = Resamples(len(simulated.part("test")), 1)
    resamples.counts[:] = 1
    judged = small_sets.Judged.of(simulated, simulated_models, resamples)
    p = np.random.default_rng(0).random(judged.score.shape)
    (found,) = judged.resampled(p, judged.expected)
    assert found == pytest.approx(routing_area(p, judged.expected, judged.score, judged.cost), abs=1e-5)


def test_a_journal_goes_on_after_the_last_whole_row(
    small_sets: ModuleType, shown: ModuleType, tmp_path: Path
) -> None:
    cell = asdict(small_sets.Cell("simulated", "plain", 2, 100, 0, 0, 10))
    path = tmp_path / "rows.jsonl"
    shown.Journal(path).add({**cell, "method": "clusters"})
    with path.open("a") as file:
        file.write('{"data": "simul')
    journal = shown.Journal(path)
    assert journal.methods_of(cell) == {"clusters"}
    assert journal.methods_of({**cell, "draw": 1}) == set()
    journal.add({**cell, "method": "domain table"})
    assert [row["method"] for row in shown.Journal(path).rows] == ["clusters", "domain table"]


def test_differences_are_paired_and_errors_hold_both_lucks(shown: ModuleType, tmp_path: Path) -> None:
    point = {"data": "made up", "variant": "plain", "models": 2, "prompts": 100, "seed": 0, "samples": 200}
    random = np.random.default_rng(0)
    rows = []
    for draw in range(4):
        luck = random.normal(0, 0.05, 200)
        for method, level in ((shown.DEFAULT, 0.7), ("clusters", 0.6), ("domain table", 0.8)):
            area = {"area": level, "resampled": (level + luck).tolist(), "held": 0.5}
            rows.append({**point, "draw": draw, "method": method, **area})
    rows.append({**point, "draw": 4, "method": "clusters", "refused": "too few"})
    found = shown.summary(rows)
    line = found.row(by_predicate=pl.col("method") == "clusters", named=True)
    assert line["draws"] == 4
    assert line["above"] == pytest.approx(0.1)
    assert line["above_error"] == pytest.approx(0, abs=1e-9)
    assert line["area_error"] > 0.02
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(shown.table(found))
    assert re.search(r"0\.7000 +│ clusters +│ 0\.6000 +│ \+0\.1000 ± 0\.0000", console.export_text())
    shown.save(found, tmp_path / "curve.svg")
    assert "made up, plain, 2 models" in (tmp_path / "curve.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "b", "--pool", "p"], "--pool: expected one a folder, 2, got 1"),
        (["a", "--draws", "0"], "--draws must be at least 1"),
        (["a", "--sizes", "5", "100"], "--sizes must be at least 20"),
    ],
)
def test_what_cannot_be_run_is_refused_in_words(
    small_sets: ModuleType, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        small_sets.main(arguments)
    assert message in capsys.readouterr().err
