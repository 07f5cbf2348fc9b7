"""Specialists: the smallest model fine-tuned with low-rank adapters, on families of tasks or on dialogues.

The upper half of the layers is adapted, which halves the time of a step on a processor.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from routoo.data.progress import Progress
from routoo.data.request import Request
from routoo.lab.dialogues.record import TRAINING_DIALOGUES, training_turns
from routoo.lab.tasks.registry import lab_prompts
from routoo.lab.weights import lab_cache_dir, required_weights
from routoo.members.ask import ask_of

if TYPE_CHECKING:
    import polars as pl
    import torch

    Batch = dict[str, torch.Tensor]

_TRAINING_SEED = 1_000_003
_RANK, _ALPHA = 16, 32
_MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
_ALIKE = 16  # batches whose examples are sorted by length together
_IGNORED = -100  # labels that the loss passes over


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
    """The folder of the specialist's adapter, trained if it is not there.

    Args:
        name: One of `SPECIALISTS`.
        without: Prompts that it must not see, since it will be judged on them.
        cache_dir: Where weights and adapters are kept.
        on_step: Called with the steps that are done and all that there are.

    Raises:
        InputError: The base model was not fetched.
    """
    import lightning
    from peft import LoraConfig, get_peft_model
    from torch.utils.data import DataLoader

    specialist, folder = SPECIALISTS[name], adapter_path(name, cache_dir=cache_dir)
    if (folder / "adapter_config.json").is_file():
        return folder
    lightning.seed_everything(specialist.seed, verbose=False)
    tokenizer, model = _base(required_weights(specialist.base, cache_dir=cache_dir))
    config = LoraConfig(
        r=_RANK,
        lora_alpha=_ALPHA,
        target_modules=_MODULES,
        lora_dropout=0.0,
        layers_to_transform=list(range(model.config.num_hidden_layers // 2, model.config.num_hidden_layers)),
        task_type="CAUSAL_LM",
    )
    adapted = get_peft_model(model, config)
    examples = _examples(specialist, tokenizer, without)
    batches = _batches(examples, specialist)
    module = _fine_tuning(adapted, specialist, len(batches), on_step)

    loader: DataLoader[Batch] = DataLoader(
        examples,  # type: ignore[arg-type]  # a list is a data set
        batch_sampler=batches,
        collate_fn=lambda batch: _padded(batch, tokenizer.pad_token_id),
    )
    trainer = lightning.Trainer(
        max_epochs=1,
        accelerator="auto",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        gradient_clip_val=1.0,
    )
    trainer.fit(module, loader)
    _save(adapted, folder)
    return folder


def _base(path: Path) -> tuple[Any, Any]:  # Any: transformers' tokenizer and model, of many classes
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from routoo.members.causal.converted import converted
    from routoo.members.causal.dtype import dtype_of

    folder = converted(path)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype_of("auto", device))
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer, model


def _examples(
    specialist: Specialist,
    tokenizer: Any,  # Any: transformers' tokenizer
    without: frozenset[str],
) -> list[tuple[list[int], int]]:
    """Token ids of prompt and answer, and how many of them are the prompt's."""
    from routoo.members.causal.prompt_tokens import prompt_tokens

    ask, found = ask_of(specialist.ask), []
    for row in _training_prompts(specialist).iter_rows(named=True):
        if row["prompt"] in without:
            continue
        sent = [*prompt_tokens(tokenizer, Request(row["prompt_id"], row["prompt"]), ask)]
        answer = tokenizer(row["answer"] + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
        found.append((sent + answer, len(sent)))
    return found


def _training_prompts(specialist: Specialist) -> pl.DataFrame:
    if not specialist.families:
        return training_turns(specialist.n_prompts)
    return lab_prompts(specialist.n_prompts, seed=_TRAINING_SEED, families=specialist.families)


def _batches(examples: list[tuple[list[int], int]], specialist: Specialist) -> list[list[int]]:
    """Batches of examples of like length, in random order, of all epochs."""
    draw, size = Random(specialist.seed), specialist.batch_size
    found: list[list[int]] = []
    for _ in range(specialist.epochs):
        order = draw.sample(range(len(examples)), len(examples))
        chunks = [order[at : at + _ALIKE * size] for at in range(0, len(order), _ALIKE * size)]
        ordered = [at for chunk in chunks for at in sorted(chunk, key=lambda at: len(examples[at][0]))]
        batches = [ordered[at : at + size] for at in range(0, len(ordered) - size + 1, size)]
        draw.shuffle(batches)
        found += batches
    return found


def _padded(batch: list[tuple[list[int], int]], pad: int) -> Batch:
    import torch

    longest = max(len(ids) for ids, _ in batch)
    ids = torch.full((len(batch), longest), pad)
    labels = torch.full((len(batch), longest), _IGNORED)
    mask = torch.zeros((len(batch), longest), dtype=torch.long)
    for at, (tokens, sent) in enumerate(batch):
        ids[at, : len(tokens)] = torch.tensor(tokens)
        mask[at, : len(tokens)] = 1
        labels[at, sent : len(tokens)] = ids[at, sent : len(tokens)]
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def _fine_tuning(
    model: Any,  # Any: peft's model
    specialist: Specialist,
    steps: int,
    on_step: Progress | None,
) -> Any:  # Any: Lightning is imported here alone
    import lightning
    import torch

    class FineTuning(lightning.LightningModule):
        """Cross-entropy of the answer's tokens."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch: Batch, at: int) -> torch.Tensor:
            loss = _answer_loss(self.model.base_model.model, batch)
            if on_step is not None:
                on_step(at + 1, steps)
            return loss

        def configure_optimizers(self) -> Any:  # Any: Lightning's mapping of optimiser and schedule
            trained = [weights for weights in self.parameters() if weights.requires_grad]
            optimizer = torch.optim.AdamW(trained, lr=specialist.learning_rate, weight_decay=0.0)
            schedule = torch.optim.lr_scheduler.OneCycleLR(
                optimizer, specialist.learning_rate, total_steps=steps, pct_start=0.1
            )
            return {
                "optimizer": optimizer,
                "lr_scheduler": {"scheduler": schedule, "interval": "step"},
            }

    return FineTuning()


def _answer_loss(model: Any, batch: Batch) -> torch.Tensor:  # Any: transformers' model
    """Cross-entropy over the answers' tokens; logits, the dearest part, are computed for these alone."""
    import torch

    states = model.model(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
    ).last_hidden_state
    labels = batch["labels"][:, 1:]
    learned = labels != _IGNORED
    return torch.nn.functional.cross_entropy(model.lm_head(states[:, :-1][learned]).float(), labels[learned])


def _save(adapted: Any, folder: Path) -> None:  # Any: peft's model
    """Writes the adapter's folder in one rename."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
        adapted.save_pretrained(Path(beside) / "adapter", save_embedding_layers=False)
        (Path(beside) / "adapter").rename(folder)
