"""Prompts of a plan whose members answer at once: asked beside the files, and kept.

A call that was in flight when its process was killed is made again under the same idempotency key, so that a
provider that knows such keys bills it once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import polars as pl

from routoo.answering import answer as answered
from routoo.batch.folder import alone
from routoo.batch.manifest import Manifest
from routoo.batch.results import Came
from routoo.collect.journal import Journal
from routoo.data.answer import Answer
from routoo.data.checks.arguments import path_of
from routoo.members.registry import members_of

JOURNAL_NAME = "at_once.jsonl"


def ask_at_once(folder: str | Path, *, on_remark: Callable[[str], None] = lambda words: None) -> int:
    """Asks prompts of members that answer at once, and says how many; those that have an answer are left out.

    Args:
        folder: What `write_batch` wrote.
        on_remark: Called with what a user may want to know.

    Raises:
        InputError: There are no batch files, or a member cannot be asked.
        KeyboardInterrupt: Ctrl-C was pressed before all had come; what came is kept.
    """
    folder = Path(path_of("folder", folder))
    manifest = Manifest.read(folder)
    asked = manifest.asked(folder)
    with alone(folder), closing(Journal(folder / JOURNAL_NAME)) as journal:
        answers = {one.number for one in _came(journal).values() if one.answer.answer is not None}
        last = asked.group_by("prompt_id").agg(pl.col("number").max())["number"]
        rows = asked.filter(
            pl.col("part").is_null()
            & pl.col("number").is_in(last.implode())
            & ~pl.col("number").is_in(list(answers))
        )
        if rows.is_empty():
            return 0
        numbers = dict(rows.select("prompt_id", "number").iter_rows())
        requests = {
            name: replace(one.request, key=f"{manifest.batch_id}-{numbers[name]}")
            for one in manifest.read_prompts(folder).prompts
            if (name := one.prompt_id) in numbers
        }
        names = rows["model"].to_list()
        answered(
            members_of(manifest.pool, names=list(dict.fromkeys(names)), on_remark=on_remark),
            [requests[name] for name in rows["prompt_id"]],
            names,
            on_answer=lambda came: journal.write("answer", number=numbers[came.prompt_id], row=came.row()),
            on_remark=on_remark,
        )
        return len(rows)


def asked_at_once(folder: Path) -> dict[int, Came]:
    """What came of the prompts of members that answer at once, by number."""
    with closing(Journal(folder / JOURNAL_NAME)) as journal:
        return _came(journal)


def _came(journal: Journal) -> dict[int, Came]:
    """What the journal says; of a prompt that was asked again, the last."""
    return {
        line["number"]: Came(line["number"], Answer.from_row(line["row"]), closes="member")
        for line in journal.lines
    }
