"""What a provider's batch endpoints do, whichever they are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Found:
    """What was found of a submission that may have arrived.

    Args:
        batch: The id of its batch, where it did.
        maybe: Ids of batches that may be it, where nobody can tell yet.
    """

    batch: str | None = None
    maybe: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """How far a batch is.

    Args:
        status: The provider's word.
        ended: Whether nothing more will come.
        done: Requests that were answered.
        failed: Requests that were not, and will not be.
        code: Why the batch was refused as a whole, in the provider's word.
        lines: Lines of the file, from 1, that it was refused for.
        results: Where its results are: ids of files, or a path.
    """

    status: str
    ended: bool
    done: int = 0
    failed: int = 0
    code: str | None = None
    lines: tuple[int, ...] = ()
    results: tuple[str, ...] = ()


class Endpoint(Protocol):
    """The batch endpoints of one account."""

    uploads: bool
    """Whether a file is uploaded before it is submitted."""

    def upload(self, path: Path, name: str) -> str:
        """The id of the uploaded file; one that an earlier run uploaded under this name is not sent again."""

    def submit(self, path: Path, key: str, file_id: str | None) -> str:
        """The id of the batch that was made.

        Raises:
            DoubtError: Nobody knows whether it was.
            CallError: It was not.
        """

    def find(self, path: Path, key: str, *, requests: int, since_s: float, own: Collection[str]) -> Found:
        """What there is of a submission of which nobody knows whether it arrived.

        Args:
            path: The file that was submitted.
            key: What it was submitted under.
            requests: How many it holds.
            since_s: When it was, in seconds since 1970.
            own: Ids of batches that are other submissions.
        """

    def progress(self, batch: str) -> Progress:
        """How far a batch is."""

    def results(self, batch: str, progress: Progress) -> bytes:
        """The lines of the results of a batch that ended."""
