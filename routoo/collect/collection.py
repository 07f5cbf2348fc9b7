"""One run of a collection, from what the folder holds to what it holds after."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routoo.collect.books import BookedMember, Books
from routoo.collect.collected import Collected, count_of
from routoo.collect.folder import Tables, tables_of, write_tables
from routoo.collect.grading import Ask, Grading
from routoo.collect.history import History
from routoo.collect.interrupts import run_attended
from routoo.collect.journal import Journal
from routoo.collect.judge import BookedJudge, Judge, Slot
from routoo.collect.keys import asked_of
from routoo.collect.plan import Plan, plan_of
from routoo.collect.prompts import PromptsToAsk
from routoo.collect.purse import Purse
from routoo.collect.runner import Asked, OnStanding, Runner, Ungraded
from routoo.data.answer import Answer
from routoo.data.errors import InputError
from routoo.data.pool import NOMINAL_OUTPUT_TOKENS, Pool, PoolModel
from routoo.members.calling import Retries
from routoo.members.clock import Clock
from routoo.members.limiter import CONCURRENCY, Limiter
from routoo.members.member import Member
from routoo.members.provider import ProviderModel
from routoo.members.remote.client import load
from routoo.members.stopping import Stop

if TYPE_CHECKING:
    from routoo.collect.graders.grader import Grader

NOT_YET = "not asked yet"
_BYTES_PER_TOKEN = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Collection:
    """What is collected, by whom, and where; see `routoo.collect.collect.collect`."""

    folder: Path
    journal: Journal
    prompts: PromptsToAsk
    pool: Pool
    members: Mapping[str, Member]
    budget_usd: float
    grader: str | Grader | None
    samples: int
    sample: int | None
    seed: int
    signals: Sequence[str]
    retries: Retries
    clock: Clock
    command: Sequence[str]
    on_standing: OnStanding | None
    on_remark: Callable[[str], None]

    def run(self) -> Collected:
        """Asks what is still to be asked, and writes the folder.

        Raises:
            InputError: The folder or the prompts do not fit.
            KeyboardInterrupt: It was interrupted twice.
        """
        self._check_samples()
        plan, grading = self._plan, self._grading
        if self.journal.lines:
            self._write(interrupted=False)
        self._load(plan)
        self._begin()
        runner = Runner(
            {model.name: self._asked(model, plan) for model in self.pool.models},
            plan.standings,
            books=self._books,
            grading=grading,
            stop=self._stop,
            signals=self.signals,
            retries=self.retries,
            clock=self.clock,
            on_standing=self.on_standing,
        )
        try:
            run_attended(runner.run(self._ungraded(plan)), self._stop, self.on_remark)
        except Exception:
            self._write(interrupted=True)
            raise
        return self._write(interrupted=self._stop.asked)

    @cached_property
    def _history(self) -> History:
        return History.of(self.journal.lines)

    @cached_property
    def _books(self) -> Books:
        purse = Purse(self.budget_usd, spent_usd=self._history.total_usd)
        return Books(self.journal, self._history, purse, self._stop)

    @cached_property
    def _plan(self) -> Plan:
        return plan_of(
            self.prompts,
            self.pool,
            self._history,
            folder=self.folder,
            samples=self.samples,
            sample=self.sample,
            seed=self.seed,
        )

    @cached_property
    def _grading(self) -> Grading:
        return Grading(self.prompts, self.grader, judge=self._judge)

    @cached_property
    def _stop(self) -> Stop:
        return Stop()

    @cached_property
    def _slots(self) -> Mapping[str, Slot]:
        """What is entered when a try may begin: a provider's members may share the limits of an account."""
        return {
            name: member.slot if isinstance(member, ProviderModel) else self._slot(self.pool[name])
            for name, member in self.members.items()
        }

    def _judge(self, name: str) -> Ask:
        """What asks a member of the pool to judge."""
        asked = asked_of(self.pool[name])
        member = BookedJudge(self.members[name], self._books, asked=asked, prompts={})
        return Judge(
            member,
            slot=lambda request: self._stop.entered(self._slots[name](request)),
            retries=self.retries,
            clock=self._stop.clock(self.clock),
        ).ask

    def _check_samples(self) -> None:
        """Refuses several samples of a model that gives the same answer each time."""
        for model in self.pool.models:
            call = model.call
            if self.samples > 1 and call is not None and call.kind != "recorded" and call.temperature == 0:
                raise InputError(
                    f"{self.samples} samples of {model.name} at temperature 0 are one answer {self.samples} "
                    "times: give its call a temperature above 0, or ask for one sample"
                )

    def _asked(self, model: PoolModel, plan: Plan) -> Asked:
        name, call = model.name, model.call
        return Asked(
            BookedMember(self.members[name], self._books, asked=plan.asked[name], prompts=plan.hashes),
            plan.calls[name],
            self._slots[name],
            workers=model.concurrency or CONCURRENCY,
            in_batches=call is not None and call.kind == "local",
        )

    def _ungraded(self, plan: Plan) -> list[Ungraded]:
        """Answers of earlier runs that these graders have not graded."""
        return [
            Ungraded(key, plan.by_id[known.row["prompt_id"]], Answer.from_row(known.row))
            for key, known in self._history.answers.items()
            if self._grading.by(plan.by_id[known.row["prompt_id"]]) not in known.grades
        ]

    def _load(self, plan: Plan) -> None:
        """Loads what calls providers, if any is to be called, before money is set aside or seconds count.

        Raises:
            MissingExtraError: It is not installed.
        """
        if any(
            plan.calls[name] and isinstance(member, ProviderModel) for name, member in self.members.items()
        ):
            load()

    def _begin(self) -> None:
        """Writes into the journal what this run is."""
        run = {
            "began": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "command": list(self.command),
            "budget_usd": self.budget_usd,
            "samples": self.samples,
            "sample": self.sample,
            "seed": self.seed,
        }
        self.journal.write("run", **run)
        self._history.runs.append(run)

    def _write(self, *, interrupted: bool) -> Collected:
        """Writes what is known by now."""
        tables = tables_of(
            self._history,
            lambda name: self._grading.by(self._plan.by_id[name]),
            self.prompts.frame,
            samples="first" if self.samples == 1 else "mean",
            name=self.folder.name,
        )
        collected = self._collected(tables, interrupted=interrupted)
        write_tables(self.folder, tables, self.pool, self._record(collected))
        return collected

    def _collected(self, tables: Tables, *, interrupted: bool) -> Collected:
        history = self._history
        names = dict.fromkeys([*self.pool.names, *(tables.answers.models if tables.answers else ())])
        return Collected(
            self.folder,
            tables.outcomes,
            tables.answers,
            {name: count_of(name, tables, history.spent_usd[name], self._not_asked(name)) for name in names},
            budget_usd=self.budget_usd,
            spent_usd=history.total_usd,
            judge_usd=history.judge_usd,
            lost=history.lost,
            lost_usd=history.lost_usd,
            interrupted=interrupted,
        )

    def _not_asked(self, name: str) -> dict[str, int]:
        """How many calls that are wanted of a model nobody has made, by reason."""
        keys = [planned.request.key for planned in self._plan.calls.get(name, ())]
        ended = (self._history.answers, self._history.failures)
        left = sum(not any(key in known for known in ended) for key in keys)
        return {self._plan.standings[name].stopped or NOT_YET: left} if left else {}

    def _record(self, collected: Collected) -> dict[str, Any]:  # Any: a JSON document
        """What was run, for who reads the folder."""
        return {
            "prompts": {"source": self.prompts.source, "count": len(self.prompts)},
            "samples": self.samples,
            "sample": self.sample,
            "seed": self.seed,
            "signals": list(self.signals),
            "graders": self._grading.describe(),
            **collected.to_dict(),
            "pool": self.pool.to_records(),
            "runs": self._history.runs,
        }

    def _slot(self, model: PoolModel) -> Slot:
        """What is entered when a try may begin, by what the pool states of a model."""
        limiter = Limiter.of(model, clock=self.clock, on_remark=self.on_remark)
        received = model.output_tokens or NOMINAL_OUTPUT_TOKENS
        return lambda request: limiter.slot(len(request.text) / _BYTES_PER_TOKEN + received)
