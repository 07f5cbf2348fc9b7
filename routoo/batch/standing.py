"""How far each file is, by the journal of its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from routoo.batch.manifest import JOURNAL_NAME, Manifest, Part
from routoo.collect.journal import Journal, Line
from routoo.data.errors import InputError


@dataclass(frozen=True)
class PartStanding:
    """How far one file is.

    Args:
        part: The file.
        refusals: Submissions that the provider refused, and that are made again under another key.
        file_id: What it is called where it was uploaded.
        sent_s: When its last submission was begun, in seconds since 1970; None where none is under way.
        batch: The id of its batch; None where that is not known.
        status: The provider's word for how the batch ended; None where it has not.
        code: Why it was refused as a whole, where it was.
        lines: Lines of the file that it was refused for.
    """

    part: Part
    refusals: int = 0
    file_id: str | None = None
    sent_s: float | None = None
    batch: str | None = None
    status: str | None = None
    code: str | None = None
    lines: tuple[int, ...] = ()

    @property
    def in_doubt(self) -> bool:
        """Whether a submission was begun, and nobody noted whether it arrived."""
        return self.sent_s is not None and self.batch is None

    @property
    def under_way(self) -> bool:
        """Whether there is a batch that has not ended."""
        return self.batch is not None and self.status is None


class Standing:
    """All files of a folder with how far each is, and the journal that says so.

    Every step is written before it is made, and noted after: ``upload``, ``uploaded``, ``submit``,
    ``submitted``, ``unsent`` (a submission that did not arrive), ``refused`` (one that will be made again),
    ``ended``.

    Args:
        folder: The folder.
        manifest: Its manifest.

    Raises:
        InputError: The journal is damaged, or speaks of a file that the manifest does not name.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.journal = Journal(folder / JOURNAL_NAME)
        self._parts = {part.name: PartStanding(part) for part in manifest.parts}
        try:
            for line in self.journal.lines:
                self._take(line)
        except (KeyError, TypeError):
            raise InputError(f"{self.journal.path}: is not of this manifest; restore either") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.journal.close()

    @property
    def parts(self) -> Sequence[PartStanding]:
        """How far each file is, in the order of the manifest."""
        return list(self._parts.values())

    def __getitem__(self, name: str) -> PartStanding:
        if name not in self._parts:
            raise InputError(f"no file {name!r} in this batch; it has {', '.join(self._parts) or 'none'}")
        return self._parts[name]

    def note(self, event: str, part: Part, **known: Any) -> PartStanding:  # Any: values of JSON
        """Writes a step of a file, and says how far it is then.

        Raises:
            InputError: Another process writes the journal.
            OSError: It cannot be written.
        """
        self.journal.write(event, part=part.name, **known)
        return self._take({"event": event, "part": part.name, **known})

    def _take(self, line: Line) -> PartStanding:
        name, event = line["part"], line["event"]
        self._parts[name] = _after(self._parts[name], event, line)
        return self._parts[name]


def _after(standing: PartStanding, event: str, line: Mapping[str, Any]) -> PartStanding:  # Any: as above
    if event == "upload":
        return standing
    if event == "uploaded":
        return replace(standing, file_id=line["file_id"])
    if event == "submit":
        return replace(standing, sent_s=line["sent_s"])
    if event == "submitted":
        return replace(standing, batch=line["batch"])
    if event == "unsent":
        return replace(standing, sent_s=None)
    if event == "refused":
        return replace(standing, sent_s=None, batch=None, refusals=standing.refusals + 1)
    if event == "ended":
        lines = tuple(line["lines"])
        return replace(standing, status=line["status"], code=line["code"], lines=lines)
    raise KeyError(event)
