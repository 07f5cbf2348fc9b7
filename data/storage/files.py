"""Files that are regular when they are read, and that appear whole or not at all when they are written."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from routoo.data.errors import InputError
from routoo.data.storage.locks import hold, remove_unless_held

_SCRATCH = re.compile(r"[0-9a-f]{16}\.part")  # how names of scratch files end
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


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits, whatever its size."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


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


def written_folder(path: Path) -> Path:
    """The folder that is written where this path is named, which must not be there, or be empty.

    Raises:
        InputError: There is something of that name, or it leads nowhere.
    """
    target = followed(path)
    if os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir())):
        raise InputError(f"{path}: expected a folder to write, found one that holds something, or a file")
    return target


def names_folder(path: Path) -> bool:
    """Whether a table that is written under this name is a folder of files: the name has no ending."""
    return not path.suffix


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces the content of `path` in one step: a reader sees the old file or the new one.

    What a writer of the same file left beside it that was killed is removed.

    Raises:
        InputError: It is no file, see `written_file`.
        OSError: The folder is missing or the disk is full; the old file then stands untouched.
    """
    path = written_file(path)
    _sweep(path)
    while not _replaced(path, content):
        pass


def _replaced(path: Path, content: bytes) -> bool:
    """Whether the file was replaced; not where another writer took the scratch file for one left behind."""
    scratch = path.with_name(f"{_scratch_start(path)}{secrets.token_hex(8)}.part")
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o666)  # as the umask wants it
    try:
        with os.fdopen(handle, "wb") as file:
            with suppress(OSError):  # where files cannot be held, nobody removes one that is not
                hold(handle)
            file.write(content)
            file.flush()
            os.fsync(handle)
            if os.name == "posix":
                return _renamed(scratch, path)
        return _renamed(scratch, path)  # Windows renames no open file
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def _renamed(scratch: Path, path: Path) -> bool:
    """Whether the scratch file, which may be gone, has now this name."""
    with suppress(FileNotFoundError):
        scratch.replace(path)
        return True
    return False


def _sweep(path: Path) -> None:
    """Removes the scratch files of this file whose writers are gone."""
    start = _scratch_start(path)
    with suppress(OSError):  # a folder that is missing, or cannot be listed
        for beside in path.parent.iterdir():
            if beside.name.startswith(start) and _SCRATCH.fullmatch(beside.name, len(start)):
                remove_unless_held(beside)


def _scratch_start(path: Path) -> str:
    """How the names of its scratch files begin."""
    return f".{path.name[:_LONGEST]}."
