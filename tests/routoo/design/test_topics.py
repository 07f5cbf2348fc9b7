"""Groups of prompts that share words."""

import numpy as np
import pytest

from routoo.design.topics import Topics

_WORDS = {
    "cooking": ["rice", "pan", "salt", "oven", "butter", "onion", "garlic", "simmer", "dough", "flour"],
    "sailing": ["mast", "hull", "anchor", "tide", "harbour", "rudder", "keel", "knots", "breeze", "deck"],
    "sums": ["integer", "prime", "divide", "root", "modulo", "digit", "product", "factor", "even", "odd"],
}


def _prompts(each: int, seed: int) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(seed)
    kinds = [kind for kind in _WORDS for _ in range(each)]
    return [" ".join(["please", *rng.choice(_WORDS[kind], 6)]) for kind in kinds], kinds


def test_prompts_about_one_thing_fall_into_one_topic() -> None:
    texts, _ = _prompts(100, seed=0)
    topics = Topics(texts)
    new, kinds = _prompts(50, seed=1)
    groups = topics.groups(new)
    assert len(topics) == 3
    for kind in _WORDS:
        of_kind = groups[[at for at, name in enumerate(kinds) if name == kind]]
        assert np.bincount(of_kind).max() >= 45


def test_the_same_seed_gives_the_same_topics() -> None:
    texts, _ = _prompts(100, seed=0)
    assert (Topics(texts, seed=3).groups(texts) == Topics(texts, seed=3).groups(texts)).all()


@pytest.mark.parametrize("texts", [["alone"], ["same", "same"] * 150, ["?", "!"] * 150, ["\ud800 x"] * 3])
def test_texts_that_say_little_fall_into_some_topic(texts: list[str]) -> None:
    topics = Topics(texts)
    groups = topics.groups([*texts, "never seen", ""])
    assert ((groups >= 0) & (groups < len(topics))).all()
