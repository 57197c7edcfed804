"""Made rows of any number for ``bench.scale``: ``python -m bench.scale_data --rows 100000 --write FOLDER``.

Public sets of short texts have some ten thousand rows. A million rows put together from these would have words that are
soon all known and phrases that stand there thousands of times, which real text has not, and both change what is
measured. So rows are made, and what the stages' costs hang on is as in real text:

- Words follow the two regimes of Ferrer i Cancho and Sole (Two Regimes in the Frequency of Words and the Origins of
  Complex Lexicons, 2001): the share of a common word falls with its rank, beyond the common ones there is no last word,
  so that the vocabulary grows with the rows. Half of the words follow another as one of its few usual followers: pairs
  of words repeat as they do in text. ``--compare`` counts both beside the movie reviews in ``PODIUM_DATA``.
- 40 classes of unequal size; a class has words of its own, and 5% of the labels are wrong.
- 5% of the rows are an earlier row again, 3 of 10 word for word, the others with one word changed; half of them are
  near-duplicates by the usual threshold of 0.8, which a changed word in a short row is not. Nearly all clusters have 2
  or 3 rows. Another 0.2% are 20 stock sentences with a number in them, whose clusters grow with the rows, as those of
  notices and greetings do. Nothing else is nearly equal.

The rows are drawn in blocks, each with a seed of its own: fewer rows are the first ones of more. Every sixth row is a
test row.
"""

import argparse
import os
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from podium.files import write_csv

CLASSES = 40
SEED = 7
_BLOCK = 24_000
_EVERY = 6
"""One row in so many is a test row: a fifth as many as training rows."""
_COMMON = 5_000
"""Words of the first regime: each as likely as one over its rank."""
_RARE_SHARE = 0.24
_RARE_DECAY = 0.9
"""The chance that a rare word's rank is above r falls as 1 / r to this power."""
_LARGEST = 1 << 40
_FOLLOWS, _FOLLOWERS = 0.5, 6
_TOPICAL = 0.3
"""Share of the words that are drawn from those of the row's class: of the common ones, each 40th."""
_WRONG, _AGAIN, _STOCK, _STOCKS = 0.05, 0.05, 0.002, 20
_WORDS, _SPREAD, _LONGEST = 19.0, 0.5, 120
"""Median length of a row in words, and the deviation of its logarithm."""

_SYLLABLES = [first + second for first in "btkdlmnrspvgfz" for second in ("a", "e", "i", "o", "u", "en")]


