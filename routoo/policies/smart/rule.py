"""Who answers the items that were not profiled, in words."""

from __future__ import annotations

import numpy as np

from routoo.policies.smart.run import SmartRun


def rule_of(run: SmartRun) -> str:
    """Who was to answer the items that were left; for a run that has ended.

    Example: ``small where its predicted agreement is at least 0.83, else large``.
    """
    left = {name: count for name, count in run.policy.items() if count}
    promise = run.promise
    if not left:
        return "nobody: all were profiled"
    if promise.prices is None or promise.reference in left:
        return ", then ".join(f"{name} {count:,}" for name, count in left.items())
    names, at = (*promise.candidates, promise.reference), promise.policies.index(next(iter(left)))
    price, chosen = promise.prices[at], run.policies.chosen[at]
    reference = promise.reference
    if run.policies.least.any():
        least = max(0.0, 1 - price * float(run.policies.cost[:, -1].mean()))
        first = np.bincount(chosen, minlength=len(names)).tolist()
        asked = ", ".join(f"{name} {count:,}" for name, count in zip(names, first, strict=True) if count)
        return (
            f"the answer of the model that may save most, where it agrees with a probability of at least "
            f"{least:.2f} once it is read, else {reference}; first asked of all items: {asked}"
        )
    if len(names) == 2:
        if (chosen == 0).all():
            return f"{names[0]}, whatever its predicted agreement is"
        gain = run.policies.cost[:, 1] - run.policies.cost[:, 0]
        least = 1 - price * float(gain.mean())
        return (
            f"{names[0]} where its predicted agreement is at least {least:.2f}, else {reference} (of an item "
            f"at the mean cost: 1 less {price:.4g} for each USD that is predicted to be saved)"
        )
    asked = np.bincount(chosen[run.items.order[run.looks[-1].seen :]], minlength=len(names)).tolist()
    shares = ", ".join(f"{name} {count:,}" for name, count in zip(names, asked, strict=True) if count)
    return (
        f"the model of the most predicted agreement less {price:.4g} for each USD that it is predicted to "
        f"cost, {reference} agreeing with itself: {shares}"
    )
