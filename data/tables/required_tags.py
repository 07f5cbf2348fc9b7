"""The column of tags that a model must have for a prompt: how a file holds them, and what they say."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from routoo.data.tables.columns import Column

TAGS = "required_tags"
"""Name of the column."""

TAGS_COLUMN = Column("tags, as text that commas separate or as a list", pl.String, lists=True)


def tags_of(cells: Sequence[str | None]) -> list[list[str]]:
    """The tags of each cell.

    >>> tags_of(["vision, eu", None])
    [['vision', 'eu'], []]
    """
    return [[tag.strip() for tag in (cell or "").split(",") if tag.strip()] for cell in cells]


def tags_beside(
    own: Sequence[Sequence[str]] | None, everyone: Sequence[str]
) -> Sequence[str] | Sequence[Sequence[str]]:
    """The tags needed, own ones with those that all prompts need: a list of texts, or one a prompt."""
    return everyone if own is None else [[*tags, *everyone] for tags in own]
