"""What can go wrong, by what the caller would do about it."""

from __future__ import annotations


class RoutooError(Exception):
    """Root of every error that routoo raises on purpose; the message says what to do."""


class InputError(RoutooError, ValueError):
    """Something given (a file, a column, a flag, a prompt) cannot be used: mend it and call again."""


class InfeasibleError(RoutooError):
    """No assignment meets the limits: relax the one that the message names.

    Args:
        message: The limits that cannot hold together, in words.
        least_budget_usd: The smallest budget that would be feasible, where one was the cause.
    """

    def __init__(self, message: str, *, least_budget_usd: float | None = None) -> None:
        super().__init__(message)
        self.least_budget_usd = least_budget_usd


class BundleError(RoutooError):
    """A bundle is missing, incomplete, altered or of a newer format: fetch or export it again."""


class MissingExtraError(RoutooError, ImportError):
    """An optional part is not installed: the message names the extra to install."""


class CallError(RoutooError):
    """A model gave no answer: ask it again where `retryable`, else take another.

    Args:
        message: Why, in words that hold neither the prompt nor a key.
        retryable: Whether another try may help.
        retry_after_s: Seconds after which the provider wants to be asked again, where it says so.
        cost_usd: What the try cost, where that is known; 0 where nothing was run.
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        retry_after_s: float | None = None,
        cost_usd: float | None = None,
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.cost_usd = cost_usd
