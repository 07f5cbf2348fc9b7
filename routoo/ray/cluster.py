"""The cluster: Ray itself where it is installed, how it is reached, and answers that come from it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from routoo.data.cores import usable_cores
from routoo.data.errors import MissingExtraError, RoutooError

Ray = Any
"""The package `ray`, of which little is typed."""


def connected(address: str | None = None, **options: Any) -> Ray:  # of `ray.init`
    """Ray, ready to work: as the caller has started it, else at this address, else on this machine.

    Args:
        address: Of a cluster, as `ray.init` takes it.
        **options: What else `ray.init` takes.

    Raises:
        MissingExtraError: Extra `ray` is not installed.
    """
    ray = installed()
    if not ray.is_initialized():
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_worker_niceness", "0")  # as this process; Ray's own is to give way to all
        here = {} if address else {"num_cpus": usable_cores(), "include_dashboard": False}
        ray.init(address=address, logging_level="error", log_to_driver=False, **{**here, **options})
    return ray


def installed() -> Ray:
    """Ray itself.

    Raises:
        MissingExtraError: Extra `ray` is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("Ray is not installed: pip install 'routoo[ray]'") from error
    return ray


def came(ray: Ray, references: Sequence[Any] | Any) -> Any:  # Any: what a worker answers
    """What workers answer."""
    with worker_errors(ray):
        return ray.get(references)


@contextmanager
def worker_errors(ray: Ray) -> Iterator[None]:
    """An error of ours that a worker raised is raised here as it was there."""
    try:
        yield
    except ray.exceptions.RayError as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, RoutooError) and not isinstance(cause, ray.exceptions.RayError):
                raise cause from None
            cause = getattr(cause, "cause", None) or cause.__cause__
        raise


def started(ray: Ray, kind: type, count: int, *given: object, cores: int = 1) -> list[Any]:  # Any: actors
    """Workers of a kind, over all machines, that Ray starts again whenever they die.

    Args:
        ray: Ray.
        kind: The class.
        count: How many.
        *given: What each is made of.
        cores: How many each has for itself; 0 leaves them to what is done meanwhile, say to read a dataset.
    """
    lasting = {"max_restarts": -1, "max_task_retries": -1, "scheduling_strategy": "SPREAD"}
    actor = ray.remote(num_cpus=cores, **lasting)(kind)
    return [actor.remote(*given) for _ in range(count)]


def worker_count(ray: Ray, wanted: int | None) -> int:
    """How many workers to start: one a core of the cluster, unless it is said."""
    return wanted or max(1, int(ray.cluster_resources().get("CPU", 1)))
