"""Near-duplicates are found as a brute-force comparison finds them, and stay on one side."""

import random
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.errors import InputError
from routoo.data.sample_words import ACTORS, ACTS, CITIES, REASONS, TIMES
from routoo.data.splits import SIMILARITY, count_straddling, near_duplicate_groups, split_prompts


def sentences(n: int, *, seed: int) -> list[str]:
    draw = random.Random(seed)

    def sentence() -> str:
        return " ".join(map(draw.choice, (ACTORS, ACTS, TIMES, REASONS, CITIES)))

    return [" ".join(sentence() for _ in range(4)) for _ in range(n)]


def with_a_typo(text: str, draw: random.Random) -> str:
    at = draw.randrange(len(text))
    return text[:at] + draw.choice("aeiou") + text[at + 1 :]


def test_case_punctuation_and_white_space_make_no_difference() -> None:
    texts = ["Name a river.", "name  a-river", "Name a mountain.", "NAME A\tRIVER!!", "Name a river."]
    assert near_duplicate_groups(texts).tolist() == [0, 0, 1, 0, 0]


def test_texts_without_words_are_told_apart() -> None:
    assert near_duplicate_groups(["???", "!!!", " ??? ", "猫は何ですか", "犬は何ですか"]).tolist() == [
        0,
        1,
        0,
        2,
        3,
    ]


def test_typos_lead_ins_and_shared_passages_are_found() -> None:
    draw = random.Random(1)
    texts = sentences(300, seed=0)
    variants = [
        *(with_a_typo(with_a_typo(text, draw), draw) for text in texts[:40]),
        *(f"Please answer: {text} Thank you!" for text in texts[40:80]),
        *(f"{text} What happened first?" for text in texts[80:120]),
        *(text.upper().replace(" ", "\n") for text in texts[120:160]),
    ]
    groups = near_duplicate_groups(texts + variants)
    assert groups[300:].tolist() == groups[:160].tolist()
    assert len(set(groups[:300])) == 300


def test_groups_are_those_of_comparing_all_pairs() -> None:
    draw = random.Random(2)
    texts = sentences(60, seed=3)
    for _ in range(60):
        words = draw.choice(texts).split()
        for _ in range(draw.randrange(12)):
            words[draw.randrange(len(words))] = draw.choice(CITIES)
        texts.append(" ".join(words))
    shingles = [{text[at : at + 5] for at in range(len(text) - 4)} for text in (t.lower() for t in texts)]
    counts = Counter(shingle for found in shingles for shingle in found)
    common = {shingle for shingle, count in counts.items() if count > 20}
    groups = near_duplicate_groups(texts)
    for left, right in zip(*np.triu_indices(len(texts), 1), strict=True):
        a, b = shingles[left] - common, shingles[right] - common
        if len(a & b) >= SIMILARITY * len(a | b):
            assert groups[left] == groups[right]
    alike = sum(len(a & b) >= SIMILARITY * len(a | b) for a in shingles for b in shingles) - len(texts)
    assert alike > 0
    assert len(set(groups)) > 60


def test_a_template_makes_nobody_alike() -> None:
    draw = random.Random(4)
    preamble = "You are a careful assistant. Think step by step, and answer with yes or no at the end. "
    texts = [f"{preamble}Is {draw.randrange(10**6)} a prime number, yes or no?" for _ in range(500)]
    assert len(set(near_duplicate_groups(texts))) > 490


def test_long_prompts_are_compared_by_their_ends() -> None:
    draw = random.Random(5)
    long = [" ".join(sentences(60, seed=seed)) for seed in range(3)]
    groups = near_duplicate_groups([*long, *(with_a_typo(text, draw) for text in long)])
    assert groups.tolist() == [0, 1, 2, 0, 1, 2]


def test_nothing_in_nothing_out() -> None:
    assert near_duplicate_groups([]).tolist() == []
    assert split_prompts([], seed=0, val=0.1, test=0.3) == []
    assert count_straddling([], []) == 0
    assert near_duplicate_groups(["a", "", "b"]).tolist() == [0, 1, 2]


def test_shares_are_met_and_no_group_is_torn() -> None:
    texts = sentences(700, seed=6)
    draw = random.Random(7)
    texts += [with_a_typo(text, draw) for text in texts[:300]]
    parts = split_prompts(texts, seed=0, val=0.1, test=0.3)
    counts = Counter(parts)
    np.testing.assert_allclose([counts["train"], counts["val"], counts["test"]], [600, 100, 300], atol=50)
    assert count_straddling(texts, parts) == 0
    torn = split_prompts(texts[:700], seed=0, val=0.1, test=0.3) + ["test"] * 300
    assert count_straddling(texts, torn) > 300


def test_the_order_of_the_prompts_does_not_matter_and_the_seed_does() -> None:
    texts = sentences(200, seed=8)
    texts += [text.upper() for text in texts[:50]]
    parts = dict(zip(texts, split_prompts(texts, seed=0, val=0.2, test=0.2), strict=True))
    shuffled = random.Random(9).sample(texts, len(texts))
    assert dict(zip(shuffled, split_prompts(shuffled, seed=0, val=0.2, test=0.2), strict=True)) == parts
    other = split_prompts(texts, seed=1, val=0.2, test=0.2)
    assert [parts[text] for text in texts] != other


def test_a_set_that_grows_or_shrinks_keeps_its_split() -> None:
    texts = sentences(400, seed=10)
    parts = split_prompts(texts, seed=0, val=0.1, test=0.3)
    assert split_prompts(texts[:150], seed=0, val=0.1, test=0.3) == parts[:150]
    grown = split_prompts(texts + sentences(100, seed=11), seed=0, val=0.1, test=0.3)
    assert grown[:400] == parts


@pytest.mark.parametrize("n", [10, 20, 60])
def test_of_few_prompts_each_part_gets_its_share(n: int) -> None:
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


def test_twenty_thousand_prompts_take_seconds() -> None:
    texts = sentences(20_000, seed=10)
    start = time.process_time()
    groups = near_duplicate_groups(texts)
    assert time.process_time() - start < 15
    assert len(groups) == 20_000
