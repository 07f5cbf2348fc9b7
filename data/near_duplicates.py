"""Which prompts are nearly the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.intp]
Hashes = npt.NDArray[np.uint64]

SIMILARITY = 0.7
"""Prompts whose shingles have at least this Jaccard index are near-duplicates."""

_SHINGLE = 5  # characters
_EDGE = 2000  # characters compared at either end of a long prompt
_BANDS, _BAND_ROWS = 12, 3  # finds a pair at the threshold with probability 1 - (1 - 0.7**3)**12 = 0.994
_COMMON_SHARE, _COMMON_LEAST = 0.01, 20
_PAIRS_AT_ONCE = 20_000
_COLUMN_BITS = np.uint64(31)
_NOT_WORDS = re.compile(r"[\W_]+")


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
    alike = Alike.of([normal_text(text) for text in texts])
    return numbered(connected(len(alike.distinct), alike.pairs)[alike.place])


@dataclass(frozen=True, eq=False)
class Alike:
    """Distinct texts, and which of them are nearly the same.

    Args:
        distinct: The texts, each once, sorted.
        place: Position of each given text among them, ``(n_texts,)``.
        pairs: Positions of near-duplicates, ``(n_pairs, 2)``: enough of them to connect every group.
    """

    distinct: list[str]
    place: Rows
    pairs: Rows

    @classmethod
    def of(cls, normal: Sequence[str]) -> Alike:
        """What is alike among these texts, which `normal_text` made."""
        distinct = sorted(set(normal))
        at = {text: position for position, text in enumerate(distinct)}
        place = np.fromiter((at[text] for text in normal), np.intp, len(normal))
        return cls(distinct, place, _near_pairs(_shingles(distinct)))


def normal_text(text: str) -> str:
    """The text without case, punctuation and runs of white space; its own characters if it has no word."""
    folded = text.casefold()
    if len(folded) > 4 * _EDGE:
        folded = folded[: 2 * _EDGE] + " " + folded[-2 * _EDGE :]
    return _NOT_WORDS.sub(" ", folded).strip() or folded.strip()


def connected(n: int, pairs: Rows) -> Rows:
    """The least member of each node's connected component, ``(n,)``."""
    root = np.arange(n)
    while True:
        ends = root[pairs]
        low, high = ends.min(1, initial=n), ends.max(1, initial=-1)
        if (low == high).all():
            return root
        np.minimum.at(root, high, low)
        while ((up := root[root]) != root).any():
            root = up


