"""Near-duplicate texts: clusters by Jaccard similarity of shingles, found with MinHash and banding.

The method is Broder's (On the resemblance and containment of documents, 1997) with the banding of Leskovec,
Rajaraman and Ullman (Mining of Massive Datasets, chapter 3). All texts are worked on at once in flat numpy
arrays, several times faster than with one sketch object a text; time and memory grow linearly with the text.
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import chain

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from podium.unspaced import LETTERS

WORDS = 3
"""Words of a shingle. One changed word spoils 3 shingles: at 0.8, texts of 27 words may differ in one."""
CHARACTERS = 5
"""Characters of a shingle in scripts that put no spaces between words."""

_PERMUTATIONS = 128
_MISSED = 0.001
"""Highest chance that a pair just at the threshold is never compared."""
_ALL_PAIRS = 16
"""Members of a bucket up to which all pairs are compared; a larger one costs two comparisons a member."""
_PAIRS_AT_ONCE = 50_000
_TEXTS_AT_ONCE = 20_000

_WORD = re.compile(r"\w+")
_LINK = re.compile(r"(?:https?://|www\.)\S+|@\w+", re.IGNORECASE)
_NORMALISED = 100_000
"""Characters up to which a text is normalised: the time grows with the square of runs of combining marks."""
_UNSPACED = re.compile(f"[{LETTERS}]")


def clusters(texts: Sequence[str], *, threshold: float, seed: int) -> np.ndarray:
    """Return the cluster label of each text (N,) int, numbered in the order of first rows.

    Texts that are equal after case folding and collapsing of whitespace are always together. Otherwise two texts
    are joined when the Jaccard similarity of their sets of shingles is at least ``threshold`` (0 < threshold <= 1),
    and clusters are the connected components. Shingles are runs of 3 words, punctuation ignored, or of 5
    characters where at least half of the letters belong to a script without spaces (Chinese, Japanese, Thai, ...).
    A text shorter than that has one shingle, the whole: it joins only texts of the same words. A text without
    any word joins only equal ones.

    A pair at the threshold is compared with probability 0.999, and more surely above it; pairs are accepted only
    on their exact similarity (up to collisions of 64-bit hashes). Nothing is quadratic: in a bucket of more than
    16 texts one of each cluster found so far is compared, and with more than 16 of these each is compared with
    the first and with the one before it only.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be in (0, 1], not {threshold}")
    rows, unique = pd.factorize(np.array([folded(t) for t in texts], dtype=object))
    joined = _near(_shingles(list(unique)), threshold=threshold, seed=seed)
    return pd.factorize(joined[rows])[0]


def folded(text: str) -> str:
    """Return a text without the differences of case and white space."""
    return " ".join(text.casefold().split())


def canonical(text: str) -> str:
    """What is left of a text when everything is gone that normalising may take away.

    Compatibility forms, case, links, mentions and punctuation do not count: texts that differ in these alone are the
    same to a model that reads a cleaned view.
    """
    plain = _LINK.sub(" ", unicodedata.normalize("NFKC", text) if len(text) <= _NORMALISED else text)
    return " ".join(_WORD.findall(plain.casefold()))


def comparable(segments: Sequence[Sequence[str]]) -> tuple[list[str], list[str]]:
    """Return the two forms (N each) in which rows of one or two text segments (S, N) are compared: raw and canonical.

    A pair is one text; the NUL between its segments is no word and no whitespace.
    """
    plain = [[canonical(text) for text in texts] for texts in segments]
    raw, canon = (["\0".join(row) for row in zip(*form, strict=True)] for form in (segments, plain))
    return raw, canon


