"""Submitting files: each at its time, and none twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from routoo.batch.client import DoubtError
from routoo.batch.endpoint import Endpoint
from routoo.batch.endpoints import Endpoints
from routoo.batch.folder import alone
from routoo.batch.manifest import Manifest, checked
from routoo.batch.standing import PartStanding, Standing
from routoo.data.checks.arguments import path_of
from routoo.data.errors import CallError, InputError
from routoo.data.rates import DAY_S
from routoo.members.registry import Account, account_of

GRACE_S = 60.0
"""Seconds after which a submission that is nowhere to be found is taken not to have arrived."""

OnRemark = Callable[[str], None]


def submit_batch(
    folder: str | Path,
    *,
    found: Mapping[str, str] | None = None,
    again: Collection[str] = (),
    now: Callable[[], float] = time.time,
    on_remark: OnRemark = lambda words: None,
) -> list[PartStanding]:
    """Submits the files whose time has come, and says how far all are.

    A submission is in the journal before it is sent. Where an earlier run was broken off before it noted what
    came of one, that one is looked for at the provider first, and sent again only where it is not there.

    Args:
        folder: What `write_batch` wrote.
        found: Batches that a person knows to be files of which that is not clear, by the name of the file.
        again: Files of which that is not clear, and which a person knows not to have arrived.
        now: Where the time comes from, in seconds since 1970.
        on_remark: Called with what a user may want to know: what waits, and for what.

    Raises:
        InputError: There are no batch files, one was changed, or a key is missing.
        CallError: A provider refused a file, or did not answer; all others were submitted.
    """
    folder = Path(path_of("folder", folder))
    manifest = Manifest.read(folder)
    with alone(folder), Endpoints() as endpoints, Standing(folder, manifest) as standing:
        run = _Run(folder, manifest, standing, endpoints, now, on_remark)
        for name, batch in (found or {}).items():
            run.settle(name, batch)
        for name in again:
            run.settle(name, None)
        run.submit_all()
        return list(standing.parts)


class _Run:
    """One run over all files."""

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        standing: Standing,
        endpoints: Endpoints,
        now: Callable[[], float],
        on_remark: OnRemark,
    ) -> None:
        self._folder, self._manifest, self._standing = folder, manifest, standing
        self._endpoints, self._now, self._on_remark = endpoints, now, on_remark

    def settle(self, name: str, batch: str | None) -> None:
        """Takes a person's word for what became of a submission."""
        part = self._standing[name]
        if not part.in_doubt:
            raise InputError(f"{name} is not in doubt: it {_known(part)}")
        if batch is None:
            self._standing.note("unsent", part.part)
        else:
            self._endpoint(part).progress(batch)  # which is refused where there is no such batch
            self._standing.note("submitted", part.part, batch=batch)

    def submit_all(self) -> None:
        """Submits every file that is to be submitted and whose time has come.

        Raises:
            CallError: Some could not be.
        """
        failed: dict[Account, str] = {}
        left = 0
        for part in self._standing.parts:
            if part.batch is not None:
                continue
            account = account_of(self._manifest.pool[part.part.model])
            try:
                if account not in failed:
                    self._submit(part)
            except CallError as error:
                failed[account] = f"{part.part.name}: {error}"
            left += account in failed
        if failed:
            raise CallError(f"{'; '.join(failed.values())}; {left} not submitted: the same command goes on")

    def _submit(self, standing: PartStanding) -> None:
        part, path = standing.part, self._folder / standing.part.name
        if standing.in_doubt and not self._is_clear(standing, path):
            return
        if (words := self._waits(self._standing[part.name])) is not None:
            self._on_remark(f"{part.name}: {words}")
            return
        checked(path, part.sha256)
        endpoint, file_id = self._endpoint(standing), self._standing[part.name].file_id
        if endpoint.uploads and file_id is None:
            self._standing.note("upload", part)
            file_id = endpoint.upload(path, f"routoo-{self._manifest.batch_id}-{part.name}")
            self._standing.note("uploaded", part, file_id=file_id)
        key = self._key(standing)
        begun = self._standing.note("submit", part, sent_s=self._now())
        try:
            batch = endpoint.submit(path, key, file_id)
        except DoubtError:
            self._is_clear(begun, path)
            return
        except CallError:
            self._standing.note("refused", part)
            raise
        self._standing.note("submitted", part, batch=batch)

    def _is_clear(self, standing: PartStanding, path: Path) -> bool:
        """Whether a submission that may have arrived did not; where it did, that is noted.

        Where that cannot be known yet, it is said, and nothing is to be sent.
        """
        assert standing.sent_s is not None  # for the type checker: it is in doubt
        name = standing.part.name
        found = self._endpoint(standing).find(
            path,
            self._key(standing),
            requests=standing.part.requests,
            since_s=standing.sent_s,
            own={other.batch for other in self._standing.parts if other.batch is not None},
        )
        if found.batch is not None:
            self._standing.note("submitted", standing.part, batch=found.batch)
            self._on_remark(f"{name}: had arrived, as {found.batch}")
            return False
        if found.maybe:
            self._on_remark(
                f"{name}: may have arrived as {' or '.join(found.maybe)}, which tells no more before it has "
                f"ended; nothing is sent until then. Where you know: --found {name}={found.maybe[0]}, or "
                f"--again {name} where it is none of yours"
            )
            return False
        wait_s = standing.sent_s + GRACE_S - self._now()
        if wait_s > 0:
            self._on_remark(
                f"{name}: is not there, and may be on its way; the same command in {wait_s:.0f} s knows"
            )
            return False
        self._standing.note("unsent", standing.part)
        return True

    def _waits(self, standing: PartStanding) -> str | None:
        """What a file waits for, by the limits of a day; None where it may be submitted."""
        part, account = standing.part, account_of(self._manifest.pool[standing.part.model])
        before = [
            other
            for other in self._standing.parts
            if other.part.day < part.day and account_of(self._manifest.pool[other.part.model]) == account
        ]
        if open_ := [other.part.name for other in before if other.batch is None]:
            return f"waits for {open_[0]}, which goes a day before"
        wait_s = max((other.sent_s or 0.0 for other in before), default=-DAY_S) + DAY_S - self._now()
        return f"waits {wait_s:,.0f} s more, for the limits of a day" if wait_s > 0 else None

    def _key(self, standing: PartStanding) -> str:
        """What a submission is known by: another one where the provider refused those before."""
        return f"{self._manifest.batch_id}/{standing.part.name}/{standing.refusals}"

    def _endpoint(self, standing: PartStanding) -> Endpoint:
        return self._endpoints.of(self._manifest.pool[standing.part.model])


def _known(standing: PartStanding) -> str:
    if standing.batch is None:
        return "was not sent"
    return f"is {standing.batch}" + ("" if standing.status is None else f", which ended ({standing.status})")
