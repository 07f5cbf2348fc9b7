"""`routoo assign` beyond one budget: other limits, the frontier, and predictions streamed from a file."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from typer.testing import Result

import routoo as api
from routoo.commands.output import write_table

Routoo = Callable[..., Result]


@pytest.fixture
def predictions(routoo: Routoo, bundle_folder: Path, tmp_path: Path) -> Path:
    prompts, path = tmp_path / "prompts.txt", tmp_path / "predictions.parquet"
    prompts.write_text("".join(f"What is {at} plus {at + 1}?\n" for at in range(40)))
    assert routoo("predict", bundle_folder, prompts, "-o", path, "-q").exit_code == 0
    return path


def test_predictions_from_a_file_are_assigned_to_a_file(
    routoo: Routoo, predictions: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.parquet"
    cheapest = pl.read_parquet(predictions).group_by("prompt_id").agg(pl.col("cost_usd").min())
    budget = 1.5 * float(cheapest["cost_usd"].sum())
    result = routoo("assign", predictions, "--budget-usd", budget, "-o", plan, "--json", "-q")
    found = json.loads(result.stdout)
    assert found["written"] == str(plan)
    assert found["prompts"] == 40
    chosen = pl.read_parquet(plan)
    assert (
        chosen["prompt_id"].to_list()
        == pl.read_parquet(predictions)["prompt_id"].unique(maintain_order=True).to_list()
    )
    assert float(chosen["cost_usd"].sum()) <= budget * (1 + 1e-6)
    assert found["score"] == pytest.approx(float(chosen["p_correct"].sum()), rel=1e-5)


def test_a_streamed_budget_that_is_too_small_names_the_least(
    routoo: Routoo, predictions: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.parquet"
    result = routoo("assign", predictions, "--budget-usd", 1e-12, "-o", plan, "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["least_budget_usd"] > 1e-12
    assert not plan.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--budget-usd", 1), "give -o with a .parquet"),
        (("--budget-usd", 1, "-o", "plan.csv"), "give -o with a .parquet"),
        (("--budget-usd", 1, "-o", "plan.parquet", "--solver", "exact"), "solver dual"),
        (("--frontier", "f.csv"), "no --frontier"),
        (("--budget-usd", 1, "-o", "plan.parquet", "--budget-confidence", 0.9), "no --budget-confidence"),
        (("--period-s", 60, "-o", "plan.parquet", "--budget-confidence", 0.9), "give --budget-usd too"),
        (("--budget-usd", 1, "-o", "plan.parquet", "--threads", 2), "no --threads"),
        (("--budget-usd", 1, "-o", "plan.parquet", "--pool", "none.toml"), "none.toml: no such file"),
        (("--budget-usd", 1, "-o", "plan.parquet", "--tag", "vision"), "--tag takes --pool FILE too"),
        (("--period-s", 60, "-o", "plan.parquet"), "--period-s takes --pool FILE too"),
    ],
)
def test_what_cannot_be_streamed_is_said(
    routoo: Routoo, predictions: Path, arguments: tuple[object, ...], words: str
) -> None:
    result = routoo("assign", predictions, *arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_the_frontier_is_written_without_any_limit(
    routoo: Routoo, bundle_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "frontier.csv"
    result = routoo("assign", bundle_folder, "-", "--frontier", path, stdin="Name a river.\n2 + 2?\n")
    assert result.exit_code == 0
    corners = pl.read_csv(path)
    assert corners["mean_score"].is_sorted()
    assert corners["budget_usd"].is_sorted()


def test_the_frontier_is_of_what_is_chosen_by(routoo: Routoo, bundle_folder: Path, tmp_path: Path) -> None:
    best = []
    for options in ((), ("--confidence", 0.9)):
        path = tmp_path / f"frontier{len(options)}.csv"
        routoo("assign", bundle_folder, "-", "--frontier", path, *options, stdin="Name a river.\n2 + 2?\n")
        best.append(float(pl.read_csv(path)["mean_score"].to_numpy().max()))
    assert best[1] < best[0]


def test_a_budget_confidence_keeps_a_reserve_and_says_so(routoo: Routoo, bundle_folder: Path) -> None:
    lines = "".join(f"What is {at} plus {at + 1}?\n" for at in range(40))
    asked = ("assign", bundle_folder, "-", "--budget-usd", 0.01)
    plain = routoo(*asked, stdin=lines)
    assert "the budget holds for predicted cost" in " ".join(plain.stdout.split())
    careful = ("--budget-confidence", 0.95)
    told = routoo(*asked, *careful, stdin=lines).stdout
    assert "true costs keep 0.01 USD with confidence 0.95" in " ".join(told.split())
    found = json.loads(routoo(*asked, *careful, "--json", stdin=lines).stdout)
    assert found["reserve"]["budget_usd"] == 0.01
    assert found["reserve"]["confidence"] == 0.95
    assert found["cost_usd"] + found["reserve"]["usd"] <= 0.01 * (1 + 1e-9)
    small = ("--budget-usd", 1e-7, "--json")
    refused = routoo("assign", bundle_folder, "-", *small, *careful, stdin=lines)
    assert refused.exit_code == 3
    assert json.loads(refused.stdout)["least_budget_usd"] > 1e-7


def test_a_cap_on_a_model_holds(routoo: Routoo, bundle_folder: Path) -> None:
    lines = "".join(f"What is {at} plus {at + 1}?\n" for at in range(10))
    free = json.loads(routoo("assign", bundle_folder, "-", "--budget-usd", 9, "--json", stdin=lines).stdout)
    favourite = max(free["shares"], key=free["shares"].get)
    cap = ("--max-requests", f"{favourite}=2")
    held = json.loads(routoo("assign", bundle_folder, "-", *cap, "--json", stdin=lines).stdout)
    assert held["shares"][favourite] <= 0.2


def test_caution_is_part_of_what_a_batch_is_told(routoo: Routoo, bundle_folder: Path) -> None:
    lines = "".join(f"What is {at} plus {at + 1}?\n" for at in range(10))
    free = json.loads(routoo("assign", bundle_folder, "-", "--budget-usd", 9, "--json", stdin=lines).stdout)
    assert free["objective"] == pytest.approx(free["score"])
    half = ("assign", bundle_folder, "-", "--budget-usd", free["cost_usd"] / 2, "--confidence", 0.9)
    found = json.loads(routoo(*half, "--json", stdin=lines).stdout)
    assert found["score"] == pytest.approx(sum(row["p_correct"] for row in found["assignment"]), rel=1e-5)
    assert found["score"] > found["objective"]
    price = found["prices"]["budget_usd"]
    shown = routoo(*half, stdin=lines).stdout
    assert f"predicted score {found['score'] / 10:.4f} a prompt" in shown
    assert f"(chosen by {found['objective'] / 10:.4f}, at confidence 0.9)" in shown
    assert f"`routoo select --confidence 0.9 --price {price:.6g}` chooses alike" in shown


@pytest.mark.parametrize("cap", ["large", "large=many", "=3"])
def test_a_cap_that_cannot_be_read_is_refused(routoo: Routoo, bundle_folder: Path, cap: str) -> None:
    result = routoo("assign", bundle_folder, "-", "--max-requests", cap, stdin="Name a river.\n")
    assert result.exit_code == 2
    assert "MODEL=N" in result.stderr


def test_a_cap_of_no_model_names_the_flag(routoo: Routoo, bundle_folder: Path, tmp_path: Path) -> None:
    streamed = tmp_path / "predictions.parquet"
    (tmp_path / "prompts.txt").write_text("Name a river.\n")
    assert routoo("predict", bundle_folder, tmp_path / "prompts.txt", "-o", streamed).exit_code == 0
    for source in ([bundle_folder, tmp_path / "prompts.txt"], [streamed, "-o", tmp_path / "plan.parquet"]):
        result = routoo("assign", *source, "--max-requests", "none-such=3")
        assert result.exit_code == 2
        assert "--max-requests names none-such; known: " in result.stderr


def test_no_limit_and_no_frontier_is_refused(routoo: Routoo, bundle_folder: Path) -> None:
    result = routoo("assign", bundle_folder, "-", stdin="Name a river.\n")
    assert result.exit_code == 2
    assert "--budget-usd" in result.stderr


def test_a_pacer_sets_the_price_of_select(bundle_folder: Path) -> None:
    router = api.Router.from_pretrained(bundle_folder)
    dear = router.select("2 + 2?").cost_usd
    pacer = api.Pacer(20 * dear / 4, expected_prompts=20, calibration=router.predict(["2 + 2?"] * 20))
    spent = 0.0
    for _ in range(20):
        chosen = router.select("2 + 2?", pacer=pacer)
        spent += chosen.cost_usd
        pacer.settle(chosen.ticket, chosen.cost_usd)
    assert 0 < spent <= 20 * dear / 4
    with pytest.raises(api.InputError, match="pacer sets the price"):
        router.select("2 + 2?", pacer=pacer, price=1.0)


@pytest.fixture
def stated(bundle_folder: Path, tmp_path: Path) -> Path:
    """The bundle's pool at ten times its prices, with a tag and a rate for all but the last model."""
    *some, last = api.Router.from_pretrained(bundle_folder).pool.models
    path = tmp_path / "pool.toml"
    tagged = [dataclasses.replace(model, requests_per_minute=20, tags=("tools",)) for model in some]
    dear = [
        dataclasses.replace(
            model,
            usd_per_1m_input=10 * model.usd_per_1m_input,
            usd_per_1m_output=10 * model.usd_per_1m_output,
        )
        for model in (*tagged, last)
    ]
    api.Pool(tuple(dear)).write(path)
    return path


