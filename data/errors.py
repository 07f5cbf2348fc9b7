"""What can go wrong, by what the caller would do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


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


@contextmanager
def library_errors(error: type[RoutooError], words: str) -> Iterator[None]:
    """Makes an error of ours, which begins with these words, of whatever a library raises in the block.

    That includes the panics of libraries in Rust, which no `except Exception` sees.

    >>> with library_errors(InputError, "table.csv cannot be read"):
    ...     raise ArithmeticError("a column too many")
    Traceback (most recent call last):
    routoo.data.errors.InputError: table.csv cannot be read: a column too many
    """
    try:
        yield
    except RoutooError:
        raise
    except BaseException as fault:
        if not isinstance(fault, Exception) and type(fault).__name__ != "PanicException":
            raise
        said = str(fault).strip().partition("\n")[0] or type(fault).__name__
        raise error(f"{words}: {said}") from fault
