"""Calls into a library whose errors and prints are not for users: they leave in our words."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from routoo.data.errors import InputError, RoutooError

_LOCK = threading.RLock()
_LATE_S = 0.05
"""How long the other threads of a panic may take to print."""


@contextmanager
def in_our_words(words: str) -> Iterator[None]:
    """Turns whatever a library raises in the block, panics included, into an `InputError` with these words.

    What it prints to standard error meanwhile, such as the trace of a panic, is dropped where the block
    fails. Interrupts, our own errors and a lack of memory pass as they are.

    >>> with in_our_words("numbers.csv: cannot be read as CSV"):
    ...     int("one")
    Traceback (most recent call last):
    routoo.data.errors.InputError: numbers.csv: cannot be read as CSV
    """
    try:
        with _held_back():
            yield
    except (RoutooError, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException:  # a panic is none of Exception
        raise InputError(words) from None


@contextmanager
def library_errors(error: type[RoutooError], words: str) -> Iterator[None]:
    """Makes an error of ours, which begins with these words, of whatever a library raises in the block.

    Panics included, with the words of the library after ours. What it prints is not held back: this is for
    what runs often.

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


@contextmanager
def _held_back() -> Iterator[None]:
    """Keeps what is written to standard error, by anyone, until the block ends well."""
    with _LOCK, ExitStack() as stack:
        try:
            held = stack.enter_context(tempfile.TemporaryFile())
            stderr = os.dup(2)
        except OSError:  # there is no standard error, or no place to keep what is written
            stderr = None
        if stderr is None:
            yield
            return
        try:
            os.dup2(held.fileno(), 2)
            yield
        except Exception:
            raise
        except BaseException:
            time.sleep(_LATE_S)
            raise
        else:
            held.seek(0)
            os.write(stderr, held.read())
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
