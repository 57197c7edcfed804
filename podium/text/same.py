"""Which rows of a view have equal texts."""

import hashlib
from collections.abc import Sequence

import numpy as np

_BYTES = 16


def digests(columns: Sequence[Sequence[str]]) -> np.ndarray:
    """Digest the texts of each row: (rows, 2) uint64, equal where all texts are equal.

    128 bits of BLAKE2b: that two of a billion different rows meet has a chance of 10^-21.
    """
    joined = b"".join(_digest(texts) for texts in zip(*columns, strict=True))
    return np.frombuffer(joined, dtype="<u8").reshape(-1, 2)


def _digest(texts: tuple[str, ...]) -> bytes:
    found = hashlib.blake2b(digest_size=_BYTES)
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        found.update(b"%d:" % len(encoded) + encoded)
    return found.digest()


def first_rows(digested: np.ndarray) -> np.ndarray:
    """Return for each row (N,) the first row with the same digest (N, 2): itself where it is the first."""
    if not len(digested):
        return np.zeros(0, dtype=np.int64)
    order = np.lexsort((digested[:, 1], digested[:, 0]))  # stable: rows with one digest stay in their order
    ordered = digested[order]
    new = np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)])
    starts = np.flatnonzero(new)
    first = np.empty(len(digested), dtype=np.int64)
    first[order] = np.repeat(order[starts], np.diff([*starts, len(digested)]))
    return first
