"""Near-duplicates stay on one side, and what was split once stays split so."""

import random
from collections import Counter
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routoo.data.errors import InputError
from routoo.data.near_duplicates import Alike, near_duplicate_groups, normal_text
from routoo.data.outcomes import Outcomes
from routoo.data.splits import Split, count_straddling, split_prompts

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
    with pytest.raises(InputError, match=r"leave something to train on|at least 0 and at most 1"):
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


def grown(texts: dict[str, str]) -> Outcomes:
    """Outcomes of these prompts, by id."""
    ids, prompts = list(texts), list(texts.values())
    return Outcomes(
        pl.DataFrame({"prompt_id": ids, "prompt": prompts}),
        pl.DataFrame({"prompt_id": ids, "model": "m", "score": 1.0}),
    )


def parts_of(outcomes: Outcomes) -> dict[str, str]:
    return dict(outcomes.prompts.select("prompt_id", "split").iter_rows())


def variant(text: str, draw: random.Random) -> str:
    """Nearly the same text: another case, a lead-in, a word more."""
    words = text.split()
    at = draw.randrange(len(words))
    return draw.choice([text.upper(), f"Please: {text}", " ".join([*words[:at], "indeed", *words[at:]])])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(1, 3), by_fingerprint=st.booleans())
def test_whatever_is_added_what_was_split_stays_and_what_is_like_test_joins_it(
    sentences: Sentences, seed: int, steps: int, by_fingerprint: bool
) -> None:
    """Growth at random, near-duplicates and bridges between two earlier prompts among what is added."""
    draw = random.Random(seed)
    texts = {f"q{at}": text for at, text in enumerate(sentences(draw.randrange(1, 60), seed=seed % 997))}
    outcomes = grown(texts).with_split(seed=seed % 5, val=0.2, test=0.3)
    for step in range(steps):
        before, earlier = parts_of(outcomes), list(texts.values())
        fresh = sentences(draw.randrange(40), seed=draw.randrange(10**6))
        like = {f"v{step}-{at}": variant(draw.choice(earlier), draw) for at in range(draw.randrange(1, 15))}
        bridges = [f"{draw.choice(earlier)} {draw.choice(earlier)}" for _ in range(draw.randrange(6))]
        texts |= {f"n{step}-{at}": text for at, text in enumerate([*fresh, *bridges])} | like
        texts = dict(draw.sample(list(texts.items()), len(texts)))
        keep = Split.of(outcomes.placed(), seed=1) if by_fingerprint else outcomes
        outcomes = grown(texts).with_split(seed=draw.randrange(5), val=0.2, test=0.3, keep=keep)
        after = parts_of(outcomes)
        assert {name: after[name] for name in before} == before
        alike = Alike.of([normal_text(text) for text in texts.values()])
        part_at: dict[int, set[str]] = {}
        for name, at in zip(texts, alike.place.tolist(), strict=True):
            if name in before:
                part_at.setdefault(at, set()).add(before[name])
        tested = {at for at, found in part_at.items() if "test" in found}
        near = {
            one
            for pair in alike.pairs.tolist()
            for one, other in (pair, pair[::-1])
            if other in tested and one not in part_at
        }
        for name, at in zip(texts, alike.place.tolist(), strict=True):
            assert name in before or at not in tested | near or after[name] == "test"
        again = grown(texts).with_split(val=0.2, test=0.3, keep=outcomes)
        assert parts_of(again) == after


def test_without_the_earlier_split_a_grown_set_is_split_anew_and_with_it_test_stays(
    sentences: Sentences,
) -> None:
    """Fourteen in a hundred prompts that gain a bridge to a prompt of another part change sides."""
    draw = random.Random(3)
    texts = {f"q{at}": text for at, text in enumerate(sentences(200, seed=3))}
    first = grown(texts).with_split()
    more = {f"b{at}": variant(text, draw) for at, text in enumerate(draw.sample(list(texts.values()), 100))}
    anew = parts_of(grown(texts | more).with_split())
    kept = parts_of(grown(texts | more).with_split(keep=first))
    before = parts_of(first)
    assert {name: anew[name] for name in before} != before
    assert {name: kept[name] for name in before} == before
    assert count_straddling(list((texts | more).values()), [kept[name] for name in texts | more]) == 0


def test_a_prompt_is_known_by_its_id_where_its_text_was_edited(sentences: Sentences) -> None:
    texts = {f"q{at}": text for at, text in enumerate(sentences(40, seed=4))}
    first, draw = grown(texts).with_split(test=0.5), random.Random(6)
    others = sentences(40, seed=5)
    edited = {
        name: draw.choice([text, other]) for (name, text), other in zip(texts.items(), others, strict=True)
    }
    assert parts_of(grown(edited).with_split(keep=first)) == parts_of(first)
    renamed = {f"r{at}": text for at, text in enumerate(texts.values())}
    found = parts_of(grown(renamed).with_split(keep=first))
    assert list(found.values()) == [
        parts_of(first)[name] for name in sorted(texts, key=lambda n: "r" + n[1:])
    ]


def test_what_was_learned_from_is_never_in_test_by_a_fingerprint() -> None:
    """Where a text stands in two parts, a predictor that knows fingerprints alone has learned from it."""
    frame = pl.DataFrame(
        {"prompt_id": ["a", "b", "c"], "prompt": ["One?", "one", "Two?"], "split": ["test", "train", "val"]}
    )
    scores = pl.DataFrame({"prompt_id": ["a", "b", "c"], "model": "m", "score": 1.0})
    split = Split.of(Outcomes(frame, scores).placed(), seed=2)
    assert Split.from_dict(split.to_dict()).parts == split.parts
    found = Outcomes(frame.drop("split"), scores).with_split(keep=split)
    assert parts_of(found) == {"a": "train", "b": "train", "c": "val"}
    assert Outcomes(frame, scores).with_split(keep=split).prompts["split"].to_list() == [
        "test",
        "train",
        "val",
    ]
    tested = Outcomes(frame.with_columns(split=pl.lit("test")), scores)
    assert split.with_learned(tested.placed()).parts == split.parts


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"seed": 0, "train": "!", "val": "", "test": ""},
        {"seed": "x", "train": "", "val": "", "test": ""},
        {"seed": 0, "train": "QUI=", "val": "", "test": ""},
    ],
)
def test_a_broken_record_of_a_split_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(InputError, match="not a split"):
        Split.from_dict(document)


def test_outcomes_without_a_split_have_none_to_keep() -> None:
    with pytest.raises(InputError, match="has no split column, so that there is no split to keep"):
        grown({"a": "One?"}).with_split(keep=grown({"a": "One?"}))
