"""Bags of words and hashed n-grams, as fastText makes them (Joulin et al. 2016, arXiv 1607.01759, section 2).

N rows, F features.
"""

import zlib
from collections.abc import Iterator
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

    def fit(self, rows: pd.DataFrame) -> sparse.csr_matrix:
        """Learn the words and buckets of ``rows`` (N) and return their bags (N, F)."""
        limits = {"min_count": self.settings["min_count"], "max_words": self.settings["max_words"]}
        tokens = self._tokens(rows)
        self.words = {name: [END, *vocabulary(count(lists), **limits)] for name, lists in tokens.items()}
        parts = list(self._features(tokens))
        hashed = np.concatenate([bucket for _, _, bucket in parts])
        self.buckets = np.unique(hashed[hashed >= 0])
        return self._join(parts, len(rows))

    def transform(self, rows: pd.DataFrame) -> sparse.csr_matrix:
        """Return the bags (N, F) of ``rows``, float32: how often each feature occurs, rows sum to 1."""
        return self._join(list(self._features(self._tokens(rows))), len(rows))

    def _tokens(self, rows: pd.DataFrame) -> dict[str, list[list[str]]]:
        return {name: tokenise(rows[name], lowercase=self.settings["lowercase"]) for name in segments(rows)}

    def _features(
        self, tokens: dict[str, list[list[str]]]
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield (row, word, bucket) of every occurrence, one of word and bucket -1, part by part."""
        offset = 0
        for salt, (name, lists) in enumerate(tokens.items()):
            index = {word: offset + place for place, word in enumerate(self.words[name])}
            offset += len(index)
            row = np.repeat(np.arange(len(lists)), [len(tokens) + 1 for tokens in lists])
            seen: dict[str, int] = {}
            code = np.array(
                [seen.setdefault(token, len(seen)) for tokens in lists for token in (*tokens, END)],
                dtype=np.int64,
            )
            word = np.array([index.get(token, -1) for token in seen], dtype=np.int64)[code]
            yield row, word, np.full(len(row), -1)
            for ngram_row, hashed in self._ngrams(row, code, list(seen), salt):
                bucket = (hashed % np.uint64(self.settings["buckets"])).astype(np.int64)
                yield ngram_row, np.full(len(bucket), -1), bucket

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
            yield (
                np.repeat(row, lengths[code]),
                np.concatenate([grams[place] for place in code]).astype(np.uint64),
            )

    def _join(self, parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]], rows: int) -> sparse.csr_matrix:
        row, word, bucket = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        place = np.searchsorted(self.buckets, bucket)
        in_use = np.append(self.buckets, -2)[place] == bucket
        column = np.where(in_use, self.size - len(self.buckets) + place, word)
        row, column = row[column >= 0], column[column >= 0]
        share = 1 / np.maximum(1, np.bincount(row, minlength=rows))
        bags = sparse.coo_matrix((share[row].astype(np.float32), (row, column)), shape=(rows, self.size))
        return bags.tocsr()

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
