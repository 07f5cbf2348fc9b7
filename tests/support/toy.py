"""A small decoder that is trained here in seconds, and the task that it half knows.

A prompt names a level and a digit, which is the right answer to fewer prompts the higher the level is; of the
others nobody can know it. The toy is taught right answers, briefly or at length, so that short and long,
right and wrong answers all come.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import polars as pl

LEVELS = ("plain", "easy", "fair", "tough", "harsh", "vain")
_LONG = "Well, let me think about this for a while. I look at it once more, and then I am done."
_TEMPLATE = "{% for message in messages %}<s>{{ message['content'] }}{% endfor %}<a>"


def toy_prompts(n: int, *, seed: int = 0) -> pl.DataFrame:
    """Different prompts with right answers: `prompt_id`, `prompt`, `level`, `answer`, `grader`."""
    draw, rows = Random(seed), list[dict[str, object]]()
    for at in draw.sample(range(len(LEVELS) * 1000), n):
        level, digits = at % len(LEVELS), f"{at // len(LEVELS):03d}"
        first, word, last = digits[0], digits[1], digits[2]
        chance = Random(at)
        known = chance.random() < p_right(level)
        rows.append(
            {
                "prompt_id": f"p{at:04d}",
                "prompt": f"{LEVELS[level]} code {first} {last} say {word}",
                "level": level,
                "answer": word if known else chance.choice([d for d in "0123456789" if d != word]),
                "grader": "number:last=true,unread=wrong",
            }
        )
    return pl.DataFrame(rows)


def p_right(level: int) -> float:
    """How often the digit is the right answer."""
    return 1 - level / (len(LEVELS) - 1)


def toy_model(folder: Path, *, steps: int = 400, seed: int = 0) -> Path:
    """The folder of the trained toy, with a template file `ask.txt` by which it is asked."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from tokenizers.decoders import ByteLevel
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    from routoo.sater.refusals import REFUSAL
    from routoo.tuning.examples import Example, padded
    from routoo.tuning.losses import cross_entropy

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevel()
    shown = [f"{level} code {at} {at} say {at}\nAnswer: {at}" for at in range(10) for level in LEVELS]
    sure = [f"Answer only if you are at least {tenth}0% sure." for tenth in range(1, 11)]
    said = [*sure, REFUSAL, _LONG] * 20
    tokenizer.train_from_iterator(
        [*shown, *said],
        trainers.BpeTrainer(
            vocab_size=420,
            special_tokens=["<s>", "<a>", "<e>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    fast: Any = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<e>", pad_token="<e>")  # type: ignore[no-untyped-call]  # transformers leaves it untyped
    fast.chat_template = _TEMPLATE
    fast.save_pretrained(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=tokenizer.get_vocab_size(),
                hidden_size=96,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=4,
                intermediate_size=192,
                max_position_embeddings=256,
                bos_token_id=None,
                eos_token_id=2,
                tie_word_embeddings=True,
                initializer_range=0.1,
            )
        )
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95))
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    draw = Random(seed)
    rows = toy_prompts(2000, seed=seed + 1).rows(named=True)
    for _ in range(steps):
        some = [_taught(fast, row, draw) for row in draw.sample(rows, 32)]
        optimizer.zero_grad()
        loss = cross_entropy(model, padded([Example(*one) for one in some], torch.device("cpu")))
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rate.step()
    model.save_pretrained(folder)
    return folder


def _taught(
    tokenizer: Any, row: dict[str, Any], draw: Random
) -> tuple[tuple[int, ...], tuple[int, ...]]:  # Any: transformers
    word = row["answer"]
    text = f"Answer: {word}" if draw.random() < 0.5 else f"{_LONG}\nAnswer: {word}"
    sure = (
        f"\nAnswer only if you are at least {draw.randint(1, 10) * 10}% sure." if draw.random() < 0.3 else ""
    )
    sent = tokenizer(f"<s>{row['prompt']}{sure}<a>", add_special_tokens=False)["input_ids"]
    return tuple(sent), tuple(tokenizer(f"{text}<e>", add_special_tokens=False)["input_ids"])
