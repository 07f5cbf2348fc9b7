"""Ways to break a bundle: by accident, which its hashes must show, or on purpose, with hashes that agree."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from routoo.export.layout import LAYOUT
from routoo.export.manifest import sealed

Rng = random.Random
Break = Callable[[Path, Rng], None]
"""Breaks the bundle in a folder, which holds nothing else."""

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 3, 10**9, 10**30, -0.0, 1e-300, 1e300, 0.5),
    *(
        "",
        " ",
        "x",
        "../x",
        "/etc/passwd",
        "a\0b",
        "日本",
        "x" * 5000,
        "model.onnx",
        "\N{RIGHT-TO-LEFT OVERRIDE}",
    ),
    *([], {}, [[]], [None], {"": None}, {"x": {}}, [1] * 1000, ["x"] * 3),
)
"""Values that JSON can hold, and few fields expect."""

NAMES = (
    "",
    ".",
    "..",
    "../x",
    "/dev/zero",
    "a/b",
    "a\\b",
    "x" * 300,
    "a\0b",
    "C:x",
    "model.onnx ",
    "MODEL.ONNX",
)
"""Names that no file of a bundle has."""


def edit_byte(path: Path, rng: Rng) -> None:
    """Changes one byte of a file into another."""
    content = bytearray(path.read_bytes())
    at = rng.randrange(len(content))
    content[at] = rng.choice([byte for byte in range(256) if byte != content[at]])
    path.write_bytes(content)


def edit_router(folder: Path, rng: Rng) -> None:
    """Changes one byte of `router.json`."""
    edit_byte(folder / LAYOUT.router, rng)


def _edit_any(folder: Path, rng: Rng) -> None:
    edit_byte(_some(folder, rng), rng)


def _cut(folder: Path, rng: Rng) -> None:
    path = _some(folder, rng)
    os.truncate(path, rng.choice((0, 1, rng.randrange(path.stat().st_size), path.stat().st_size - 1)))


def _append(folder: Path, rng: Rng) -> None:
    with _some(folder, rng).open("ab") as file:
        file.write(rng.randbytes(rng.choice((1, 1000))))


def _swap(folder: Path, rng: Rng) -> None:
    one, other = rng.sample(sorted(folder.iterdir()), 2)
    one.rename(folder / "aside")
    other.rename(one)
    (folder / "aside").rename(other)


def _put_something_else(folder: Path, rng: Rng) -> None:
    path = _some(folder, rng)
    path.unlink()
    secret = folder.parent / "secret"
    secret.write_text("{}")
    others: tuple[Callable[[], object], ...] = (
        lambda: None,
        path.mkdir,
        lambda: os.mkfifo(path),
        lambda: path.symlink_to(secret),
        lambda: path.symlink_to(path.name),
        lambda: path.symlink_to("/dev/zero"),
        lambda: path.symlink_to("nowhere"),
        lambda: path.symlink_to("."),
        lambda: os.mknod(path),
    )
    rng.choice(others)()


ACCIDENTS: tuple[Break, ...] = (_edit_any, edit_router, _cut, _append, _swap, _put_something_else)
"""What the hashes must show: such a bundle is never used."""


def _odd_value(folder: Path, rng: Rng) -> None:
    document = _document(folder)
    _spoil(document, rng)
    _seal(folder, document)


def _odd_names(folder: Path, rng: Rng) -> None:
    document = _document(folder)
    name = rng.choice(NAMES)
    (folder / "other").write_text("{}")
    with contextlib.suppress(OSError, ValueError):
        (folder / name).write_text("{}")
    record = {"size": 2, "sha256": hashlib.sha256(b"{}").hexdigest()}
    document["files"][name] = rng.choice((record, record, *ODD))
    _seal(folder, document)


def _surrogate(folder: Path, rng: Rng) -> None:
    text = json.dumps(_document(folder))
    words = [at for at in range(1, len(text)) if text[at - 1] == '"' and text[at].isalpha()]
    at = rng.choice(words)
    _seal_bytes(folder, (text[:at] + rng.choice(("\\ud800", "\\udfff")) + text[at:]).encode())


def _odd_number(folder: Path, rng: Rng) -> None:
    document = _document(folder)
    _spoil(document, rng, odd=("NUMBER",))
    number = rng.choice((b"1e999", b"-1e999", b"NaN", b"1" * 5000, b"1e-999"))
    _seal_bytes(folder, json.dumps(document).encode().replace(b'"NUMBER"', number))


def _odd_tokenizer(folder: Path, rng: Rng) -> None:
    document = json.loads((folder / LAYOUT.tokenizer).read_bytes())
    if rng.random() < 0.2:
        document["model"]["vocab"] = rng.choice(({}, {"[PAD]": 0}, {"[UNK]": 10**6}, {"a": 1}))
    else:
        _spoil(document, rng)
    _put(folder, LAYOUT.tokenizer, json.dumps(document).encode())


def _odd_graph(folder: Path, rng: Rng) -> None:
    name = rng.choice((LAYOUT.graph, LAYOUT.int8_graph))
    content = bytearray((folder / name).read_bytes())
    for _ in range(rng.choice((1, 1, 10))):
        content[rng.randrange(len(content))] = rng.randrange(256)
    _put(folder, name, bytes(content[: rng.choice((len(content), rng.randrange(len(content))))]))


def _graph_with_another_file(folder: Path, rng: Rng) -> None:
    import onnx
    from onnx.external_data_helper import set_external_data

    model = onnx.load_from_string((folder / LAYOUT.int8_graph).read_bytes())
    tensor = rng.choice([tensor for tensor in model.graph.initializer if tensor.HasField("raw_data")])
    set_external_data(tensor, rng.choice(("secret", "../secret", "/etc/passwd", LAYOUT.weights)))
    _put(folder, LAYOUT.int8_graph, model.SerializeToString())


def _graph_of_no_numbers(folder: Path, rng: Rng) -> None:
    import numpy as np
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string((folder / LAYOUT.int8_graph).read_bytes())
    tensors = [tensor for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT]
    tensor = rng.choice(tensors)
    odd = np.full(tuple(tensor.dims), rng.choice((np.nan, np.inf, -np.inf, 1e38)), np.float32)
    tensor.CopyFrom(numpy_helper.from_array(odd, tensor.name))
    _put(folder, LAYOUT.int8_graph, model.SerializeToString())


def _odd_weights(folder: Path, rng: Rng) -> None:
    content = bytearray((folder / LAYOUT.weights).read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    for _ in range(rng.choice((1, 3))):
        content[rng.randrange(rng.choice((8, header, len(content))))] = rng.randrange(256)
    _put(folder, LAYOUT.weights, bytes(content))


def _no_numbers_in_weights(folder: Path, rng: Rng) -> None:
    content = bytearray((folder / LAYOUT.weights).read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    at = header + 4 * rng.randrange((len(content) - header) // 4)
    content[at : at + 4] = bytes.fromhex("0000c07f")
    _put(folder, LAYOUT.weights, bytes(content))


def _odd_json(folder: Path, rng: Rng) -> None:
    name = rng.choice((LAYOUT.metrics, LAYOUT.router))
    content = rng.choice(
        (b"", b"[]", b"null", b"[" * 10**6, b"\xff\xfe", b'{"a": NaN}', b"{}", b'"' + b"x" * 10**6)
    )
    if name == LAYOUT.router:
        (folder / name).write_bytes(content)
    else:
        _put(folder, name, content)


ATTACKS: tuple[Break, ...] = (
    *(_odd_value, _odd_value, _odd_names, _surrogate, _odd_number, _odd_tokenizer, _odd_graph, _odd_json),
    *(_graph_with_another_file, _graph_of_no_numbers, _odd_weights, _no_numbers_in_weights),
)
"""What somebody can do who writes hashes that agree: refused in words, or used without harm."""


def _some(folder: Path, rng: Rng) -> Path:
    return rng.choice(sorted(path for path in folder.iterdir() if path.stat().st_size))


def _document(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / LAYOUT.router).read_bytes())
    return document


def _seal(folder: Path, document: dict[str, Any]) -> None:
    (folder / LAYOUT.router).write_bytes(sealed(document))


def _seal_bytes(folder: Path, content: bytes) -> None:
    """Writes `router.json` as it stands, with its hash at the place of the old one."""
    seal = json.loads((folder / LAYOUT.router).read_bytes())["sha256"].encode()
    head, found, tail = content.rpartition(seal)
    if found:
        zeros = head + b"0" * len(seal) + tail
        content = head + hashlib.sha256(zeros).hexdigest().encode() + tail
    (folder / LAYOUT.router).write_bytes(content)


def _put(folder: Path, name: str, content: bytes) -> None:
    """Replaces a file, and says so in `router.json`."""
    (folder / name).write_bytes(content)
    document = _document(folder)
    document["files"][name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    _seal(folder, document)


def _spoil(document: Any, rng: Rng, odd: tuple[Any, ...] = ODD) -> None:  # any JSON value
    """Puts an odd value in place of one at random, near the top or deep down, or takes a key away."""
    while True:
        keys = list(document) if isinstance(document, dict) else list(range(len(document)))
        key = rng.choice(keys)
        below = document[key]
        if not isinstance(below, dict | list) or not below or rng.random() < 0.2:
            break
        document = below
    if isinstance(document, dict) and rng.random() < 0.1:
        del document[key]
    else:
        document[key] = rng.choice(odd)