def numbered(labels: Rows) -> npt.NDArray[np.int64]:
    """The labels as numbers from 0, in the order in which they come."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


@dataclass(frozen=True, eq=False)
class _Sets:
    """A set of hashes of each row, one after the other, each sorted: rows of a sparse matrix of ones."""

    values: Hashes
    starts: npt.NDArray[np.int64]

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        return np.diff(self.starts)

    def shared(self, left: Rows, right: Rows) -> npt.NDArray[np.int64]:
        """How many hashes each pair of rows has in common."""
        sizes = self.sizes
        lengths = np.concatenate([sizes[left], sizes[right]])
        starts = np.concatenate([self.starts[left], self.starts[right]])
        pair = np.repeat(np.tile(np.arange(len(left), dtype=np.uint64), 2), lengths)
        keys = np.sort(pair << _COLUMN_BITS | self.values[_ranges(starts, lengths)])
        twice = keys[1:][keys[1:] == keys[:-1]] >> _COLUMN_BITS
        return np.bincount(twice.astype(np.intp), minlength=len(left))


def _shingles(texts: Sequence[str]) -> _Sets:
    """Distinctive shingles of each text, as hashes of 31 bits."""
    clipped = [text if len(text) <= 2 * _EDGE else text[:_EDGE] + text[-_EDGE:] for text in texts]
    lengths = np.fromiter((max(len(text) - _SHINGLE + 1, 0) for text in clipped), np.int64, len(clipped))
    codes = np.frombuffer("".join(clipped).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    hashes = np.zeros(max(len(codes) - _SHINGLE + 1, 0), np.uint64)
    for at in range(_SHINGLE):
        hashes *= np.uint64(0x100000001B3)
        hashes += codes[at : at + len(hashes)]
    starts = np.cumsum([0, *(len(text) for text in clipped)])[:-1]
    columns = (_mixed(hashes) >> np.uint64(33))[_ranges(starts, lengths)]
    rows = np.repeat(np.arange(len(texts), dtype=np.uint64), lengths)
    keys = np.sort(rows << _COLUMN_BITS | columns)
    return _without_common(keys[_first_of_each(keys)], len(texts))


def _without_common(keys: Hashes, n: int) -> _Sets:
    """The sets of pairs of row and hash, without the hashes that occur in many rows."""
    values = keys & ((np.uint64(1) << _COLUMN_BITS) - np.uint64(1))
    ordered = np.sort(values)
    first = np.flatnonzero(_first_of_each(ordered))
    counts = np.diff(first, append=len(ordered))
    common = ordered[first[counts > max(_COMMON_LEAST, _COMMON_SHARE * n)]]
    kept = np.append(common, ~np.uint64(0))[np.searchsorted(common, values)] != values
    rows = (keys[kept] >> _COLUMN_BITS).astype(np.intp)
    return _Sets(values[kept], np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))]))


def _first_of_each(ordered: Hashes) -> npt.NDArray[np.bool_]:
    """Where a run of equal values begins; sorting and this is quicker than `numpy.unique`."""
    return np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)]


def _near_pairs(sets: _Sets) -> Rows:
    """Pairs of rows with a Jaccard index of at least `SIMILARITY`, ``(n_pairs, 2)``."""
    pairs = _candidates(sets)
    sizes = sets.sizes
    near = np.zeros(len(pairs), np.bool_)
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        left, right = pairs[start : start + _PAIRS_AT_ONCE].T
        both = sets.shared(left, right)
        near[start : start + len(left)] = both >= SIMILARITY * (sizes[left] + sizes[right] - both)
    return pairs[near]


def _candidates(sets: _Sets) -> Rows:
    """Pairs of rows that agree in all signature rows of some band, each once, ``(n_pairs, 2)``."""
    rows = np.flatnonzero(sets.sizes)
    found = [np.empty((0, 2), np.intp)]
    if len(rows):
        for band in range(_BANDS):
            keys = np.zeros(len(rows), np.uint64)
            for at in range(_BAND_ROWS):
                keys = _mixed(keys + _signature(sets, rows, band * _BAND_ROWS + at))
            order = np.argsort(keys, kind="stable")
            same = keys[order][1:] == keys[order][:-1]
            first = np.maximum.accumulate(np.where(np.concatenate([[True], ~same]), np.arange(len(order)), 0))
            later = np.flatnonzero(same) + 1
            # In a bucket each row meets its neighbour and the first: linear in its size, and links enough.
            for other in (later - 1, first[later]):
                found.append(np.stack([rows[order[other]], rows[order[later]]], axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _signature(sets: _Sets, rows: Rows, number: int) -> Hashes:
    """Least hash of each row's shingles under one of the hash functions."""
    salt = _mixed(np.array([number + 1], np.uint64))
    hashes = (sets.values + salt) * (salt | np.uint64(1))
    hashes ^= hashes >> np.uint64(32)
    hashes *= np.uint64(0x9E3779B97F4A7C15)
    least: Hashes = np.minimum.reduceat(hashes >> np.uint64(16), sets.starts[rows])
    return least


def _mixed(values: Hashes) -> Hashes:
    """Each value scrambled (the finaliser of SplitMix64: Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _ranges(starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The numbers ``start .. start + length - 1`` of each pair, one after the other."""
    ends = np.cumsum(lengths)
    shifts: npt.NDArray[np.int64] = np.repeat(starts - (ends - lengths), lengths)
    return shifts + np.arange(len(shifts))
