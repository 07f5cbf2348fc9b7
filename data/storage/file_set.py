"""Files of a folder that are replaced as one: there is no moment without a whole set of them.

What decides is the head, a file that names every other by its hash. A writer puts the new files beside the
old ones, under hidden names that tell their hashes; then it replaces the head, in one rename; then it gives
the new files the names that people know. No file is ever changed where it is. A writer that is killed leaves
the old set or the new one, and files that the next writer removes. A reader takes each file under whichever
of its two names it has the right hash, and starts again where the head has changed meanwhile.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from routoo.data.errors import InputError
from routoo.data.storage.files import followed, read_regular, write_atomically
from routoo.data.storage.locks import locked

T = TypeVar("T")

_LOCK = ".lock"


@dataclass(frozen=True)
class FileRecord:
    """What a file must be: its size in bytes, and its SHA-256 in hexadecimal."""

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> FileRecord:
        """The record of a file with this content."""
        return cls(len(content), hashlib.sha256(content).hexdigest())

    def hidden_name(self, name: str) -> str:
        """The name under which such a file waits until it takes the one that people know."""
        return f".{name}.{self.sha256[:16]}"


@dataclass(frozen=True)
class FileSet:
    """Which files of a folder belong together.

    Args:
        head: The file that decides: somewhere in it stands the SHA-256 of every other, in hexadecimal.
        others: The names of the others, of which some may be left out.
        beside: Names of files that do not belong to the set and may lie beside it: they are left alone.
    """

    head: str
    others: tuple[str, ...]
    beside: tuple[str, ...] = ()

    def check(self, folder: Path) -> None:
        """Refuses a folder in which no such set may be written; hidden files are no hindrance, and stay.

        Raises:
            InputError: It is a file, or holds files of somebody else, or links in place of files of the set.
        """
        try:
            entries = {entry.name: entry.lstat().st_mode for entry in folder.iterdir()}
        except FileNotFoundError:
            return
        except NotADirectoryError:
            raise InputError(
                f"{folder}: expected a folder to write, found a file; choose another name"
            ) from None
        shown = sorted(name for name in entries if not name.startswith(".") and name not in self.beside)
        known = {self.head, *self.others} if self.head in entries else set()
        if others := [name for name in shown if name not in known]:
            said = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
            raise InputError(
                f"{folder} holds other files ({said}), which are left alone; choose a new or empty folder"
            )
        if odd := [name for name in shown if not stat.S_ISREG(entries[name])]:
            raise InputError(
                f"{folder}: {odd[0]} is a link or no file, and would be lost; choose a new or empty folder"
            )

    def replace(
        self, folder: Path, head: bytes, contents: Mapping[str, bytes], records: Mapping[str, FileRecord]
    ) -> None:
        """Puts these files in place of those that were there, all at once.

        Args:
            folder: Where they go; made where it is not there. A link is followed, and stays.
            head: The content of the head.
            contents: Every other file, by name; of the set that was there, those not named go.
            records: What the head says of them.

        Raises:
            InputError: See `check`; or the folder leads nowhere.
            OSError: The disk is full or cannot be written; what was there before stands.
        """
        folder = followed(folder)
        self.check(folder)
        with locked(folder, _LOCK):
            self.check(folder)
            self._sweep(folder)
            try:
                for name, content in contents.items():
                    write_atomically(folder / records[name].hidden_name(name), content)
                write_atomically(folder / self.head, head)
                self._settle(folder, records)
            finally:
                self._sweep(folder)

    def at(self, folder: Path, name: str) -> Path:
        """Where the file of this name lies: under the hidden one, until its writer has come to the end."""
        waiting = (path for path, named in self._hidden(folder).items() if named)
        return next((path for path in waiting if path.name.startswith(f".{name}.")), folder / name)

    def read(self, folder: Path, read: Callable[[Mapping[str, Path]], T]) -> T:
        """What `read` makes of the files, given where each lies, all of one writer.

        It is asked again where they were replaced meanwhile. Files that are not there have a place too.
        """
        while True:
            seen = self._seen(folder)
            try:
                answer = read({name: path for name, (path, _) in seen.items()})
                if self._seen(folder) == seen:
                    return answer
            except (InputError, OSError):
                if self._seen(folder) == seen:
                    raise

    def _seen(self, folder: Path) -> dict[str, tuple[Path, tuple[int, ...]]]:
        """Where each file lies, and what tells it from the one that takes its place; the head first."""
        paths = {self.head: folder / self.head}
        seen = {self.head: (paths[self.head], _identity(paths[self.head]))}
        for name in self.others:
            path = self.at(folder, name)
            seen[name] = path, _identity(path)
        return seen

    def _settle(self, folder: Path, records: Mapping[str, FileRecord]) -> None:
        """Gives the files their names, and removes those that the set has no longer.

        A reader that keeps a file from being replaced, as on Windows, does no harm: the hidden one counts.
        """
        for name in self.others:
            with suppress(OSError):
                if name in records:
                    (folder / records[name].hidden_name(name)).replace(folder / name)
                else:
                    (folder / name).unlink(missing_ok=True)

    def _sweep(self, folder: Path) -> None:
        """Removes what a writer left that did not end: hidden files whose hash the head does not name."""
        for path, named in self._hidden(folder).items():
            if not named:
                with suppress(OSError):
                    path.unlink()

    def _hidden(self, folder: Path) -> dict[Path, bool]:
        """The files under hidden names, and whether the head names their hash."""
        names = "|".join(map(re.escape, (self.head, *self.others)))
        pattern = re.compile(rf"\.+(?:{names})\.(?:[0-9a-f]+\.)?([0-9a-f]+)(?:\.part)?")
        found, head = {}, b""
        with suppress(FileNotFoundError, NotADirectoryError):
            found = {path: hidden[1] for path in folder.iterdir() if (hidden := pattern.fullmatch(path.name))}
            head = read_regular(folder / self.head) if found else b""
        return {path: tag.encode() in head for path, tag in found.items()}


def _identity(path: Path) -> tuple[int, ...]:
    """What no other file that was ever at this place has; nothing where there is none."""
    with suppress(FileNotFoundError):
        found = path.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size
    return ()
