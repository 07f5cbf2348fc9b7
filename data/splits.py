"""Splits that keep near-duplicates on one side, and what is kept of them when a set grows."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from routoo.data.checks.arguments import number
from routoo.data.errors import InputError
from routoo.data.near_duplicates import Alike, Rows, connected, near_duplicate_groups, normal_text

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")

_FEW = 10  # prompts of a part: fewer are counted off, since chance could leave none
_PULL = {part: at for at, part in enumerate(PARTS)}
"""Of several parts that near-duplicates of a prompt are in, it joins the one with the highest number."""


@dataclass(frozen=True, eq=False)
class Placed:
    """Prompts that have their parts: what a split from before is, where its prompts are at hand.

    Args:
        ids: Id of each prompt.
        texts: Its text.
        parts: Its part.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    parts: Sequence[Part]


@dataclass(frozen=True, eq=False)
class Split:
    """Which prompts are in which part, by fingerprints of their texts: what a predictor keeps of its data.

    Args:
        seed: Decides on prompts that are not known.
        parts: Part of each known prompt, by its `fingerprint`.
    """

    seed: int = 0
    parts: Mapping[int, Part] = field(default_factory=dict)

    @classmethod
    def of(cls, placed: Placed, *, seed: int = 0) -> Split:
        """The split that these prompts have; a text that is in several parts was learned from."""
        return cls(seed).with_learned(placed)

    def with_learned(self, placed: Placed) -> Split:
        """The split with these prompts too; what either learned from stays so."""
        known = dict(self.parts)
        for text, part in zip(placed.texts, placed.parts, strict=True):
            key = fingerprint(text)
            known[key] = min(part, known.get(key, part), key=_PULL.__getitem__)
        return Split(self.seed, known)

    def part_of(self, text: str) -> Part | None:
        """The part that this text is known to be in, if any."""
        return self.parts.get(fingerprint(text))

    def n_known(self, texts: Sequence[str]) -> int:
        """How many of these texts it knows."""
        return sum(self.part_of(text) is not None for text in texts)

    def tested(self, text: str) -> bool:
        """Whether this prompt is known to be in test."""
        return self.part_of(text) == "test"

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """The split as JSON: of each part the sorted fingerprints, eight bytes each, in base 64."""
        keys = {part: sorted(key for key, there in self.parts.items() if there == part) for part in PARTS}
        return {"seed": self.seed} | {
            part: base64.b64encode(np.array(found, ">u8").tobytes()).decode() for part, found in keys.items()
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Split:  # Any: a JSON document
        """The split that `to_dict` wrote.

        Raises:
            InputError: It is no such document.

        >>> Split.from_dict(Split(3, {fingerprint("2 + 2?"): "test"}).to_dict()).tested("2 + 2")
        True
        """
        try:
            parts = {
                key: part
                for part in PARTS
                for key in np.frombuffer(base64.b64decode(document[part], validate=True), ">u8").tolist()
            }
            return cls(int(document["seed"]), parts)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"not a split: {error!r}") from None


def fingerprint(text: str) -> int:
    """64 bits by which a text is known again, whatever its case, punctuation and white space.

    >>> fingerprint("Name a river.") == fingerprint("name a  RIVER")
    True
    """
    digest = hashlib.sha256(normal_text(text).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8])


def split_prompts(
    texts: Sequence[str],
    *,
    seed: int,
    val: float,
    test: float,
    known: Sequence[Part | None] | None = None,
    links: Iterable[tuple[int, int]] = (),
) -> list[Part]:
    """The part of each prompt: ``train``, ``val`` or ``test``; near-duplicates get the same.

    Where nothing is known, a prompt's part follows from its text and the seed, and the shares are met but for
    chance. Where prompts are too few for that, or one group of near-duplicates too large, the shares are met
    as closely as the groups allow. A part then hangs on the other prompts: one that gains a near-duplicate
    may change sides with it, and so may any of a set that was or becomes that small.

    What is known stays. Of the rest, near-duplicates of a prompt in test are in test, then those of one in
    val, then those of one in train; what is like nothing known follows from its text and the seed alone.

    Args:
        texts: Prompts.
        seed: Which of the possible splits.
        val: Share of the prompts to choose settings on.
        test: Share of the prompts to report on.
        known: Part of each prompt from before, None for those that are new.
        links: Pairs of rows that count as near-duplicates, whatever their texts.

    Raises:
        InputError: A share is negative, or nothing is left to train on.

    >>> split_prompts(["2 + 2?", "Name a river.", "2 + 2 ?"], seed=0, val=0, test=0.34)
    ['train', 'test', 'train']
    >>> split_prompts(["2 + 2?", "2 + 2 ?"], seed=0, val=0, test=0.34, known=["test", None])
    ['test', 'test']
    """
    val, test = number("val", val, most=1), number("test", test, most=1)
    seed = number("seed", seed, whole=True)
    if not val + test < 1:
        raise InputError(f"val and test must leave something to train on, got val={val:g}, test={test:g}")
    alike = Alike.of([normal_text(text) for text in texts])
    if known is None or not any(known):
        roots = connected(len(alike.distinct), alike.pairs)[alike.place]
        found, sizes = np.unique(roots, return_counts=True)
        drawn = [_uniform(alike.distinct[root], seed) for root in found]
        part_of = dict(zip(found.tolist(), _parts(drawn, sizes.tolist(), val=val, test=test), strict=True))
        return [part_of[root] for root in roots.tolist()]
    roots, pull = _pulled(alike, known, links)
    new = {
        root: _by_number(_uniform(alike.distinct[root], seed), val=val, test=test)
        for root in set(roots.tolist())
    }
    return [
        before or (PARTS[pull[root]] if pull[root] >= 0 else new[root])
        for before, root in zip(known, roots.tolist(), strict=True)
    ]