def resembling(
    texts: Sequence[str],
    others: Sequence[str],
    group: np.ndarray,
    *,
    groups: int,
    threshold: float | None,
    seed: int,
) -> np.ndarray:
    """Return for each of ``texts`` (N) whether it resembles one of each group of ``others`` (N, G) bool.

    ``group`` (M,) int is the group of each other text, 0..G-1. Two texts resemble each other where ``clusters`` would
    join the two alone; ``threshold`` None counts only texts that are equal after case folding and collapsing of
    whitespace. Nothing is quadratic: in a bucket with more than 16 others of a group a text is compared with 16 of
    these, which each band draws anew.
    """
    same = [folded(text) for text in chain(texts, others)]
    rows, unique = pd.factorize(np.array(same, dtype=object))
    mine, theirs = rows[: len(texts)], rows[len(texts) :]
    found = np.zeros((len(unique), groups), dtype=bool)
    found[theirs, group] = True
    if threshold is not None:
        asked = np.bincount(mine, minlength=len(unique)) > 0
        _add_near(found, _shingles(list(unique)), asked, threshold=threshold, seed=seed)
    return found[mine]


def _add_near(
    found: np.ndarray, shingles: csr_array, asked: np.ndarray, *, threshold: float, seed: int
) -> None:
    """Mark in ``found`` (D, G) the groups that hold a near-duplicate of each document that is ``asked`` (D,) about."""
    filled = np.flatnonzero(np.diff(shingles.indptr))
    document, group = np.nonzero(found)
    known = np.isin(document, filled)
    document, group = document[known], group[known]
    left = filled[asked[filled]]
    if not len(document) or not len(left):
        return
    starts, mixed = shingles.indptr[filled], _mix32(shingles.indices.astype(np.uint32))
    place = np.zeros(len(found), dtype=np.int64)
    place[filled] = np.arange(len(filled))
    bands, rows = _bands(threshold)
    rng = np.random.default_rng(seed)
    for _ in range(bands):
        keys = _band_keys(mixed, starts, rows=rows, rng=rng)
        theirs = keys[place[document]]
        order = np.lexsort((rng.random(len(document)), group, theirs))
        first = np.r_[True, (np.diff(theirs[order]) != 0) | (np.diff(group[order]) != 0)]
        run = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
        order = order[np.arange(len(order)) - run < _ALL_PAIRS]
        low = np.searchsorted(theirs[order], keys[place[left]], side="left")
        size = np.searchsorted(theirs[order], keys[place[left]], side="right") - low
        for part in np.array_split(np.arange(len(left)), 1 + size.sum() // _PAIRS_AT_ONCE):
            one = np.repeat(left[part], size[part])
            offset = np.arange(len(one)) - np.repeat(np.cumsum(size[part]) - size[part], size[part])
            other = order[np.repeat(low[part], size[part]) + offset]
            new = ~found[one, group[other]]
            one, other = one[new], other[new]
            near = _jaccard(shingles, one, document[other]) >= threshold
            found[one[near], group[other[near]]] = True


def similarity(texts: Sequence[str], left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the Jaccard similarity (P,) of the shingles of pairs of texts, whose positions are ``left`` and ``right``.

    It is what ``clusters`` compares with its threshold; texts that are equal after case folding and collapsing of
    whitespace have 1, one without any shingle and another one 0.
    """
    same = [folded(text) for text in texts]
    rows, unique = pd.factorize(np.array(same, dtype=object))
    shingles = _shingles(list(unique))
    one, other = rows[left], rows[right]
    filled = np.diff(shingles.indptr) > 0
    some = filled[one] & filled[other]
    found = np.where(one == other, 1.0, 0.0)
    found[some] = _jaccard(shingles, one[some], other[some])
    return found


def components(*labelings: np.ndarray) -> np.ndarray:
    """Return labels (N,) of the finest partition that keeps together what any labelling (N,) keeps together.

    Labels are numbered in the order of first rows. Negative labels stand for rows tied to nothing.
    """
    size = len(labelings[0])
    edges = []
    offset = size
    for labels in labelings:
        tied = np.flatnonzero(labels >= 0)
        codes, found = pd.factorize(labels[tied])
        edges.append((tied, codes + offset))
        offset += len(found)
    left, right = (np.concatenate(side) for side in zip(*edges, strict=True))
    graph = coo_array((np.ones(len(left), dtype=bool), (left, right)), shape=(offset, offset))
    _, component = connected_components(graph, directed=False)
    return pd.factorize(component[:size])[0]


def _near(shingles: csr_array, *, threshold: float, seed: int) -> np.ndarray:
    """Return labels (D,) of the connected components of documents with Jaccard >= threshold."""
    documents = shingles.shape[0]
    label = np.arange(documents)
    filled = np.flatnonzero(np.diff(shingles.indptr))
    if not len(filled):
        return label
    starts = shingles.indptr[filled]
    mixed = _mix32(shingles.indices.astype(np.uint32))
    bands, rows = _bands(threshold)
    rng = np.random.default_rng(seed)
    for _ in range(bands):
        keys = _band_keys(mixed, starts, rows=rows, rng=rng)
        left, right = _candidates(keys, label[filled])
        left, right = filled[left], filled[right]
        same = _jaccard(shingles, left, right) >= threshold
        label = _merge(label, left[same], right[same])
    return label


def _bands(threshold: float) -> tuple[int, int]:
    """Return how many bands of how many rows: the longest bands that miss hardly any pair at the threshold."""
    for rows in range(_PERMUTATIONS, 0, -1):
        bands = _PERMUTATIONS // rows
        if (1 - threshold**rows) ** bands <= _MISSED:
            return bands, rows
    return _PERMUTATIONS, 1


def _band_keys(mixed: np.ndarray, starts: np.ndarray, *, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Return a 64-bit key a document (D,) of ``rows`` MinHash values of its shingles."""
    keys = np.zeros(len(starts), dtype=np.uint64)
    for _ in range(rows):
        # An odd factor makes h -> a h + b (mod 2**32) a bijection: no two shingles collide.
        factor = np.uint32(rng.integers(0, 1 << 31) * 2 + 1)
        shift = np.uint32(rng.integers(0, 1 << 32))
        smallest = np.minimum.reduceat(mixed * factor + shift, starts)
        keys = _mix64(keys * np.uint64(0x9E3779B97F4A7C15) + smallest.astype(np.uint64))
    return keys


def _candidates(keys: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs (P,), (P,) of positions to compare: equal keys, not yet in one cluster.

    In a bucket of more than 16 members each cluster is represented by its first one.
    """
    order = np.lexsort((label, keys))
    starts, sizes = _runs(keys[order])
    first = np.r_[True, (np.diff(keys[order]) != 0) | (np.diff(label[order]) != 0)]
    order = order[first | np.repeat(sizes <= _ALL_PAIRS, sizes)]
    starts, sizes = _runs(keys[order])
    left, right = [np.zeros(0, dtype=np.intp)], [np.zeros(0, dtype=np.intp)]
    for size in np.unique(sizes[(sizes > 1) & (sizes <= _ALL_PAIRS)]):
        low, high = np.triu_indices(size, k=1)
        base = starts[sizes == size][:, None]
        left.append((base + low).ravel())
        right.append((base + high).ravel())
    for start, size in zip(starts[sizes > _ALL_PAIRS], sizes[sizes > _ALL_PAIRS], strict=True):
        members = np.arange(start + 1, start + size)
        left += [np.full(len(members), start), members[:-1]]
        right += [members, members[1:]]
    one, other = order[np.concatenate(left)], order[np.concatenate(right)]
    apart = label[one] != label[other]
    return one[apart], other[apart]


def _runs(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each run of equal values starts, and how long it is."""
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    return starts, np.diff(np.r_[starts, len(ordered)])


def _jaccard(shingles: csr_array, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the Jaccard similarity (P,) of the documents of each pair."""
    sizes = np.diff(shingles.indptr)
    shared = np.zeros(len(left))
    for start in range(0, len(left), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        shared[part] = shingles[left[part]].multiply(shingles[right[part]]).sum(axis=1)
    return shared / (sizes[left] + sizes[right] - shared)


def _merge(label: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return labels after joining the clusters of each pair; a cluster's label is its first member."""
    if not len(left):
        return label
    size = len(label)
    ends = (np.r_[np.arange(size), left], np.r_[label, right])
    graph = coo_array((np.ones(len(ends[0]), dtype=bool), ends), shape=(size, size))
    count, component = connected_components(graph, directed=False)
    lowest = np.full(count, size)
    np.minimum.at(lowest, component, np.arange(size))
    return lowest[component]


def _shingles(texts: Sequence[str]) -> csr_array:
    """Return the sets of shingles as a 0/1 matrix (documents, distinct shingles).

    Words are kept as texts for some documents at a time only: of all of them these would take many times the memory.
    """
    numbers: dict[str, int] = {}
    starts = range(0, len(texts), _TEXTS_AT_ONCE)
    parts = [_hashed(texts[start : start + _TEXTS_AT_ONCE], numbers) for start in starts]
    counts = np.concatenate([np.zeros(0, dtype=np.int64), *(part[0] for part in parts)])
    hashed = np.concatenate([np.zeros(0, dtype=np.uint64), *(part[1] for part in parts)])
    del parts
    distinct, column = np.unique(hashed, return_inverse=True)
    shape = (len(texts), max(1, len(distinct)))
    del hashed
    number = np.int32 if max(*shape, len(column)) <= np.iinfo(np.int32).max else np.int64
    place = column.astype(number), np.r_[0, np.cumsum(counts)].astype(number)
    del column
    matrix = csr_array((np.ones(len(place[0]), dtype=np.int32), *place), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


def _hashed(texts: Sequence[str], numbers: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return how many shingles each document (n,) has, one after the other, and their hashes (S,).

    ``numbers`` counts the words seen so far in the order of their first places; new ones are added.
    """
    unspaced = [_is_unspaced(text) for text in texts]
    units = [
        [c for c in text if c.isalnum()] if is_unspaced else _WORD.findall(text)
        for text, is_unspaced in zip(texts, unspaced, strict=True)
    ]
    lengths = np.array([len(unit) for unit in units], dtype=np.int64)
    width = np.minimum(np.where(unspaced, CHARACTERS, WORDS).astype(np.int64), lengths)
    words = np.fromiter(chain.from_iterable(units), dtype=object, count=lengths.sum())
    here, distinct = pd.factorize(words)
    known = np.array([numbers.setdefault(word, len(numbers)) for word in distinct], dtype=np.uint64)
    codes = _mix64(known[here] + np.uint64(1))
    counts = np.where(lengths > 0, lengths - width + 1, 0)
    document = np.repeat(np.arange(len(texts)), counts)
    position = np.arange(counts.sum()) + np.repeat(
        np.cumsum(lengths) - lengths - (np.cumsum(counts) - counts), counts
    )
    hashed = _mix64(width[document].astype(np.uint64) + 64 * np.asarray(unspaced, dtype=np.uint64)[document])
    for step in range(width.max(initial=0)):
        inside = width[document] > step
        hashed[inside] = _mix64(
            hashed[inside] * np.uint64(0x9E3779B97F4A7C15) + codes[position[inside] + step]
        )
    return counts, hashed


def _is_unspaced(text: str) -> bool:
    """Say whether at least half of the letters and digits belong to a script without spaces."""
    if text.isascii():
        return False
    return 2 * len(_UNSPACED.findall(text)) >= max(1, sum(map(str.isalnum, text)))


def _mix32(values: np.ndarray) -> np.ndarray:
    """Return the finaliser of MurmurHash3 (32 bits), a bijection that scatters consecutive numbers."""
    values = (values ^ (values >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    values = (values ^ (values >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return values ^ (values >> np.uint32(16))


def _mix64(values: np.ndarray) -> np.ndarray:
    """Return the finaliser of SplitMix64, a bijection on 64 bits."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
