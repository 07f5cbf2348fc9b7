"""A bundle: the folder of a trained router, checked whole when it is read, written whole or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from routoo.data.errors import BundleError, InputError
from routoo.data.files import folder_atomically
from routoo.export.description import BundleDescription, Json

FORMAT_VERSION = 1
"""Version of the format that this code writes, and the newest that it reads."""

GRAPH_INPUTS = ("input_ids", "attention_mask")
"""Inputs of the graphs, each ``(n_prompts, length)`` int64."""

GRAPH_OUTPUTS = ("p_correct", "output_tokens", "latency_s")
"""Outputs of the graphs, each ``(n_prompts, n_models)`` float32; NaN where nothing was recorded."""


@dataclass(frozen=True)
class Layout:
    """The files of a bundle, by what they hold.

    Args:
        router: Format version, `BundleDescription`, size and SHA-256 of every other file.
        graph: The network for ONNX Runtime, in float32; not there before an export.
        int8_graph: The same with the trunk in int8; may be left out.
        tokenizer: Of the Hugging Face `tokenizers` library.
        weights: The network's weights, to train on.
        metrics: Figures of training and export.
        card: For people, with the front matter of the Hugging Face hub.
        sample: Prompts that an export will be checked against; not there after an export.
    """

    router: str = "router.json"
    graph: str = "model.onnx"
    int8_graph: str = "model.int8.onnx"
    tokenizer: str = "tokenizer.json"
    weights: str = "model.safetensors"
    metrics: str = "metrics.json"
    card: str = "README.md"
    sample: str = "sample_prompts.json"

    @property
    def names(self) -> tuple[str, ...]:
        """Every file name, `router` first."""
        return dataclasses.astuple(self)

    @property
    def required(self) -> tuple[str, ...]:
        """The files beside `router` that no bundle is without."""
        return (self.tokenizer, self.weights, self.metrics, self.card)

    @property
    def optional(self) -> tuple[str, ...]:
        """The files that a bundle may be without."""
        return (self.graph, self.int8_graph, self.sample)


LAYOUT = Layout()


@dataclass(frozen=True)
class FileRecord:
    """What a file must be: its size in bytes, and its SHA-256 in hexadecimal."""

    size: int
    sha256: str


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
        document = _read_json(folder, LAYOUT.router)
        _check_version(folder, document)
        files = _file_records(folder, document)
        faults = [fault for name, record in files.items() if (fault := _fault(folder, name, record))]
        if faults:
            _refuse(folder, "; ".join(faults))
        try:
            description = BundleDescription.from_dict(document)
        except BundleError as error:
            _refuse(folder, f"{LAYOUT.router}: {error}")
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
        return _read_json(self.folder, LAYOUT.metrics)

    def sample_prompts(self) -> tuple[str, ...]:
        """Prompts that an export will be checked against; none once it was."""
        if LAYOUT.sample not in self.files:
            return ()
        prompts = _read_json(self.folder, LAYOUT.sample).get("prompts")
        if not isinstance(prompts, list) or not all(isinstance(prompt, str) for prompt in prompts):
            _refuse(self.folder, f"{LAYOUT.sample} holds no list of prompts")
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
        "format_version": FORMAT_VERSION,
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


def to_json(document: Mapping[str, Any]) -> bytes:
    """The document as JSON for people to read; not a number, NaN or infinite, becomes null."""
    return (json.dumps(_finite(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _finite(value: Any) -> Any:  # any JSON value
    if isinstance(value, float) and not (-float("inf") < value < float("inf")):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _refuse(folder: Path, why: str) -> NoReturn:
    raise BundleError(f"{folder} is not a bundle that can be used: {why}; fetch or export it again")


def _read_json(folder: Path, name: str) -> Json:
    """The mapping in one of the folder's JSON files."""
    if not folder.is_dir():
        _refuse(folder, "there is no such folder")
    if escape := _escape(folder, name):
        _refuse(folder, escape)
    try:
        document = json.loads((folder / name).read_bytes(), parse_constant=_not_json)
    except FileNotFoundError:
        found = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
        _refuse(folder, f"{name} is missing (found {found})")
    except OSError as error:
        _refuse(folder, f"{name} cannot be read ({error.strerror})")
    except (ValueError, RecursionError) as error:
        _refuse(folder, f"{name} is truncated or not JSON ({error})")
    if not isinstance(document, dict):
        _refuse(folder, f"{name} holds a {type(document).__name__}, expected a mapping")
    return document


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _check_version(folder: Path, document: Json) -> None:
    version = document.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        _refuse(folder, f"{LAYOUT.router}: format_version is {version!r}, expected a number from 1 on")
    if version > FORMAT_VERSION:
        raise BundleError(
            f"{folder} is of format {version}, and this routoo reads up to {FORMAT_VERSION}: upgrade routoo"
        )


def _file_records(folder: Path, document: Json) -> dict[str, FileRecord]:
    """Size and hash of each file by name, as `router.json` lists them."""
    listed = document.get("files")
    if not isinstance(listed, dict):
        _refuse(folder, f"{LAYOUT.router}: the list of files is missing")
    unlisted = [name for name in LAYOUT.required if name not in listed]
    if unlisted:
        _refuse(folder, f"{LAYOUT.router} does not list {', '.join(unlisted)}")
    records = {}
    for name, row in listed.items():
        if not isinstance(row, dict) or set(row) != {"size", "sha256"} or not isinstance(row["size"], int):
            _refuse(folder, f"{LAYOUT.router}: {name!r} needs a size and a sha256")
        records[name] = FileRecord(row["size"], str(row["sha256"]))
    return records


def _fault(folder: Path, name: str, record: FileRecord) -> str | None:
    """What is wrong with a file, or None."""
    if escape := _escape(folder, name):
        return escape
    path = folder / name
    if not path.is_file():
        return f"{name} is missing"
    try:
        size = path.stat().st_size
        if size < record.size:
            return f"{name} is truncated ({size} of {record.size} bytes)"
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"{name} cannot be read ({error.strerror})"
    if size > record.size or found != record.sha256:
        return f"{name} was altered (SHA-256 {found[:12]}…, expected {record.sha256[:12]}…)"
    return None


def _escape(folder: Path, name: str) -> str | None:
    """Why a name does not stand for a file of this folder, or None.

    A link may lead to the blobs of the same repository in a hub cache, which keeps its files that way.
    """
    if name in ("", ".", "..") or any(sign in name for sign in "/\\:\0"):
        return f"{name!r} is not a plain file name"
    home = folder.resolve()
    homes = [home, home.parents[1] / "blobs"] if home.parent.name == "snapshots" else [home]
    target = (home / name).resolve()
    return None if target.parent in homes else f"{name} is a link that leads out of the folder"
