"""The folder of batch files, held by one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from routoo.data.errors import InputError
from routoo.data.storage.locks import locked

_LOCK_NAME = ".batch"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds the folder for this process.

    Raises:
        InputError: Another one does.
    """
    try:
        with locked(folder, _LOCK_NAME, wait=False):
            yield
    except BlockingIOError:
        raise InputError(f"{folder}: another process works on this batch; wait for it") from None
