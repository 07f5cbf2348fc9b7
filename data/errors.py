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
