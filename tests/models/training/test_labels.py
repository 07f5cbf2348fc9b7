"""Columns that are known beside the domain: told, they change what is predicted; untold, they are guessed."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from routoo.models.label_effects import domain_odds, label_effects

from routoo.data.domains import Label, label_numbers
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.models.adding.new_model import with_model, without_model
from routoo.models.encoder.trunk import Trunk
from routoo.models.network.heads import HeadConfig, Heads
from routoo.models.network.lightning import router_loss
from routoo.models.training.estimators import predicted_scores
from routoo.models.training.nano import nano_network
from routoo.models.training.options import TrainOptions
from routoo.models.training.targets import Targets, shrunk_log_odds, targets_of
from routoo.models.training.train import TrainedNetwork, train_network

MODELS = ("east", "west")
SKILL = {"north": (0.9, 0.2), "south": (0.2, 0.9)}
WORDS = {"de": "wie viele sind es", "en": "how many are there"}
LABELS = ("tenant", "language")
QUICK = TrainOptions(
    trunk="tiny",
    tune="full",
    members=2,
    width=24,
    max_tokens=16,
    epochs=4,
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


@pytest.fixture(scope="module", params=["heads", "stack"])
def told(request: pytest.FixtureRequest, labelled: Outcomes, pair: Pool) -> TrainedNetwork:
    heads = replace(QUICK, labels=LABELS)
    if request.param == "heads":
        return train_network(labelled, pair, heads)
    taught = train_network(labelled, pair, replace(heads, epochs=1, labels=()))
    frozen = Trunk(taught.network.trunk, taught.encoder.tokenizer, "tiny", True)
    return train_network(labelled, pair, replace(heads, tune="frozen"), trunk=frozen)


def p_correct(trained: TrainedNetwork, texts: list[str], **labels: str) -> np.ndarray:
    known = {name: [value] * len(texts) for name, value in labels.items()}
    return predicted_scores(trained, texts, labels=known).p_correct


TEXTS = [text for text in labelled_outcomes().part("test").texts if text.startswith(WORDS["de"])]


def test_a_label_that_is_told_changes_who_is_thought_right(told: TrainedNetwork) -> None:
    north, south = (p_correct(told, TEXTS, tenant=tenant).mean(0) for tenant in SKILL)
    np.testing.assert_allclose(north, SKILL["north"], atol=0.12)
    np.testing.assert_allclose(south, SKILL["south"], atol=0.12)


def test_a_label_that_is_not_told_is_guessed_from_the_text(told: TrainedNetwork) -> None:
    blind = p_correct(told, TEXTS)
    np.testing.assert_allclose(blind.mean(0), [0.55, 0.55], atol=0.12)
    np.testing.assert_array_equal(p_correct(told, TEXTS, tenant="a tenant never seen"), blind)
    unknown = predicted_scores(told, TEXTS, labels={"tenant": [None] * len(TEXTS)}).p_correct
    np.testing.assert_array_equal(unknown, blind)


def test_a_label_that_the_text_shows_changes_little(told: TrainedNetwork) -> None:
    assert np.abs(p_correct(told, TEXTS, language="de") - p_correct(told, TEXTS)).max() < 0.1


def test_what_was_learned_is_named(told: TrainedNetwork) -> None:
    assert told.labels == (Label("tenant", ("north", "south")), Label("language", ("de", "en")))
    with pytest.raises(InputError, match=r"labels region were not learned; learned: tenant, language"):
        p_correct(told, TEXTS, region="eu")


def test_a_nano_learns_the_labels_of_its_teacher(told: TrainedNetwork, labelled: Outcomes) -> None:
    nano = nano_network(told, labelled, TrainOptions(cache_dir=None, progress=False))
    for tenant in SKILL:
        large, small = (p_correct(trained, TEXTS, tenant=tenant) for trained in (told, nano))
        np.testing.assert_allclose(small.mean(0), large.mean(0), atol=0.1)
    np.testing.assert_allclose(p_correct(nano, TEXTS).mean(0), p_correct(told, TEXTS).mean(0), atol=0.1)


THIRD = PoolModel(name="third", usd_per_1m_input=1, usd_per_1m_output=2)


def test_a_new_model_learns_what_labels_say_of_it(told: TrainedNetwork) -> None:
    added = with_model(told, THIRD, labelled_outcomes(300, models=("third",), seed=1))
    for tenant, (skill, _) in SKILL.items():
        three = p_correct(added, TEXTS, tenant=tenant)
        np.testing.assert_allclose(three[:, :2], p_correct(told, TEXTS, tenant=tenant), atol=1e-5)
        assert abs(three[:, 2].mean() - skill) < 0.2


def test_a_label_says_nothing_of_a_new_model_that_was_scored_without_it(told: TrainedNetwork) -> None:
    known = labelled_outcomes(300, models=("third",), seed=1)
    added = with_model(told, THIRD, Outcomes(known.prompts.drop("tenant"), known.outcomes))
    north, south = (p_correct(added, TEXTS, tenant=tenant)[:, 2] for tenant in SKILL)
    np.testing.assert_allclose(north, south, atol=1e-6)
    assert abs(north.mean() - 0.55) < 0.2
    left = without_model(added, "third")
    np.testing.assert_allclose(p_correct(left, TEXTS, tenant="south"), p_correct(told, TEXTS, tenant="south"))


def quickly(outcomes: Outcomes, pair: Pool, *labels: str) -> TrainedNetwork:
    return train_network(outcomes, pair, replace(QUICK, labels=labels))


def test_rare_values_count_as_all_others_in_training_and_when_told(pair: Pool) -> None:
    trained = quickly(labelled_outcomes(900, rare=200), pair, "tenant")
    assert trained.labels == (Label("tenant", ("north", "south"), rest=True),)
    for tenant in ("rare 3", "never seen"):
        np.testing.assert_allclose(
            p_correct(trained, TEXTS, tenant=tenant).mean(0), SKILL["south"], atol=0.15
        )


def test_a_label_tells_the_domain_where_that_is_not_told(labelled: Outcomes, pair: Pool) -> None:
    """The domain is the tenant under another name: what it explains is in the table of domains."""
    same = Outcomes(labelled.prompts.with_columns(domain=pl.col("tenant")), labelled.outcomes)
    trained = quickly(same, pair, "tenant")
    for tenant, skill in SKILL.items():
        np.testing.assert_allclose(p_correct(trained, TEXTS, tenant=tenant).mean(0), skill, atol=0.15)


def test_what_few_prompts_said_of_a_value_is_less_sure(pair: Pool) -> None:
    few = labelled_outcomes(600)
    seldom = pl.when(pl.int_range(600) < 40).then(pl.lit("seldom")).otherwise(pl.col("tenant"))
    trained = quickly(Outcomes(few.prompts.with_columns(tenant=seldom), few.outcomes), pair, "tenant")
    sure, unsure = (
        np.asarray(predicted_scores(trained, TEXTS, labels={"tenant": [name] * len(TEXTS)}).logit_std)
        for name in ("north", "seldom")
    )
    assert unsure.mean() > 1.2 * sure.mean()


def test_the_odds_of_domains_follow_the_value() -> None:
    number = np.arange(400) % 2
    domain = np.where(np.arange(400) < 300, number, 1 - number)
    targets = Targets(
        np.ones((400, 1), np.float32),
        None,
        None,
        domain,
        ("a", "b"),
        label=number[:, None],
        labels=(Label("twin", ("x", "y")),),
    )
    odds = domain_odds(targets)
    np.testing.assert_allclose(np.exp(odds[:, 0] - odds[:, 1]), [160 / 60, 60 / 160], rtol=0.01)


def test_labels_that_say_the_same_are_not_counted_twice() -> None:
    rng = np.random.default_rng(0)
    number = rng.integers(0, 2, 2000)
    score = (rng.random((2000, 1)) < np.where(number == 1, 0.9, 0.4)[:, None]).astype(np.float32)
    same = np.stack([number, number], axis=1)
    labels = (Label("a", ("x", "y")), Label("b", ("x", "y")))
    targets = Targets(score, None, None, np.full(2000, -1), (), label=same, labels=labels)
    base = shrunk_log_odds(targets)
    effects, variance = label_effects(targets, base)
    assert (variance < 0.02).all()
    logit = base[0] + effects[:2] + effects[2:]
    np.testing.assert_allclose(1 / (1 + np.exp(-logit[:, 0])), [0.4, 0.9], atol=0.04)


def test_heads_without_labels_are_what_they_were() -> None:
    config = HeadConfig(n_features=4, n_models=2, n_domains=2)
    assert not [name for name in Heads(config).state_dict() if "label" in name]
    assert Heads(config)(torch.randn(3, 4), labels=torch.zeros(3, 1, dtype=torch.long)).told is None


def test_the_loss_hears_of_labels_from_the_told_half_alone() -> None:
    heads = Heads(HeadConfig(n_features=4, n_models=2, labels=(3,), members=1)).eval()
    batch = {"score": torch.ones(2, 2), "label": torch.tensor([[-1], [-1]])}
    options = TrainOptions()
    features = torch.randn(2, 4)
    with torch.no_grad():
        heads.labels.table.normal_()  # type: ignore[union-attr]  # there is one: the heads have a label
    untold = heads(features, labels=batch["label"])
    torch.testing.assert_close(untold.told_logits, untold.logits)
    batch["label"] = torch.tensor([[0], [2]])
    outputs = heads(features, labels=batch["label"])
    assert (outputs.told.row - outputs.told.guess).abs().min() > 0
    halves = torch.stack([outputs.logits, outputs.told_logits])
    said = torch.nn.functional.binary_cross_entropy_with_logits(halves, torch.ones_like(halves))
    guess = torch.nn.functional.cross_entropy(outputs.label_logits[0][0], batch["label"][:, 0])
    expected = said + options.domain_weight * guess
    torch.testing.assert_close(router_loss(outputs, batch, options), expected)


def test_numbers_and_truth_values_are_read_as_text(labelled: Outcomes) -> None:
    frame = labelled.prompts.with_columns(
        tier=pl.int_range(len(labelled)) % 2, paid=pl.col("tenant") == "north"
    )
    known = Outcomes(frame, labelled.outcomes)
    targets = targets_of(known, MODELS, fitting=np.ones(len(known), bool), labels=("tier", "paid"))
    assert targets.labels == (Label("tier", ("0", "1")), Label("paid", ("false", "true")))
    told = label_numbers({"tier": ["1"] * 2, "paid": ["false", None]}, targets.labels, 2)
    assert told.tolist() == [[1, 0], [1, -1]]


def test_a_label_that_nothing_can_be_learned_of_is_refused(labelled: Outcomes, pair: Pool) -> None:
    frame = labelled.prompts.with_columns(
        number=pl.int_range(len(labelled)), constant=pl.lit("x"), several=pl.lit([1, 2])
    )
    odd = Outcomes(frame, labelled.outcomes, "odd")

    def train(*labels: str) -> None:
        train_network(odd, pair, TrainOptions(trunk="tiny", tune="full", labels=labels, progress=False))

    with pytest.raises(InputError, match=r"labels number, constant lack two values with 10 prompts"):
        train("number", "constant")
    with pytest.raises(InputError, match=r"odd: the prompts have no column region; they have prompt_id"):
        train("region")
    with pytest.raises(InputError, match=r"odd: several must be text or a number, got a list"):
        train("several")


@pytest.mark.parametrize("labels", ["tenant", ("domain",), ("tenant", "tenant"), (1,), 3])
def test_labels_are_names_of_further_columns(labels: object) -> None:
    with pytest.raises(InputError, match="labels must be"):
        TrainOptions(labels=labels)  # type: ignore[arg-type]  # the point of the test
