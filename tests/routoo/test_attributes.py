"""Attributes from end to end: learned by name, given to a router or on the command line, else inferred."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import Result

from routoo.data.domains import Attribute, AttributeValue, attribute_numbers, unlearned_attributes
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
    for at in range(800):
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
def predictor_with_attributes(recorded_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from typer.testing import CliRunner

    from routoo.cli import app

    folder = tmp_path_factory.mktemp("attributes") / "predictor"
    small = ["--encoder", "tiny", "--tune", "full", "--epochs", "4", "--members", "2", "--width", "16"]
    words = ["train", str(recorded_file), "-o", str(folder), "--attribute", "tenant", *small]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def bundle_with_attributes(predictor_with_attributes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attributes") / "bundle"
    report = Predictor.from_pretrained(predictor_with_attributes).export(folder)
    assert report.fp32.p_max < 1e-4
    return folder


@pytest.mark.parametrize("int8", [False, True])
def test_a_router_can_be_given_what_its_network_learned(
    predictor_with_attributes: Path, bundle_with_attributes: Path, int8: bool
) -> None:
    predictor = Predictor.from_pretrained(predictor_with_attributes)
    router = Router.from_pretrained(bundle_with_attributes, int8=int8)
    assert router.attributes == (Attribute("tenant", ("north", "south")),)
    texts = ["how many are there of 7", "how many are there of 912", "how many are there of 5"]
    for attributes in (None, {"tenant": ["north", None, "south"]}):
        expected = predictor.predict(texts, attributes=attributes).p_correct
        found = router.predict(texts, attributes=attributes).p_correct
        np.testing.assert_allclose(found, expected, atol=0.05 if int8 else 1e-4)
    told, blind = (
        router.predict(texts, attributes={"tenant": ["north", None, "south"]}),
        router.predict(texts),
    )
    np.testing.assert_allclose(told.p_correct[1], blind.p_correct[1], atol=1e-6)
    assert told.p_correct[0].argmax() != told.p_correct[2].argmax()


def test_one_prompt_and_a_batch_are_read_alike(bundle_with_attributes: Path) -> None:
    router = Router.from_pretrained(bundle_with_attributes)
    text = "how many are there of 7"
    chosen = [router.select(text, attributes={"tenant": tenant}).model for tenant in ("north", "south")]
    assert chosen == ["east", "west"]
    plan = router.assign([text, text], attributes={"tenant": ["north", "south"]})
    assert [plan.models[at] for at in plan.choice] == chosen
    with pytest.raises(InputError, match="attributes are given when scores are predicted"):
        router.assign(router.predict([text]), attributes={"tenant": ["north"]})


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"region": ["eu"]}, "attributes region were not learned; learned: tenant"),
        ({"tenant": "north"}, "values of tenant must be a list of names or None, one for each of 1 prompts"),
        ({"tenant": ["north", "south"]}, "for each of 1 prompts, got 2"),
        ({"tenant": [b"north"]}, r"values of tenant: each must be text, a number, .* got b'north' \(bytes\)"),
        ({"tenant": [["north"]]}, r"got \['north'\] \(list\)"),
        (["tenant"], "attributes must be a mapping from attribute to values, got list"),
        ({"Tenant": ["north"]}, r"learned: tenant; did you mean tenant\? .* or `routoo train --attribute`"),
        ({None: ["north"]}, r"attributes: each must be called by its name, got None \(NoneType\)"),
        ({1: ["north"]}, r"attributes: each must be called by its name, got 1 \(int\)"),
        ({"tenant": 5}, "values of tenant must be a list .* of 1 prompts, got a number"),
        ({"tenant": {"north"}}, "values of tenant must be a list .* got a set, which has no order"),
        ({"tenant": {"a": "north"}}, "values of tenant must be a list .* got a mapping"),
        (pl.DataFrame({"tenant": ["north"]}), r"got DataFrame; .* by .to_dict\(as_series=False\)"),
    ],
)
def test_what_cannot_be_given_is_refused_in_words(
    bundle_with_attributes: Path, attributes: object, words: str
) -> None:
    router = Router.from_pretrained(bundle_with_attributes)
    with pytest.raises(InputError, match=words):
        router.predict(["hello"], attributes=attributes)  # type: ignore[arg-type]  # the point of the test


def test_domains_that_are_no_list_are_refused_too(bundle_with_attributes: Path) -> None:
    router = Router.from_pretrained(bundle_with_attributes)
    with pytest.raises(InputError, match=r"domains must be a list .* of 1 prompts, got a mapping"):
        router.predict(["hello"], domains={"law": 1})


def test_what_has_an_order_is_read_as_a_list(bundle_with_attributes: Path) -> None:
    router = Router.from_pretrained(bundle_with_attributes)
    expected = router.predict(["hello"], attributes={"tenant": ["north"]}).p_correct
    for given in (pl.Series(["north"]), np.array(["north"]), (name for name in ["north"])):
        attributes: Any = {"tenant": given}
        assert (router.predict(["hello"], attributes=attributes).p_correct == expected).all()


TENANTS = ("0", "1", "false", "true")


@pytest.mark.parametrize(
    "given",
    [
        [0, 1, False, True],
        [0.0, 1.0, "False", "TRUE"],
        [" 0", "1.0\n", " false ", "true"],
        [np.float32(0), np.float32(1), np.False_, np.True_],
        [*np.array([0, 1]), np.str_("false"), np.str_("true")],
    ],
)
def test_values_are_spelled_alike_everywhere(given: list[AttributeValue], tmp_path: Path) -> None:
    assert attribute_numbers({"tier": given}, [Attribute("tier", TENANTS)], 4).tolist() == [
        [0],
        [1],
        [2],
        [3],
    ]
    assert unlearned_attributes({"tier": given}, [Attribute("tier", TENANTS)]) == []
    prompts = pl.DataFrame({"prompt_id": list("abcd"), "prompt": list("abcd"), "tier": map(str, given)})
    scores = pl.DataFrame({"prompt_id": list("abcd"), "model": "m", "score": 1.0})
    assert Outcomes(prompts, scores).attributes(["tier"]) == {"tier": list(TENANTS)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, float("nan"), None], ["1", None, None]),
        ([True, False, None], ["true", "false", None]),
        ([2, 10, None], ["2", "10", None]),
        (["x ", " ", None], ["x", None, None]),
    ],
)
def test_columns_of_outcomes_have_the_same_spelling(values: list[AttributeValue], expected: object) -> None:
    prompts = pl.DataFrame({"prompt_id": list("abc"), "prompt": list("abc"), "tier": values})
    scores = pl.DataFrame({"prompt_id": list("abc"), "model": "m", "score": 1.0})
    assert Outcomes(prompts, scores).attributes(["tier"]) == {"tier": expected}


def test_nan_and_blank_are_not_known() -> None:
    attribute = Attribute("tier", ("x",), rest=True)
    given: list[AttributeValue] = [float("nan"), np.float64("nan"), " ", None, "y"]
    assert attribute_numbers({"tier": given}, [attribute], 5).tolist() == [[-1]] * 4 + [[1]]
    assert attribute.n_values == 2


def test_what_was_not_learned_may_count_as_all_others() -> None:
    attributes = [Attribute("tenant", ("a", "b"), rest=True), Attribute("language", ("de", "en"))]
    given: dict[str, list[AttributeValue]] = {"tenant": ["x", "a"], "language": ["eo", None]}
    assert unlearned_attributes({**given, "nope": ["1", "2"]}, attributes) == [
        "values of tenant that were not learned count as all others: 'x'; learned: 'a', 'b'",
        "values of language that were not learned are inferred from the text: 'eo'; learned: 'de', 'en'",
    ]
    assert attribute_numbers(given, attributes, 2).tolist() == [[2, -1], [0, -1]]


def test_a_router_without_attributes_says_so(bundle_folder: Path) -> None:
    router = Router.from_pretrained(bundle_folder)
    assert router.attributes == ()
    with pytest.raises(InputError, match="attributes tenant were not learned; learned: none"):
        router.select("hello", attributes={"tenant": "north"})


def test_select_takes_attributes(routoo: Routoo, bundle_with_attributes: Path) -> None:
    text = "how many are there of 7"
    for tenant, model in (("north", "east"), ("south", "west")):
        result = routoo("select", bundle_with_attributes, text, "--attribute", f"tenant={tenant}")
        assert result.stdout.strip() == model
    result = routoo("select", bundle_with_attributes, text, "--attribute", "tenant=mars")
    assert "values of tenant that were not learned are inferred from the text: 'mars'" in result.stderr
    result = routoo("select", bundle_with_attributes, text, "--attribute", "tenant")
    assert result.exit_code == 2
    assert "--attribute takes NAME=VALUE, such as language=de, got 'tenant'" in result.stderr
    result = routoo("select", bundle_with_attributes, text, "--attribute", "tenant= north ", "-q")
    assert result.stdout.strip() == "east"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["nope=1"], "attributes nope were not learned; learned: tenant. What is to be given"),
        (["Tenant=north"], "learned: tenant; did you mean tenant?"),
        (["nope=1"], "or `routoo train --attribute`"),
        (["tenant=north", "tenant=south"], "--attribute takes each name once, got tenant twice"),
    ],
)
def test_select_refuses_attributes_at_once(
    routoo: Routoo, bundle_with_attributes: Path, given: list[str], words: str
) -> None:
    options = [word for value in given for word in ("--attribute", value)]
    result = routoo("select", bundle_with_attributes, "how many are there of 7", *options)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
    assert "inferred from the text" not in result.stderr


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "stdin"])
def test_a_column_of_the_prompts_is_read(
    routoo: Routoo, bundle_with_attributes: Path, tmp_path: Path, ending: str
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
    result = routoo("assign", bundle_with_attributes, source, "--budget-usd", 9, "-o", written, stdin=stdin)
    assert result.exit_code == 0, result.stderr
    assert pl.read_csv(written)["model"].to_list() == ["east", "west"]
    result = routoo("predict", bundle_with_attributes, source, "--json", stdin=stdin)
    rows = pl.DataFrame(json.loads(result.stdout)["predictions"])
    assert rows.filter(model="east")["p_correct"].diff()[1] < -0.3


def test_prompts_without_the_column_are_inferred_and_it_is_said(
    routoo: Routoo, bundle_with_attributes: Path, tmp_path: Path
) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("how many are there of 7\n")
    result = routoo("predict", bundle_with_attributes, path)
    assert "prompts.txt has no tenant: inferred from the text" in result.stderr
    assert routoo("predict", bundle_with_attributes, path, "-q").stderr == ""
    path = tmp_path / "prompts.csv"
    path.write_text("prompt,Tenant\nhow many are there of 7,north\n")
    result = routoo("predict", bundle_with_attributes, path)
    assert "has no tenant: inferred from the text; did you mean Tenant?" in " ".join(result.stderr.split())
    path.write_text("prompt,tenant\nhow many are there of 7,\n")
    assert "has no tenant" not in routoo("predict", bundle_with_attributes, path).stderr


@pytest.mark.parametrize("verb", ["predict", "assign"])
def test_the_help_names_the_columns_that_are_read(routoo: Routoo, verb: str) -> None:
    said = " ".join(routoo(verb, "--help").stdout.replace("│", " ").split())
    assert "and where known domain and the attributes that the router learned" in said


def test_an_evaluation_tells_attributes_where_asked(
    routoo: Routoo, bundle_with_attributes: Path, bundle_folder: Path, recorded_file: Path, data_folder: Path
) -> None:
    options = ("--json", "-q", "--samples", "0", "--robustness", "5")
    figures = {}
    for told in ((), ("--observed-attributes",)):
        result = routoo("evaluate", bundle_with_attributes, recorded_file, *told, *options)
        found = json.loads(result.stdout)
        row = next(row for row in found["rows"] if row["name"] == "routoo")
        figures[bool(told)] = row["argmax"]
        assert found["observed_attributes"] == {"tenant": found["n_prompts"] if told else None}
    assert figures[True] > figures[False] + 0.2
    result = routoo("evaluate", bundle_folder, data_folder, "--observed-attributes", *options)
    assert result.exit_code == 2
    assert "this router learned no attributes" in result.stderr


def test_an_evaluation_says_which_attributes_were_told(
    routoo: Routoo, bundle_with_attributes: Path, recorded_file: Path, tmp_path: Path
) -> None:
    options = ("-q", "--samples", "0", "--robustness", "0")

    def said(frame: pl.DataFrame, *flags: object) -> str:
        frame.write_csv(tmp_path / "tenants.csv")
        result = routoo("evaluate", bundle_with_attributes, tmp_path / "tenants.csv", *flags, *options)
        return " ".join((result.stdout + result.stderr).split())

    recorded = pl.read_csv(recorded_file)
    assert "attributes: tenant inferred from the text" in said(recorded)
    page = tmp_path / "report.html"
    elsewhere = said(recorded.with_columns(tenant=pl.lit("mars")), "--observed-attributes", "--report", page)
    assert re.search(r"attributes: tenant observed for 0 of \d+ prompts", elsewhere)
    assert re.search(r"tenant observed for 0 of \d+ prompts", page.read_text())
    missing = said(recorded.rename({"tenant": "Tenant"}), "--observed-attributes")
    assert (
        "--observed-attributes needs the columns that the router learned; add them, or leave it out"
        in missing
    )
    assert "the prompts have no column tenant" in missing
    assert "did you mean Tenant?" in missing


def test_distilling_needs_the_attributes(
    predictor_with_attributes: Path, recorded_file: Path, tmp_path: Path
) -> None:
    pl.read_csv(recorded_file).drop("tenant").write_csv(tmp_path / "bare.csv")
    words = (
        "the predictor learned the attributes tenant, and is distilled with them: bare: the prompts have no"
    )
    with pytest.raises(InputError, match=words):
        Predictor.from_pretrained(predictor_with_attributes).distill(Outcomes.read(tmp_path / "bare.csv"))


def test_an_attribute_is_a_column_of_the_prompts(recorded_file: Path) -> None:
    outcomes = Outcomes.read(recorded_file)
    assert set(outcomes.attributes(["tenant"])["tenant"]) == set(SKILL)
    with pytest.raises(InputError, match="the prompts have no column region; they have prompt_id, prompt"):
        outcomes.attributes(["region"])
