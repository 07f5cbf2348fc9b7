"""Experts by themselves: what they do with buffers that are known."""

import dataclasses

import numpy as np
import pytest
import torch

from routoo.data.errors import InputError
from routoo.models.expert_fits import fit_clusters, fit_linear, fit_means, fit_neighbours, fit_table
from routoo.models.experts import Clusters, Expert, ExpertConfig, Neighbours, build_expert
from routoo.models.groups.kmeans import spherical_centres, unit_rows
from routoo.models.training.targets import Targets

N, WIDTH, MODELS = 120, 5, 3


def made_up(seed: int = 0) -> tuple[np.ndarray, Targets]:
    """Prompts in three domains, of which the features tell; a fifth of the scores is missing."""
    rng = np.random.default_rng(seed)
    domain = rng.integers(0, 3, N)
    features = (np.eye(WIDTH)[domain] + 0.1 * rng.normal(size=(N, WIDTH))).astype(np.float32)
    score = (rng.random((N, MODELS)) < 0.2 + 0.6 * np.eye(MODELS)[domain]).astype(np.float32)
    score[rng.random(score.shape) < 0.2] = np.nan
    return features, Targets(score, None, None, domain.astype(np.int64), ("a", "b", "c"))


FITS = {
    "means": fit_means,
    "linear": fit_linear,
    "table": fit_table,
    "neighbours": fit_neighbours,
    "clusters": fit_clusters,
}


def filled(expert: Expert, **buffers: object) -> Expert:
    expert.load_state_dict({name: torch.tensor(value) for name, value in buffers.items()})
    return expert


@pytest.mark.parametrize("kind", FITS)
def test_an_expert_is_built_again_from_its_configuration(kind: str) -> None:
    features, targets = made_up()
    expert = FITS[kind](features, targets)
    assert expert.config.kind == kind
    again = build_expert(ExpertConfig(**dataclasses.asdict(expert.config)))
    again.load_state_dict(expert.state_dict())
    x = torch.from_numpy(features)
    torch.testing.assert_close(again(x), expert(x), atol=0, rtol=0)
    for name in expert.columns:
        assert getattr(expert, name).shape[-1] == MODELS


@pytest.mark.parametrize("kind", FITS)
def test_the_same_seed_gives_the_same_expert(kind: str) -> None:
    first, again = (FITS[kind](*made_up()).state_dict() for _ in range(2))
    for name, value in first.items():
        torch.testing.assert_close(value, again[name], atol=0, rtol=0)


def test_nearer_exemplars_weigh_more() -> None:
    config = ExpertConfig(kind="neighbours", n_features=2, n_models=1, size=3, nearest=2)
    expert = filled(
        Neighbours(config),
        exemplars=[[1.0, 0.0], [0.6, 0.8], [-1.0, 0.0]],
        score=[[1.0], [0.0], [0.0]],
        observed=[[1.0], [1.0], [1.0]],
        mean=[0.5],
        sharpness=10.0,
        strength=0.0,
    )
    weight = np.exp(-10 * 0.4)
    found = expert(torch.tensor([[3.0, 0.0]])).sigmoid()
    np.testing.assert_allclose(found.item(), 1 / (1 + weight), rtol=1e-4)


def test_exemplars_that_fade_change_places_without_a_jump() -> None:
    def around(*, fading: bool) -> list[float]:
        config = ExpertConfig(kind="neighbours", n_features=2, n_models=1, size=3, nearest=2, fading=fading)
        expert = filled(
            Neighbours(config),
            exemplars=[[1.0, 0.0], [0.6, 0.8], [0.6, -0.8]],
            score=[[0.5], [1.0], [0.0]],
            observed=[[1.0], [1.0], [1.0]],
            mean=[0.5],
            sharpness=0.0,
            strength=1.0,
        )
        first, second = expert(torch.tensor([[1.0, 1e-3], [1.0, -1e-3]])).sigmoid().flatten()
        return [float(first), float(second)]

    above, below = around(fading=False)
    assert above - below > 0.3
    above, below = around(fading=True)
    assert 0 <= above - below < 0.01


