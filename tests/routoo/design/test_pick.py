"""A pick is chosen on some prompts and measured on others, and says the truth about itself."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from routoo.data.errors import InfeasibleError, InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.design.pick import pick_pool

N = 900
PRICES = {"words": 1.0, "sums": 1.0, "large": 20.0, "weak": 0.9}
POOL = Pool(
    tuple(
        PoolModel(name=name, usd_per_1m_input=price, usd_per_1m_output=price)
        for name, price in PRICES.items()
    )
)
CHANCE = {
    "words": {"prose": 0.8, "maths": 0.2},
    "sums": {"prose": 0.2, "maths": 0.8},
    "large": {"prose": 0.7, "maths": 0.7},
    "weak": {"prose": 0.15, "maths": 0.15},
}


def _outcomes(chance: dict[str, dict[str, float]], *, seed: int = 0, domain: bool = True) -> Outcomes:
    """Outcomes of the models that have chances, a third of the prompts held out; costs are by list price."""
    rng = np.random.default_rng(seed)
    ids = [f"{at:04}" for at in range(N)]
    domains = ["prose" if at % 2 else "maths" for at in range(N)]
    text = {"prose": "comma verb noun tale rhyme", "maths": "prime root sum digit proof"}
    prompts = pl.DataFrame(
        {
            "prompt_id": ids,
            "prompt": [
                f"{' '.join(rng.permutation(text[d].split())[:4])} {at}" for at, d in enumerate(domains)
            ],
            "domain": domains,
            "split": ["test" if at % 6 < 2 else "train" for at in range(N)],
        }
    )
    rows = [
        {"prompt_id": id_, "model": model, "score": float(rng.random() < by[domain])}
        for model, by in chance.items()
        for id_, domain in zip(ids, domains, strict=True)
    ]
    return Outcomes(prompts if domain else prompts.drop("domain"), pl.DataFrame(rows), "made up")


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    return _outcomes(CHANCE)


def test_cheap_models_that_complement_one_another_are_picked(outcomes: Outcomes) -> None:
    pick = pick_pool(outcomes, POOL, models=2, samples=200)
    assert set(pick.pool.names) == {"words", "sums"}
    second = pick.models[1]
    assert second.added is not None
    assert second.added.low > 0.1
    assert [model.share for model in pick.models] == pytest.approx([0.5, 0.5], abs=0.02)
    assert pick.models[1].area > pick.models[0].area + 0.2


def test_the_pool_that_is_picked_keeps_its_prices(outcomes: Outcomes) -> None:
    pick = pick_pool(outcomes, POOL, models=1, price=0)
    assert pick.pool.models == (POOL["large"],)


def test_where_no_domain_is_recorded_words_tell_prompts_apart() -> None:
    pick = pick_pool(_outcomes(CHANCE, domain=False), POOL, models=2, samples=50)
    assert pick.grouped_by == "words"
    assert set(pick.pool.names) == {"words", "sums"}


def test_money_counts_at_its_price(outcomes: Outcomes) -> None:
    assert pick_pool(outcomes, POOL, price=0.0, models=1, samples=50).pool.names == ("large",)
    dear = pick_pool(outcomes, POOL, price=1e3, samples=50)  # a call of `large` costs 2e-3 USD: two answers
    assert "large" not in dear.pool.names


def test_a_spend_bounds_what_asking_all_costs(outcomes: Outcomes) -> None:
    pick = pick_pool(outcomes, POOL, spend_usd=2.2e-4, price=0.0, samples=50)
    assert set(pick.pool.names) == {"words", "sums"}
    assert sum(model.cost_usd for model in pick.models) <= 2.2e-4
    assert set(pick_pool(outcomes, POOL, spend_usd=1.1e-4, price=0.0, samples=50).pool.names) < {
        "words",
        "sums",
    }


def test_what_is_expected_is_what_held_out_prompts_give() -> None:
    """Eight coins: whoever asks for the best recorded score of each prompt is promised 0.996 and gets 0.5."""
    coins = {f"coin {at}": {"prose": 0.5, "maths": 0.5} for at in range(8)}
    pool = Pool(tuple(PoolModel(name=name, usd_per_1m_input=1.0, usd_per_1m_output=1.0) for name in coins))
    pick = pick_pool(_outcomes(coins, seed=1), pool, price=0.0, samples=50)
    assert pick.value == pytest.approx(0.5, abs=0.06)
    assert pick.held_out_value == pytest.approx(0.5, abs=0.08)


def test_the_gains_add_up_and_the_bound_is_above(outcomes: Outcomes) -> None:
    pick = pick_pool(outcomes, POOL, samples=50)
    gains = [model.gain for model in pick.models]
    assert gains == sorted(gains, reverse=True)
    assert sum(gains) == pytest.approx(pick.value)
    assert pick.guarantee == pytest.approx(1 - np.exp(-1))
    assert pick.value <= pick.upper_bound
    assert pick.proved_share == pytest.approx(1.0)
    assert sum(model.share for model in pick.models) == pytest.approx(1.0)
    assert pick.candidates == 4
    assert (pick.chosen_on, pick.held_out) == (600, 300)


def test_test_prompts_have_no_say_in_the_choice(outcomes: Outcomes) -> None:
    """Scores on held-out prompts turned round change what is measured, and not what is picked."""
    held = outcomes.part("test").prompts["prompt_id"].implode()
    flipped = pl.when(pl.col("prompt_id").is_in(held)).then(1 - pl.col("score")).otherwise(pl.col("score"))
    turned = Outcomes(outcomes.prompts, outcomes.outcomes.with_columns(flipped.alias("score")), "turned")
    one, other = (pick_pool(of, POOL, samples=50) for of in (outcomes, turned))
    assert [m.name for m in one.models] == [m.name for m in other.models]
    assert (one.value, one.upper_bound) == (other.value, other.upper_bound)
    assert one.held_out_value != other.held_out_value


def test_a_missing_score_counts_as_expected(outcomes: Outcomes) -> None:
    rng = np.random.default_rng(0)
    kept = Outcomes(
        outcomes.prompts,
        outcomes.outcomes.filter(pl.Series(rng.random(len(outcomes.outcomes)) < 0.4)),
        "thin",
    )
    pick = pick_pool(kept, POOL, models=2, samples=50)
    assert set(pick.pool.names) == {"words", "sums"}
    assert pick.held_out_value == pytest.approx(
        pick_pool(outcomes, POOL, models=2, samples=50).value, abs=0.08
    )


def test_the_same_seed_gives_the_same_pick(outcomes: Outcomes) -> None:
    assert pick_pool(outcomes, POOL, seed=3, samples=50) == pick_pool(outcomes, POOL, seed=3, samples=50)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"models": 2, "spend_usd": 1.0}, InputError, "two limits"),
        ({"models": 0}, InputError, "models must be a whole number of at least 1, got 0"),
        ({"price": -1.0}, InputError, "price must be a finite number"),
        ({"price": float("nan")}, InputError, "price must be a finite number"),
        ({"spend_usd": 1e-6}, InfeasibleError, "the cheapest, weak, costs 9.55"),
        ({"price": 1e9}, InfeasibleError, "no model is worth what it costs at 1e"),
    ],
)
def test_what_cannot_be_picked_is_said(
    outcomes: Outcomes, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        pick_pool(outcomes, POOL, **options)


def test_models_that_never_score_are_said() -> None:
    hopeless = _outcomes({name: {"prose": 0.0, "maths": 0.0} for name in CHANCE})
    with pytest.raises(InfeasibleError, match="no model scored above 0"):
        pick_pool(hopeless, POOL, models=1)


def test_a_model_recorded_on_held_out_prompts_alone_is_refused(outcomes: Outcomes) -> None:
    learn = outcomes.part("train").prompts["prompt_id"].implode()
    gone = pl.col("prompt_id").is_in(learn) & (pl.col("model") == "sums")
    kept = Outcomes(outcomes.prompts, outcomes.outcomes.filter(~gone), "kept")
    with pytest.raises(InputError, match="no score of sums is recorded in train or val"):
        pick_pool(kept, POOL)


@pytest.mark.recorded
def test_on_real_outcomes_a_few_models_do_the_work_of_all(recorded: Path) -> None:
    """Three of 26: as much area as all of them, of which the domain table reaches .548 (all prices)."""
    outcomes = Outcomes.read(recorded / "mmlu_pro")
    names = [name for name in outcomes.models if not name.startswith("gemini") and "DeepSeek" not in name]
    pool = Pool.read(recorded / "mmlu_pro" / "models.json", names=names)
    pick = pick_pool(outcomes, pool, models=3, samples=200)
    assert pick.candidates == 26
    assert pick.models[-1].area > pick.everyone_area - 0.005
    assert pick.held_out_value == pytest.approx(pick.value, abs=0.02)
    assert pick.models[1].added is not None
    assert pick.models[1].added.low > 0


def test_costs_that_were_not_recorded_are_said() -> None:
    pick = pick_pool(_outcomes(CHANCE), POOL, samples=0)
    assert pick.notes[0].startswith("3,600 of 3,600 costs are nominal, list prices, since no usage of words")
    assert pick.to_dict()["notes"] == pick.notes
