"""Files that are regular when they are read, and files and folders that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from routoo.data.errors import InputError

_TAKEN = (errno.ENOTEMPTY, errno.EEXIST)
_LONGEST = 48  # characters: with what comes around it, a name stays within what file systems take
_FLAGS = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY", "O_NOCTTY"))


def open_regular(path: Path) -> int:
    """The handle of a regular file, open for reading; the caller closes it.

    Raises:
        OSError: It cannot be opened, or is a folder, a pipe or a device, for none of which this waits.
    """
    handle = os.open(path, os.O_RDONLY | _FLAGS)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise OSError(errno.EINVAL, "not a regular file", str(path))


def read_regular(path: Path) -> bytes:
    """The content of a regular file.

    Raises:
        OSError: See `open_regular`.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        return file.read()


def followed(path: Path) -> Path:
    """Where a path leads, which need not be there.

    Raises:
        InputError: It leads nowhere: its links go round in a circle, or it is no name.
    """
    try:
        return path.resolve()
    except (RuntimeError, ValueError) as error:  # a circle is RuntimeError before Python 3.13
        raise InputError(f"{str(path)!r} leads nowhere ({error}); choose another name") from None


def written_file(path: Path) -> Path:
    """The file that is written where this path is named: that to which a link leads, so that the link stays.

    Raises:
        InputError: There is a folder, a pipe or a device of that name, or it leads nowhere.
    """
    target = followed(path)
    if os.path.lexists(target) and not target.is_file():
        raise InputError(f"{path}: expected a file to write, found a folder, a pipe or a device")
    return target


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces the content of `path` in one step: a reader sees the old file or the new one.

    Raises:
        InputError: It is no file, see `written_file`.
        OSError: The folder is missing or the disk is full; the old file then stands untouched.
    """
    path = written_file(path)
    name = _beside(path)
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)  # as the user's umask wants it
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        name.replace(path)
    except BaseException:
        name.unlink(missing_ok=True)
        raise


@contextmanager
def folder_atomically(path: Path, *, replaces: Collection[str] = ()) -> Iterator[Path]:
    """A scratch folder that becomes `path` when the block ends well; else the old folder stands.

    Of several processes that write the same folder the last one wins. A link is followed, and stays.

    Args:
        path: The folder to write.
        replaces: Names that an older folder may hold and the new one need not.

    Raises:
        InputError: `path` is a file, or a folder with files of somebody else, which would be lost, or the
            working directory, which would be pulled from under the shell.
    """
    named, path = path, followed(path)
    if path == Path.cwd():
        raise InputError(f"{named}: expected a folder to write, found the working directory; name one in it")
    if path.is_file():
        raise InputError(f"{named}: expected a folder to write, found a file; choose another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = _beside(path)
    scratch.mkdir()
    try:
        yield scratch
        _refuse_to_lose(path, {*replaces, *(entry.name for entry in scratch.iterdir())})
        while not _take_place(scratch, path):
            pass
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def _beside(path: Path) -> Path:
    """A hidden name in the same folder that nobody else has."""
    return path.with_name(f".{path.name[:_LONGEST]}.{secrets.token_hex(8)}")


def _take_place(scratch: Path, path: Path) -> bool:
    """Whether the scratch folder is now at `path`; not when another process put its own there meanwhile."""
    retired = scratch.with_name(scratch.name + ".old")
    with suppress(FileNotFoundError):  # none is there yet, or another process has just retired it
        path.replace(retired)
    try:
        scratch.replace(path)
    except BaseException as error:
        if isinstance(error, OSError) and error.errno in _TAKEN:
            shutil.rmtree(retired, ignore_errors=True)
            return False
        if retired.exists():
            retired.replace(path)
        raise
    shutil.rmtree(retired, ignore_errors=True)
    return True


def _refuse_to_lose(path: Path, known: Collection[str]) -> None:
    present: set[str] = set()
    with suppress(FileNotFoundError):
        present = {entry.name for entry in path.iterdir()}
    others = sorted(present - set(known))
    if others:
        shown = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
        raise InputError(
            f"{path} holds other files ({shown}) that would be lost; choose an empty or new folder"
        )
