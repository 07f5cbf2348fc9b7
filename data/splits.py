"""Which prompts are nearly the same, and splits that keep such prompts on one side."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from routoo.data.errors import InputError
from routoo.data.outcomes import PARTS, Part

Rows = npt.NDArray[np.intp]

SIMILARITY = 0.7
"""Prompts whose shingles have at least this Jaccard index are near-duplicates."""

_SHINGLE = 5  # characters
_EDGE = 2000  # characters compared at either end of a long prompt
_BANDS, _BAND_ROWS = 12, 3  # finds a pair at the threshold with probability 1 - (1 - 0.7**3)**12 = 0.994
_COMMON_SHARE, _COMMON_LEAST = 0.01, 20
_PAIRS_AT_ONCE = 20_000
_FEW = 10  # prompts of a part: fewer are counted off, since chance could leave none
_NOT_WORDS = re.compile(r"[\W_]+")


def split_prompts(texts: Sequence[str], *, seed: int, val: float, test: float) -> list[Part]:
    """The part of each prompt: ``train``, ``val`` or ``test``; near-duplicates get the same.

    A prompt's part follows from its text and the seed, whatever other prompts there are: a set that grows
    or shrinks keeps its split, and nothing in test was learned from before, save that a prompt which
    gains a near-duplicate may change sides with it. The shares are then met but for chance. Where prompts
    are too few for that, or one group of near-duplicates too large, the shares are met as closely as the
    groups allow.

    Args:
        texts: Prompts.
        seed: Which of the possible splits.
        val: Share of the prompts to choose settings on.
        test: Share of the prompts to report on.

    Raises:
        InputError: A share is negative, or nothing is left to train on.

    >>> split_prompts(["2 + 2?", "Name a river.", "2 + 2 ?"], seed=0, val=0, test=0.34)
    ['train', 'test', 'train']
    """
    if not (0 <= val < 1 and 0 <= test < 1 and val + test < 1):
        raise InputError(
            "val and test are shares of at least 0 that leave something to train on, "
            f"got val={val:g}, test={test:g}"
        )
    normal = [_normal(text) for text in texts]
    groups = _groups(normal)
    rows = np.argsort(groups, kind="stable")
    members = np.split(rows, np.flatnonzero(np.diff(groups[rows])) + 1) if len(rows) else []
    drawn = [_uniform(min(normal[row] for row in group), seed) for group in members]
    sizes = [len(group) for group in members]
    parts: list[Part] = ["train"] * len(texts)
    for group, part in zip(members, _parts(drawn, sizes, val=val, test=test), strict=True):
        for row in group:
            parts[row] = part
    return parts


def split_seed_of(trained_on: Mapping[str, Any]) -> int:
    """The seed by which a predictor splits outcomes that come without a split, so that test stays unseen.

    Args:
        trained_on: Its record; where that is too old to say, prompts were split by the seed of training.

    >>> split_seed_of({"split_seed": 3, "options": {"seed": 5}}), split_seed_of({"options": {"seed": 5}})
    (3, 5)
    """
    return int(trained_on.get("split_seed", trained_on.get("options", {}).get("seed", 0)))


def near_duplicate_groups(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Group number of each prompt, ``(n_prompts,)``, from 0; near-duplicates share one.

    Two prompts are near-duplicates when they agree but for case, punctuation and white space, or when
    the Jaccard index of their sets of five-character shingles is at least `SIMILARITY`. Shingles that
    occur in more than one in a hundred prompts are left out: templates and common words make nobody
    alike. Of a long prompt the first and last 2,000 characters are compared.

    Candidates come from locality-sensitive hashing of minwise signatures (Broder 1997; Indyk and
    Motwani 1998) and are then compared exactly. Groups are closed under "nearly the same as".

    >>> near_duplicate_groups(["Name a river.", "2 + 2?", "name a RIVER"]).tolist()
    [0, 1, 0]
    """
    return _groups([_normal(text) for text in texts])


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


def _groups(normal: Sequence[str]) -> npt.NDArray[np.int64]:
    """Group number of each normalised text, numbered as they come."""
    if not normal:
        return np.empty(0, np.int64)
    distinct = sorted(set(normal))
    place = {text: at for at, text in enumerate(distinct)}
    pairs = _near_pairs(_shingles(distinct))
    links = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(distinct),) * 2)
    labels = connected_components(links, directed=False)[1][[place[text] for text in normal]]
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


def _normal(text: str) -> str:
    """The text without case, punctuation and runs of white space; its own characters if it has no word."""
    folded = text.casefold()
    if len(folded) > 4 * _EDGE:
        folded = folded[: 2 * _EDGE] + " " + folded[-2 * _EDGE :]
    return _NOT_WORDS.sub(" ", folded).strip() or folded.strip()


