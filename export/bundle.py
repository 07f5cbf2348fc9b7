"""A bundle: the folder of a trained router, checked whole when it is read, replaced whole or not at all."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from routoo.data.checks.arguments import path_of
from routoo.data.errors import BundleError, InputError
from routoo.data.storage.file_set import FileRecord
from routoo.export.description import BundleDescription, Json
from routoo.export.held_file import BrokenFileError, HeldFile
from routoo.export.layout import FILES, LAYOUT, NEWEST_FORMAT
from routoo.export.manifest import json_of, read_manifest, refuse, sealed

if TYPE_CHECKING:
    from routoo.data.pool import Pool
    from routoo.data.splits import Split


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle on disk that was found whole.

    It stays what it was when it was read, also where another one takes its place in the folder.

    Args:
        folder: Where it lies.
        description: What it says of itself.
        files: Every file but `router.json`, by name.
    """

    folder: Path
    description: BundleDescription
    files: Mapping[str, HeldFile]

    @classmethod
    def read(cls, folder: str | Path) -> Bundle:
        """The bundle in a folder, once every file of it has been found to be what it should be.

        Nothing that is read is executed or unpickled.

        Raises:
            BundleError: A file is missing, truncated, altered, lies outside the folder, or is of a newer
                format; the message lists all that is wrong.
        """
        folder = Path(folder)
        document, files = read_manifest(folder)
        try:
            description = BundleDescription.from_dict(document)
        except BundleError as error:
            refuse(folder, f"{LAYOUT.router}: {error}")
        return cls(folder, description, files)

    @classmethod
    def open(cls, where: str | Path, *, revision: str | None = None) -> Bundle:
        """The bundle in a folder or, if there is no such folder, under this id at the Hugging Face hub.

        Args:
            where: A folder, or an id such as ``team/router``.
            revision: Branch, tag or commit at the hub.

        Raises:
            BundleError: Neither is there, or the bundle is broken.
            InputError: It is no path, or a longer one than the file system takes.
            MissingExtraError: It has to come from the hub, and extra `hub` is not installed.
        """
        if (folder := path_of("where", where)).exists():
            return cls.read(folder)
        from routoo.export.hub import download, is_hub_id

        if not is_hub_id(str(where)):
            raise BundleError(
                f"{where}: no bundle; tried a folder (there is none) and the hub ({str(where)!r} is no id "
                "of the form owner/name). `routoo export` writes a bundle"
            )
        return cls.read(download(str(where), revision=revision))

    @property
    def has_graph(self) -> bool:
        """Whether there is a graph in float32: the bundle was exported, not only saved."""
        return LAYOUT.graph in self.files

    @property
    def has_int8(self) -> bool:
        """Whether there is a graph in int8."""
        return LAYOUT.int8_graph in self.files

    def content(self, name: str) -> bytes:
        """The content of one of its files.

        Raises:
            BundleError: It was altered since the bundle was read, or this process was given the bundle by
                another, and the folder holds a new one by now.
        """
        try:
            return self.files[name].read()
        except BrokenFileError as fault:
            refuse(self.folder, str(fault))

    def metrics(self) -> Json:
        """Figures of training and export."""
        return json_of(self.folder, LAYOUT.metrics, self.content(LAYOUT.metrics))

    def sample_prompts(self) -> tuple[str, ...]:
        """Prompts that an export will be checked against; none once it was."""
        if LAYOUT.sample not in self.files:
            return ()
        prompts = json_of(self.folder, LAYOUT.sample, self.content(LAYOUT.sample)).get("prompts")
        if not isinstance(prompts, list) or not all(isinstance(prompt, str) for prompt in prompts):
            refuse(self.folder, f"{LAYOUT.sample} holds no list of prompts")
        return tuple(prompts)

    def split(self) -> Split:
        """Which prompts were in train, val and test when it was trained; older ones know the seed alone."""
        from routoo.data.splits import Split  # which loads a library of tables: serving needs none

        if LAYOUT.split not in self.files:
            trained_on = self.description.trained_on
            try:
                return Split(int(trained_on.get("split_seed", trained_on.get("options", {}).get("seed", 0))))
            except (AttributeError, TypeError, ValueError):
                refuse(self.folder, f"{LAYOUT.router}: trained_on names no seed of a split")
        try:
            return Split.from_dict(json_of(self.folder, LAYOUT.split, self.content(LAYOUT.split)))
        except InputError as error:
            refuse(self.folder, f"{LAYOUT.split} is {error}")

    def save_pretrained(self, folder: str | Path, *, pool: Pool | None = None) -> Bundle:
        """A copy of the bundle in another folder, with other prices where a pool is given.

        Raises:
            InputError: The pool has other models than the bundle.
        """
        described = self.description if pool is None else self.description.with_prices(pool)
        return write_files(folder, described, {name: self.content(name) for name in self.files})

    def push_to_hub(self, hub_id: str, *, private: bool = True) -> str:
        """The address at the Hugging Face hub to which the bundle was uploaded.

        Raises:
            BundleError: It was not exported, the hub refused, or could not be reached.
            MissingExtraError: Extra `hub` is not installed.
        """
        from routoo.export.hub import upload

        if not self.has_graph:
            raise BundleError(
                f"{self.folder} was saved and not exported: `routoo export` it, then upload that"
            )
        with tempfile.TemporaryDirectory() as copy:  # which nobody replaces while it is uploaded
            return upload(self.save_pretrained(copy).folder, hub_id, private=private)


def write_files(folder: str | Path, description: BundleDescription, contents: Mapping[str, bytes]) -> Bundle:
    """The bundle that these files make; one that was there before is replaced at once, or stands.

    Args:
        folder: Where to write; it may hold an older bundle, and hidden files.
        description: What goes into `router.json`.
        contents: Every other file, by its name in `Layout`.

    Raises:
        InputError: A file is missing or not in the layout, or the folder holds files that are no bundle's, or
            links.
        BundleError: The disk is full or cannot be written; what was there before stands.
    """
    folder = Path(folder)
    missing = sorted(set(LAYOUT.required) - set(contents))
    unknown = sorted(set(contents) - {*LAYOUT.required, *LAYOUT.optional})
    if missing or unknown:
        raise InputError(f"a bundle needs {', '.join(LAYOUT.required)}; missing {missing}, unknown {unknown}")
    records = {name: FileRecord.of(content) for name, content in contents.items()}
    document = {
        "format_version": NEWEST_FORMAT,
        **description.to_dict(),
        "files": {name: dataclasses.asdict(record) for name, record in sorted(records.items())},
    }
    try:
        FILES.replace(folder, sealed(document), contents, records)
    except OSError as error:
        raise BundleError(
            f"{folder} was not written: {error.strerror or error}; what was there before still stands"
        ) from error
    return Bundle.read(folder)
