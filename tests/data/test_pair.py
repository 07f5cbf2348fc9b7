"""A folder of outcomes is replaced as one, whatever ends its writers."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from routoo.data.errors import InputError
from routoo.data.formats.pair import FILES, POOL_NAME
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.data.storage.file_set import FileRecord

NAMES = {"prompts.parquet", "outcomes.parquet", "pool.toml"}


def version(number: int) -> tuple[Outcomes, Pool]:
    """Outcomes of which every table, and the pool, says the number."""
    text = f"{number} " + "x" * (number % 3 * 1000)
    return (
        Outcomes(
            pl.DataFrame({"prompt_id": ["q"], "prompt": [text]}),
            pl.DataFrame({"prompt_id": ["q"], "model": ["m"], "score": [1], "response": [text]}),
        ),
        Pool((PoolModel(name="m", usd_per_1m_input=number, usd_per_1m_output=0),)),
    )


def prepared(folder: Path, number: int) -> Callable[[Path], None]:
    """Writes a version without a library of tables, whose threads are not in the processes forked here."""
    write(folder / str(number), number)
    head, *others = ((folder / str(number) / name).read_bytes() for name in (FILES.head, *FILES.others))
    contents = dict(zip(FILES.others, others, strict=True))
    records = {name: FileRecord.of(content) for name, content in contents.items()}
    return lambda target: FILES.replace(target, head, contents, records)


def write(folder: Path, number: int) -> None:
    """Writes a version."""
    outcomes, pool = version(number)
    outcomes.write(folder, pool=pool)


def read(folder: Path) -> int:
    """The version in the folder, which both tables must have."""
    found = Outcomes.read(folder)
    prompt, response = found.texts[0], found.outcomes["response"][0]
    assert prompt == response
    return int(prompt.split()[0])


def read_pool(folder: Path) -> int:
    """The version of the pool in the folder."""
    return int(Pool.read(FILES.at(folder, POOL_NAME)).models[0].usd_per_1m_input)


def names(folder: Path) -> set[str]:
    """What lies in the folder."""
    return {path.name for path in folder.iterdir()}


def start(work: Callable[[], None]) -> int:
    """The number of a new process that does this work, and exits 1 where it fails."""
    if child := os.fork():
        return child
    try:
        work()
    finally:
        os._exit(1)


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    for number in (1, 2):
        write(tmp_path / "in" / "b", number)
        assert (read(tmp_path / "in" / "b"), read_pool(tmp_path / "in" / "b")) == (number, number)
    assert names(tmp_path / "in" / "b") == NAMES
    assert names(tmp_path / "in") == {"b"}


@pytest.mark.parametrize("step", range(1, 10))
def test_a_writer_killed_at_any_step_leaves_the_old_or_the_new_folder(tmp_path: Path, step: int) -> None:
    folder = tmp_path / "b"
    write(folder, 1)
    write_second = prepared(tmp_path, 2)

    def die_at_that_step() -> None:
        steps = iter(range(1, 100))

        def counted(act: Callable[..., Any]) -> Callable[..., Any]:  # Any: whatever it takes and gives
            def one(*given: object) -> object:
                if next(steps) == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return act(*given)

            return one

        os.fsync, Path.replace = counted(os.fsync), counted(Path.replace)  # type: ignore[method-assign]  # in this process alone
        write_second(folder)
        os._exit(0)

    ended = os.waitpid(start(die_at_that_step), 0)[1]
    assert os.WIFSIGNALED(ended) == (step < 9), "three files are written and renamed, two renamed again"
    found = read(folder)
    assert found == (1 if step < 7 else 2)
    assert read_pool(folder) == found
    write(folder, 3)
    assert (read(folder), read_pool(folder), names(folder)) == (3, 3, NAMES)


def test_readers_see_one_version_while_writers_are_killed(tmp_path: Path) -> None:
    folder, rng = tmp_path / "b", random.Random(0)
    versions = [prepared(tmp_path, number) for number in range(7)]
    write(folder, 7)

    def write_until_killed() -> None:
        os.fsync = lambda fd: None  # in this process alone
        while True:
            random.choice(versions)(folder)

    killed, found = 0, set()
    for _ in range(12):
        writing = [start(write_until_killed) for _ in range(2)]
        end = time.monotonic() + rng.random() * 0.15
        try:
            while time.monotonic() < end:
                found.add(read(folder))
        finally:
            for child in writing:
                os.kill(child, signal.SIGKILL)
                killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        found.add(read(folder))
    assert killed == 24
    assert len(found) > 3
    write(folder, 7)
    assert (read(folder), read_pool(folder), names(folder)) == (7, 7, NAMES)


def test_a_failure_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "b", 1)

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    for folder in ("b", "new"):
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path / folder, 2)
    assert read(tmp_path / "b") == 1
    assert (names(tmp_path / "b"), names(tmp_path)) == (NAMES, {"b"})


def test_nothing_of_somebody_else_is_lost(tmp_path: Path) -> None:
    write(tmp_path / "b", 1)
    (tmp_path / "b" / "notes").write_text("mine")
    with pytest.raises(InputError, match=r"holds other files \(notes\)"):
        write(tmp_path / "b", 2)
    with pytest.raises(InputError, match="expected a folder to write, found a file"):
        write(tmp_path / "b" / "notes", 2)
    (tmp_path / "b" / "notes").unlink()
    outcomes, pool = version(2)
    with pytest.raises(InputError, match=r"holds a pool\.toml, which would be lost"):
        outcomes.write(tmp_path / "b")
    (tmp_path / "pool").mkdir()
    pool.write(tmp_path / "pool" / POOL_NAME)
    with pytest.raises(InputError, match=r"holds other files \(pool\.toml\)"):
        outcomes.write(tmp_path / "pool", pool=pool)
    assert (read(tmp_path / "b"), read_pool(tmp_path / "b"), read_pool(tmp_path / "pool")) == (1, 1, 2)


@pytest.mark.parametrize("name", ["circle", "a\0b"])
def test_a_name_that_leads_nowhere_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises((InputError, OSError)):  # OSError: of the system
        write(tmp_path / name, 1)


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for number in (1, 2):
        write(tmp_path / "link", number)
        assert read(tmp_path / "real") == number
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path) == {"link", "real"}


def test_the_working_directory_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        write(Path(), number)
        assert read(Path()) == number


def test_a_table_that_somebody_changes_is_read_as_it_is(tmp_path: Path) -> None:
    write(tmp_path / "b", 1)
    prompts = pl.read_parquet(tmp_path / "b" / "prompts.parquet")
    prompts.with_columns(domain=pl.lit("mine")).write_parquet(tmp_path / "b" / "prompts.parquet")
    assert Outcomes.read(tmp_path / "b").domains == ["mine"]
