"""Near-duplicates stay on one side, and what was split once stays split so."""

import random
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.errors import InputError
from routoo.data.near_duplicates import near_duplicate_groups
from routoo.data.splits import count_straddling, split_prompts

Sentences = Callable[..., list[str]]
Typo = Callable[[str, random.Random], str]


def test_nothing_in_nothing_out() -> None:
    assert split_prompts([], seed=0, val=0.1, test=0.3) == []
    assert count_straddling([], []) == 0


def test_shares_are_met_and_no_group_is_torn(sentences: Sentences, with_a_typo: Typo) -> None:
    texts = sentences(700, seed=6)
    draw = random.Random(7)
    texts += [with_a_typo(text, draw) for text in texts[:300]]
    parts = split_prompts(texts, seed=0, val=0.1, test=0.3)
    counts = Counter(parts)
    np.testing.assert_allclose([counts["train"], counts["val"], counts["test"]], [600, 100, 300], atol=50)
    assert count_straddling(texts, parts) == 0
    torn = split_prompts(texts[:700], seed=0, val=0.1, test=0.3) + ["test"] * 300
    assert count_straddling(texts, torn) > 300


def test_the_order_of_the_prompts_does_not_matter_and_the_seed_does(sentences: Sentences) -> None:
    texts = sentences(200, seed=8)
    texts += [text.upper() for text in texts[:50]]
    parts = dict(zip(texts, split_prompts(texts, seed=0, val=0.2, test=0.2), strict=True))
    shuffled = random.Random(9).sample(texts, len(texts))
    assert dict(zip(shuffled, split_prompts(shuffled, seed=0, val=0.2, test=0.2), strict=True)) == parts
    other = split_prompts(texts, seed=1, val=0.2, test=0.2)
    assert [parts[text] for text in texts] != other


def test_a_set_that_grows_or_shrinks_keeps_its_split(sentences: Sentences) -> None:
    texts = sentences(400, seed=10)
    parts = split_prompts(texts, seed=0, val=0.1, test=0.3)
    assert split_prompts(texts[:150], seed=0, val=0.1, test=0.3) == parts[:150]
    grown = split_prompts(texts + sentences(100, seed=11), seed=0, val=0.1, test=0.3)
    assert grown[:400] == parts


@pytest.mark.parametrize("n", [10, 20, 60])
def test_of_few_prompts_each_part_gets_its_share(n: int, sentences: Sentences) -> None:
    counts = Counter(split_prompts(sentences(n, seed=12), seed=0, val=0.1, test=0.3))
    assert counts == {"train": 0.6 * n, "val": 0.1 * n, "test": 0.3 * n}


def test_a_group_larger_than_a_part_goes_where_there_is_room() -> None:
    parts = split_prompts(["same"] * 90 + [f"number {at}" for at in range(10)], seed=0, val=0.05, test=0.05)
    assert set(parts[:90]) == {"train"}
    assert Counter(parts) == {"train": 90, "val": 5, "test": 5}


@pytest.mark.parametrize(("val", "test"), [(-0.1, 0.3), (0.5, 0.5), (0, 1), (float("nan"), 0.1)])
def test_shares_that_cannot_be_are_refused(val: float, test: float) -> None:
    with pytest.raises(InputError, match="leave something to train on"):
        split_prompts(["a", "b"], seed=0, val=val, test=test)


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.text(max_size=30), min_size=1, max_size=30),
    seed=st.integers(0, 3),
    val=st.floats(0, 0.4),
    test=st.floats(0, 0.4),
)
def test_any_text_gets_a_part(texts: list[str], seed: int, val: float, test: float) -> None:
    parts = split_prompts(texts, seed=seed, val=val, test=test)
    assert len(parts) == len(texts)
    assert count_straddling(texts, parts) == 0
    assert test > 0 or "test" not in parts
    if len(set(near_duplicate_groups(texts))) == len(texts):
        assert abs(parts.count("test") - test * len(texts)) <= 1
        assert "train" in parts
