"""Bayesian linear regression of many columns on groups of features, its prior scales chosen by evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from routoo.models.gaps import Array, column_means, covariance, filled_in, left_open

_SIGNALS = np.exp(np.linspace(-9.0, 0.5, 20))[:, None]
"""Variance of what the features explain over that of the noise: at most 1.6 times the noise."""

_SCALE_DEVIATION = 2.0  # of the logs of the groups' prior scales
_SCALE_BOUND = 9.0
_STEPS = 12
_FEW = 0.01  # of all cells: if no more are missing, they are filled in once,
_ROUNDS = 12  # else until predictions settle, or so often
_SETTLED = 1e-4  # mean square of a change, over the noise
_LEAST_RELIABLE = 0.05
_TINY = 1e-12  # of a variance


@dataclass(frozen=True, eq=False)
class Regression:
    """What was learned of ``n_columns`` columns.

    A column is ``level + q @ weight`` with ``q = inputs @ basis - offset``, and the variance of that is
    ``q² @ spread``.

    Args:
        basis: ``(n_inputs, n_directions)``.
        offset: ``(n_directions,)``.
        level: ``(n_columns,)``.
        weight: ``(n_directions, n_columns)``.
        spread: The same shape.
        left_out: Predictions of each prompt by all others, ``(n_prompts, n_columns)``.
        noise: Covariance of the columns beyond what the inputs explain, ``(n_columns, n_columns)``.
        scales: Share of each group of inputs in the prior variance, ``(n_groups,)``.
        prior: Prior variance of a weight in each group on inputs as they are given, the mean over the ratios,
            ``(n_groups, n_columns)``.
        gain: Log evidence in nats, over that of levels alone.
    """

    basis: Array
    offset: Array
    level: Array
    weight: Array
    spread: Array
    left_out: Array
    noise: Array
    scales: Array
    prior: Array
    gain: float


def fit_regression(groups: Sequence[Array], target: Array) -> Regression:
    """The regression of the columns of `target` on groups of inputs side by side.

    The columns' deviations from their means are rotated to their principal components, which are
    independent a priori. A component is linear in the inputs, with noise: each weight is normal, its variance
    the noise's times a signal-to-noise ratio of the component's own, times the scale of its group, which all
    components share. Ratios are integrated out on a grid (log-uniform prior) and scales maximise the evidence
    (MacKay 1992, "Bayesian Interpolation"; log-normal prior), so that what explains nothing gets no weight.

    Args:
        groups: Each ``(n_prompts, width)``; scaled here so that all have the same mean square.
        target: ``(n_prompts, n_columns)``, NaN where missing; a column without any gets the others' mean.

    Example:
        >>> random = np.random.default_rng(0)
        >>> x, noise = random.normal(size=(400, 3)), random.normal(size=(400, 5))
        >>> found = fit_regression([x, noise], x[:, :2] + 0.1 * random.normal(size=(400, 2)))
        >>> bool(found.scales[0] > 0.9), found.weight.shape
        (True, (8, 2))
    """
    level = _levels(target)
    shift, factors = _standards(groups)
    group = np.repeat(np.arange(len(groups)), [each.shape[1] for each in groups])
    factor = factors[group]
    inputs = (np.hstack(groups) - shift) * factor
    noise, expected = covariance(target - level), np.tile(level, (len(target), 1))
    components = _Components(inputs, group, target - level, expected - level, noise)
    log_scales = components.best_scales(np.zeros(len(groups)))
    found = components.posterior(log_scales, level)
    if np.isnan(target).mean() > _FEW:
        for _ in range(_ROUNDS):
            before, expected, noise = expected, found.left_out, found.noise
            if np.square(expected - before).mean() < _SETTLED * np.diag(noise).mean():
                break
            level = _levels(target - expected + expected.mean(0))  # of all prompts, and not of those recorded
            components = _Components(inputs, group, target - level, expected - level, noise)
            found = components.posterior(log_scales, level)
        found = components.posterior(components.best_scales(log_scales), level)
    basis = factor[:, None] * found.basis
    return replace(found, basis=basis, offset=shift @ basis, prior=factors[:, None] ** 2 * found.prior)


class _Components:
    """Components of the columns on the inputs, as sums over the prompts.

    Where columns are missing a prompt's components are known in part. Their `values` are then as far from
    what was expected as they would have to be for the part that is known to be as it is, on average; their
    noise is that of the component over `reliability`, the part of its variance that is known (Garrick, Taylor
    and Fernando 2009, "Deregressing estimated breeding values").

    Args:
        inputs: Standardised, ``(n_prompts, n_inputs)``.
        group: Of each input.
        deviation: Of the columns, ``(n_prompts, n_columns)``, NaN where missing; orthonormal `loadings` take
            them to components.
        fit: What is expected of it, the same shape.
        noise: Covariance about that.
    """

    def __init__(
        self, inputs: Array, group: npt.NDArray[np.intp], deviation: Array, fit: Array, noise: Array
    ) -> None:
        known = ~np.isnan(deviation)
        filled, missing = filled_in(deviation, known, fit, noise), left_open(known, noise)
        _, self.loadings = np.linalg.eigh(filled.T @ filled + missing)
        self.inputs, self.group, self.deviation = inputs, group, deviation
        whole = np.maximum(_diagonal(noise, self.loadings), _TINY)
        self.missing: Array = _diagonal(missing, self.loadings) / len(inputs)
        self.reliability: Array = np.clip(1 - self.missing / whole, _LEAST_RELIABLE, 1.0)
        expected = fit @ self.loadings
        self.values: Array = expected + (filled @ self.loadings - expected) / self.reliability
        self.gram: Array = inputs.T @ inputs
        self.products: Array = inputs.T @ self.values
        self.squares: Array = np.maximum((self.values**2).sum(0), _TINY)

    def best_scales(self, start: Array) -> Array:
        """Logs of the groups' scales of most evidence."""
        if len(start) == 1:
            return start
        bounds = [(-_SCALE_BOUND, _SCALE_BOUND)] * len(start)
        limits = {"maxiter": _STEPS, "maxfun": _STEPS}
        found = minimize(self._loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=limits)
        return np.asarray(found.x)

    def posterior(self, log_scales: Array, level: Array) -> Regression:
        """The posterior at these scales on the standardised inputs."""
        seen = _Spectrum(self, log_scales)
        shrink = seen.shrink.T @ seen.belief
        weight = shrink * seen.products
        basis = seen.root[:, None] * seen.directions
        q = self.inputs @ basis
        fit = q @ weight
        leverage = q**2 @ shrink + 1 / len(q)
        missed = (self.values - fit) / np.maximum(1 - leverage, 0.05)
        back, shares = self.loadings.T, _shares(log_scales)
        left_out = (self.values - missed) @ back
        noise = ((missed * self.reliability) ** 2).mean(0) + self.missing
        errors = np.nanmean((self.deviation - left_out) ** 2)  # what was recorded says how large they are
        noise = np.maximum(noise * errors / max(noise.mean(), _TINY), _TINY)
        believed = seen.belief * seen.noise
        variance = seen.shrink.T @ believed
        flat = -0.5 * len(q) * np.log(self.squares / len(q))
        return Regression(
            basis=basis,
            offset=np.zeros(basis.shape[1]),
            level=level,
            weight=weight @ back,
            spread=variance @ back**2,
            left_out=level + left_out,
            noise=(self.loadings * noise) @ back,
            scales=shares,
            prior=np.outer(shares, (believed * _SIGNALS).sum(0) @ back**2),
            gain=float((seen.evidence - flat).sum()),
        )

    def _loss(self, log_scales: Array) -> tuple[float, Array]:
        """Minus the log posterior of the scales, and its gradient."""
        seen = _Spectrum(self, log_scales)
        shares = _shares(log_scales)
        members = np.eye(len(shares))[self.group].T
        widest = int(members.sum(1).argmax())
        others = self.group != widest  # what the widest has of a weight is what they leave
        made_of = members @ seen.directions**2  # what each direction is made of, (n_groups, n_directions)
        slope = -0.5 * made_of @ (seen.shrink * seen.lengths).T @ seen.belief.sum(1)
        for shrink, signal, noise, belief in zip(seen.shrink, _SIGNALS, seen.noise, seen.belief, strict=True):
            turned = shrink[:, None] * seen.products
            size = members[:, others] @ (seen.directions[others] @ turned) ** 2
            size[widest] = (turned**2).sum(0) - size.sum(0)
            slope += 0.5 * size @ (belief / (signal * noise))
        slope -= shares * slope.sum()  # the scales are shares: they compete
        penalty = log_scales / _SCALE_DEVIATION**2
        return -float(seen.evidence.sum()) + 0.5 * float(log_scales @ penalty), penalty - slope