def _shingles(texts: Sequence[str]) -> csr_array:
    """Distinctive shingles of each text, as the columns of a matrix of ones ``(n_texts, 2**31)``."""
    clipped = [text if len(text) <= 2 * _EDGE else text[:_EDGE] + text[-_EDGE:] for text in texts]
    lengths = np.fromiter((max(len(text) - _SHINGLE + 1, 0) for text in clipped), np.int64, len(clipped))
    codes = np.frombuffer("".join(clipped).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    hashes = np.zeros(max(len(codes) - _SHINGLE + 1, 0), np.uint64)
    for at in range(_SHINGLE):
        hashes *= np.uint64(0x100000001B3)
        hashes += codes[at : at + len(hashes)]
    starts = np.cumsum([0, *(len(text) for text in clipped)])[:-1]
    columns = (_mixed(hashes) >> np.uint64(33)).astype(np.int32)[_ranges(starts, lengths)]
    matrix = csr_array(
        (np.ones(len(columns), np.int32), columns, np.concatenate([[0], np.cumsum(lengths)])),
        shape=(len(texts), 2**31 - 1),
    )
    matrix.sum_duplicates()
    return _without_common(matrix)


def _without_common(matrix: csr_array) -> csr_array:
    """The matrix with ones, and without the columns that occur in many rows."""
    columns = np.sort(matrix.indices)
    starts = np.flatnonzero(np.diff(columns, prepend=-1))
    counts = np.diff(starts, append=len(columns))
    common = columns[starts[counts > max(_COMMON_LEAST, _COMMON_SHARE * matrix.shape[0])]]
    kept = np.append(common, -1)[np.searchsorted(common, matrix.indices)] != matrix.indices
    ends = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    return csr_array((np.ones(ends[-1], np.int32), matrix.indices[kept], ends), shape=matrix.shape)


def _near_pairs(matrix: csr_array) -> Rows:
    """Pairs of rows with a Jaccard index of at least `SIMILARITY`, ``(n_pairs, 2)``."""
    pairs = _candidates(matrix)
    sizes = np.diff(matrix.indptr)
    near = np.zeros(len(pairs), np.bool_)
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        left, right = pairs[start : start + _PAIRS_AT_ONCE].T
        both = np.asarray(matrix[left].multiply(matrix[right]).sum(axis=1)).ravel()
        near[start : start + len(left)] = both >= SIMILARITY * (sizes[left] + sizes[right] - both)
    return pairs[near]


def _candidates(matrix: csr_array) -> Rows:
    """Pairs of rows that agree in all signature rows of some band, each once, ``(n_pairs, 2)``."""
    rows = np.flatnonzero(np.diff(matrix.indptr))
    found = [np.empty((0, 2), np.intp)]
    if len(rows):
        for band in range(_BANDS):
            keys = np.zeros(len(rows), np.uint64)
            for at in range(_BAND_ROWS):
                keys = _mixed(keys + _signature(matrix, rows, band * _BAND_ROWS + at))
            order = np.argsort(keys, kind="stable")
            same = keys[order][1:] == keys[order][:-1]
            first = np.maximum.accumulate(np.where(np.concatenate([[True], ~same]), np.arange(len(order)), 0))
            later = np.flatnonzero(same) + 1
            # In a bucket each row meets its neighbour and the first: linear in its size, and links enough.
            for other in (later - 1, first[later]):
                found.append(np.stack([rows[order[other]], rows[order[later]]], axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _signature(matrix: csr_array, rows: Rows, number: int) -> npt.NDArray[np.uint64]:
    """Least hash of each row's shingles under one of the hash functions."""
    salt = _mixed(np.array([number + 1], np.uint64))
    hashes = (matrix.indices.astype(np.uint64) + salt) * (salt | np.uint64(1))
    hashes ^= hashes >> np.uint64(32)
    hashes *= np.uint64(0x9E3779B97F4A7C15)
    least: npt.NDArray[np.uint64] = np.minimum.reduceat(hashes >> np.uint64(16), matrix.indptr[rows])
    return least


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Each value scrambled (the finaliser of SplitMix64: Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _ranges(starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The numbers ``start .. start + length - 1`` of each pair, one after the other."""
    ends = np.cumsum(lengths)
    shifts: npt.NDArray[np.int64] = np.repeat(starts - (ends - lengths), lengths)
    return shifts + np.arange(len(shifts))


def _uniform(text: str, seed: int) -> float:
    """A number in [0, 1) that only this text has."""
    digest = hashlib.sha256(f"{seed}:{text}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6]) / 2**48


def _parts(drawn: Sequence[float], sizes: Sequence[int], *, val: float, test: float) -> list[Part]:
    """The part of each group: by its number alone, unless that can leave a part far from its share."""
    wanted = _sizes(sum(sizes), val=val, test=test)
    parts: list[Part] = []
    for at, size in zip(drawn, sizes, strict=True):
        part: Part = "test" if at < test else "val" if at < test + val else "train"
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
