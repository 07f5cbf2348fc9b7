"""Collecting what came of submitted files, and routing again what failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from routoo.batch.at_once import asked_at_once
from routoo.batch.endpoints import Endpoints
from routoo.batch.folder import alone
from routoo.batch.manifest import RESULTS, Manifest
from routoo.batch.results import Came, read_results
from routoo.batch.round import write_round
from routoo.batch.standing import PartStanding, Standing
from routoo.collect.prompts import PromptsToAsk
from routoo.data.answers import Answers
from routoo.data.checks.arguments import path_of
from routoo.data.errors import CallError
from routoo.data.storage.files import write_atomically

ANSWERS_NAME = "answers.parquet"
_REFUSED = "failed"
_QUEUE_IS_FULL = "token_limit_exceeded"

Routing = Callable[["Known"], pl.DataFrame]
"""From what is known to the rows of a next round, none where nothing is to be asked."""


@dataclass(frozen=True, eq=False)
class Known:
    """All that is known of a batch by now.

    Args:
        folder: Where it lies.
        manifest: What was written.
        prompts: The prompts.
        asked: A row for each prompt of each round; see `Round`.
        came: What came of them, by number.
        now_s: When that was, in seconds since 1970.
    """

    folder: Path
    manifest: Manifest
    prompts: PromptsToAsk
    asked: pl.DataFrame
    came: Mapping[int, Came]
    now_s: float

    @property
    def answers(self) -> Answers | None:
        """An answer of each member to each prompt that it was asked; None where there is none yet.

        Where a member was asked twice, since its file was refused for another prompt, the later one counts.
        """
        last = {(one.answer.prompt_id, one.answer.model): one.answer for one in self.in_order}
        return Answers.of(last.values(), name=self.folder.name) if last else None

    @property
    def spent_usd(self) -> float:
        """What all answers cost: where that is not known, the most that they can have."""
        most = dict(self.asked.select("number", "most_usd").iter_rows())
        return sum(
            (most[one.number] or 0.0) if one.answer.cost_usd is None else one.answer.cost_usd
            for one in self.in_order
        )

    @property
    def to_come(self) -> pl.DataFrame:
        """The rows of which nothing came yet."""
        return self.asked.filter(
            ~pl.col("number").is_in(pl.Series(list(self.came), dtype=pl.Int64).implode())
        )

    @property
    def to_come_usd(self) -> float:
        """What these are predicted to cost; where that is not known, the most that they can."""
        return float(self.to_come.select(pl.coalesce("cost_usd", "most_usd").sum()).item())

    @property
    def failed(self) -> dict[str, list[Came]]:
        """Prompts of which the last that was asked gave no answer, with all that came of them."""
        last = dict(self.asked.group_by("prompt_id").agg(pl.col("number").max()).iter_rows())
        found: dict[str, list[Came]] = {}
        for one in self.in_order:
            ended = self.came.get(last[one.answer.prompt_id])
            if ended is not None and ended.answer.answer is None:
                found.setdefault(one.answer.prompt_id, []).append(one)
        return found

    @property
    def in_order(self) -> list[Came]:
        """What came, in the order in which it was asked."""
        return [self.came[number] for number in sorted(self.came)]


def collect_batch(
    folder: str | Path,
    *,
    routing: Routing | None = None,
    now: Callable[[], float] = time.time,
) -> tuple[Known, list[PartStanding]]:
    """Fetches what came of submitted files, writes the answers, and routes again what failed.

    What was fetched stays in the folder as it came, and is not fetched again.

    Args:
        folder: What `write_batch` wrote.
        routing: What gives failed prompts to other members; they stay failed without.
        now: Where the time comes from, in seconds since 1970.

    Returns:
        What is known after it, and how far each file is, those of a new round included.

    Raises:
        InputError: There are no batch files, one was changed, or a key is missing.
        CallError: A provider did not answer; what others gave is kept.
    """
    folder = Path(path_of("folder", folder))
    with alone(folder), Endpoints() as endpoints:
        manifest = Manifest.read(folder)
        with Standing(folder, manifest) as standing:
            failed = _fetch_all(folder, manifest, standing, endpoints)
            known = _known(folder, manifest, standing, now())
        if known.answers is not None:
            known.answers.write(folder / ANSWERS_NAME)
        if routing is not None and known.failed and not (rows := routing(known)).is_empty():
            requests = {one.prompt_id: one.request for one in known.prompts.prompts}
            manifest = write_round(folder, manifest, rows, requests)
            manifest.write(folder)
        if failed:
            raise CallError(
                f"{'; '.join(failed)}: the same command goes on; {folder / ANSWERS_NAME} has the rest"
            )
        with Standing(folder, manifest) as standing:
            return replace(known, manifest=manifest, asked=manifest.asked(folder)), list(standing.parts)


def _fetch_all(folder: Path, manifest: Manifest, standing: Standing, endpoints: Endpoints) -> list[str]:
    """Fetches the results of all batches that have ended, and says which could not be."""
    failed = []
    for part in standing.parts:
        if part.under_way:
            try:
                _fetch(folder, manifest, standing, part, endpoints)
            except CallError as error:
                failed.append(f"{part.part.name}: {error}")
    return failed


def _fetch(
    folder: Path, manifest: Manifest, standing: Standing, part: PartStanding, endpoints: Endpoints
) -> None:
    """Fetches the results of a batch that has ended, and notes how."""
    assert part.batch is not None  # for the type checker: it is under way
    endpoint = endpoints.of(manifest.pool[part.part.model])
    progress = endpoint.progress(part.batch)
    if not progress.ended:
        return
    refused = progress.status == _REFUSED
    if refused and progress.code == _QUEUE_IS_FULL:
        standing.note("refused", part.part)
        return
    if not refused:
        (folder / RESULTS).mkdir(exist_ok=True)
        write_atomically(folder / RESULTS / part.part.name, endpoint.results(part.batch, progress))
    code = (progress.code or _REFUSED) if refused else None
    standing.note("ended", part.part, status=progress.status, code=code, lines=list(progress.lines))


def _known(folder: Path, manifest: Manifest, standing: Standing, now_s: float) -> Known:
    asked = manifest.asked(folder)
    prompts = manifest.read_prompts(folder)
    requests = {one.prompt_id: one.request for one in prompts.prompts}
    came: dict[int, Came] = asked_at_once(folder)
    for part in standing.parts:
        if part.status is not None:
            rows = asked.filter(part=part.part.name).select("number", "prompt_id")
            of_part = {number: requests[name] for number, name in rows.iter_rows()}
            came |= {one.number: one for one in read_results(folder, manifest, part, of_part)}
    return Known(folder, manifest, prompts, asked, came, now_s)
