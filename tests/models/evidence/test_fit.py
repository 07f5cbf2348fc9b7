"""From outcomes to the module: it says in the graph what the regression says, and no more than it knows."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from routoo.models.evidence import regression
from routoo.models.evidence.evidence import HeadPredictions
from routoo.models.evidence.fit import fit_evidence
from routoo.models.evidence.kernel import fit_kernel
from routoo.models.evidence.regression import fit_regression
from routoo.models.training.targets import Targets

if TYPE_CHECKING:
    from routoo.models.evidence.evidence import Evidence
    from routoo.models.evidence.fit import FittedEvidence
    from tests.models.evidence.conftest import Known


def test_the_graph_says_what_the_regression_says(fitted: FittedEvidence, known: Known) -> None:
    likeness = fit_kernel(known.features, 3, seed=0)(known.x).double().numpy()
    posteriors = [each.double().numpy() for each in known.predicted.posteriors]
    heads = known.predicted.p.double().numpy()
    groups = [known.features[:, -1:].astype(np.float64), likeness, *posteriors, heads]
    found = fit_regression(groups, known.targets.score.astype(np.float64))
    q = np.hstack(groups) @ found.basis - found.offset
    mean = found.level + q @ found.weight
    out = fitted.evidence(known.x, known.predicted, known.unknown)
    np.testing.assert_allclose(out.p_correct, mean.clip(1e-3, 1 - 1e-3), atol=1e-4)
    np.testing.assert_allclose(fitted.p_correct, found.left_out.clip(0, 1))


def test_away_from_all_centres_the_variance_is_that_of_the_whole_kernel(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Gaussian process prompt by prompt, where all prompts are centres and one ratio is possible."""
    monkeypatch.setattr(regression, "_SIGNALS", np.array([[0.8]]))
    kernel = fit_kernel(known.features[:80], 3, seed=0)
    fitted_on, asked = (kernel(x).double().numpy() for x in (known.x[:80], known.x[80:90] + 0.5))
    target = known.truth[:80, :1] + 0.1 * np.random.default_rng(0).normal(size=(80, 1))
    found = fit_regression([fitted_on], target)
    q = asked @ found.basis - found.offset
    variance = q**2 @ found.spread + (1 - np.square(asked).sum(1, keepdims=True)) * found.prior[0]

    def alike(a: torch.Tensor, b: torch.Tensor) -> np.ndarray:
        e, c = ((x[:, kernel.span] - kernel.mean) * kernel.factor for x in (a, b))
        return torch.cdist(e.double(), c.double()).square().div(-2).exp().numpy()

    learned, new = known.x[:80], known.x[80:90] + 0.5
    among, across = alike(learned, learned), alike(new, learned)
    mean = among.mean()
    centred = among - among.mean(0) - among.mean(1)[:, None] + mean
    beside = across - across.mean(1)[:, None] - among.mean(0) + mean
    own = 1 - 2 * across.mean(1) + mean
    noise = found.prior[0, 0] * np.trace(centred) / len(centred) / 0.8
    solved = np.linalg.solve(found.prior[0, 0] * centred + noise * np.eye(80), found.prior[0, 0] * beside.T)
    expected = found.prior[0, 0] * (own - (beside * solved.T).sum(1))
    assert np.square(asked).sum(1).max() < 0.95
    np.testing.assert_allclose(variance[:, 0], expected, rtol=0.01)


def test_it_learns_what_the_features_tell(fitted: FittedEvidence, known: Known) -> None:
    out = fitted.evidence(
        known.x, known.predicted, (torch.from_numpy(known.targets.domain), known.unknown[1])
    )
    inferred = fitted.evidence(known.x, known.predicted, known.unknown)
    errors = [np.square(each.p_correct.numpy() - known.truth).mean() for each in (out, inferred)]
    of_means = np.square(np.nanmean(known.targets.score, 0) - known.truth).mean()
    assert errors[0] < 0.7 * errors[1] < 0.7 * of_means
    assert fitted.metrics["left_out_brier"] < fitted.metrics["left_out_brier_of_means"]
    assert fitted.metrics["evidence_gain"] > 3
    assert sum(fitted.metrics["evidence_scales"]) == pytest.approx(1, abs=1e-3)


def test_an_attribute_that_tells_nothing_adds_next_to_nothing(fitted: FittedEvidence) -> None:
    table = fitted.evidence.table
    assert table[:2].abs().max() > 0.1
    assert table[2:].abs().max() < 0.03


