"""What the classifiers of train and test rows see: words and characters, and statistics of the texts.

Both are made of all rows at once. They know nothing of which row is a test row, so that a classifier which is then
cross-validated finds nothing where there is nothing: train and test rows are exchangeable.
"""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer

from podium.models.statistics import NAMES, PAIR_NAMES, text_statistics
from podium.models.tfidf import Tfidf
from podium.models.words import segments

_CHARACTERS = 20_000_000
"""Characters that are read at most; of longer texts both ends."""
_FEWEST = 3
_WORDS = {"word_ngrams": [1, 1], "char_ngrams": None, "min_df": _FEWEST, "max_features": 50_000}
_NGRAMS = (2, 3)
_BUCKETS = 1 << 18
_ENDS = re.compile(r"[.!?\u2026\u3002\uff01\uff1f\u061f)\]\"'\u201d\u2019\u300d\uff09]\s*$")

FORM = ("empty", "lines", "outer_spaces", "double_spaces", "closed")
"""Figures of a text's form: nothing but spaces, line breaks, spaces at its ends, two in a row, a mark at its end."""


def clipped(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the text columns of ``rows`` with both ends of texts that are too long for all to be read."""
    names = segments(rows)
    limit = max(64, _CHARACTERS // max(1, len(rows) * len(names)))
    half = limit // 2
    return pd.DataFrame(
        {
            name: [text if len(text) <= limit else f"{text[:half]} {text[-half:]}" for text in rows[name]]
            for name in names
        }
    )


def word_features(texts: pd.DataFrame) -> tuple[sparse.csr_matrix, pd.DataFrame]:
    """Return TF-IDF (N, W) of the words that stand in at least 3 rows, and their names: ``segment``, ``feature``."""
    tfidf = Tfidf(_WORDS)
    matrix = tfidf.fit(texts)
    names = [(segment, word) for segment, _, part in tfidf.parts for word in part.get_feature_names_out()]
    return matrix, pd.DataFrame(names, columns=["segment", "feature"])


def character_features(texts: Sequence[str]) -> sparse.csr_matrix:
    """Return TF-IDF (N, B) of the runs of 2 and 3 characters of lower-case texts that stand in at least 3 rows.

    A column is one of 262,144 values of a hash.
    All texts are worked on at once, several times faster than with a list of n-grams for each.
    """
    lowered = [text.lower() for text in texts]
    sizes = np.array([len(text) for text in lowered], dtype=np.int64)
    codes = np.frombuffer("".join(lowered).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(
        np.uint64
    )
    row = np.repeat(np.arange(len(texts), dtype=np.int32), sizes)
    blocks = []
    for length in _NGRAMS:
        count = max(0, len(codes) - length + 1)
        hashed = np.zeros(count, dtype=np.uint64)
        for step in range(length):
            hashed = (hashed + codes[step : step + count]) * np.uint64(0x9E3779B97F4A7C15)
        inside = row[:count] == row[length - 1 :] if count else np.zeros(0, dtype=bool)
        column = (hashed >> np.uint64(46)).astype(np.int32)[inside]
        shape = (len(texts), _BUCKETS)
        blocks.append(
            sparse.csr_matrix((np.ones(len(column), np.float32), (row[:count][inside], column)), shape)
        )
    found = sum(blocks[1:], start=blocks[0])
    found.data[:] = 1
    # Most buckets are empty, and a solver's work grows with them
    found = found[:, np.flatnonzero(np.bincount(found.indices, minlength=_BUCKETS) >= _FEWEST)]
    if not found.shape[1]:
        return found.astype(np.float32)
    return TfidfTransformer().fit_transform(found).astype(np.float32)


def linear_features(texts: pd.DataFrame, words: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return words and characters (N, F) beside each other."""
    return sparse.hstack(
        [words, *(character_features(texts[name].tolist()) for name in texts.columns)], format="csr"
    )


def statistics(rows: pd.DataFrame, texts: pd.DataFrame) -> pd.DataFrame:
    """Return figures of the texts (N rows), one column each; ``texts`` are those of ``rows``, ``clipped``."""
    names = segments(rows)
    plain = text_statistics(texts)
    found: dict[str, np.ndarray] = {}
    for place, name in enumerate(names):
        own = plain[:, place * len(NAMES) : (place + 1) * len(NAMES)]
        label = f"{name}: " if len(names) > 1 else ""
        found |= {f"{label}{feature}": own[:, number] for number, feature in enumerate(NAMES)}
        found |= {
            f"{label}{feature}": figure
            for feature, figure in zip(FORM, _form(rows[name].tolist()), strict=True)
        }
        found[f"{label}characters"] = np.array([len(text) for text in rows[name]], dtype=np.float32)
    for number, feature in enumerate(PAIR_NAMES if len(names) > 1 else ()):
        found[feature] = plain[:, len(names) * len(NAMES) + number]
    return pd.DataFrame(found, dtype=np.float32)


def _form(texts: list[str]) -> list[np.ndarray]:
    stripped = [text.strip() for text in texts]
    figures: list[list[float]] = [
        [not text for text in stripped],
        [text.count("\n") for text in texts],
        [len(text) != len(whole) for text, whole in zip(stripped, texts, strict=True)],
        ["  " in text for text in stripped],
        [_ENDS.search(text[-40:]) is not None for text in texts],
    ]
    return [np.array(figure, dtype=np.float32) for figure in figures]


def word_giveaways(words: sparse.csr_matrix, names: pd.DataFrame, is_test: np.ndarray) -> pd.DataFrame:
    """Return the share of train and test rows that hold each word, and ``z``, the difference over its error."""
    present = (words > 0).astype(np.float64)[:, : len(names)]
    test_rows, train_rows = is_test.sum(), (~is_test).sum()
    in_test, in_train = present.T @ is_test.astype(float), present.T @ (~is_test).astype(float)
    whole = (in_test + in_train) / len(is_test)
    error = np.sqrt(whole * (1 - whole) * (1 / test_rows + 1 / train_rows))
    difference = in_test / test_rows - in_train / train_rows
    return _table("word", names, in_train / train_rows, in_test / test_rows, _ratio(difference, error))


def statistic_giveaways(figures: pd.DataFrame, is_test: np.ndarray) -> pd.DataFrame:
    """Return each figure's mean in train and test, and ``z`` of the difference of its ranks (Mann and Whitney)."""
    train, test = figures[~is_test].to_numpy(np.float64), figures[is_test].to_numpy(np.float64)
    ranked = figures.rank().to_numpy()
    error = ranked.std(axis=0) * np.sqrt(1 / len(test) + 1 / len(train))
    z = _ratio(ranked[is_test].mean(axis=0) - ranked[~is_test].mean(axis=0), error)
    names = pd.DataFrame({"segment": "", "feature": figures.columns})
    return _table("statistic", names, train.mean(axis=0), test.mean(axis=0), z)


def _table(
    kind: str, names: pd.DataFrame, train: np.ndarray, test: np.ndarray, z: np.ndarray
) -> pd.DataFrame:
    table = pd.DataFrame({"kind": kind, **names, "train": train, "test": test, "z": z})
    order = np.lexsort((table["feature"].to_numpy(object), -np.abs(z)))
    return table.iloc[order].reset_index(drop=True)


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.divide(top, bottom, out=np.zeros_like(top, dtype=float), where=bottom > 0)
