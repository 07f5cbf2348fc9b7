"""The module of the graph: what goes in, what comes out, and its columns one by one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from routoo.models.evidence.evidence import Evidence, EvidenceConfig, HeadPredictions

if TYPE_CHECKING:
    from routoo.models.evidence.fit import FittedEvidence
    from tests.models.evidence.conftest import Known


@pytest.fixture
def evidence(fitted: FittedEvidence) -> Evidence:
    return fitted.evidence


def observed(known: Known, **numbers: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """What is observed of domain and colour, by name; nothing of what is not named."""
    return tuple(
        numbers.get(name, unknown) for name, unknown in zip(("domain", "colour"), known.unknown, strict=True)
    )


@pytest.mark.parametrize("away", [0.0, 0.7, 5.0])
def test_it_says_what_its_buffers_spell(evidence: Evidence, known: Known, away: float) -> None:
    """Of prompts that it was fitted on, and of prompts away from them, which the centres cover in part."""
    x = known.x + away * torch.tensor([-1.0, 1.0]).repeat(7)[:13]
    out = evidence(x, known.predicted, known.unknown)
    q = evidence.inputs(x, known.predicted) @ evidence.basis - evidence.offset
    p = (evidence.level + q @ evidence.weight).clamp(1e-3, 1 - 1e-3)
    torch.testing.assert_close(out.p_correct, p)
    covered = evidence.kernel(x).square().sum(1, keepdim=True)
    assert bool((covered < 0.9).any()) == (away > 0)
    assert (evidence.unlike > 1e-4).all()
    variance = q.square() @ evidence.spread + evidence.doubt
    variance = variance + (1 - covered).clamp_min(0) * evidence.unlike
    inside = (p > 0.05) & (p < 0.95)
    delta = (variance.sqrt() / (p * (1 - p)))[inside]  # to first order
    torch.testing.assert_close(out.logit_std[inside], delta / (1 + delta**2).sqrt(), rtol=1e-4, atol=1e-5)


def test_members_that_disagree_add_the_variance_of_a_jackknife(evidence: Evidence, known: Known) -> None:
    said = torch.cat([*known.predicted.posteriors, known.predicted.p], 1)
    members = torch.stack([said, said + 0.2, said - 0.2])
    effect = 0.2 * (evidence.basis[-8:] @ evidence.weight).sum(0)
    torch.testing.assert_close(  # (3 - 1) / 3 of the squares of 0, 1 and -1, two in all
        evidence.disagreement(members), (4 / 3 * effect.square()).expand(len(said), -1), rtol=1e-3, atol=1e-7
    )
    alone, apart, agreed = (
        evidence(known.x, known.predicted._replace(members=each), known.unknown)
        for each in (None, members, torch.stack([said, said]))
    )
    assert torch.equal(apart.p_correct, alone.p_correct)
    assert (apart.logit_std > alone.logit_std).all()
    torch.testing.assert_close(agreed.logit_std, alone.logit_std)


def test_inputs_are_length_likeness_attributes_and_heads(evidence: Evidence, known: Known) -> None:
    inputs = evidence.inputs(known.x, known.predicted)
    assert inputs.shape == (len(known.x), evidence.config.n_inputs)
    torch.testing.assert_close(inputs[:, 0], known.x[:, -1])
    torch.testing.assert_close(inputs[:, -3:], known.predicted.p)
    torch.testing.assert_close(inputs[:, -8:-3], torch.cat(known.predicted.posteriors, 1))


def test_a_value_that_is_observed_counts_as_far_as_it_was_not_inferred(
    evidence: Evidence, known: Known
) -> None:
    domain = torch.ones(len(known.x), dtype=torch.int64)
    beyond = evidence.attribute_residuals(known.predicted, observed(known, domain=domain))
    expected = torch.tensor([0.0, 1.0]) - known.predicted.posteriors[0] - evidence.bias[:2]
    torch.testing.assert_close(beyond[:, :2], expected)
    assert not beyond[:, 2:].any()
    inferred, found = (
        evidence(known.x, known.predicted, given).p_correct
        for given in (known.unknown, observed(known, domain=domain))
    )
    inside = ((inferred > 0.01) & (inferred < 0.99) & (found > 0.01) & (found < 0.99)).all(1)
    torch.testing.assert_close((found - inferred)[inside], (beyond @ evidence.table)[inside])


def test_what_is_observed_of_some_prompts_changes_these_alone(evidence: Evidence, known: Known) -> None:
    some = torch.arange(len(known.x)) % 3 == 0
    domain = torch.where(some, torch.from_numpy(known.targets.domain), -1)
    inferred = evidence(known.x, known.predicted, known.unknown)
    partly = evidence(known.x, known.predicted, observed(known, domain=domain))
    for before, after in zip(inferred, partly, strict=True):
        torch.testing.assert_close(after[~some], before[~some], equal_nan=True, rtol=0, atol=0)
    assert (partly.p_correct[some] - inferred.p_correct[some]).abs().mean() > 0.02


def test_prompts_do_not_know_of_one_another(evidence: Evidence, known: Known) -> None:
    together = evidence(known.x, known.predicted, known.unknown)
    at = slice(5, 6)
    alone = evidence(
        known.x[at],
        HeadPredictions(known.predicted.p[at], tuple(each[at] for each in known.predicted.posteriors)),
        tuple(each[at] for each in known.unknown),
    )
    torch.testing.assert_close(alone.p_correct, together.p_correct[at], atol=1e-5, rtol=0)


@pytest.mark.parametrize("far", [0.0, 1.0, 1e3, 1e6])
def test_whatever_the_features_the_outputs_are_probabilities_and_errors(
    evidence: Evidence, known: Known, far: float
) -> None:
    out = evidence(known.x * far + far, known.predicted, known.unknown)
    assert ((out.p_correct > 0) & (out.p_correct < 1)).all()
    assert (out.logit_std > 0).all()
    assert out.logit_std.isfinite().all()


def test_what_was_not_learned_is_nan(evidence: Evidence, known: Known) -> None:
    out = evidence(known.x, known.predicted, known.unknown)
    assert out.latency_s.isnan().all()
    assert (out.output_tokens > 0).all()


def test_columns_that_are_taken_out_and_put_together_are_the_same(evidence: Evidence, known: Known) -> None:
    columns = [evidence.column(at) for at in range(4)]
    again = evidence.with_columns(columns, evidence.noise)
    assert again.config == evidence.config
    for name, value in evidence.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


@pytest.mark.parametrize("left", [[1, 2, 3], [3, 0], [2]])
def test_the_columns_that_are_left_are_what_they_were(
    evidence: Evidence, known: Known, left: list[int]
) -> None:
    before = {name: value.clone() for name, value in evidence.state_dict().items()}
    fewer = evidence.with_columns([evidence.column(at) for at in left], evidence.noise[left][:, left])
    assert fewer.config == dataclasses.replace(evidence.config, n_models=len(left))
    domain = observed(known, domain=torch.from_numpy(known.targets.domain))
    was, now = (each(known.x, known.predicted, domain) for each in (evidence, fewer))
    for name in ("p_correct", "logit_std", "output_tokens"):
        torch.testing.assert_close(getattr(now, name), getattr(was, name)[:, left], rtol=1e-5, atol=1e-6)
    assert all(torch.equal(before[name], value) for name, value in evidence.state_dict().items())


def test_without_attributes_nothing_is_observed(known: Known) -> None:
    config = EvidenceConfig(n_features=13, skipped=4, n_centres=2, n_heads=3, inferred=(), n_models=4)
    out = Evidence(config)(known.x, HeadPredictions(known.predicted.p, ()), ())
    assert out.p_correct.shape == (len(known.x), 4)
    assert np.isfinite(out.p_correct.numpy()).all()
