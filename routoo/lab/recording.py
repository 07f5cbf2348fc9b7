"""Recording what the lab's members answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from routoo.collect.collect import collect
from routoo.data.checks.arguments import known_names
from routoo.lab import SHIPPED_PROMPTS
from routoo.lab.members import MEMBERS, lab_pool
from routoo.lab.tasks.registry import lab_prompts
from routoo.lab.timing import TimedAlone
from routoo.members.local import LocalModel

if TYPE_CHECKING:
    from routoo.collect.collected import Collected
    from routoo.collect.runner import OnStanding

ASKED_ALONE = 34
"""Prompts that are asked one at a time, so that seconds are known of them: two of every family."""

RECORDED_SIGNALS = (
    "open_margin_log_odds",
    "sequence_log_prob_sum",
    "sequence_log_prob_mean",
    "sample_agreement",
    "refusal",
)
"""Signals that are read off the lab's answers."""

_ENOUGH_USD = 1e6  # nobody is paid


def record_lab(
    output: str | Path,
    *,
    members: Sequence[str] = tuple(MEMBERS),
    n_prompts: int = SHIPPED_PROMPTS,
    seed: int = 0,
    n_alone: int = ASKED_ALONE,
    cache_dir: Path | None = None,
    command: Sequence[str] = (),
    on_standing: OnStanding | None = None,
    on_remark: Callable[[str], None] | None = None,
) -> Collected:
    """Asks the lab's members its prompts on this machine, grades the answers, and writes outcomes.

    It goes on where an earlier run ended or was killed. Seconds are those of the first prompts, which are
    asked one at a time; all others are answered in batches.

    Args:
        output: Folder to write.
        members: Names of members; specialists must have been trained.
        n_prompts: How many prompts; the first ones are the same whatever this is.
        seed: Of the prompts; the shipped record has 0.
        n_alone: How many prompts are asked one at a time.
        cache_dir: Where weights and adapters are.
        command: How this was called, for the record.
        on_standing: Called with how far all is, after each answer.
        on_remark: Called with what a user may want to know.

    Raises:
        InputError: A member is unknown, its weights were not fetched, or the folder holds something else.
    """
    prompts = lab_prompts(n_prompts, seed=seed)
    alone = frozenset(prompts["prompt_id"].head(n_alone))
    pool = lab_pool(cache_dir=cache_dir).select(known_names("members", members, list(MEMBERS)))
    return collect(
        prompts,
        pool,
        output,
        budget_usd=_ENOUGH_USD,
        members=[TimedAlone(LocalModel(model), alone) for model in pool.models],
        signals=RECORDED_SIGNALS,
        command=command,
        on_standing=on_standing,
        on_remark=on_remark,
    )
