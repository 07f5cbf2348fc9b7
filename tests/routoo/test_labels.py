"""Labels from end to end: learned by name, told to a router or on the command line, else guessed."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import Result

from routoo.data.domains import Label
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.predictor import Predictor
from routoo.router import Router

Routoo = Callable[..., Result]

PRICE = {"east": 1e-4, "west": 3e-4}
SKILL = {"north": {"east": 0.95, "west": 0.1}, "south": {"east": 0.1, "west": 0.95}}


@pytest.fixture(scope="module")
def recorded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tidy file with a tenant that no text shows, and that decides who is right."""
    rng = np.random.default_rng(0)
    rows = []
    for at in range(400):
        tenant = str(rng.choice(list(SKILL)))
        text = f"how many are there of {at}"
        rows += [
            {
                "prompt": text,
                "tenant": tenant,
                "model": model,
                "score": float(rng.random() < skill),
                "cost_usd": PRICE[model],
            }
            for model, skill in SKILL[tenant].items()
        ]
    path = tmp_path_factory.mktemp("tenants") / "tenants.csv"
    pl.DataFrame(rows).write_csv(path)
    return path


@pytest.fixture(scope="module")
def predictor_with_labels(recorded_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from typer.testing import CliRunner

    from routoo.cli import app

    folder = tmp_path_factory.mktemp("labels") / "predictor"
    small = ["--trunk", "tiny", "--tune", "full", "--epochs", "4", "--members", "2", "--width", "16"]
    words = ["train", str(recorded_file), "-o", str(folder), "--label", "tenant", *small]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def bundle_with_labels(predictor_with_labels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labels") / "bundle"
    report = Predictor.from_pretrained(predictor_with_labels).export(folder)
    assert report.fp32.p_max < 1e-4
    return folder


@pytest.mark.parametrize("int8", [False, True])
def test_a_router_can_be_told_what_its_network_learned(
    predictor_with_labels: Path, bundle_with_labels: Path, int8: bool
) -> None:
    predictor = Predictor.from_pretrained(predictor_with_labels)
    router = Router.from_pretrained(bundle_with_labels, int8=int8)
    assert router.labels == (Label("tenant", ("north", "south")),)
    texts = ["how many are there of 7", "how many are there of 912", "how many are there of 5"]
    for labels in (None, {"tenant": ["north", None, "south"]}):
        expected = predictor.predict(texts, labels=labels).p_correct
        found = router.predict(texts, labels=labels).p_correct
        np.testing.assert_allclose(found, expected, atol=0.05 if int8 else 1e-4)
    told, blind = router.predict(texts, labels={"tenant": ["north", None, "south"]}), router.predict(texts)
    np.testing.assert_allclose(told.p_correct[1], blind.p_correct[1], atol=1e-6)
    assert told.p_correct[0].argmax() != told.p_correct[2].argmax()


def test_one_prompt_and_a_batch_are_told_alike(bundle_with_labels: Path) -> None:
    router = Router.from_pretrained(bundle_with_labels)
    text = "how many are there of 7"
    chosen = [router.select(text, labels={"tenant": tenant}).model for tenant in ("north", "south")]
    assert chosen == ["east", "west"]
    plan = router.assign([text, text], labels={"tenant": ["north", "south"]})
    assert [plan.models[at] for at in plan.choice] == chosen
    with pytest.raises(InputError, match="labels are told when scores are predicted"):
        router.assign(router.predict([text]), labels={"tenant": ["north"]})


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"region": ["eu"]}, "labels region were not learned; learned: tenant"),
        ({"tenant": "north"}, "values of tenant must be a list with a name or None for each of 1 prompts"),
        ({"tenant": ["north", "south"]}, "for each of 1 prompts, got 2"),
        ({"tenant": [3]}, r"values of tenant: each must be a name or None, got 3 \(int\)"),
        (["tenant"], "labels must be a mapping from label to values, got list"),
    ],
)
def test_what_cannot_be_told_is_refused_in_words(
    bundle_with_labels: Path, labels: object, words: str
) -> None:
    router = Router.from_pretrained(bundle_with_labels)
    with pytest.raises(InputError, match=words):
        router.predict(["hello"], labels=labels)  # type: ignore[arg-type]  # the point of the test


