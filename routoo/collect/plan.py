"""What is to be asked: which prompts of which models, given what the folder holds already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from routoo.collect.history import History
from routoo.collect.keys import asked_of, call_key, prompt_hash
from routoo.collect.prompts import PromptsToAsk, PromptToAsk, spread
from routoo.collect.runner import Planned
from routoo.collect.standing import ModelStanding
from routoo.data.errors import InputError
from routoo.data.pool import Pool


@dataclass(frozen=True, eq=False)
class Plan:
    """The calls that are wanted.

    Args:
        by_id: All prompts of the source, by name.
        hashes: What tells each prompt from another text, by its name.
        asked: What tells each model from one that is asked in another way, by its name.
        calls: Those that are still to be made, by model, in order.
        standings: How many are wanted, and how many were made before.
    """

    by_id: Mapping[str, PromptToAsk]
    hashes: Mapping[str, str]
    asked: Mapping[str, str]
    calls: Mapping[str, Sequence[Planned]]
    standings: Mapping[str, ModelStanding]


def plan_of(
    prompts: PromptsToAsk,
    pool: Pool,
    history: History,
    *,
    folder: Path,
    samples: int,
    sample: int | None,
    seed: int,
) -> Plan:
    """The calls that are wanted: first samples first, prompts so that every beginning is spread over domains.

    Args:
        prompts: All that there are.
        pool: Who is asked.
        history: What was asked before.
        folder: Where, for messages.
        samples: Answers to a prompt.
        sample: How many prompts are asked; those that were asked before are among them.
        seed: Of the order.

    Raises:
        InputError: The history is of other prompts, or of models that were asked in another way.
    """
    by_id = {prompt.prompt_id: prompt for prompt in prompts.prompts}
    hashes = {name: prompt_hash(prompt.request) for name, prompt in by_id.items()}
    asked = {model.name: asked_of(model) for model in pool.models}
    _check_history(history, hashes, asked, folder=folder, source=prompts.source)
    known = {recorded.row["prompt_id"] for recorded in history.answers.values()}
    order = sorted(spread(prompts.prompts, seed), key=lambda prompt: prompt.prompt_id not in known)
    chosen = order if sample is None else order[: max(sample, len(known))]
    calls, standings = {}, {}
    for name in pool.names:
        wanted = [
            _planned(prompt, at, call_key(asked[name], hashes[prompt.prompt_id], at))
            for at in range(samples)
            for prompt in chosen
        ]
        calls[name] = [planned for planned in wanted if planned.request.key not in history.answers]
        before = len(wanted) - len(calls[name])
        standings[name] = ModelStanding(len(wanted), before=before, answered=before)
    return Plan(by_id, hashes, asked, calls, standings)


def _planned(prompt: PromptToAsk, sample: int, key: str) -> Planned:
    return Planned(prompt, replace(prompt.request, sample=sample, key=key))


def _check_history(
    history: History, hashes: Mapping[str, str], asked: Mapping[str, str], *, folder: Path, source: str
) -> None:
    """Refuses a folder that holds answers to something else.

    Raises:
        InputError: It does.
    """
    recorded = history.answers.values()
    ids = {known.row["prompt_id"]: known.prompt for known in recorded}
    _refuse(
        sorted(name for name in ids if name not in hashes),
        lambda some: (
            f"{folder} holds answers to prompts that {source} lacks: {some}; give a file that has them"
        ),
    )
    _refuse(
        sorted(name for name, text in ids.items() if hashes[name] != text),
        lambda some: (
            f"{folder} holds answers to other texts or options of prompts in {source}: {some}; give the "
            "changed ones a prompt_id of their own"
        ),
    )
    models = {known.row["model"]: known.asked for known in recorded}
    _refuse(
        sorted(name for name, way in models.items() if asked.get(name, way) != way),
        lambda some: (
            f"{folder} holds answers of models that the pool now calls in another way: {some}; give them "
            "another name in the pool"
        ),
    )


def _refuse(faulty: Sequence[str], words: Callable[[str], str]) -> None:
    if faulty:
        some = ", ".join(faulty[:3]) + (f" and {len(faulty) - 3:,} more" if len(faulty) > 3 else "")
        raise InputError(f"{words(some)}, or collect into a new folder")
