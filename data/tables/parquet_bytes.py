"""A table as the content of a Parquet file, for whoever writes it in one step."""

from __future__ import annotations

import io
from collections.abc import Mapping

import polars as pl


def parquet_bytes(frame: pl.DataFrame, metadata: Mapping[str, str] | None = None) -> bytes:
    """The table as a Parquet file, with this metadata if any.

    >>> parquet_bytes(pl.DataFrame({"prompt_id": ["a"]}))[:4]
    b'PAR1'
    """
    content = io.BytesIO()
    frame.write_parquet(content, metadata=None if metadata is None else dict(metadata))
    return content.getvalue()