def test_a_router_without_labels_says_so(bundle_folder: Path) -> None:
    router = Router.from_pretrained(bundle_folder)
    assert router.labels == ()
    with pytest.raises(InputError, match="labels tenant were not learned; learned: none"):
        router.select("hello", labels={"tenant": "north"})


def test_select_takes_labels(routoo: Routoo, bundle_with_labels: Path) -> None:
    text = "how many are there of 7"
    for tenant, model in (("north", "east"), ("south", "west")):
        result = routoo("select", bundle_with_labels, text, "--label", f"tenant={tenant}")
        assert result.stdout.strip() == model
    result = routoo("select", bundle_with_labels, text, "--label", "tenant=mars")
    assert "values of tenant that were not learned are guessed from the text: 'mars'" in result.stderr
    result = routoo("select", bundle_with_labels, text, "--label", "tenant")
    assert result.exit_code == 2
    assert "--label takes NAME=VALUE, such as language=de, got 'tenant'" in result.stderr


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "stdin"])
def test_a_column_of_the_prompts_is_told(
    routoo: Routoo, bundle_with_labels: Path, tmp_path: Path, ending: str
) -> None:
    frame = pl.DataFrame(
        {"prompt": ["how many are there of 7"] * 2, "tenant": ["north", "south"], "other": [1, 2]}
    )
    path = tmp_path / f"prompts.{ending}"
    lines = frame.write_ndjson()
    if ending == "csv":
        frame.write_csv(path)
    elif ending == "parquet":
        frame.write_parquet(path)
    else:
        path.write_text(lines)
    source, stdin = ("-", lines) if ending == "stdin" else (path, None)
    written = tmp_path / "plan.csv"
    result = routoo("assign", bundle_with_labels, source, "--budget-usd", 9, "-o", written, stdin=stdin)
    assert result.exit_code == 0, result.stderr
    assert pl.read_csv(written)["model"].to_list() == ["east", "west"]
    result = routoo("predict", bundle_with_labels, source, "--json", stdin=stdin)
    rows = pl.DataFrame(json.loads(result.stdout)["predictions"])
    assert rows.filter(model="east")["p_correct"].diff()[1] < -0.3


def test_prompts_without_the_column_are_guessed_and_it_is_said(
    routoo: Routoo, bundle_with_labels: Path, tmp_path: Path
) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("how many are there of 7\n")
    result = routoo("predict", bundle_with_labels, path)
    assert "prompts.txt has no tenant: guessed from the text" in result.stderr
    assert routoo("predict", bundle_with_labels, path, "-q").stderr == ""


def test_an_evaluation_tells_labels_where_asked(
    routoo: Routoo, bundle_with_labels: Path, bundle_folder: Path, recorded_file: Path, data_folder: Path
) -> None:
    options = ("--json", "-q", "--samples", "0", "--robustness", "5")
    figures = {}
    for told in ((), ("--tell-labels",)):
        result = routoo("evaluate", bundle_with_labels, recorded_file, *told, *options)
        found = json.loads(result.stdout)
        row = next(row for row in found["rows"] if row["name"] == "routoo")
        figures[bool(told)] = row["area"]
        assert found["provenance"]["labels"] == "tenant: " + ("told" if told else "guessed from the text")
    assert figures[True] > figures[False] + 0.2
    result = routoo("evaluate", bundle_folder, data_folder, "--tell-labels", *options)
    assert result.exit_code == 2
    assert "this router learned no labels" in result.stderr


def test_a_label_is_a_column_of_the_prompts(recorded_file: Path) -> None:
    outcomes = Outcomes.read(recorded_file)
    assert set(outcomes.labels(["tenant"])["tenant"]) == set(SKILL)
    with pytest.raises(InputError, match="the prompts have no column region; they have prompt_id, prompt"):
        outcomes.labels(["region"])
