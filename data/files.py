"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from routoo.data.errors import InputError


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces `path` by `content` in one step: a reader sees the old file or the new one.

    Raises:
        OSError: The folder is missing or the disk is full; the old file then stands untouched.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def folder_atomically(path: Path, *, replaces: Collection[str] = ()) -> Iterator[Path]:
    """A scratch folder that becomes `path` when the block ends well; else the old folder stands.

    Args:
        path: The folder to write.
        replaces: Names that an older folder may hold and the new one need not.

    Raises:
        InputError: `path` is a file, or a folder with files of somebody else, which would be lost.
    """
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: expected a folder to write, found a file; choose another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    scratch.chmod(0o755)
    try:
        yield scratch
        _refuse_to_lose(path, {*replaces, *(entry.name for entry in scratch.iterdir())})
        retired = scratch.with_name(scratch.name + ".old")
        if path.exists():
            path.replace(retired)
        try:
            scratch.replace(path)
        except BaseException:
            if retired.exists():
                retired.replace(path)
            raise
        shutil.rmtree(retired, ignore_errors=True)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def _refuse_to_lose(path: Path, known: Collection[str]) -> None:
    others = sorted({entry.name for entry in path.iterdir()} - set(known)) if path.exists() else []
    if others:
        shown = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
        raise InputError(
            f"{path} holds other files ({shown}) that would be lost; choose an empty or new folder"
        )