def test_a_streamed_pool_counts_as_one_that_a_router_is_given(
    routoo: Routoo, bundle_folder: Path, predictions: Path, stated: Path, tmp_path: Path
) -> None:
    plan, options = (
        tmp_path / "plan.parquet",
        ("--pool", stated, "--tag", "tools", "--period-s", 60, "--json"),
    )
    streamed = json.loads(routoo("assign", predictions, "-o", plan, *options).stdout)
    prompts = tmp_path / "prompts.txt"
    routed = json.loads(routoo("assign", bundle_folder, prompts, *options).stdout)
    assert streamed["shares"] == routed["shares"]
    assert streamed["cost_usd"] == pytest.approx(routed["cost_usd"])
    assert streamed["score"] == pytest.approx(routed["score"])
    assert max(routed["shares"].values()) == 0.5
    at_once = pl.read_parquet(predictions).filter(pl.col("model").is_in(pl.read_parquet(plan)["model"]))
    assert (
        streamed["cost_usd"]
        > 5 * at_once.group_by("prompt_id").agg(pl.col("cost_usd").min())["cost_usd"].sum()
    )


def test_prompts_name_the_tags_that_they_need(
    routoo: Routoo, bundle_folder: Path, stated: Path, tmp_path: Path
) -> None:
    first, *others = api.Pool.read(stated).models
    pool, path = tmp_path / "tagged.toml", tmp_path / "asked.csv"
    api.Pool((dataclasses.replace(first, tags=("tools", "vision")), *others)).write(pool)
    path.write_text('prompt,required_tags\n2 + 2?,\nSee this,"tools, vision"\n')
    command = ("assign", bundle_folder, path, "--pool", pool, "--max-mean-latency-s", 99, "--json")
    for added in ((), ("--tag", "tools")):
        found = json.loads(routoo(*command, *added).stdout)["assignment"]
        assert found[1]["model"] == first.name
        assert found[0]["model"] != first.name
    path.write_text("prompt,required_tags\n2 + 2?,sight\n")
    refused = routoo(*command)
    assert refused.exit_code == 2
    assert "no model of the pool has the tag 'sight'; tags there are: tools, vision" in refused.stderr