def test_a_common_bias_of_inferred_attributes_moves_nothing(fitted: FittedEvidence, known: Known) -> None:
    """Heads that hold one value for too likely do so of every prompt."""
    first, second = known.predicted.posteriors
    tilted = first * torch.tensor([1.0, 8.0])
    biased = dataclasses.replace(
        known, predicted=HeadPredictions(known.predicted.p, (tilted / tilted.sum(1, keepdim=True), second))
    )
    observed = (torch.from_numpy(known.targets.domain), known.unknown[1])
    found, expected = (
        each.fit().evidence(each.x, each.predicted, observed).p_correct.numpy() for each in (biased, known)
    )
    known_score = np.nan_to_num(known.targets.score, nan=0.0)
    for domain in (0, 1):
        rows = known.targets.domain == domain
        truth = known_score[rows].sum(0) / (~np.isnan(known.targets.score[rows])).sum(0)
        np.testing.assert_allclose(found[rows].mean(0), truth, atol=0.06)
        np.testing.assert_allclose(expected[rows].mean(0), truth, atol=0.06)


def test_tokens_come_out_at_the_recorded_mean(fitted: FittedEvidence, known: Known) -> None:
    assert known.targets.log_tokens is not None
    recorded = np.exp(known.targets.log_tokens)
    out = fitted.evidence(known.x, known.predicted, known.unknown)
    np.testing.assert_allclose(out.output_tokens.mean(0), recorded.mean(0), rtol=0.05)
    assert fitted.output_tokens is not None
    np.testing.assert_allclose(fitted.output_tokens.mean(0), recorded.mean(0), rtol=1e-6)
    long = known.features[:, 5] > 1
    assert out.output_tokens[long, 0].mean() > 1.3 * out.output_tokens[~long, 0].mean()
    assert 0 < fitted.metrics["left_out_tokens_explained"] < 1


def test_a_model_whose_tokens_were_never_recorded_is_as_the_others_are(known: Known) -> None:
    log_tokens = known.targets.log_tokens
    assert log_tokens is not None
    some = log_tokens.copy()
    some[:, 2] = np.nan
    targets = dataclasses.replace(known.targets, log_tokens=some, log_latency=some)
    found = dataclasses.replace(known, targets=targets).fit()
    out = found.evidence(known.x, known.predicted, known.unknown)
    others = out.output_tokens[:, [0, 1, 3]].log().mean(1)
    torch.testing.assert_close(out.output_tokens[:, 2].log(), others, atol=1e-3, rtol=0)
    torch.testing.assert_close(out.latency_s, out.output_tokens)


def test_the_same_seed_gives_the_same_heads(fitted: FittedEvidence, known: Known) -> None:
    again = known.fit().evidence.state_dict()
    assert all(torch.equal(value, again[name]) for name, value in fitted.evidence.state_dict().items())


def test_without_attributes_and_with_one_model(known: Known) -> None:
    targets = Targets(known.targets.score[:, :1], None, None, np.full(len(known.x), -1), ())
    found = dataclasses.replace(
        known, targets=targets, predicted=HeadPredictions(known.predicted.p[:, :1], ())
    ).fit()
    out = found.evidence(known.x, HeadPredictions(known.predicted.p[:, :1], ()), ())
    assert out.p_correct.shape == (len(known.x), 1)
    assert out.output_tokens.isnan().all()
    assert found.output_tokens is None
    assert found.evidence.table.shape == (0, 1)


def intervals(fitted: Evidence, known: Known) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is predicted where the domain is observed, with the ends of the 90 % intervals."""
    out = fitted(known.x, known.predicted, (torch.from_numpy(known.targets.domain), known.unknown[1]))
    odds, error = out.p_correct.double().logit(), 1.645 * out.logit_std.double()
    low, high = ((odds + sign * error).sigmoid().numpy() for sign in (-1, 1))
    return out.p_correct.double().numpy(), low, high


@pytest.mark.parametrize("tells", [True, False])
def test_intervals_hold_what_they_promise(known: Known, tells: bool) -> None:
    """Of single prompts, and of groups: a model on a third of the prompts, by what is predicted."""
    random = np.random.default_rng(0)
    truth = known.truth if tells else np.full(known.truth.shape, 0.6)
    predicted = HeadPredictions(
        known.predicted.p[:250], tuple(each[:250] for each in known.predicted.posteriors)
    )
    alone, together = [], []
    for seed in range(10):
        score = (random.random(truth.shape) < truth).astype(np.float32)
        targets = dataclasses.replace(known.targets, score=score).rows(np.arange(250))
        found = fit_evidence(known.features[:250], predicted, targets, layers=3, seed=seed).evidence
        p, low, high = (each[250:] for each in intervals(found, known))
        new = truth[250:]
        alone.append((low <= new) & (new <= high))
        for model in range(4):
            for rows in np.array_split(np.argsort(p[:, model]), 3):
                missed = abs((p - new)[rows, model].mean())
                together.append(missed <= (high - low)[rows, model].mean() / 2)
    assert np.mean(alone) > (0.83 if tells else 0.9)
    assert np.mean(together) > 0.9
    assert (high - low).mean() < 0.32