def test_nearest_that_are_all_alike_share_a_prompt_though_they_fade() -> None:
    config = ExpertConfig(kind="neighbours", n_features=2, n_models=1, size=3, nearest=2, fading=True)
    expert = filled(
        Neighbours(config),
        exemplars=[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]],
        score=[[1.0], [0.0], [0.0]],
        observed=[[1.0], [1.0], [1.0]],
        mean=[0.9],
        sharpness=10.0,
        strength=0.0,
    )
    np.testing.assert_allclose(expert(torch.tensor([[2.0, 0.0]])).sigmoid().item(), 0.5, rtol=1e-4)


def test_directions_that_hold_everything_change_nothing_and_few_keep_what_is_there() -> None:
    features, targets = made_up()
    plane = features.copy()
    plane[:, 2:] = 0.0
    turned = plane @ np.linalg.qr(np.random.default_rng(2).normal(size=(WIDTH, WIDTH)))[0].astype(np.float32)

    def found(width: int) -> torch.Tensor:
        expert = fit_neighbours(turned, targets, nearest=20, sharpness=10.0, strength=1.0, width=width)
        assert isinstance(expert, Neighbours)
        assert expert.exemplars.shape == (N, width or WIDTH)
        return expert(torch.from_numpy(turned))  # type: ignore[no-any-return]  # nn.Module is untyped

    torch.testing.assert_close(found(WIDTH), found(0), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(found(2), found(0), atol=1e-3, rtol=1e-3)


def test_what_no_neighbour_was_asked_is_the_mean() -> None:
    config = ExpertConfig(kind="neighbours", n_features=2, n_models=2, size=2, nearest=1)
    expert = filled(
        Neighbours(config),
        exemplars=[[1.0, 0.0], [0.0, 1.0]],
        score=[[0.0, 1.0], [1.0, 0.0]],
        observed=[[0.0, 1.0], [1.0, 1.0]],
        mean=[0.3, 0.4],
        sharpness=0.0,
        strength=1.0,
    )
    np.testing.assert_allclose(expert(torch.tensor([[1.0, 0.0]])).sigmoid(), [[0.3, 0.7]], rtol=1e-5)


def test_the_nearest_clusters_share_a_prompt() -> None:
    config = ExpertConfig(kind="clusters", n_features=2, n_models=1, size=3, nearest=2)
    centres = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]
    expert = filled(Clusters(config), centres=centres, mean=[[0.8], [0.4], [0.1]])
    assert isinstance(expert, Clusters)
    assert expert.membership(torch.tensor([[2.0, 1.0]])).tolist() == [[0.5, 0.5, 0.0]]
    np.testing.assert_allclose(expert(torch.tensor([[2.0, 1.0]])).sigmoid(), [[0.6]], rtol=1e-5)


def test_centres_stand_where_the_vectors_are() -> None:
    rng = np.random.default_rng(0)
    vectors = unit_rows(np.eye(6)[rng.integers(0, 4, 200)] + 0.05 * rng.normal(size=(200, 6)))
    centres = spherical_centres(vectors, 4, rng)
    np.testing.assert_allclose(sorted(centres.argmax(1)), range(4))
    assert (vectors @ centres.T).max(1).min() > 0.95


def test_fewer_directions_than_centres_give_fewer_centres() -> None:
    vectors = np.repeat(np.eye(2), 10, axis=0)
    assert len(spherical_centres(vectors, 5, np.random.default_rng(0))) == 2


def test_noise_is_not_fitted() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(300, 40)).astype(np.float32)
    score = (rng.random((300, 2)) < 0.7).astype(np.float32)
    targets = Targets(score, None, None, np.full(300, -1), ())
    new = torch.from_numpy(rng.normal(size=(500, 40)).astype(np.float32))
    p = fit_linear(features, targets)(new).sigmoid()
    assert float((p - 0.7).abs().mean()) < 0.12


@pytest.mark.parametrize(
    ("field", "value"), [("kind", "oracle"), ("n_models", 0), ("size", 0), ("nearest", 0)]
)
def test_a_bad_configuration_is_refused_by_name(field: str, value: object) -> None:
    values = {"kind": "clusters", "n_features": 4, "n_models": 2, "size": 2, field: value}
    with pytest.raises(InputError, match=field):
        ExpertConfig(**values)  # type: ignore[arg-type]  # the point of the test