def test_a_tag_closes_models_to_a_prompt_and_its_frontier(
    routoo: Routoo, bundle_folder: Path, stated: Path, tmp_path: Path
) -> None:
    last = api.Pool.read(stated).names[-1]
    options = ("--pool", stated, "--tag", "tools")
    assert routoo("select", bundle_folder, "2 + 2?", *options).stdout.strip() != last
    path = tmp_path / "frontier.csv"
    made = routoo("assign", bundle_folder, "-", "--frontier", path, *options, stdin="Name a river.\n2 + 2?\n")
    assert made.exit_code == 0
    assert pl.read_csv(path)[f"share of {last}"].sum() == 0
    capped = ("--max-requests", f"{last}=1")
    refused = routoo("assign", bundle_folder, "-", "--frontier", path, *capped, stdin="Name a river.\n")
    assert refused.exit_code == 2
    assert "a frontier moves one budget alone" in refused.stderr


@pytest.mark.parametrize("name", ["asked.csv", "asked.jsonl", "asked.parquet"])
def test_tags_of_a_prompt_reach_a_streamed_choice(
    routoo: Routoo, bundle_folder: Path, tmp_path: Path, name: str
) -> None:
    texts = ["Name a river.", "2 + 2?"]
    router = api.Router.from_pretrained(bundle_folder)
    scores = router.predict(texts)
    worst = scores.models[int(scores.p_correct[0].argmin())]
    pool = api.Pool(
        tuple(
            dataclasses.replace(model, tags=("eu",) * (model.name == worst)) for model in router.pool.models
        )
    )
    pool.write(tmp_path / "pool.toml")
    needed = ["eu", None] if name.endswith("csv") else [["eu"], None]
    asked, predicted, plan = tmp_path / name, tmp_path / "predicted.parquet", tmp_path / "plan.parquet"
    write_table(pl.DataFrame({"prompt": texts, "required_tags": needed}), asked)
    assert routoo("predict", bundle_folder, asked, "-o", predicted).exit_code == 0
    streamed = ("assign", predicted, "--budget-usd", 9, "-o", plan)
    chosen = routoo(*streamed, "--pool", tmp_path / "pool.toml")
    assert chosen.exit_code == 0, chosen.stderr
    best = scores.models[int(scores.p_correct[1].argmax())]
    assert pl.read_parquet(plan)["model"].to_list() == [worst, best]
    without = routoo(*streamed)
    assert without.exit_code == 2
    assert "has required_tags, and a file of predictions knows no pool" in " ".join(without.stderr.split())


def test_a_reserve_is_offered_only_where_one_can_be_kept(
    routoo: Routoo, bundle_folder: Path, predictions: Path, tmp_path: Path
) -> None:
    pool = api.Router.from_pretrained(bundle_folder).pool
    dearer = tuple(
        dataclasses.replace(model, usd_per_1m_output=9 + 2 * model.usd_per_1m_output) for model in pool.models
    )
    api.Pool(dearer).write(tmp_path / "dearer.toml")
    asked = ("assign", bundle_folder, "-", "--budget-usd", 9)
    elsewhere = (
        routoo(*asked, "--pool", tmp_path / "dearer.toml", stdin="2 + 2?\n"),
        routoo("assign", predictions, "--budget-usd", 9, "-o", tmp_path / "plan.parquet"),
    )
    for result in elsewhere:
        assert "the budget holds for predicted cost" in " ".join(result.stdout.split())
        assert "--budget-confidence" not in result.stdout
    assert "--budget-confidence" in routoo(*asked, stdin="2 + 2?\n").stdout