class _Spectrum:
    """The inputs' directions at some scales, and by signal what the components have of them.

    `lengths` and `directions` are eigenvalues and eigenvectors of the inputs times `root`; `products` are
    directions by components, and weights once `shrink` ``(n_signals, n_directions)`` has multiplied them.
    `noise`, a variance, and `belief`, the signals' posterior, are ``(n_signals, n_components)``; `evidence`
    is each component's, in logs.
    """

    def __init__(self, of: _Components, log_scales: Array) -> None:
        self.root = np.sqrt(_shares(log_scales))[of.group]
        lengths, self.directions = np.linalg.eigh(of.gram * self.root * self.root[:, None])
        self.lengths: Array = np.maximum(lengths, 0.0)
        self.products: Array = self.directions.T @ (of.products * self.root[:, None])
        stretch = 1 + _SIGNALS * self.lengths
        self.shrink: Array = _SIGNALS / stretch
        noise = np.maximum(of.squares - self.shrink @ self.products**2, 1e-10 * of.squares)
        self.noise: Array = noise / len(of.values)
        each = -0.5 * len(of.values) * np.log(self.noise)
        each -= 0.5 * np.log(stretch).sum(1)[:, None]
        top = each.max(0)
        belief = np.exp(each - top)
        self.belief: Array = belief / belief.sum(0)
        self.evidence: Array = np.log(belief.mean(0)) + top


def _shares(log_scales: Array) -> Array:
    scales = np.exp(log_scales - log_scales.max())
    return np.asarray(scales / scales.sum())


def _standards(groups: Sequence[Array]) -> tuple[Array, Array]:
    """Mean of each input, and of each group the factor by which it has a mean square of one."""
    shifts = [each.mean(0) for each in groups]
    sizes = [((each - shift) ** 2).sum(1).mean() ** 0.5 for each, shift in zip(groups, shifts, strict=True)]
    return np.concatenate(shifts), np.array([1 / size if size > 1e-9 else 0.0 for size in sizes])


def _levels(target: Array) -> Array:
    """Mean of each column; where nothing is known that of the others, or 0."""
    means = column_means(target)
    known = ~np.isnan(means)
    return np.where(known, means, means[known].mean() if known.any() else 0.0)


def _diagonal(covariance: Array, loadings: Array) -> Array:
    """Variances of the components that the loadings take columns of this covariance to."""
    return np.asarray(((covariance @ loadings) * loadings).sum(0))
