"""One round of batch files: prompts with a member each, in files that its provider takes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from routoo.batch.bodies import batch_body
from routoo.batch.forms import Form, form_of
from routoo.batch.manifest import Manifest, Part, Round
from routoo.batch.schedule import Schedule, check_period
from routoo.data.errors import CallError, InputError
from routoo.data.pool import PoolModel
from routoo.data.request import Request
from routoo.data.storage.files import write_atomically
from routoo.data.tables.parquet_bytes import parquet_bytes
from routoo.members.ask import Ask, ask_of
from routoo.members.provider import most_tokens, most_usd
from routoo.members.remote.client import load

_SIGNS = re.compile(r"[^\w.-]+")
_SCHEMA = {
    "number": pl.Int64,
    "prompt_id": pl.String,
    "model": pl.String,
    "cost_usd": pl.Float64,
    "most_usd": pl.Float64,
    "part": pl.String,
}


@dataclass(frozen=True)
class _Job:
    """A prompt of a batch tier: what the plan says of it, and what is asked."""

    number: int
    request: Request
    tokens: float
    most_usd: float


def custom_id(batch_id: str, number: int, sample: int) -> str:
    """The name of a request in its file, by which what came of it is known again.

    >>> custom_id("5f0c2a9b1d3e", 17, 0), numbered("5f0c2a9b1d3e-17-0")
    ('5f0c2a9b1d3e-17-0', (17, 0))
    """
    return f"{batch_id}-{number}-{sample}"


def numbered(name: str) -> tuple[int, int]:
    """The number of the prompt and of the sample in a custom id."""
    _, number, sample = name.rsplit("-", 2)
    return int(number), int(sample)


def write_round(
    folder: Path, manifest: Manifest, rows: pl.DataFrame, requests: Mapping[str, Request]
) -> Manifest:
    """Writes the files of a round, and says what the manifest is with it; who writes that makes it so.

    Args:
        folder: Where they go; what lies there under their names is replaced.
        manifest: The rounds before.
        rows: A row a prompt: `prompt_id`, `model`, and `cost_usd`, `input_tokens` and `output_tokens` as
            predicted, null where they are not known.
        requests: What is asked, by prompt id.

    Raises:
        InputError: A prompt is not there, a member cannot be asked by files, or a day's limit is too small.
        MissingExtraError: LiteLLM, which knows what providers take, is not installed.
        OSError: The disk is full.
    """
    if lacking := [name for name in rows["prompt_id"] if name not in requests]:
        raise InputError(
            f"the plan names {len(lacking)} prompts that the file of prompts lacks, such as {lacking[0]!r}"
        )
    load()
    schedule = Schedule.of(manifest.pool, manifest.parts)
    first = sum(pl.read_parquet(folder / one.plan).height for one in manifest.rounds)
    rows = rows.with_row_index("number", offset=first)
    parts: list[Part] = []
    table: list[tuple[int, str, str, float | None, float | None, str | None]] = []
    for (name,), group in rows.group_by("model", maintain_order=True):
        model = manifest.pool[str(name)]
        if model.batch_window_s is None:
            table += [
                (number, prompt_id, model.name, cost, None, None)
                for number, prompt_id, cost in group.select("number", "prompt_id", "cost_usd").iter_rows()
            ]
            continue
        known = dict(zip(group["number"], group["cost_usd"], strict=True))
        taken = len(manifest.parts) + len(parts)
        for part, content, jobs in _parts(model, group, requests, manifest, schedule, taken):
            write_atomically(folder / part.name, content)
            parts.append(part)
            table += [
                (job.number, job.request.prompt_id, model.name, known[job.number], job.most_usd, part.name)
                for job in jobs
            ]
    plan = f"plan-{len(manifest.rounds) + 1}.parquet"
    written = parquet_bytes(pl.DataFrame(table, schema=_SCHEMA, orient="row").sort("number"))
    write_atomically(folder / plan, written)
    made = Round(plan=plan, sha256=hashlib.sha256(written).hexdigest(), parts=tuple(parts))
    return replace(manifest, rounds=(*manifest.rounds, made))


def _parts(
    model: PoolModel,
    group: pl.DataFrame,
    requests: Mapping[str, Request],
    manifest: Manifest,
    schedule: Schedule,
    taken: int,
) -> Iterator[tuple[Part, bytes, list[_Job]]]:
    """The files of one member with their content, cut where a file or a day is full."""
    form = form_of(model.name, model.call)
    assert model.call is not None  # for the type checker: the form is of its call
    ask, content, jobs = ask_of(model.call.ask), bytearray(), list[_Job]()
    day = 0

    def part() -> tuple[Part, bytes, list[_Job]]:
        name = f"part-{taken + 1:04d}-{_SIGNS.sub('-', model.name)[:60]}.jsonl"
        made = Part(
            name=name,
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            model=model.name,
            requests=len(jobs) * samples,
            tokens=sum(job.tokens for job in jobs),
            day=day,
        )
        return made, bytes(content), list(jobs)

    samples = model.call.samples
    for job in _jobs(model, group, requests, ask):
        lines = _lines(job, model, ask, form, manifest.batch_id)
        if len(lines) > form.most_bytes or samples > form.most_requests:
            raise InputError(
                f"prompt {job.request.prompt_id}: {len(lines):,} bytes in {samples} requests are more than a "
                f"file of {form.provider} holds ({form.most_bytes:,} bytes, {form.most_requests:,} requests)"
            )
        own_day = schedule.day_of(model, requests=samples, tokens=job.tokens)
        check_period(model, own_day, manifest.period_s)
        full = (len(jobs) + 1) * samples > form.most_requests or len(content) + len(lines) > form.most_bytes
        if jobs and (full or own_day > day):
            yield part()
            taken += 1
            content.clear()
            jobs.clear()
        day = own_day
        content += lines
        jobs.append(job)
    yield part()


def _jobs(model: PoolModel, group: pl.DataFrame, requests: Mapping[str, Request], ask: Ask) -> Iterator[_Job]:
    assert model.call is not None  # for the type checker: see above
    columns = group.select("number", "prompt_id", "input_tokens", "output_tokens")
    for number, prompt_id, sent, received in columns.iter_rows():
        request = requests[prompt_id]
        expected = None if sent is None or received is None else sent + received
        tokens = most_tokens(request, model.call, ask) if expected is None else expected
        yield _Job(number, request, tokens, most_usd(request, model, ask))


def _lines(job: _Job, model: PoolModel, ask: Ask, form: Form, batch_id: str) -> bytes:
    """The lines of a prompt, one a sample."""
    assert model.call is not None  # for the type checker: see above
    try:
        body = batch_body(job.request, model.call, ask)
    except (InputError, CallError) as error:
        raise InputError(str(error)) from None
    except Exception as error:  # LiteLLM raises what it likes, and quotes the prompt
        raise InputError(
            f"prompt {job.request.prompt_id}: LiteLLM cannot write it for {model.call.model} "
            f"({type(error).__name__})"
        ) from None
    names = (custom_id(batch_id, job.number, sample) for sample in range(model.call.samples))
    return b"".join(form.line(name, body) for name in names)
