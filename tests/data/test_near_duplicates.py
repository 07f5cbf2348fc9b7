"""Near-duplicates are found as a brute-force comparison finds them."""

import random
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
from simulated.words import CITIES

from routoo.data.near_duplicates import SIMILARITY, connected, near_duplicate_groups

Sentences = Callable[..., list[str]]
Typo = Callable[[str, random.Random], str]


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


def test_typos_lead_ins_and_shared_passages_are_found(sentences: Sentences, with_a_typo: Typo) -> None:
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


def test_groups_are_those_of_comparing_all_pairs(sentences: Sentences) -> None:
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


def test_long_prompts_are_compared_by_their_ends(sentences: Sentences, with_a_typo: Typo) -> None:
    draw = random.Random(5)
    long = [" ".join(sentences(60, seed=seed)) for seed in range(3)]
    groups = near_duplicate_groups([*long, *(with_a_typo(text, draw) for text in long)])
    assert groups.tolist() == [0, 1, 2, 0, 1, 2]


def test_twenty_thousand_prompts_take_seconds(sentences: Sentences) -> None:
    texts = sentences(20_000, seed=10)
    start = time.process_time()
    groups = near_duplicate_groups(texts)
    assert time.process_time() - start < 15
    assert len(groups) == 20_000


def test_nothing_in_nothing_out() -> None:
    assert near_duplicate_groups([]).tolist() == []
    assert near_duplicate_groups(["a", "", "b"]).tolist() == [0, 1, 2]


def test_components_are_those_of_following_every_link() -> None:
    draw = np.random.default_rng(6)
    for n, links in ((1, 0), (30, 10), (200, 150), (200, 400)):
        pairs = draw.integers(0, n, (links, 2))
        least = np.arange(n)
        for _ in range(n):
            for one, other in pairs:
                least[[one, other]] = least[[one, other]].min()
        assert connected(n, pairs).tolist() == least.tolist()
