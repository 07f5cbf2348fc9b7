"""Columns beside the domain: observed, they change what is predicted; else they are inferred."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from routoo.data.domains import Attribute, attribute_numbers
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.models.adding.new_model import with_model, without_model
from routoo.models.encoder.encoder import load_encoder
from routoo.models.training.nano import nano_network
from routoo.models.training.options import TrainOptions
from routoo.models.training.targets import targets_of
from routoo.models.training.train import train_network
from routoo.models.training.trained_network import TrainedNetwork

MODELS = ("east", "west")
SKILL = {"north": (0.9, 0.2), "south": (0.2, 0.9)}
WORDS = {"de": "wie viele sind es", "en": "how many are there"}
ATTRIBUTES = ("tenant", "language")
QUICK = TrainOptions(
    encoder="tiny",
    tune="full",
    members=2,
    width=24,
    max_tokens=16,
    batch_size=32,
    cache_dir=None,
    progress=False,
)


def labelled_outcomes(
    n: int = 600, *, models: tuple[str, ...] = MODELS, seed: int = 0, rare: int = 0
) -> Outcomes:
    """The tenant, of which the words say nothing, decides who is right; the language shows in the words.

    The first so many rare prompts each have a tenant of their own, for whom all is as in the south.
    """
    rng = np.random.default_rng(seed)
    prompts, rows = [], []
    for at in range(n):
        tenant, language = rng.choice(list(SKILL)), rng.choice(list(WORDS))
        text = f"{WORDS[language]} {at} {rng.integers(0, 10**6)}"
        tenant = "south" if at < rare else tenant
        named = f"rare {at}" if at < rare else tenant
        prompts.append({"prompt_id": f"p{at:04d}", "prompt": text, "tenant": named, "language": language})
        for model in models:
            skill = SKILL[tenant][MODELS.index(model) if model in MODELS else 0]
            rows.append({"prompt_id": f"p{at:04d}", "model": model, "score": float(rng.random() < skill)})
    return Outcomes(pl.DataFrame(prompts), pl.DataFrame(rows), "two tenants").with_split(val=0.2, test=0.2)


@pytest.fixture(scope="module")
def labelled() -> Outcomes:
    return labelled_outcomes()


@pytest.fixture(scope="module")
def pair() -> Pool:
    return Pool(tuple(PoolModel(name=name, usd_per_1m_input=1, usd_per_1m_output=2) for name in MODELS))


@pytest.fixture(scope="module", params=["learns", "frozen"])
def learned(request: pytest.FixtureRequest, labelled: Outcomes, pair: Pool) -> TrainedNetwork:
    options = replace(QUICK, attributes=ATTRIBUTES)
    if request.param == "learns":
        return train_network(labelled, pair, options)
    frozen = replace(load_encoder("tiny", texts=labelled.texts), pretrained=True)
    return train_network(labelled, pair, replace(options, tune="frozen"), encoder=frozen)


def p_correct(trained: TrainedNetwork, texts: list[str], **attributes: str) -> np.ndarray:
    known = {name: [value] * len(texts) for name, value in attributes.items()}
    return trained.predict(texts, attributes=known).p_correct


TEXTS = [text for text in labelled_outcomes().part("test").texts if text.startswith(WORDS["de"])]


def test_an_attribute_that_is_observed_changes_who_is_thought_right(learned: TrainedNetwork) -> None:
    north, south = (p_correct(learned, TEXTS, tenant=tenant).mean(0) for tenant in SKILL)
    np.testing.assert_allclose(north, SKILL["north"], atol=0.18)
    np.testing.assert_allclose(south, SKILL["south"], atol=0.18)


def test_an_attribute_that_is_not_observed_is_inferred_from_the_text(learned: TrainedNetwork) -> None:
    blind = p_correct(learned, TEXTS)
    np.testing.assert_allclose(blind.mean(0), [0.55, 0.55], atol=0.12)
    np.testing.assert_array_equal(p_correct(learned, TEXTS, tenant="a tenant never seen"), blind)
    unknown = learned.predict(TEXTS, attributes={"tenant": [None] * len(TEXTS)}).p_correct
    np.testing.assert_array_equal(unknown, blind)


def test_an_attribute_that_the_text_shows_changes_little(learned: TrainedNetwork) -> None:
    assert np.abs(p_correct(learned, TEXTS, language="de") - p_correct(learned, TEXTS)).mean() < 0.05


def test_what_was_learned_is_named(learned: TrainedNetwork) -> None:
    assert learned.attributes == (
        Attribute("tenant", ("north", "south")),
        Attribute("language", ("de", "en")),
    )
    with pytest.raises(InputError, match=r"attributes region were not learned; learned: tenant, language"):
        p_correct(learned, TEXTS, region="eu")


def test_a_nano_learns_the_attributes_of_its_teacher(learned: TrainedNetwork, labelled: Outcomes) -> None:
    nano = nano_network(learned, labelled, TrainOptions(cache_dir=None, progress=False))
    for tenant in SKILL:
        large, small = (p_correct(trained, TEXTS, tenant=tenant) for trained in (learned, nano))
        np.testing.assert_allclose(small.mean(0), large.mean(0), atol=0.1)
    np.testing.assert_allclose(p_correct(nano, TEXTS).mean(0), p_correct(learned, TEXTS).mean(0), atol=0.1)


THIRD = PoolModel(name="third", usd_per_1m_input=1, usd_per_1m_output=2)


def test_a_new_model_learns_what_attributes_say_of_it(learned: TrainedNetwork) -> None:
    added = with_model(learned, THIRD, labelled_outcomes(300, models=("third",), seed=1))
    for tenant, (skill, _) in SKILL.items():
        three = p_correct(added, TEXTS, tenant=tenant)
        np.testing.assert_allclose(three[:, :2], p_correct(learned, TEXTS, tenant=tenant), atol=1e-5)
        assert abs(three[:, 2].mean() - skill) < 0.2


def test_an_attribute_says_little_of_a_new_model_that_was_scored_without_it(learned: TrainedNetwork) -> None:
    known = labelled_outcomes(300, models=("third",), seed=1)
    added = with_model(learned, THIRD, Outcomes(known.prompts.drop("tenant"), known.outcomes))
    north, south = (p_correct(added, TEXTS, tenant=tenant)[:, 2] for tenant in SKILL)
    np.testing.assert_allclose(north, south, atol=0.05)
    assert abs(north.mean() - 0.55) < 0.2
    left = without_model(added, "third")
    np.testing.assert_allclose(
        p_correct(left, TEXTS, tenant="south"), p_correct(learned, TEXTS, tenant="south")
    )


def quickly(outcomes: Outcomes, pair: Pool, *attributes: str) -> TrainedNetwork:
    return train_network(outcomes, pair, replace(QUICK, attributes=attributes))


def test_rare_values_count_as_all_others_in_training_and_when_observed(pair: Pool) -> None:
    trained = quickly(labelled_outcomes(900, rare=200), pair, "tenant")
    assert trained.attributes == (Attribute("tenant", ("north", "south"), rest=True),)
    for tenant in ("rare 3", "never seen"):
        np.testing.assert_allclose(
            p_correct(trained, TEXTS, tenant=tenant).mean(0), SKILL["south"], atol=0.15
        )


def test_domain_and_attribute_that_say_the_same_are_not_counted_twice(labelled: Outcomes, pair: Pool) -> None:
    """The domain is the tenant: observed once or twice, the most likely model is the same."""
    same = Outcomes(labelled.prompts.with_columns(domain=pl.col("tenant")), labelled.outcomes)
    trained = quickly(same, pair, "tenant")
    for tenant, skill in SKILL.items():
        attributes = {"tenant": [tenant] * len(TEXTS)}
        twice = trained.predict(TEXTS, [tenant] * len(TEXTS), attributes).p_correct
        np.testing.assert_allclose(twice.mean(0), skill, atol=0.15)


def test_numbers_and_truth_values_are_read_as_text(labelled: Outcomes) -> None:
    frame = labelled.prompts.with_columns(
        tier=pl.int_range(len(labelled)) % 2, paid=pl.col("tenant") == "north"
    )
    known = Outcomes(frame, labelled.outcomes)
    targets = targets_of(known, MODELS, fitting=np.ones(len(known), bool), attributes=("tier", "paid"))
    assert targets.attributes == (Attribute("tier", ("0", "1")), Attribute("paid", ("false", "true")))
    observed = attribute_numbers({"tier": ["1"] * 2, "paid": ["false", None]}, targets.attributes, 2)
    assert observed.tolist() == [[1, 0], [1, -1]]


def test_an_attribute_that_nothing_can_be_learned_of_is_refused(labelled: Outcomes, pair: Pool) -> None:
    frame = labelled.prompts.with_columns(
        number=pl.int_range(len(labelled)), constant=pl.lit("x"), several=pl.lit([1, 2])
    )
    odd = Outcomes(frame, labelled.outcomes, "odd")

    def train(*attributes: str) -> None:
        train_network(
            odd, pair, TrainOptions(encoder="tiny", tune="full", attributes=attributes, progress=False)
        )

    with pytest.raises(InputError, match=r"attributes number, constant lack two values with 10 prompts"):
        train("number", "constant")
    with pytest.raises(InputError, match=r"odd: the prompts have no column region; they have prompt_id"):
        train("region")
    with pytest.raises(InputError, match=r"odd: several must be text or a number, got a list"):
        train("several")


@pytest.mark.parametrize("attributes", ["tenant", ("domain",), ("tenant", "tenant"), (1.5,), 3])
def test_attributes_are_names_of_further_columns(attributes: object) -> None:
    with pytest.raises(InputError, match=r"attributes(\[0\])? must be"):
        TrainOptions(attributes=attributes)  # type: ignore[arg-type]  # the point of the test
