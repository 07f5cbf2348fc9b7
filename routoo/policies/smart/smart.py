"""The answers of a batch, at the least fee at which they agree with a reference's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from routoo.collect.purse import Purse
from routoo.data.answer import Answer
from routoo.data.chat import Prompt
from routoo.data.checks.arguments import (
    choice,
    known_names,
    mapping,
    number,
    path_of,
)
from routoo.data.errors import InputError
from routoo.data.request import Request, check_distinct, named_requests
from routoo.members.background import run_in_background
from routoo.members.calling import Retries
from routoo.members.clock import Clock
from routoo.members.member import Member
from routoo.policies.smart.calls import LiveCalls
from routoo.policies.smart.certificate import Certificate
from routoo.policies.smart.equivalence import Equivalence, SameAs
from routoo.policies.smart.items import Items
from routoo.policies.smart.methods import METHODS
from routoo.policies.smart.predicted import Predicted
from routoo.policies.smart.progress import OnProgress, on_step_of
from routoo.policies.smart.promise import Promise
from routoo.policies.smart.record import Record, about_of
from routoo.policies.smart.run import SmartRun

if TYPE_CHECKING:
    from routoo.router import Router

_PRICED = 100  # items by which calls are priced before the first is made


@dataclass(frozen=True, eq=False)
class SmartAnswers:
    """What came of a batch.

    Args:
        answers: One an item, in their order, of the model whose answer stands; one that failed for good has
            an error.
        certificate: What is promised of them, and what that rests on.
    """

    answers: tuple[Answer, ...]
    certificate: Certificate

    def to_polars(self) -> pl.DataFrame:
        """A row an item: `prompt_id`, `model`, `answer`, `cost_usd` (of the answer that stands), `error`."""
        rows = [
            (answer.prompt_id, answer.model, answer.answer, answer.cost_usd, answer.error)
            for answer in self.answers
        ]
        texts = ("prompt_id", "model", "answer")
        schema = {**dict.fromkeys(texts, pl.String), "cost_usd": pl.Float64, "error": pl.String}
        return pl.DataFrame(rows, schema=schema, orient="row")


def smart(
    prompts: Iterable[Prompt | Request],
    members: Mapping[str, Member],
    *,
    reference: str,
    delta: float = 0.05,
    confidence: float = 0.95,
    candidates: Sequence[str] | None = None,
    router: Router | None = None,
    cascade: bool = False,
    equivalence: str | SameAs | Member = "text",
    method: str = "valid",
    seed: int = 0,
    budget_usd: float | None = None,
    prompt_ids: Sequence[str] | None = None,
    journal: str | Path | None = None,
    retries: Retries | None = None,
    clock: Clock | None = None,
    on_progress: OnProgress | None = None,
) -> SmartAnswers:
    """An answer to every item, of which at most a share `delta` differ from the reference's, with confidence.

    Items are looked at in random order: the reference and the candidates that cost less are asked, until more
    of that is not expected to pay. The rest is answered by the cheapest candidates that may, each as much of
    it as the bounds allow, and by the reference. Items that were profiled keep the reference's answers. Items
    that ask the same are asked once. (After SMART, Jo and Trummer 2024, arXiv 2403.13835, with bounds that
    hold whenever one stops; `docs/guarantees.md`.)

    Args:
        prompts: Texts, chats, or requests.
        members: Who can be asked, by name (`routoo.members_of`).
        reference: Whose answers count.
        delta: The share of the items whose answers may differ.
        confidence: Probability, over the random order, with which no more do.
        candidates: Who may answer in its place; all other members when not given.
        router: Chooses a model for each item by its predictions, at prices from dear to cheap that are tested
            in that order; each candidate alone, or a mixture of two, when not given. It must know all
            candidates and the reference.
        cascade: The router asks a model, reads its answer, and where that is likely to differ asks the
            reference; by how likely, is tested in the same way.
        equivalence: When two answers are the same: ``text`` (normalised), ``exact``, ``number``, a function
            of an answer and the reference's, or a member that is asked to judge.
        method: ``valid``, or ``published``: as its authors have it, whose promise does not hold.
        seed: Of the random order.
        budget_usd: Most that may be spent, by earlier runs of the journal too: no call is made that could
            cost more than is left.
        prompt_ids: Names of the prompts, ``0``, ``1`` and so on where they are left out.
        journal: A file in which calls are kept. Where there is one of the same batch the run goes on from
            there: what was answered is not asked again. One process at a time.
        retries: How often, and how long, a member is asked that did not answer.
        clock: Where time comes from.
        on_progress: Called with how far it is.

    Raises:
        InputError: Something cannot be used, the equivalence raised, or the journal is of another batch.
        BudgetSpentError: There is no money for the next call; with a journal a run with more goes on.
        CallError: The reference failed 20 times in a row; with a journal the next run goes on.
        OSError: The journal cannot be written.

    Example:
        >>> from routoo.data.answers import Answers
        >>> from routoo.members.recorded import RecordedModel
        >>> ids = [str(at) for at in range(500)]
        >>> rows = pl.DataFrame({"prompt_id": ids, "answer": ["yes"] * 500})
        >>> members = {
        ...     name: RecordedModel(name, Answers(rows.with_columns(model=pl.lit(name), cost_usd=cost)))
        ...     for name, cost in (("large", 0.01), ("small", 0.001))
        ... }
        >>> found = smart([f"Question {at}?" for at in ids], members, reference="large", delta=0.1)
        >>> found.certificate.sentence
        'With 95% confidence, at most 50 of the 500 answers (10.0%) differ from what large answers.'
        >>> found.certificate.answered
        {'large': 45, 'small': 455}
    """
    requests = _requests(prompts, prompt_ids)
    same = Equivalence(equivalence, retries, clock)
    items = Items.of(requests, seed=number("seed", seed, whole=True))
    path = None if journal is None else path_of("journal", journal)
    names = _names(members, reference, candidates)
    first = [requests[at] for at in items.order[:_PRICED].tolist()]
    promise = Promise(
        reference=reference,
        candidates=names,
        delta=number("delta", delta, most=1),
        confidence=confidence,
        method=choice("method", method, METHODS),
        expected_usd={
            name: sum(map(members[name].most_usd, first)) / len(first) for name in (reference, *names)
        },
    )
    promise.allowed(len(items))
    if cascade and router is None:
        raise InputError(
            "cascade needs a router, which says what answers tell: give one, or leave cascade out"
        )
    predicted = (
        None if router is None else Predicted.of(router, requests, (*names, reference), cascade=cascade)
    )
    bundle = None if router is None else router.fingerprints[1]
    about = about_of(items, promise, same.name, bundle=bundle, predicted=predicted)
    record = Record(path, about, again=reference)
    try:
        purse = None if budget_usd is None else Purse(budget_usd, spent_usd=record.spent_usd)
        signals = () if record.predicted is None else record.predicted.signals
        calls = LiveCalls(
            requests, members, record, same, signals=signals, purse=purse, retries=retries, clock=clock
        )
        run = SmartRun(items, record.promise, record.predicted, calls, on_step_of(record, on_progress))
        run_in_background(run.to_end())
        answers = tuple(run.answers[at] for at in range(len(items)))
        return SmartAnswers(answers, Certificate.of(run, record, path))
    finally:
        record.close()


def _requests(prompts: Iterable[Prompt | Request], prompt_ids: Sequence[str] | None) -> list[Request]:
    requests = named_requests(prompts, prompt_ids)
    if not requests:
        raise InputError("expected at least one prompt, got none")
    check_distinct(requests)
    return requests


def _names(
    members: Mapping[str, Member], reference: str, candidates: Sequence[str] | None
) -> tuple[str, ...]:
    """The candidates, by name."""
    known = list(mapping("members", members, object, "members"))
    known_names("reference", [reference], known)
    others = [name for name in known if name != reference]
    names = tuple(others) if candidates is None else known_names("candidates", candidates, others)
    if not names or len(set(names)) < len(names):
        raise InputError(f"expected one or more candidates beside {reference}, each once, got {list(names)}")
    return names
