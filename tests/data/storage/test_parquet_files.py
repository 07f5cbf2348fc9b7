"""A Parquet file is whole, or refused before it is read."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from routoo.data.errors import InputError
from routoo.data.storage.parquet_files import check_parquet

N = 2000


def odd_table(n: int = N) -> pl.DataFrame:
    """Columns of many types, in several groups of rows."""
    return pl.DataFrame(
        {
            "text": [f"prompt {at}" for at in range(n)],
            "number": [None, 1.5] * (n // 2),
            "list": [["x", "y"], []] * (n // 2),
            "object": [{"a": 1, "b": ["x"]}] * n,
            "category": pl.Series(["a", "b"] * (n // 2), dtype=pl.Categorical),
            "time": [dt.timedelta(seconds=1)] * n,
            "nothing": [None] * n,
        }
    )


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "lz4", "uncompressed"])
def test_a_whole_file_passes(tmp_path: Path, compression: Any) -> None:
    path = tmp_path / "whole.parquet"
    odd_table().write_parquet(path, compression=compression, row_group_size=300, data_page_size=400)
    check_parquet(path)
    odd_table().clear().write_parquet(path)
    check_parquet(path)


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "whole.parquet"
    odd_table(100).write_parquet(path)
    content = path.read_bytes()
    for end in (0, 3, 4, 12, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:end])
        with pytest.raises(InputError, match=r"whole\.parquet: cannot be read as Parquet: damaged, cut off"):
            check_parquet(path)
    path.unlink()
    with pytest.raises(InputError, match="cannot be read: No such file"):
        check_parquet(path)


def test_damage_ends_in_words_whatever_it_hits(tmp_path: Path) -> None:
    path = tmp_path / "damaged.parquet"
    odd_table(40).write_parquet(path)
    content, rng = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            check_parquet(path)
        except InputError:
            refused += 1
    assert refused > len(content) / 10


def test_a_page_that_claims_less_than_no_value_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "page.parquet"
    pl.DataFrame({"a": [1] * 63}).write_parquet(path, compression="uncompressed", statistics=False)
    content = bytearray(path.read_bytes())
    # Field 1 (num_values) of the page header in its own struct, a zigzag integer: 126 is 63, 127 is -64.
    at = content.index(b"\x15\x7e")
    content[at + 1] = 127
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        check_parquet(path)
