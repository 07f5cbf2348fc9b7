"""Collecting outcomes: a pool is asked prompts under a money cap, and what it answers is graded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from routoo.collect.collected import Collected
from routoo.collect.collection import Collection
from routoo.collect.folder import FILES, JOURNAL_NAME, LOCK_NAME
from routoo.collect.journal import Journal
from routoo.collect.prompts import PromptsToAsk, read_to_ask
from routoo.collect.runner import OnStanding
from routoo.data.checks.arguments import name_list, number, path_of
from routoo.data.errors import InputError
from routoo.data.pool import Pool
from routoo.data.storage.files import followed
from routoo.data.storage.locks import locked
from routoo.members.calling import Retries
from routoo.members.clock import Clock
from routoo.members.member import Member

if TYPE_CHECKING:
    import polars as pl

    from routoo.collect.graders.grader import Grader


def collect(
    prompts: str | Path | pl.DataFrame | PromptsToAsk,
    pool: Pool | str | Path,
    output: str | Path,
    *,
    budget_usd: float,
    grader: str | Grader | None = None,
    members: Sequence[Member] | None = None,
    samples: int = 1,
    sample: int | None = None,
    seed: int = 0,
    signals: Sequence[str] = (),
    retries: Retries | None = None,
    clock: Clock | None = None,
    command: Sequence[str] = (),
    on_standing: OnStanding | None = None,
    on_remark: Callable[[str], None] | None = None,
) -> Collected:
    """Asks every model of a pool every prompt, grades what comes, and writes ordinary outcomes.

    The folder goes on where an earlier run ended or was killed: what was answered is not asked again, and
    what was spent counts. After Ctrl-C calls in flight are waited for and all is written; after a second
    one nothing is waited for.

    Args:
        prompts: A file or table (see `read_to_ask`).
        pool: Who is asked, or the file that says so.
        output: Folder to write.
        budget_usd: Most that may be spent in this folder, by all runs. Before each try the most that it can
            cost is set aside, and a try for which that leaves no room is not made.
        members: Who answers, one for each model of the pool; those that its calls describe when not given.
        grader: What grades answers to prompts that name no grader of their own: a grader, or what
            `grader_of` reads; ``judge:MODEL`` is a member of the pool.
        samples: Answers to each prompt; their mean score is the outcome.
        sample: How many prompts are asked, drawn at random, spread over domains; all when not given.
        seed: Seed of the order in which prompts are asked.
        signals: Signals to read off answers, by name.
        retries: How often, and for how long, a model is asked that does not answer.
        clock: Where time comes from.
        command: How this was called, for the record.
        on_standing: Called with how far all is, after each answer.
        on_remark: Called with what a user may want to know.

    Raises:
        InputError: Something given cannot be used, the folder holds something else, or another process
            collects into it.
        KeyboardInterrupt: It was interrupted twice.
    """
    number("samples", samples, least=1, whole=True)
    number("seed", seed, whole=True)
    if sample is not None:
        number("sample", sample, least=1, whole=True)
    folder = followed(path_of("output", output))
    pool = pool if isinstance(pool, Pool) else Pool.read(path_of("pool", pool))
    asked = prompts if isinstance(prompts, PromptsToAsk) else read_to_ask(prompts)
    with _alone(folder):
        journal = Journal(folder / JOURNAL_NAME)
        try:
            return Collection(
                folder=folder,
                journal=journal,
                prompts=asked,
                pool=pool,
                members=_members(pool, members, on_remark),
                budget_usd=number("budget_usd", budget_usd, finite=True),
                grader=grader,
                samples=samples,
                sample=sample,
                seed=seed,
                signals=name_list("signals", signals),
                retries=retries or Retries(),
                clock=clock or Clock(),
                command=tuple(command),
                on_standing=on_standing,
                on_remark=on_remark or (lambda words: None),
            ).run()
        finally:
            journal.close()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds the folder for this process.

    Raises:
        InputError: Another one does, or the folder holds something else.
    """
    FILES.check(folder)
    if (folder / FILES.head).exists() and not (folder / JOURNAL_NAME).exists():
        raise InputError(
            f"{folder} holds outcomes that were not collected there (it has no {JOURNAL_NAME}), and would "
            "lose them; choose a new folder"
        )
    try:
        with locked(folder, LOCK_NAME, wait=False):
            yield
    except BlockingIOError:
        raise InputError(
            f"{folder}: another process collects into this folder; wait for it, or choose another"
        ) from None


def _members(
    pool: Pool, members: Sequence[Member] | None, on_remark: Callable[[str], None] | None
) -> Mapping[str, Member]:
    """Who answers, by the names of the pool.

    Raises:
        InputError: A model has no member, or a member no model.
    """
    if members is None:
        from routoo.members.registry import members_of

        return members_of(pool, on_remark=on_remark)
    found = {member.name: member for member in members}
    if set(found) != set(pool.names) or len(found) != len(members):
        raise InputError(
            f"members must be one for each model of the pool: expected {', '.join(pool.names)}, got "
            f"{', '.join(member.name for member in members) or 'none'}"
        )
    return {name: found[name] for name in pool.names}
