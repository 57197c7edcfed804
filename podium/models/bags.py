"""Bags of words and hashed n-grams, as fastText makes them (Joulin et al. 2016, arXiv 1607.01759, section 2).

N rows, F features.
"""

import zlib
from array import array
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file
from scipy import sparse

from podium.files import read_json, write_json
from podium.models.words import count, segments, tokenise, vocabulary

END = "</s>"  # a word after the last one of each segment, as in the authors' program; no text has it
STEP = np.uint64(116049371)


class Bags:
    """Words, word n-grams and character n-grams; n-grams share ``buckets`` by their hashes.

    ``settings``: lowercase, min_count, max_words, word_ngrams (longest), char_ngrams ([shortest, longest] or None),
    buckets. Only features of the rows fitted on exist: unlike in the authors' program, a bucket that no training row
    fell into has no (random) vector, and is ignored like an unknown word.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.words: dict[str, list[str]] = {}  # of each segment
        self.buckets = np.zeros(0, dtype=np.int64)  # in use, sorted

    @property
    def size(self) -> int:
        """Number of features: the words of each segment, then the buckets in use."""
        return sum(len(words) for words in self.words.values()) + len(self.buckets)

    def seen(self, rows: pd.DataFrame) -> set[str]:
        """Return every word of ``rows``, and ``END``."""
        return {
            END,
            *(word for name in segments(rows) for words in self._tokens(rows, name) for word in words),
        }

    def fit(self, rows: pd.DataFrame, *, known: Set[str] = frozenset()) -> sparse.csr_matrix:
        """Learn the words and buckets of ``rows`` (N) and return their bags (N, F).

        ``known`` are words with a pretrained vector, which may be rare.
        """
        limits = {"min_count": self.settings["min_count"], "max_words": self.settings["max_words"]}
        self.words = {
            name: [END, *vocabulary(count(self._tokens(rows, name)), known=known, **limits)]
            for name in segments(rows)
        }
        parts = list(self._features(rows))
        hashed = [np.unique(bucket) for _, bucket, is_bucket in parts if is_bucket]
        self.buckets = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *hashed]))
        return self._join(parts, len(rows))

    def transform(self, rows: pd.DataFrame) -> sparse.csr_matrix:
        """Return the bags (N, F) of ``rows``, float32: how often each feature occurs, rows sum to 1."""
        return self._join(list(self._features(rows)), len(rows))

    def _tokens(self, rows: pd.DataFrame, name: str) -> Iterator[list[str]]:
        return tokenise(rows[name], lowercase=self.settings["lowercase"])

    def _features(self, rows: pd.DataFrame) -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
        """Yield (row, column or bucket, whether it is a bucket) of all occurrences, part by part."""
        offset = 0
        for salt, (name, words) in enumerate(self.words.items()):
            index = {word: offset + place for place, word in enumerate(words)}
            offset += len(index)
            seen: dict[str, int] = {}
            codes, lengths = array("i"), array("i")
            for tokens in self._tokens(rows, name):
                codes.extend(seen.setdefault(token, len(seen)) for token in tokens)
                codes.append(seen.setdefault(END, len(seen)))
                lengths.append(len(tokens) + 1)
            row = np.repeat(np.arange(len(rows), dtype=np.int32), lengths)
            code = np.frombuffer(codes, dtype=np.int32) if codes else np.zeros(0, dtype=np.int32)
            column = np.array([index.get(token, -1) for token in seen], dtype=np.int32)[code]
            yield row[column >= 0], column[column >= 0], False
            for ngram_row, hashed in self._ngrams(row, code, list(seen), salt):
                yield ngram_row, (hashed % np.uint64(self.settings["buckets"])).astype(np.int64), True

    def _ngrams(
        self, row: np.ndarray, code: np.ndarray, unique: list[str], salt: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield (row, hash) of the n-grams of a segment; ``code`` are places in ``unique`` words."""
        hashes = np.array([_hash(token, salt) for token in unique], dtype=np.uint64)
        rolling = hashes[code]
        for length in range(1, self.settings["word_ngrams"]):
            rolling = rolling[:-1] * STEP + hashes[code[length:]]
            inside = row[: len(rolling)] == row[length:]
            yield row[: len(rolling)][inside], rolling[inside]
        if self.settings["char_ngrams"] is not None:
            grams = [
                np.array([_hash(gram, salt) for gram in _pieces(token, *self.settings["char_ngrams"])])
                for token in unique
            ]
            lengths = np.array([len(found) for found in grams])
            together = [grams[place] for place in code]
            yield np.repeat(row, lengths[code]), np.concatenate(together).astype(np.uint64)

    def _join(self, parts: list[tuple[np.ndarray, np.ndarray, bool]], rows: int) -> sparse.csr_matrix:
        """Put the features side by side: words, then the buckets in use; others are left out."""
        first = self.size - len(self.buckets)
        kept_rows, kept_columns = [], []
        for row, column, is_bucket in parts:
            if is_bucket:
                place = np.searchsorted(self.buckets, column)
                in_use = np.append(self.buckets, -1)[place] == column
                row, column = row[in_use], (first + place[in_use]).astype(np.int32)
            kept_rows.append(row)
            kept_columns.append(column)
        row, column = np.concatenate(kept_rows), np.concatenate(kept_columns)
        share = (1 / np.maximum(1, np.bincount(row, minlength=rows))).astype(np.float32)
        return sparse.coo_matrix((share[row], (row, column)), shape=(rows, self.size)).tocsr()

    def save(self, folder: Path) -> None:
        """Write ``bags.json`` (settings and words) and ``bags.safetensors`` (buckets in use)."""
        write_json({"settings": self.settings, "words": self.words}, folder / "bags.json")
        save_file({"buckets": self.buckets}, folder / "bags.safetensors")

    @classmethod
    def load(cls, folder: Path) -> "Bags":
        """Read what ``save`` wrote."""
        saved = read_json(folder / "bags.json")
        bags = cls(saved["settings"])
        bags.words = saved["words"]
        bags.buckets = load_file(folder / "bags.safetensors")["buckets"]
        return bags


def _hash(text: str, salt: int) -> int:
    return zlib.crc32(f"{salt} {text}".encode("utf-8", "surrogatepass"))


def _pieces(token: str, shortest: int, longest: int) -> list[str]:
    """Character n-grams of a word between brackets, as in the authors' program; none of the end."""
    if token == END:
        return []
    word = f"<{token}>"
    return [
        word[start : start + length]
        for length in range(shortest, longest + 1)
        for start in range(len(word) - length + 1)
    ]
