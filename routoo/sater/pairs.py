"""Which of two sampled answers is preferred: the shortest right one to the longest wrong one."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from routoo.data.errors import InputError


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt, as tokens.

    Args:
        prompt_id: The prompt.
        chosen: The preferred one.
        rejected: The other one.
    """

    prompt_id: str
    chosen: tuple[int, ...]
    rejected: tuple[int, ...]


def preference_pairs(samples: pl.DataFrame) -> list[Pair]:
    """One pair of each prompt that has one, in the order of prompt ids.

    Chosen is the shortest right answer that came to its end. Rejected is the longest wrong one; where all are
    right, the longest of them, unless it is no longer than the chosen one. A prompt of which no answer is
    right has no pair (Shen et al. 2025, stage one; what to do without a wrong answer is ours).

    Args:
        samples: See `sample_answers`.

    Raises:
        InputError: No prompt has a pair.

    >>> samples = pl.DataFrame({
    ...     "prompt_id": ["a"] * 3 + ["b"] * 2, "tokens": [[1], [1, 2], [3, 4, 5], [6, 7], [6]],
    ...     "ended": [True] * 5, "correct": [True, True, False, True, True]})
    >>> for pair in preference_pairs(samples): print(pair)
    Pair(prompt_id='a', chosen=(1,), rejected=(3, 4, 5))
    Pair(prompt_id='b', chosen=(6,), rejected=(6, 7))
    """
    found = []
    for (prompt_id,), rows in samples.group_by("prompt_id", maintain_order=True):
        tokens, right = rows["tokens"].to_list(), rows["correct"].to_list()
        ended = [row for row, end, ok in zip(tokens, rows["ended"], right, strict=True) if ok and end]
        wrong = [row for row, ok in zip(tokens, right, strict=True) if not ok]
        if not ended:
            continue
        chosen, rejected = min(ended, key=len), max(wrong or ended, key=len)
        if wrong or len(rejected) > len(chosen):
            found.append(Pair(str(prompt_id), tuple(chosen), tuple(rejected)))
    if not found:
        raise InputError(
            f"none of {samples['prompt_id'].n_unique():,} prompts has a right answer among its samples: "
            "take prompts of which the member gets 30 to 70 % right"
        )
    return sorted(found, key=lambda pair: pair.prompt_id)


def right_fraction(samples: pl.DataFrame) -> dict[str, float]:
    """The fraction of right samples of each prompt."""
    rows = samples.group_by("prompt_id").agg(pl.col("correct").mean())
    return dict(zip(rows["prompt_id"], rows["correct"], strict=True))


def shortest_right(samples: pl.DataFrame) -> dict[str, tuple[int, ...]]:
    """Tokens of the shortest right answer that came to its end, of each prompt that has one."""
    rows = samples.filter("correct", "ended").sort(pl.col("tokens").list.len(), maintain_order=True)
    rows = rows.unique("prompt_id", keep="first", maintain_order=True)
    return {name: tuple(tokens) for name, tokens in rows.select("prompt_id", "tokens").iter_rows()}