def continued_parts(
    ids: Sequence[str], texts: Sequence[str], keep: Placed | Split, *, seed: int, val: float, test: float
) -> list[Part]:
    """The part of each prompt, with those of a split from before kept.

    A prompt is known by its text, or by its id and its text where the earlier prompts are at hand; one with a
    known id and another text counts as a near-duplicate of what it was.
    """
    if isinstance(keep, Split):
        known = [keep.part_of(text) for text in texts]
        return split_prompts(texts, seed=seed, val=val, test=test, known=known)
    row_of = {prompt_id: row for row, prompt_id in enumerate(keep.ids)}
    same, links = [], []
    for row, (prompt_id, text) in enumerate(zip(ids, texts, strict=True)):
        before = row_of.get(prompt_id)
        if before is not None:
            links.append((before, len(keep.ids) + row))
        same.append(None if before is None or not _same(keep.texts[before], text) else keep.parts[before])
    parts = split_prompts(
        [*keep.texts, *texts], seed=seed, val=val, test=test, known=[*keep.parts, *same], links=links
    )
    return parts[len(keep.ids) :]


def _pulled(
    alike: Alike, known: Sequence[Part | None], links: Iterable[tuple[int, int]]
) -> tuple[Rows, Rows]:
    """First text of each row's group, and the number of the part that pulls each text; -1 where none does.

    A text that is known is a group of its own; new texts are one group where they are alike.
    """
    linked = alike.place[np.array([*links], np.intp).reshape(-1, 2)]
    pairs = np.concatenate([alike.pairs, linked])
    pull = np.full(len(alike.distinct), -1)
    before = np.array([-1 if part is None else _PULL[part] for part in known])
    np.maximum.at(pull, alike.place, before)
    new = pull < 0
    group = connected(len(pull), pairs[new[pairs].all(1)])
    either = pairs[new[pairs].sum(1) == 1]
    mine, other = np.where(new[either[:, 0]], either.T, either.T[::-1])
    np.maximum.at(pull, group[mine], pull[other])
    return group[alike.place], pull


def count_straddling(texts: Sequence[str], parts: Sequence[str]) -> int:
    """How many prompts have a near-duplicate in another part of a split.

    >>> count_straddling(["Name a river.", "name a RIVER", "2 + 2?"], ["train", "test", "test"])
    2
    """
    groups = near_duplicate_groups(texts)
    _, part = np.unique(np.asarray(parts, dtype=object).astype(str), return_inverse=True)
    n = int(groups.max(initial=-1)) + 1
    kinds = np.bincount(np.unique(np.stack([groups, part], axis=1), axis=0)[:, 0], minlength=n)
    return int((kinds[groups] > 1).sum())


def _same(one: str, other: str) -> bool:
    return one == other or normal_text(one) == normal_text(other)


def _uniform(text: str, seed: int) -> float:
    """A number in [0, 1) that only this text has."""
    digest = hashlib.sha256(f"{seed}:{text}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6]) / 2**48


def _by_number(number: float, *, val: float, test: float) -> Part:
    return "test" if number < test else "val" if number < test + val else "train"


def _parts(drawn: Sequence[float], sizes: Sequence[int], *, val: float, test: float) -> list[Part]:
    """The part of each group: by its number alone, unless that can leave a part far from its share."""
    wanted = _sizes(sum(sizes), val=val, test=test)
    parts: list[Part] = []
    for at, size in zip(drawn, sizes, strict=True):
        part = _by_number(at, val=val, test=test)
        parts.append(part if size <= wanted[part] else "train")
    got = dict.fromkeys(PARTS, 0)
    for part, size in zip(parts, sizes, strict=True):
        got[part] += size
    by_chance = [part for part in PARTS if wanted[part]]
    if all(_FEW <= wanted[part] <= 2 * got[part] <= 4 * wanted[part] for part in by_chance):
        return parts
    room, parts = wanted, ["train"] * len(sizes)
    for at in sorted(range(len(sizes)), key=lambda at: drawn[at]):
        for part in ("test", "val"):
            if sizes[at] <= room[part]:
                parts[at] = part
                room[part] -= sizes[at]
                break
    return parts


def _sizes(n: int, *, val: float, test: float) -> dict[Part, int]:
    """Prompts of each part: the shares rounded, and one of each that is wanted where n allows."""
    wanted = [max(round(share * n), 1 if share > 0 else 0) for share in (val, test)]
    while sum(wanted) > max(n - 1, 0):
        wanted[int(np.argmax(wanted))] -= 1
    return {"train": n - sum(wanted), "val": wanted[0], "test": wanted[1]}
