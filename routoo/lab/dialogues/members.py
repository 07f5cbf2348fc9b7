"""Models for turns of dialogues: the smallest model fine-tuned, larger ones with labelled turns to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from routoo.collect.collect import collect
from routoo.data.checks.arguments import known_names
from routoo.data.pool import Pool, PoolModel
from routoo.lab import RECORDED_DIALOGUES
from routoo.lab.dialogues.corpus import recorded_turns, training_turns
from routoo.lab.dialogues.in_context import InContext
from routoo.lab.members import LabMember
from routoo.lab.timing import TimedAlone
from routoo.members.local import LocalModel
from routoo.members.member import Member

if TYPE_CHECKING:
    from routoo.collect.collected import Collected
    from routoo.collect.runner import OnStanding

MEMBERS: dict[str, LabMember] = {
    "smol-turns": LabMember("smollm2-135m", 0.135, "direct", specialist="turns", dtype="float32"),
    "qwen-0.5b-turns": LabMember("qwen2.5-coder-0.5b", 0.5, "direct"),
    "qwen-1.5b-turns": LabMember("qwen2.5-coder-1.5b", 1.5, "direct"),
}
"""The models by name; those that were not fine-tuned read labelled turns first."""

_SIGNALS = ("sequence_log_prob_sum", "sequence_log_prob_mean")
_ENOUGH_USD = 1e6  # nobody is paid


def dialogue_pool(*, cache_dir: Path | None = None) -> Pool:
    """The models with their prices by size, and how each is called.

    >>> dialogue_pool().names
    ('smol-turns', 'qwen-0.5b-turns', 'qwen-1.5b-turns')
    """
    return Pool(tuple(model.entry(name, cache_dir=cache_dir) for name, model in MEMBERS.items()))


def record_dialogues(
    output: str | Path,
    *,
    models: Sequence[str] = tuple(MEMBERS),
    n_dialogues: int = RECORDED_DIALOGUES,
    cache_dir: Path | None = None,
    command: Sequence[str] = (),
    on_standing: OnStanding | None = None,
    on_remark: Callable[[str], None] | None = None,
) -> Collected:
    """Asks models for the change of state of each turn, and writes outcomes; it goes on after a kill.

    Every model is given the right state before the turn, so that any routing can be replayed: what a model
    would have said after other models' mistakes is not known.

    Args:
        output: Folder to write.
        models: Names of models; the specialist must have been trained.
        n_dialogues: How many; the first ones are the same whatever this is.
        cache_dir: Where weights and adapters are.
        command: How this was called, for the record.
        on_standing: Called with how far all is, after each answer.
        on_remark: Called with what a user may want to know.

    Raises:
        InputError: An model is unknown, its weights were not fetched, or the folder holds something else.
    """
    pool = dialogue_pool(cache_dir=cache_dir).select(known_names("models", models, list(MEMBERS)))
    return collect(
        recorded_turns(n_dialogues),
        pool,
        output,
        budget_usd=_ENOUGH_USD,
        members=[TimedAlone(_member(model), frozenset()) for model in pool.models],
        signals=_SIGNALS,
        command=command,
        on_standing=on_standing,
        on_remark=on_remark,
    )


def _member(model: PoolModel) -> Member:
    local = LocalModel(model)
    return local if MEMBERS[model.name].specialist else InContext(local, training_turns())
