"""Locks of files: a process holds one to write alone, and nobody holds it once the process is gone."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_UNKNOWN = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)

if sys.platform == "win32":
    import msvcrt

    def hold(handle: int, *, wait: bool = True) -> None:
        """Waits until this process holds the lock; Windows gives up after ten seconds, and is asked again.

        Raises:
            BlockingIOError: Another one holds it, and this is not to wait.
        """
        while True:
            with suppress(OSError):
                return msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            if not wait:
                raise BlockingIOError(errno.EAGAIN, "held by another process")

    def remove_unless_held(path: Path) -> None:
        """Removes a file unless another process or thread holds its lock; Windows removes no open file."""
        with suppress(OSError):
            path.unlink()
else:
    import fcntl

    def hold(handle: int, *, wait: bool = True) -> None:
        """Waits until this process holds the lock.

        Raises:
            BlockingIOError: Another one holds it, and this is not to wait.
        """
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if (
                error.errno not in _UNKNOWN
            ):  # a file system without locks: there, writers are trusted to be alone
                raise

    def remove_unless_held(path: Path) -> None:
        """Removes a file unless another process or thread holds its lock, or nobody can tell."""
        with suppress(OSError):
            handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(handle)


@contextmanager
def locked(folder: Path, name: str, *, wait: bool = True) -> Iterator[None]:
    """Holds the lock of a folder, which is made where there is none; a folder left empty is removed.

    Args:
        folder: What is to be written by one process or thread at a time.
        name: Of the lock file in it, there only as long as somebody writes.
        wait: Whether to wait for another who holds it.

    Raises:
        BlockingIOError: Another one holds it, and this is not to wait.
        OSError: The folder cannot be written.
    """
    handle = _locked_handle(folder, name, wait=wait)
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no file that another writer waits with
            (folder / name).unlink()
        os.close(handle)
        with suppress(OSError):  # it holds what was written
            folder.rmdir()


def _locked_handle(folder: Path, name: str, *, wait: bool) -> int:
    """The handle of the lock file, once it is held, and is still the one that others find."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(folder / name, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except FileNotFoundError:  # the folder was removed by a writer that wrote nothing
            continue
        try:
            hold(handle, wait=wait)
            if _is_at(handle, folder / name):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _is_at(handle: int, path: Path) -> bool:
    """Whether the open file is the one at this path; not when the last writer has removed it meanwhile."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(handle), path.stat())
    return False