def main() -> None:
    """Write the files, or count words beside real text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000, help="training rows")
    parser.add_argument(
        "--write", type=Path, help="the folder of train.csv, test.csv and sample_submission.csv"
    )
    parser.add_argument(
        "--compare", action="store_true", help="count words and pairs beside PODIUM_DATA's mr"
    )
    given = parser.parse_args()
    if given.write:
        write(given.write, given.rows)
    if given.compare:
        compare(given.rows)


def write(folder: Path, rows: int) -> None:
    """Write ``train.csv`` with so many rows, ``test.csv`` with a fifth of them, and ``sample_submission.csv``."""
    folder.mkdir(parents=True, exist_ok=True)
    made = table(rows + rows // (_EVERY - 1))
    is_test = np.arange(len(made)) % _EVERY == _EVERY - 1
    test = made[is_test]
    write_csv(made[~is_test], folder / "train.csv")
    write_csv(test[["id", "text"]], folder / "test.csv")
    write_csv(test[["id"]].assign(label="c00"), folder / "sample_submission.csv")


def table(rows: int) -> pd.DataFrame:
    """Return the first ``rows`` rows: ``id``, ``text``, ``label``."""
    parts, left, number = [], rows, 0
    while left > 0:
        parts.append(_block(number).head(left))
        left, number = left - len(parts[-1]), number + 1
    return pd.concat(parts, ignore_index=True)


def _block(number: int) -> pd.DataFrame:
    random = np.random.default_rng([SEED, number])
    share = 1 / (np.arange(CLASSES) + 4.0)
    labels = random.choice(CLASSES, _BLOCK, p=share / share.sum())
    lengths = np.clip(_WORDS * np.exp(_SPREAD * random.standard_normal(_BLOCK)), 3, _LONGEST).astype(int)
    ranks = _ranks(labels, int(lengths.max()), random)
    texts = [[word(rank) for rank in row[:size]] for row, size in zip(ranks.tolist(), lengths, strict=True)]
    _repeat(texts, labels, random)
    wrong = random.random(_BLOCK) < _WRONG
    labels[wrong] = random.integers(CLASSES, size=wrong.sum())
    first = number * _BLOCK
    return pd.DataFrame(
        {
            "id": [f"r{row}" for row in range(first, first + _BLOCK)],
            "text": [_sentence(text) for text in texts],
            "label": [f"c{label:02d}" for label in labels],
        }
    )


def _ranks(labels: np.ndarray, longest: int, random: np.random.Generator) -> np.ndarray:
    """Ranks of the words (N, L) of rows of the classes ``labels`` (N,), from 1."""
    size = (len(labels), longest)
    common = np.exp(random.random(size) * np.log(_COMMON))
    topical = np.floor(np.exp(random.random(size) * np.log(_COMMON / CLASSES - 3))) + 2
    rare = _COMMON * (1 - random.random(size)) ** (-1 / _RARE_DECAY)
    found = np.where(random.random(size) < _RARE_SHARE, np.minimum(rare, _LARGEST), common).astype(np.int64)
    found = np.where(random.random(size) < _TOPICAL, (topical * CLASSES + labels[:, None]).astype(int), found)
    follows, which = random.random(size) < _FOLLOWS, random.integers(_FOLLOWERS, size=size)
    for place in range(1, longest):
        usual = _follower(found[:, place - 1], which[:, place])
        found[:, place] = np.where(follows[:, place], usual, found[:, place])
    return found


def _follower(rank: np.ndarray, which: np.ndarray) -> np.ndarray:
    """A usual follower of each word: a common word that hangs on the word and on ``which`` alone."""
    mixed = (
        rank.astype(np.uint64) * np.uint64(_FOLLOWERS) + which.astype(np.uint64) + np.uint64(1)
    ) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    even = (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53
    return np.exp(even * np.log(_COMMON)).astype(np.int64)


def _repeat(texts: list[list[str]], labels: np.ndarray, random: np.random.Generator) -> None:
    """Make some rows stock sentences and others an earlier row again, in place."""
    stock = np.random.default_rng(SEED)
    sentences = [[word(rank) for rank in stock.integers(1, _COMMON, size=15)] for _ in range(_STOCKS)]
    kind = random.random(len(texts))
    for row in np.flatnonzero(kind < _AGAIN + _STOCK).tolist():
        if kind[row] < _STOCK:
            which = int(random.integers(_STOCKS))
            texts[row] = [*sentences[which], str(random.integers(10**6))]
            labels[row] = which
        elif row:
            source = int(random.integers(row))
            texts[row], labels[row] = list(texts[source]), labels[source]
            if random.random() < 0.7:
                texts[row][int(random.integers(len(texts[row])))] = word(int(random.integers(1, _COMMON)))


def word(rank: int) -> str:
    """Return the word of a rank from 1: rarer ones are longer."""
    found = ""
    while rank:
        rank, last = divmod(rank, len(_SYLLABLES))
        found += _SYLLABLES[last]
    return found


def _sentence(words: Sequence[str]) -> str:
    text = " ".join(words)
    return f"{text[0].upper()}{text[1:]}."


def growth(texts: Sequence[str], at: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
    """Yield, after each number of rows in ``at``: rows, words, different words, different pairs of words."""
    words, seen, pairs = 0, set[str](), set[tuple[str, str]]()
    for row, text in enumerate(texts, 1):
        found = re.findall(r"\w+", text.lower())
        words += len(found)
        seen.update(found)
        pairs.update(pairwise(found))
        if row in at:
            yield row, words, len(seen), len(pairs)


def compare(rows: int) -> None:
    """Print the growth of made rows, and of the movie reviews where they are there."""
    at = [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000]
    for line in growth(table(rows)["text"].tolist(), at):
        print("made", *line)
    real = Path(os.environ.get("PODIUM_DATA", ""), "mr")
    if "PODIUM_DATA" in os.environ:
        parts = [pd.read_csv(real / f"{part}.csv")["text"].astype("str") for part in ("train", "test")]
        for line in growth(pd.concat(parts).tolist(), at):
            print("mr  ", *line)


if __name__ == "__main__":
    main()
