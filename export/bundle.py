"""A bundle: the folder of a trained router, checked whole when it is read, written whole or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from routoo.data.errors import BundleError, InputError
from routoo.data.files import folder_atomically
from routoo.export.description import BundleDescription, Json
from routoo.export.layout import FORMAT_VERSION, FORMAT_WITH_LABELS, LAYOUT
from routoo.export.manifest import FileRecord, read_json, read_manifest, refuse, to_json


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle on disk that was found whole.

    Args:
        folder: Where it lies.
        description: What it says of itself.
        files: Size and hash of every file but `router.json`, by name.
    """

    folder: Path
    description: BundleDescription
    files: Mapping[str, FileRecord]

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
            MissingExtraError: It has to come from the hub, and extra `hub` is not installed.
        """
        if Path(where).exists():
            return cls.read(where)
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

    def path(self, name: str) -> Path:
        """Where one of its files lies."""
        return self.folder / name

    def metrics(self) -> Json:
        """Figures of training and export."""
        return read_json(self.folder, LAYOUT.metrics)

    def sample_prompts(self) -> tuple[str, ...]:
        """Prompts that an export will be checked against; none once it was."""
        if LAYOUT.sample not in self.files:
            return ()
        prompts = read_json(self.folder, LAYOUT.sample).get("prompts")
        if not isinstance(prompts, list) or not all(isinstance(prompt, str) for prompt in prompts):
            refuse(self.folder, f"{LAYOUT.sample} holds no list of prompts")
        return tuple(prompts)

    def save_pretrained(self, folder: str | Path) -> Bundle:
        """A copy of the bundle in another folder."""
        contents = {name: self.path(name).read_bytes() for name in self.files}
        return write_files(folder, self.description, contents)

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
        return upload(self.folder, hub_id, private=private)


def write_files(folder: str | Path, description: BundleDescription, contents: Mapping[str, bytes]) -> Bundle:
    """The bundle that these files make, written in one step; a bundle that was there before is replaced.

    Args:
        folder: Where to write; it may hold an older bundle, and nothing else.
        description: What goes into `router.json`.
        contents: Every other file, by its name in `Layout`.

    Raises:
        InputError: A file is missing or not in the layout, or the folder holds files that are no bundle's.
        BundleError: The disk is full or cannot be written; what was there before stands.
    """
    folder = Path(folder)
    missing = sorted(set(LAYOUT.required) - set(contents))
    unknown = sorted(set(contents) - {*LAYOUT.required, *LAYOUT.optional})
    if missing or unknown:
        raise InputError(f"a bundle needs {', '.join(LAYOUT.required)}; missing {missing}, unknown {unknown}")
    records = {name: FileRecord(len(c), hashlib.sha256(c).hexdigest()) for name, c in contents.items()}
    document = {
        "format_version": FORMAT_WITH_LABELS if description.labels else FORMAT_VERSION,
        **description.to_dict(),
        "files": {name: dataclasses.asdict(record) for name, record in sorted(records.items())},
    }
    try:
        with folder_atomically(folder, replaces=LAYOUT.optional) as scratch:
            for name, content in {LAYOUT.router: to_json(document), **contents}.items():
                _write(scratch / name, content)
    except OSError as error:
        raise BundleError(
            f"{folder} was not written: {error.strerror or error}; what was there before still stands"
        ) from error
    return Bundle(folder, description, records)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
