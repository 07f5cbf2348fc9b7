"""SATER from prompts to a member that refuses, in a folder, from which it goes on after a kill."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random

import polars as pl

from routoo.collect.prompts import PromptsToAsk
from routoo.data.call import Call
from routoo.data.checks.arguments import path_of, record
from routoo.data.errors import InputError
from routoo.data.pool import Pool, PoolModel
from routoo.data.progress import Stages
from routoo.data.storage.files import write_atomically
from routoo.sater.pairs import preference_pairs, right_fraction, shortest_right
from routoo.sater.refusals import lessons
from routoo.sater.sampling import sample_answers
from routoo.sater.settings import SaterSettings
from routoo.sater.stages import prefer, refuse

_RUN = "run.json"
_POOL = "pool.toml"


@dataclass(frozen=True, eq=False)
class Sampled:
    """What samples of a stage came to.

    Args:
        right: Fraction of right samples.
        tokens: Mean tokens of a sample.
        sometimes: Fraction of prompts of which some samples are right and some are not.
    """

    right: float
    tokens: float
    sometimes: float


@dataclass(frozen=True, eq=False)
class SaterRun:
    """What training made.

    Args:
        member: The member before training.
        short: The member after stage one.
        refusing: The member after both stages, without a threshold; `at` gives it one.
        before: Samples of the member before training.
        after: Samples of the member after stage one.
        pairs: Preference pairs of stage one.
        lessons: Examples of stage two.
        thresholds: Thresholds that were trained.
    """

    member: PoolModel
    short: PoolModel
    refusing: PoolModel
    before: Sampled
    after: Sampled
    pairs: int
    lessons: int
    thresholds: tuple[float, ...]

    def at(self, threshold: float) -> PoolModel:
        """The member that refuses where it is less sure than a threshold, a model of a pool of its own."""
        return at_threshold(self.refusing, threshold)


def at_threshold(model: PoolModel, threshold: float | None) -> PoolModel:
    """A member with another threshold and a name that says so; None is the member without one.

    >>> call = Call(kind="local", model="models/small")
    >>> small = PoolModel(name="small", usd_per_1m_input=1, usd_per_1m_output=2, call=call)
    >>> at_threshold(small, 0.6).name
    'small@0.6'
    """
    call = _call(model)
    name = model.name if threshold is None else f"{model.name}@{threshold:g}"
    return replace(model, name=name, call=replace(call, threshold=threshold))


def train_sater(
    member: PoolModel,
    prompts: PromptsToAsk,
    folder: str | Path,
    *,
    settings: SaterSettings | None = None,
    grader: str | None = None,
    on_progress: Stages | None = None,
) -> SaterRun:
    """Makes a local member answer briefly, and refuse below a stated threshold (Shen et al. 2025).

    Samples, pairs, log-probabilities of the model as it was and adapters are kept in the folder, with a
    `pool.toml` of the members that came of it. Called again with the same arguments it goes on from there.

    Args:
        member: A member whose call is of kind ``local``, with one sample and no threshold; adapters that it
            has are trained on.
        prompts: What it is trained on (`read_to_ask`), with right answers: thousands, of which it gets 30 to
            70 % of the samples right, and none that it will be judged on.
        folder: Where all is kept.
        settings: How it is trained; `SaterSettings()` when not given.
        grader: The grader of prompts that name none.
        on_progress: Called with a stage, what is done of it and all that there is.

    Raises:
        InputError: The member is none that can be trained, no prompt has a pair, or the folder is of another
            run.
        MissingExtraError: What trains is not installed.
    """
    record("prompts", prompts, PromptsToAsk)
    settings, call = settings or SaterSettings(), _call(member)
    folder = path_of("folder", folder).absolute()  # adapters are named in a pool, which may be moved
    folder.mkdir(parents=True, exist_ok=True)
    _same_run(folder / _RUN, member, prompts, settings, grader)
    requests = {prompt.prompt_id: prompt.request for prompt in prompts.prompts}

    def tell(stage: str) -> Callable[[int, int], None] | None:
        return None if on_progress is None else lambda done, total: on_progress(stage, done, total)

    def sampled(name: str, asked: Call) -> pl.DataFrame:
        drawn = replace(asked, samples=settings.samples, temperature=settings.temperature, seed=settings.seed)
        return sample_answers(drawn, prompts, folder / name, default_grader=grader, on_prompt=tell(name))

    before = sampled("samples-before", call)
    pairs = preference_pairs(before)
    pairs = Random(settings.seed).sample(pairs, min(len(pairs), settings.most_pairs))
    adapter = prefer(
        call,
        requests,
        pairs,
        folder / "stage-one",
        settings,
        on_pair=tell("reference"),
        on_step=tell("stage-one"),
    )
    short = replace(call, adapter=str(adapter))
    after = sampled("samples-after", short)
    taught = lessons(
        right_fraction(after),
        shortest_right(after),
        thresholds=settings.thresholds,
        most=settings.most_lessons,
        seed=settings.seed,
    )
    adapter = refuse(short, requests, taught, folder / "stage-two", settings, on_step=tell("stage-two"))
    found = SaterRun(
        member=member,
        short=replace(member, name=f"{member.name}-short", call=short),
        refusing=replace(member, name=f"{member.name}-sater", call=replace(call, adapter=str(adapter))),
        before=_came(before),
        after=_came(after),
        pairs=len(pairs),
        lessons=len(taught),
        thresholds=settings.thresholds,
    )
    members = (found.member, found.short, *(found.at(threshold) for threshold in settings.thresholds))
    Pool(members).write(folder / _POOL)
    return found


def _call(member: PoolModel) -> Call:
    call = record("member", member, PoolModel).call
    if call is None or call.kind != "local":
        raise InputError(f"model {member.name} must have a call of kind local: others cannot be trained here")
    if call.samples != 1:
        raise InputError(
            f"model {member.name} takes {call.samples} samples; expected a member that takes one"
        )
    return call


def _came(samples: pl.DataFrame) -> Sampled:
    fractions = right_fraction(samples).values()
    return Sampled(
        right=float(samples["correct"].mean() or 0),  # type: ignore[arg-type]  # polars leaves it open
        tokens=float(samples["tokens"].list.len().mean() or 0),  # type: ignore[arg-type]
        sometimes=sum(0 < fraction < 1 for fraction in fractions) / len(fractions),
    )


def _same_run(
    path: Path, member: PoolModel, prompts: PromptsToAsk, settings: SaterSettings, grader: str | None
) -> None:
    """Writes down what is run, or sees that it is what was.

    Raises:
        InputError: It is not.
    """
    known = [
        (prompt.prompt_id, prompt.request.text, prompt.reference.answers, prompt.grader)
        for prompt in prompts.prompts
    ]
    digest = hashlib.sha256(json.dumps(known).encode()).hexdigest()
    said = {
        "call": _call(member).to_record(),
        "settings": asdict(settings),
        "grader": grader,
        "prompts": digest,
    }
    text = json.dumps(said, indent=2)
    if not path.is_file():
        write_atomically(path, text.encode())
        return
    held = json.loads(path.read_text(encoding="utf-8"))
    if other := [name for name, value in json.loads(text).items() if held.get(name) != value]:
        raise InputError(
            f"{path.parent} holds a run with other {' and '.join(other)}: name another folder, or remove it"
        )
