"""Batches that lie at addresses: what is predicted and chosen is what files here give."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import Result

from routoo import scored_parts
from routoo.commands import streamed
from routoo.data.errors import RoutooError
from routoo.data.storage.addresses import fetched

fsspec = pytest.importorskip("fsspec")

Routoo = Callable[..., Result]

BUDGET = ("--budget-usd", 0.02)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A home of one's own, parts of a few prompts, and a memory that nothing is left in."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(scored_parts, "PART", 16)
    yield
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """A folder of two files of prompts, 20 each, one of them in a folder of its own."""
    folder = tmp_path / "prompts"
    for part, place in enumerate((folder, folder / "more")):
        place.mkdir()
        names = [f"q{20 * part + at}" for at in range(20)]
        texts = [f"Say {word} {at} times, please." for at, word in enumerate(("yes", "no") * 10)]
        pl.DataFrame({"prompt_id": names, "prompt": texts}).write_parquet(place / f"part-{part}.parquet")
    return folder


@pytest.fixture
def remote(prompts: Path) -> str:
    """The same in memory, beside a file that is hidden."""
    system = fsspec.filesystem("memory")
    system.put(f"{prompts}/", "/prompts/", recursive=True)
    system.pipe_file("/prompts/_hidden/part.parquet", b"no Parquet")
    return "memory://prompts"


@pytest.fixture
def served(prompts: Path) -> Iterator[str]:
    """The address of a server of that folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(prompts))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def at(address: str) -> pl.DataFrame:
    """The rows of all files there."""
    system, path = fsspec.core.url_to_fs(address)
    return pl.concat([pl.read_parquet(system.cat_file(one)) for one in sorted(system.find(path))])


def done(result: Result) -> Result:
    assert result.exit_code == 0, result.stderr
    return result


def left(folder: Path) -> list[Path]:
    """What a run has left of its own: nothing, once it has ended well."""
    waiting = folder / "home" / ".cache" / "routoo" / "batches"
    return [*folder.glob(".*"), *waiting.rglob("*")]


def test_a_batch_at_an_address_gives_there_what_one_here_gives_here(
    routoo: Routoo, bundle_folder: Path, prompts: Path, remote: str, tmp_path: Path
) -> None:
    done(routoo("predict", bundle_folder, prompts, "-o", tmp_path / "here"))
    done(routoo("assign", tmp_path / "here", *BUDGET, "-o", tmp_path / "here.parquet"))
    said = done(routoo("predict", bundle_folder, remote, "-o", "memory://there")).stdout
    assert "memory://there: 4 tables of predictions" in said
    expected = pl.read_parquet(tmp_path / "here.parquet")
    assert at("memory://there").equals(pl.read_parquet(f"{tmp_path}/here/*.parquet"))
    for line in (
        ("assign", "memory://there", *BUDGET, "-o", "memory://chosen/choices.parquet"),
        ("assign", "memory://there/*.parquet", *BUDGET, "-o", "memory://choices"),
        ("assign", bundle_folder, remote, *BUDGET, "-o", "memory://of-texts"),
        ("assign", bundle_folder, f"file://{prompts}", *BUDGET, "-o", f"file://{tmp_path}/file.parquet"),
    ):
        done(routoo(*line))
        assert at(str(line[-1])).equals(expected)
    assert left(tmp_path) == []


def test_prompts_are_fetched_from_a_server(
    routoo: Routoo, bundle_folder: Path, prompts: Path, served: str, tmp_path: Path
) -> None:
    sources = (f"{served}/part-0.parquet?signed=1", f"{served}/more/")
    done(routoo("assign", bundle_folder, *sources, *BUDGET, "-o", tmp_path / "choices.parquet"))
    names = pl.read_parquet(tmp_path / "choices.parquet")["prompt_id"].to_list()
    assert names == [f"q{at}" for at in range(40)]
    missing = routoo("assign", bundle_folder, f"{served}/no.parquet", *BUDGET, "-o", tmp_path / "no")
    assert missing.exit_code == 2
    assert "no.parquet: cannot be read" in missing.stderr
    assert left(tmp_path) == []


def broken(place: Path, address: str) -> None:
    """In the place of what sends a folder: it ends behind the first file."""
    first = min(place.glob("*.parquet"))
    fsspec.filesystem("memory").put_file(str(first), f"{address}/{first.name}")
    raise RoutooError("the connection broke")


def test_a_run_that_was_broken_off_while_it_sent_goes_on(
    routoo: Routoo, bundle_folder: Path, remote: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = ("predict", bundle_folder, remote, "-o", "memory://there")
    assign = ("assign", bundle_folder, remote, *BUDGET, "-o", "memory://choices")
    with monkeypatch.context() as patch:
        patch.setattr(streamed, "sent", broken)
        assert routoo(*predict).exit_code == routoo(*assign).exit_code == 1
    assert len(at("memory://there")) == 16 * 6
    with monkeypatch.context() as patch:
        patch.setattr(scored_parts.Part, "written", None)  # nothing is predicted again
        done(routoo(*predict))
    assert len(at("memory://there")) == 40 * 6
    done(routoo(*assign))
    assert len(at("memory://choices")) == 40
    assert left(tmp_path) == []
    for line in (predict, assign):
        refused = routoo(*line)
        assert refused.exit_code == 2
        assert "found a folder that holds something" in refused.stderr


def test_a_run_that_was_broken_off_fetches_only_what_is_another_file_by_now(
    prompts: Path, remote: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = fetched(remote, tmp_path / "copies")
    before = [path.stat().st_ino for path in copies]
    assert [path.stat().st_ino for path in fetched(remote, tmp_path / "copies")] == before
    other = (prompts / "more" / "part-1.parquet").read_bytes()
    fsspec.filesystem("memory").pipe_file("/prompts/part-0.parquet", other)
    again = fetched(remote, tmp_path / "copies")
    assert [path in copies for path in again] == [True, False]
    assert again[1].read_bytes() == other


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("s3://bucket/prompts", "Install s3fs"),
        ("nowhere://prompts", "no such address: Protocol not known: nowhere"),
        ("memory://nothing", "expected Parquet files, found none"),
        ("memory://prompts.csv", "a batch of files is of Parquet files"),
    ],
)
def test_what_cannot_be_reached_is_said(
    routoo: Routoo, bundle_folder: Path, prompts: Path, tmp_path: Path, address: str, words: str
) -> None:
    result = routoo("assign", bundle_folder, address, *BUDGET, "-o", tmp_path / "choices.parquet")
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
    if address.startswith(("s3", "nowhere")):
        result = routoo("assign", bundle_folder, prompts, *BUDGET, "-o", address)
        assert result.exit_code == 2
        assert words in " ".join(result.stderr.split())


def test_without_fsspec_the_extra_is_named(
    routoo: Routoo, bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    result = routoo("predict", bundle_folder, "s3://bucket/prompts", "-o", tmp_path / "out")
    assert "pip install 'routoo[addresses]'" in result.stderr
