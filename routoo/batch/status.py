"""How far files are at their providers, which changes nothing."""

from __future__ import annotations

from pathlib import Path

from routoo.batch.endpoint import Progress
from routoo.batch.endpoints import Endpoints
from routoo.batch.manifest import Manifest
from routoo.batch.standing import PartStanding, Standing
from routoo.data.checks.arguments import path_of


def batch_status(folder: str | Path) -> list[tuple[PartStanding, Progress | None]]:
    """How far each file is, and what its provider says of it where it has it under way.

    Raises:
        InputError: There are no batch files, or a key is missing.
        CallError: A provider did not answer.
    """
    folder = Path(path_of("folder", folder))
    manifest = Manifest.read(folder)
    with Endpoints() as endpoints, Standing(folder, manifest) as standing:
        found: list[tuple[PartStanding, Progress | None]] = []
        for part in standing.parts:
            progress = None
            if part.under_way and part.batch is not None:
                progress = endpoints.of(manifest.pool[part.part.model]).progress(part.batch)
            found.append((part, progress))
        return found
