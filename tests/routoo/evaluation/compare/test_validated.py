"""Settings chosen on validation: the price comes from there, and what it does is measured on test."""

import io
import json
from dataclasses import replace
from typing import Literal

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.data.scores import Scores
from routoo.data.validation import ValidationRecord
from routoo.evaluation.evaluate import evaluate
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.report.table import EvaluationTable
from routoo.evaluation.trial.policy import HULL
from routoo.evaluation.trial.trial import trial_of

POOL = Pool(
    tuple(PoolModel(name=name, usd_per_1m_input=1, usd_per_1m_output=1) for name in ("large", "small"))
)
COSTS = np.array([0.010, 0.001])


def recorded(n: int = 900, *, seed: int = 0) -> tuple[Outcomes, Scores]:
    """Half of the prompts in val, half in test; the gain of the large model is known but for the luck."""
    random = np.random.default_rng(seed)
    ids = [f"q{at:04d}" for at in range(n)]
    gain = random.random(n)
    p = np.stack([np.full(n, 0.95), 0.95 - 0.9 * gain], axis=1)
    score = (random.random((n, 2)) < p).astype(float)
    split = ["val" if at % 2 else "test" for at in range(n)]
    prompts = pl.DataFrame({"prompt_id": ids, "prompt": [f"question {i}" for i in ids], "split": split})
    rows = {
        "prompt_id": np.repeat(ids, 2),
        "model": ["large", "small"] * n,
        "score": score.ravel(),
        "cost_usd": (np.tile(COSTS, (n, 1)) * random.uniform(0.5, 1.5, (n, 2))).ravel(),
    }
    cost = np.tile(COSTS, (n, 1)).astype(np.float32)
    return Outcomes(prompts, pl.DataFrame(rows), "made up"), Scores(
        p.astype(np.float32), cost, models=("large", "small"), prompt_ids=ids
    )


def of_part(outcomes: Outcomes, scores: Scores, part: Literal["val", "test"]) -> Scores:
    rows = np.flatnonzero(outcomes.prompts["split"].to_numpy() == part)
    return scores.rows(rows)


def printed_table(evaluation: Evaluation, width: int) -> str:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(EvaluationTable(evaluation))
    return console.export_text()


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    outcomes, scores = recorded()
    test, val = (of_part(outcomes, scores, part) for part in ("test", "val"))
    return evaluate(
        outcomes, {"router": test, "rival": test}, pool=POOL, samples=100, validation={"router": val}
    )


def test_the_price_is_that_of_validation_and_the_figures_are_of_test(evaluation: Evaluation) -> None:
    outcomes, scores = recorded()
    trial = trial_of(outcomes, POOL, "val")
    record = ValidationRecord.of(
        trial.align("router", of_part(outcomes, scores, "val")), trial.score, trial.cost_usd
    )
    setting = evaluation.setting("keep@0.95")
    assert setting is not None
    assert setting.price == record.price_keeping(0.95)
    judged, test = trial_of(outcomes, POOL, "test"), of_part(outcomes, scores, "test")
    own = trial_of(outcomes, POOL, "test").align("router", test)
    chosen = (own.p_correct - setting.price * own.cost_usd.astype(float)).argmax(1)
    rows = np.arange(len(own))
    best = judged.singles.best
    assert setting.kept == pytest.approx(judged.score[rows, chosen].mean() / judged.score[:, best].mean())
    assert setting.cost == pytest.approx(
        judged.cost_usd[rows, chosen].mean() / judged.cost_usd[:, best].mean()
    )
    assert setting.hindsight == evaluation.row("router").cost_at[0.95]


def test_settings_have_ranges_around_them(evaluation: Evaluation) -> None:
    settings = evaluation.validated["router"]
    assert [found.aim for found in settings] == ["keep@0.95", "keep@1", "spend@0.5"]
    for found in settings:
        for value, between in ((found.kept, found.kept_range), (found.cost, found.cost_range)):
            assert between is not None
            assert between.low < value < between.high
            assert between.high - between.low < 0.2
    keeping, _, spending = settings
    assert keeping.cost < 1
    assert keeping.kept == pytest.approx(0.95, abs=0.04)
    assert spending.cost == pytest.approx(0.5, abs=0.05)
    assert keeping.over_mixtures is not None
    assert keeping.over_mixtures.low > 0
    mixed = evaluation.mixed_score(keeping.cost * evaluation.best_single.cost_usd)
    assert keeping.over_mixtures.value == pytest.approx(keeping.kept - mixed / evaluation.best_single.score)


def test_the_headline_is_that_of_the_validated_setting(evaluation: Evaluation) -> None:
    setting = evaluation.setting("keep@0.95")
    assert setting is not None
    told = evaluation.headline()
    assert told.startswith(
        "At the price that kept 95 % of the best single model's score on validation, router"
    )
    assert f"keeps {100 * setting.kept:.1f} %" in told
    assert f"for {100 * setting.cost:.1f} % of what it costs" in told
    assert (
        replace(evaluation, validated={}).headline().startswith("In hindsight, at half of what large costs")
    )


def test_the_table_and_the_document_name_hindsight(evaluation: Evaluation) -> None:
    for width in (80, 120):
        printed = printed_table(evaluation, width)
        assert "keep 95 % of the score" in printed
        assert printed.count("hindsight") >= 4
        assert f"settings in hindsight alone: best single model, random mixing, {HULL}, rival, oracle" in (
            " ".join(printed.split())
        )
    document = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert [found["aim"] for found in document["validated"]["router"]] == ["keep@0.95", "keep@1", "spend@0.5"]
    assert "rival" not in document["validated"]
    assert "cost@x" in document["in_hindsight"]


def test_without_validation_the_table_says_so() -> None:
    outcomes, scores = recorded(100)
    found = evaluate(outcomes, {"router": of_part(outcomes, scores, "test")}, pool=POOL, samples=0)
    assert found.validated == {}
    assert "no setting was chosen on validation" in printed_table(found, 120)


def test_a_record_serves_as_well_as_predictions(evaluation: Evaluation) -> None:
    outcomes, scores = recorded()
    trial = trial_of(outcomes, POOL, "val")
    record = ValidationRecord.of(
        trial.align("router", of_part(outcomes, scores, "val")), trial.score, trial.cost_usd
    )
    test = of_part(outcomes, scores, "test")
    again = evaluate(outcomes, {"router": test}, pool=POOL, samples=100, validation={"router": record})
    assert again.validated["router"] == evaluation.validated["router"]


def test_what_cannot_be_chosen_on_validation_is_said() -> None:
    outcomes, scores = recorded(200)
    val, test = (of_part(outcomes, scores, part) for part in ("val", "test"))
    on_val = evaluate(outcomes, {"r": val}, pool=POOL, part="val", samples=0, validation={"r": val})
    assert on_val.validated == {}
    assert any("judged on validation itself" in note for note in on_val.notes)
    ones = np.ones((2, 1), np.float32)
    other = ValidationRecord.of(Scores(ones, ones, models=("large",)), np.ones((2, 1)), np.ones((2, 1)))
    found = evaluate(outcomes, {"r": test}, pool=POOL, samples=0, validation={"r": other})
    assert found.validated == {}
    assert any("validated with other models" in note for note in found.notes)
    with pytest.raises(InputError, match="validation of 'q', which predicts nothing"):
        evaluate(outcomes, {"r": test}, pool=POOL, samples=0, validation={"q": val})
