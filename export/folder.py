"""The folder of a bundle: its files are replaced as one, and there is no moment without a whole bundle.

What decides is `router.json`, which names every other file by its hash. A writer puts the new files beside
the old ones, under hidden names that tell their hashes; then it replaces `router.json`, in one rename; then
it gives the new files the names that people know. No file is ever changed where it is. A writer that is
killed leaves the old bundle or the new one, and files that the next writer removes. A reader takes each file
under whichever of its two names it has the right hash, and starts again where neither has and `router.json`
has changed meanwhile.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from routoo.data.errors import InputError
from routoo.data.files import followed, read_regular, write_atomically
from routoo.data.locks import locked
from routoo.export.held_file import FileRecord
from routoo.export.layout import LAYOUT

_LOCK = ".lock"
_HIDDEN = re.compile(rf"\.+(?:{'|'.join(map(re.escape, LAYOUT.names))})\.(?:[0-9a-f]+\.)?([0-9a-f]+)")


def check_folder(folder: Path) -> None:
    """Refuses a folder in which no bundle may be written; hidden files are no hindrance, and stay.

    Raises:
        InputError: It is a file, or holds files of somebody else, or links in place of a bundle's files.
    """
    try:
        entries = {entry.name: entry.lstat().st_mode for entry in folder.iterdir()}
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise InputError(f"{folder}: expected a folder to write, found a file; choose another name") from None
    shown = sorted(name for name in entries if not name.startswith("."))
    others = [name for name in shown if name not in LAYOUT.names or LAYOUT.router not in entries]
    if others:
        said = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
        raise InputError(
            f"{folder} holds other files ({said}), which are left alone; choose a new or empty folder"
        )
    odd = [name for name in shown if not stat.S_ISREG(entries[name])]
    if odd:
        raise InputError(
            f"{folder}: {odd[0]} is a link or no file, and would be lost; choose a new or empty folder"
        )


def replace_files(
    folder: Path, router: bytes, contents: Mapping[str, bytes], records: Mapping[str, FileRecord]
) -> None:
    """Puts these files in place of those of the bundle that was there, all at once.

    Args:
        folder: Where they go; made where it is not there. A link is followed, and stays.
        router: The content of `router.json`.
        contents: Every other file, by name.
        records: What `router` says of them.

    Raises:
        InputError: See `check_folder`; or the folder leads nowhere.
        OSError: The disk is full or cannot be written; what was there before stands.
    """
    folder = followed(folder)
    check_folder(folder)
    with locked(folder, _LOCK):
        check_folder(folder)
        _sweep(folder)
        try:
            for name, content in contents.items():
                write_atomically(folder / records[name].hidden_name(name), content)
            write_atomically(folder / LAYOUT.router, router)
            _settle(folder, records)
        finally:
            _sweep(folder)


def _settle(folder: Path, records: Mapping[str, FileRecord]) -> None:
    """Gives the files their names, and removes those that the bundle has no longer.

    A reader that keeps a file from being replaced, as on Windows, does no harm: the hidden one counts.
    """
    for name in LAYOUT.names[1:]:
        with suppress(OSError):
            if name in records:
                (folder / records[name].hidden_name(name)).replace(folder / name)
            else:
                (folder / name).unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Removes what a writer left that did not end: hidden files whose hash `router.json` does not name."""
    router = b""
    with suppress(FileNotFoundError):
        router = read_regular(folder / LAYOUT.router)
    for path in folder.iterdir():
        hidden = _HIDDEN.fullmatch(path.name)
        if hidden is not None and hidden[1].encode() not in router:
            with suppress(OSError):
                path.unlink()
