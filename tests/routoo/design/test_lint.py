"""What is odd in a pool is named, and what is not is left alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.design.finding import Finding
from routoo.design.lint import lint_pool


def _model(name: str = "m", **fields: Any) -> PoolModel:
    return PoolModel(**{"name": name, "usd_per_1m_input": 1.0, "usd_per_1m_output": 2.0, **fields})


def _outcomes(scores: dict[str, Any], **columns: Any) -> Outcomes:
    """Outcomes of models by name, each call with the same usage; NaN is a prompt that was not run."""
    columns = {"input_tokens": np.full(5000, 10.0), "output_tokens": np.full(5000, 100.0), **columns}
    n = max(len(of) for of in scores.values())
    prompts = pl.DataFrame({"prompt_id": [f"{at:04}" for at in range(n)], "prompt": ["What?"] * n})
    if "domain" in columns:
        prompts = prompts.with_columns(pl.Series("domain", columns.pop("domain")))
    rows = pl.concat(
        pl.DataFrame(
            {"prompt_id": prompts["prompt_id"][: len(of)], "model": name, "score": of}
            | {key: value[: len(of)] for key, value in columns.items()}
        )
        for name, of in scores.items()
    )
    return Outcomes(prompts, rows.filter(~pl.col("score").is_nan()), "made up")


def _draw(chance: Any, seed: int, n: int = 400) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(np.random.default_rng(seed).random(n) < chance, np.float64)


def _kinds(findings: tuple[Finding, ...]) -> list[tuple[str, str, str | None]]:
    return [(finding.kind, finding.model, finding.other) for finding in findings]


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        ({"usd_per_1m_input": 0, "usd_per_1m_output": 0}, "price", "costs nothing"),
        ({"usd_per_1m_input": 0}, "price", "usd_per_1m_input is 0: an unknown price is not zero"),
        ({"usd_per_1m_input": 2.5e-6, "usd_per_1m_output": 1.0}, "price", "is 2.5e-06: is that per token"),
        ({"usd_per_1m_output": 20_000.0}, "price", "is that per billion"),
        ({"usd_per_1m_output": 0.5}, "price", "are they swapped"),
        ({"usd_per_1m_cached_input": 1.5}, "price", r"usd_per_1m_cached_input \(1.5\) is above"),
        ({"usd_per_1m_batch_output": 2.5}, "price", r"usd_per_1m_batch_output \(2.5\) is above"),
        ({"context_window": 128}, "limit", "context_window is 128 tokens: is the unit right"),
        ({"requests_per_minute": 500, "tokens_per_minute": 60}, "limit", "60 tokens_per_minute are fewer"),
    ],
)
def test_a_price_or_limit_that_looks_wrong_is_named(fields: dict[str, Any], kind: str, words: str) -> None:
    (finding,) = lint_pool(Pool((_model(**fields),)))
    assert (finding.kind, finding.model) == (kind, "m")
    with pytest.raises(ValueError, match=words):
        raise ValueError(finding.words)


def test_a_pool_in_order_gives_nothing_to_look_at() -> None:
    full = _model(
        context_window=128_000,
        usd_per_1m_cached_input=0.1,
        usd_per_1m_batch_input=0.5,
        requests_per_minute=500,
        tokens_per_minute=100_000,
    )
    per_call = _model("by the call", usd_per_1m_input=0, usd_per_1m_output=0, usd_per_call=0.01)
    assert lint_pool(Pool((full, per_call))) == ()


def test_names_that_differ_in_punctuation_are_named() -> None:
    findings = lint_pool(Pool((_model("gpt-4"), _model("GPT 4"), _model("gpt-4o"))))
    assert _kinds(findings) == [("duplicate", "GPT 4", "gpt-4")]


def test_every_fault_of_a_file_is_listed(tmp_path: Path) -> None:
    rows = [
        {"name": "unpriced", "usd_per_1m_input": 1.0},
        {"name": "fine", "usd_per_1m_input": 1.0, "usd_per_1m_output": 2.0},
        {"name": "fine", "usd_per_1m_input": 1.0, "usd_per_1m_output": 2.0},
        {"name": "windowless", "usd_per_1m_input": 1.0, "usd_per_1m_output": 2.0, "context_window": 0},
        {"usd_per_1m_input": 1.0, "usd_per_1m_output": 2.0},
    ]
    (tmp_path / "prices.json").write_text(json.dumps(rows))
    findings = lint_pool(tmp_path / "prices.json")
    assert sorted(_kinds(findings), key=str) == [
        ("duplicate", "fine", "fine"),
        ("entry", "windowless", None),
        ("entry", "without a name", None),
        ("price", "unpriced", None),
    ]
    assert "lacks usd_per_1m_output" in next(f.words for f in findings if f.model == "unpriced")


def test_a_file_that_is_no_pool_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pool.toml").write_text("[[models]]\nname = 'a'\n")
    with pytest.raises(InputError, match=r"expected one \[\[model\]\] table a model"):
        lint_pool(tmp_path / "pool.toml")


def test_models_without_outcomes_and_outcomes_without_a_price_are_named() -> None:
    outcomes = _outcomes({"a": _draw(0.5, 0), "unpriced": _draw(0.5, 1), "thin": _draw(0.5, 2, n=60)})
    findings = lint_pool(Pool((_model("never run"), _model("a"), _model("thin"))), outcomes)
    assert _kinds(findings) == [
        ("outcomes", "never run", None),
        ("outcomes", "thin", None),
        ("price", "unpriced", None),
    ]
    assert "has 60 outcomes" in findings[1].words


def test_a_model_that_never_scores_is_named() -> None:
    findings = lint_pool(Pool((_model("broken"),)), _outcomes({"broken": np.zeros(400)}))
    assert "scores 0 on all of 400 prompts" in findings[0].words


def test_prompts_longer_than_the_window_are_counted() -> None:
    outcomes = _outcomes({"m": _draw(0.5, 0)}, input_tokens=np.where(np.arange(400) < 7, 9000.0, 100.0))
    (finding,) = lint_pool(Pool((_model(context_window=8192),)), outcomes)
    assert "context_window is 8,192 tokens, and 7 recorded prompts are longer" in finding.words


def test_a_copy_is_called_a_duplicate_of_the_cheaper_one() -> None:
    scores = _draw(0.6, 0)
    nearly = np.where(np.arange(400) < 3, 1 - scores, scores)
    pool = Pool((_model("dear copy", usd_per_1m_output=9.0), _model("cheap"), _model("another")))
    findings = lint_pool(pool, _outcomes({"cheap": scores, "dear copy": nearly, "another": _draw(0.6, 1)}))
    assert _kinds(findings) == [("duplicate", "dear copy", "cheap")]
    assert "99.2 % of 400 prompts" in findings[0].words


def test_models_that_are_nearly_always_right_are_no_copies() -> None:
    outcomes = _outcomes({"a": _draw(0.995, 0), "b": _draw(0.995, 1)})
    assert lint_pool(Pool((_model("a"), _model("b"))), outcomes) == ()


@pytest.mark.parametrize(("price", "dominated"), [(0.5, True), (2.0, True), (3.0, False)])
def test_a_model_is_dominated_by_a_better_one_that_is_no_dearer(price: float, dominated: bool) -> None:
    outcomes = _outcomes({"better": _draw(0.8, 0), "worse": _draw(0.5, 1)})
    pool = Pool((_model("worse"), _model("better", usd_per_1m_input=price / 2, usd_per_1m_output=price)))
    findings = lint_pool(pool, outcomes)
    assert _kinds(findings) == ([("dominated", "worse", "better")] if dominated else [])


def test_a_dominated_model_may_still_be_the_best_somewhere() -> None:
    rare = np.arange(2000) % 10 == 0
    scores = {
        "all round": _draw(np.where(rare, 0.3, 0.9), 0, n=2000),
        "for the rare": _draw(np.where(rare, 0.9, 0.3), 1, n=2000),
    }
    outcomes = _outcomes(scores, domain=np.where(rare, "rare", "common").tolist())
    (finding,) = lint_pool(Pool((_model("all round"), _model("for the rare"))), outcomes)
    assert (finding.kind, finding.model) == ("dominated", "for the rare")
    assert finding.words.endswith(
        "; with prompts grouped by domain, it is still the best of the models that cost no more on 10.0 % "
        "of the prompts"
    )
    recorded = Outcomes(outcomes.prompts.drop("domain").with_columns(domain=pl.lit("all")), outcomes.outcomes)
    (finding,) = lint_pool(Pool((_model("all round"), _model("for the rare"))), recorded)
    assert finding.words.endswith("there is no group in which it is the best of the models that cost no more")


def test_a_model_without_usage_is_named_and_never_called_no_dearer() -> None:
    recorded = _outcomes({"small": _draw(0.5, 0), "large": _draw(0.8, 1)})
    usage = [
        pl.when(pl.col("model") == "large").then(None).otherwise(pl.col(name)).alias(name)
        for name in ("input_tokens", "output_tokens")
    ]
    outcomes = Outcomes(recorded.prompts, recorded.outcomes.with_columns(usage))
    large = _model("large", usd_per_1m_input=3.0, usd_per_1m_output=15.0)
    small = _model("small", usd_per_1m_input=0.05, usd_per_1m_output=0.1)
    (finding,) = lint_pool(Pool((small, large)), outcomes)
    assert (finding.kind, finding.model) == ("outcomes", "large")
    assert finding.words == (
        "has no recorded usage: its list price is taken, and as many output tokens as the other models use "
        "a call"
    )
    dearer = _model("small", usd_per_1m_input=5.0, usd_per_1m_output=20.0)
    found = lint_pool(Pool((dearer, large)), outcomes)
    assert _kinds(found) == [("dominated", "small", "large"), ("outcomes", "large", None)]


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1e6, r"about 1,000,000 times what .*\(factor 1\S*e\+06\): are prices given per token\?"),
        (1e3, r"about 1,000 times what the pool's prices make, .*: are prices given per thousand tokens\?"),
        (1e-3, r"about 1/1,000 of what the pool's prices make, .*: is one of them in another unit\?"),
        (1e-6, r"about 1/1,000,000 of what the pool's prices make"),
        (100.0, "are 100 times what the pool's prices make of recorded tokens, on 400 calls"),
        (1.1, "are 1.1 times what the pool's prices make of recorded tokens"),
        (0.5, "are 0.5 times what the pool's prices make"),
        (0.0, "recorded costs are 0 on 400 calls, and prices are not"),
        (1.0, None),
        (1.01, None),
    ],
)
@pytest.mark.parametrize("tokens", [True, False])
def test_prices_are_held_against_recorded_costs(factor: float, words: str | None, tokens: bool) -> None:
    rng = np.random.default_rng(0)
    sent, received = rng.integers(5, 900, 400).astype(float), rng.integers(1, 500, 400).astype(float)
    usage = {"input_tokens": sent, "output_tokens": received if tokens else [None] * 400}
    listed = sent * 1e-6 + received * 2e-6
    noisy = listed * rng.uniform(0.9, 1.1, 400)
    cost = factor * noisy * listed.sum() / noisy.sum()
    outcomes = _outcomes({"m": _draw(0.5, 0)}, **usage, cost_usd=cost)
    found = [finding for finding in lint_pool(Pool((_model(),)), outcomes) if finding.kind == "price"]
    gross = factor in (0.0, 1e-3, 1e-6, 1e3, 1e6)
    if words is None or not (tokens or gross):
        assert not found
        return
    with pytest.raises(ValueError, match=words.replace("recorded tokens", "[a-z]+ tokens")):
        raise ValueError(found[0].words)


def test_costs_by_the_call_that_vary_are_no_finding() -> None:
    rng = np.random.default_rng(1)
    cost = rng.lognormal(-6, 1, 400)
    pool = Pool((_model(usd_per_1m_input=0, usd_per_1m_output=0, usd_per_call=float(cost.mean()) * 1.05),))
    assert lint_pool(pool, _outcomes({"m": _draw(0.5, 0)}, cost_usd=cost)) == ()


def test_a_published_list_is_looked_at_for_the_models_with_outcomes(tmp_path: Path) -> None:
    price = {"mode": "chat", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}
    free = {**price, "input_cost_per_token": 0, "output_cost_per_token": 0}
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"maker/m": price, "free": free, "unknown": {"mode": "chat"}}))
    outcomes = _outcomes({"m": _draw(0.5, 0), "unknown": _draw(0.5, 1)})
    assert _kinds(lint_pool(path, outcomes)) == [("price", "unknown", None)]
    assert _kinds(lint_pool(path)) == [("price", "free", None), ("price", "unknown", None)]
    assert "costs nothing: an unknown price is not zero" in lint_pool(path)[0].words


def test_luck_is_seldom_called_domination() -> None:
    """Twenty pools of eight equal models at one price: about one model in twenty may be called dominated."""
    pool = Pool(tuple(_model(f"coin {at}") for at in range(8)))
    called = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        scores = {model.name: (rng.random(400) < 0.5).astype(np.float64) for model in pool.models}
        called += len(lint_pool(pool, _outcomes(scores)))
    assert called <= 0.1 * 20 * 8


def test_prompts_that_two_models_do_not_share_say_nothing() -> None:
    left, right = _draw(0.9, 0), _draw(0.2, 1)
    left[200:], right[:200] = np.nan, np.nan
    assert lint_pool(Pool((_model("a"), _model("b"))), _outcomes({"a": left, "b": right})) == ()


def test_prices_for_long_prompts_are_told_of(tmp_path: Path) -> None:
    price = {"input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}
    long = price | {"input_cost_per_token_above_128k_tokens": 3e-06}
    (tmp_path / "list.json").write_text(json.dumps({"maker/long": long, "plain": price}))
    (found,) = lint_pool(tmp_path / "list.json")
    assert str(found) == "price: maker/long: states other prices for long prompts: the base price is taken"
