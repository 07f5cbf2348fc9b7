"""`routoo smart`: a batch answered as a reference would, at the least fee; `routoo verify`: is it so."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routoo.commands.arguments import AsJson, Quiet, RecordedAnswers, Seed
from routoo.commands.terminal import (
    LINE_EVERY_S,
    counted,
    is_watched,
    percent,
    say,
    show,
    show_json,
    table,
    usd,
)
from routoo.data.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routoo.data.pool import Pool
    from routoo.members.member import Member
    from routoo.policies.smart.certificate import Certificate
    from routoo.policies.smart.equivalence import SameAs
    from routoo.policies.smart.progress import SmartProgress
    from routoo.router import Router

JOURNAL, ANSWERS, CERTIFICATE, PAGE = (
    "journal.jsonl",
    "answers.parquet",
    "certificate.json",
    "certificate.html",
)


class Method(StrEnum):
    """How bounds are drawn."""

    valid = "valid"
    published = "published"


def smart(
    prompts: Annotated[
        str,
        typer.Argument(
            metavar="PROMPTS",
            help="The batch: a file of prompts, as `routoo collect` reads it.",
            show_default=False,
        ),
    ],
    pool: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="Models, prices, and how each is called (model.call).", show_default=False
        ),
    ],
    reference: Annotated[
        str, typer.Option(metavar="NAME", help="Model whose answers count.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Folder to write, or to go on from.", show_default=False
        ),
    ],
    delta: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Share of the answers that may differ from the reference's."),
    ] = 0.05,
    confidence: Annotated[
        float, typer.Option(metavar="SHARE", help="Confidence with which no more of them do.")
    ] = 0.95,
    candidates: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="Models that may answer in its place.",
            show_default="all others of the pool that have a call",
        ),
    ] = None,
    equivalence: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="When two answers are the same: text (normalised), exact, number, judge:NAME (a model of "
            "the pool is asked), or FILE.py:FUNCTION (of an answer and the reference's).",
        ),
    ] = "text",
    bundle: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER|ID",
            help="Router that knows the models: by its predictions each item goes to a model that is "
            "likely to agree, at the cheapest price that keeps the promise.",
            show_default="each candidate, or a mixture of two, answers whatever the item is",
        ),
    ] = None,
    cascade: Annotated[
        bool,
        typer.Option(
            "--cascade",
            help="With --bundle: a model is asked, its answer read, and where that is likely to differ the "
            "reference is asked too.",
        ),
    ] = False,
    method: Annotated[
        Method,
        typer.Option(
            help="published is as its authors have it, whose promise does not hold; it is there to compare."
        ),
    ] = Method.valid,
    seed: Seed = 0,
    budget_usd: Annotated[
        float | None,
        typer.Option(
            metavar="USD",
            help="Most that may be spent in FOLDER, by earlier runs too; where it is spent, the same command "
            "goes on with more.",
            show_default="no limit",
        ),
    ] = None,
    answers: RecordedAnswers = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Answer a batch at the least fee, with a promise of how many answers differ from a reference's.

    Items are looked at in random order: the reference and cheaper models are asked until more of that does
    not pay, and then the cheapest that may answer the rest. Into the folder go the answers, the calls, and a
    certificate: what is promised, and what that rests on. After a kill the same command goes on, and nothing
    is paid twice.
    """
    from routoo.collect.prompts import read_to_ask
    from routoo.commands.output import write_table
    from routoo.data.pool import Pool
    from routoo.members.registry import members_of, read_record
    from routoo.policies.smart.smart import smart as answered

    models = Pool.read(pool)
    called = [model.name for model in models.models if answers is not None or model.call is not None]
    chosen = None if candidates is None else [name.strip() for name in candidates.split(",")]
    judge = equivalence.removeprefix("judge:") if equivalence.startswith("judge:") else None
    if chosen is not None and reference in chosen:
        raise InputError(f"{reference} is the reference, which answers anyway: leave it out of --candidates")
    if chosen is None:
        chosen = [name for name in called if name not in (reference, judge)]
    members = members_of(
        models,
        names=list(dict.fromkeys([reference, *chosen, *([judge] if judge else [])])),
        answers=None if answers is None else read_record(answers),
        on_remark=lambda words: say(words, quiet=quiet),
    )
    requests = [prompt.request for prompt in read_to_ask(prompts).prompts]
    same = _equivalence(equivalence, members)
    _make(output)
    with _line(quiet=quiet) as tell:
        try:
            found = answered(
                requests,
                members,
                reference=reference,
                delta=delta,
                confidence=confidence,
                candidates=chosen,
                router=_router(bundle, models, [reference, *chosen]),
                cascade=cascade,
                equivalence=same,
                method=method.value,
                seed=seed,
                budget_usd=budget_usd,
                journal=output / JOURNAL,
                on_progress=tell,
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt("interrupted; the same command goes on from there") from None
    write_table(found.to_polars(), output / ANSWERS)
    found.certificate.write(output / CERTIFICATE)
    _write_page(found.certificate, output / PAGE, quiet=quiet)
    if as_json:
        show_json(found.certificate.to_dict())
    else:
        _show(found.certificate, output)


def verify(
    certificate: Annotated[
        Path,
        typer.Argument(
            metavar="CERTIFICATE", help="A certificate.json of `routoo smart`.", show_default=False
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Compute a certificate again from the calls beside it, and say what differs.

    Nobody is asked. What a function or a judge said of two answers is taken as it was recorded. Exit code 1
    where something differs.
    """
    from routoo.policies.smart.verifying import verify as differences

    found = differences(certificate)
    if as_json:
        show_json({"certificate": str(certificate), "differences": found})
    else:
        show(*found, f"{certificate}: {counted(len(found), 'difference') if found else 'all of it follows'}")
    if found:
        raise typer.Exit(1)


def _make(folder: Path) -> None:
    """Makes the folder, unless it holds something else.

    Raises:
        InputError: It does, or cannot be a folder.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: expected a folder to write, found a file")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / JOURNAL).exists():
        raise InputError(f"{folder}: holds something else; name a new folder, or one of an earlier run")
    folder.mkdir(parents=True, exist_ok=True)


def _router(bundle: str | None, pool: Pool, names: list[str]) -> Router | None:
    """The router of a bundle, at the prices of the pool."""
    if bundle is None:
        return None
    from routoo.router import Router

    return Router.from_pretrained(bundle, pool=pool.select(names))


def _equivalence(spec: str, members: Mapping[str, Member]) -> str | SameAs | Member:
    from routoo.collect.graders.function import FunctionGrader

    if spec.startswith("judge:"):
        return members[spec.removeprefix("judge:")]
    path, _, function = spec.rpartition(":")
    return FunctionGrader(path, function).call if path.endswith(".py") else spec  # type: ignore[return-value]  # checked as it is called


@contextmanager
def _line(*, quiet: bool) -> Iterator[Callable[[SmartProgress], None] | None]:
    """One line that says how far it is: on a terminal in its place, else anew every ten seconds."""
    if quiet:
        yield None
    elif is_watched():
        from rich.console import Console

        with Console(stderr=True).status("asking") as status:
            yield lambda progress: status.update(str(progress))
    else:
        said = [time.monotonic()]

        def tell(progress: SmartProgress) -> None:
            if time.monotonic() - said[0] >= LINE_EVERY_S:
                said[0] = time.monotonic()
                say(str(progress))

        yield tell


def _write_page(certificate: Certificate, path: Path, *, quiet: bool) -> None:
    from importlib.util import find_spec

    if find_spec("jinja2") is None:
        say("no page is written: it needs pip install 'routoo[report]'", quiet=quiet)
        return
    from routoo.policies.smart.page import write_page

    write_page(certificate, path)


def _show(found: Certificate, output: Path) -> None:
    """What came of it."""
    last = found.looks[-1]
    cells = [
        (
            name,
            f"{found.answered[name]:,}",
            _most(found, name) if name in last.most else None,
            usd(last.cost_usd[name]),
        )
        for name in (found.promise.reference, *found.promise.candidates)
    ]
    fee = f"{usd(found.spent_usd)} USD, and the reference alone some {usd(found.reference_usd)} USD"
    remarks = [
        (found.no_reference, "without an answer of the reference: nothing is promised of"),
        (found.unanswered, "without any answer"),
    ]
    calls = [(found.unknown, "of unknown cost: counted"), (found.lost, "lost in a kill: counted")]
    show(
        table(("model", "answers", "differ at most", "USD an item"), cells),
        found.sentence,
        f"items left to: {found.rule}",
        f"profiled {counted(found.profiled, 'item')}; spent {fee}: {percent(abs(found.saved))} "
        f"{'saved' if found.saved >= 0 else 'more than that'}",
        *(f"{counted(count, 'item')} {words}" for count, words in remarks if count),
        *(f"{counted(count, 'call')} {words} as the most possible" for count, words in calls if count),
        f"{output}: {ANSWERS}, {CERTIFICATE}; check it with routoo verify {output / CERTIFICATE}",
    )


def _most(found: Certificate, name: str) -> str:
    return found.unbounded(name) or percent((found.looks[-1].most[name] or 0) / found.items)
