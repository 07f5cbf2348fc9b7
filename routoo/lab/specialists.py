"""Specialists: the smallest model fine-tuned with low-rank adapters, on families of tasks or on dialogues.

The upper half of the layers is adapted, which halves the time of a step on a processor.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routoo.data.progress import Progress
from routoo.data.request import Request
from routoo.lab.dialogues.corpus import TRAINING_DIALOGUES, training_turns
from routoo.lab.tasks.registry import lab_prompts
from routoo.lab.weights import lab_cache_dir, required_weights
from routoo.members.ask import ask_of

if TYPE_CHECKING:
    import polars as pl

    from routoo.tuning.examples import Example

_TRAINING_SEED = 1_000_003


@dataclass(frozen=True)
class Specialist:
    """What a specialist is trained on.

    Args:
        base: Name of its weights.
        families: Families of tasks; dialogues where there are none.
        ask: The way of asking it is trained for.
        n_prompts: Training prompts, or dialogues.
        epochs: How often it sees each.
        batch_size: Prompts a step.
        learning_rate: Largest one, warmed up over a tenth of the steps and lowered to 0 by a cosine.
        seed: Of adapters, order and prompts.
    """

    base: str
    families: tuple[str, ...] = ()
    ask: str = "brief"
    n_prompts: int = 2400
    epochs: int = 1
    batch_size: int = 16
    learning_rate: float = 1e-3
    seed: int = 0


SPECIALISTS: dict[str, Specialist] = {
    "words": Specialist("smollm2-135m", ("sorting", "counting", "reversing", "picking"), n_prompts=4000),
    "texts": Specialist("smollm2-135m", ("fact", "fields", "tone", "topic"), n_prompts=1600),
    "dates": Specialist("smollm2-135m", ("date", "weekday", "conversion")),
    "turns": Specialist("smollm2-135m", ask="direct", n_prompts=TRAINING_DIALOGUES, epochs=4),
}
"""The lab's specialists by name."""


def adapter_path(name: str, *, cache_dir: Path | None = None) -> Path:
    """The folder of a specialist's adapter once it was trained."""
    return (cache_dir or lab_cache_dir()) / "adapters" / name


def train_specialist(
    name: str,
    *,
    without: frozenset[str] = frozenset(),
    cache_dir: Path | None = None,
    on_step: Progress | None = None,
) -> Path:
    """The folder of the specialist's adapter, trained if it is not there; it goes on after a kill.

    Args:
        name: One of `SPECIALISTS`.
        without: Prompts that it must not see, since it will be judged on them.
        cache_dir: Where weights and adapters are kept.
        on_step: Called with the steps that are done and all that there are.

    Raises:
        InputError: The base model was not fetched.
    """
    specialist, folder = SPECIALISTS[name], adapter_path(name, cache_dir=cache_dir)
    if (folder / "adapter_config.json").is_file():
        return folder
    from routoo.tuning.low_rank import LowRank, adapted
    from routoo.tuning.training import answering, tuned

    settings = LowRank(
        learning_rate=specialist.learning_rate,
        batch_size=specialist.batch_size,
        epochs=specialist.epochs,
        seed=specialist.seed,
    )
    model = adapted(str(required_weights(specialist.base, cache_dir=cache_dir)), settings)
    examples = _examples(specialist, model.tokenizer, without)
    sizes, checkpoint = [one.size for one in examples], folder.with_suffix(".safetensors")
    return tuned(
        model, sizes, answering(model, examples), settings, folder, checkpoint=checkpoint, on_step=on_step
    )


def _examples(
    specialist: Specialist,
    tokenizer: Any,  # Any: transformers' tokenizer
    without: frozenset[str],
) -> list[Example]:
    from routoo.members.causal.prompt_tokens import prompt_tokens
    from routoo.tuning.examples import Example

    ask, found = ask_of(specialist.ask), []
    for row in _training_prompts(specialist).iter_rows(named=True):
        if row["prompt"] in without:
            continue
        sent = prompt_tokens(tokenizer, Request(row["prompt_id"], row["prompt"]), ask)
        answer = tokenizer(row["answer"] + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
        found.append(Example(sent, tuple(answer)))
    return found


def _training_prompts(specialist: Specialist) -> pl.DataFrame:
    if not specialist.families:
        return training_turns(specialist.n_prompts)
    return lab_prompts(specialist.n_prompts, seed=_TRAINING_SEED, families=specialist.families)
