"""Pretrained word vectors from a user's text file, read line by line; only the words asked for are kept."""

import codecs
import gzip
import logging
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from podium.errors import UserError

log = logging.getLogger(__name__)
LONGEST_LINE = 1_000_000  # bytes
MOST_DIMENSIONS = 10_000


def read_vectors(path: Path, words: Iterable[str]) -> tuple[dict[str, int], np.ndarray]:
    """Return the places of those of ``words`` that the file has, and their vectors (words found, D), float32.

    The file holds a word and its D numbers on each line, separated by spaces, in UTF-8: the text format of word2vec
    and fastText (a first line with two whole numbers, lines and D) and of GloVe (without it); it may end in .gz. The
    first of several vectors of one word counts. Raises ``UserError`` for what is no such file, and where it has none of
    the words.
    """
    wanted = {word.encode("utf-8", "surrogatepass"): word for word in words}
    found: dict[str, int] = {}
    vectors: list[np.ndarray] = []
    dimensions = 0
    try:
        for number, line in _lines(path):
            key, _, rest = line.partition(b" ")
            if number == 1:
                dimensions = _dimensions(path, line)
                if _is_header(line):
                    continue
            word = wanted.pop(key, None)
            if word is None:
                continue
            if rest.count(b" ") >= dimensions:  # a word of several parts, such as ". . ."
                wanted[key] = word
                continue
            found[word] = len(vectors)
            vectors.append(_numbers(path, number, rest, dimensions))
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"vectors: cannot read {path}: {error}") from error
    if not dimensions:
        raise UserError(f"vectors: {path} is empty; it must hold a word and its numbers on each line")
    if wanted and not found:
        raise UserError(
            f"vectors: none of the {len(wanted)} words of the texts is in {path}; give vectors in UTF-8 of the texts' "
            f"language, a word and its {dimensions} numbers on each line"
        )
    log.info("vectors: %d of %d words are in %s", len(found), len(found) + len(wanted), path)
    return found, np.array(vectors, dtype=np.float32).reshape(len(vectors), dimensions)


def fill(
    table: np.ndarray, words: Iterable[str], found: dict[str, int], vectors: np.ndarray, first: int = 0
) -> None:
    """Write the ``vectors`` of ``words`` into ``table`` in place; the first word's row is ``first``."""
    for row, word in enumerate(words, first):
        if word in found:
            table[row] = vectors[found[word]]


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield numbers and contents of the lines, those that are too long for a vector refused."""
    file: BinaryIO
    path = path.expanduser()
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:  # type: ignore[assignment]
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if len(line) == LONGEST_LINE:
                raise UserError(_wrong(path, number, "is too long for a word and its numbers"))
            line = line.rstrip()
            if line:
                yield number, line


def _is_header(line: bytes) -> bool:
    parts = line.split()
    return len(parts) == 2 and all(part.isdigit() for part in parts)


def _dimensions(path: Path, line: bytes) -> int:
    """Dimensions by the first line: as its header says, or as many as there are numbers after the word."""
    dimensions = int(line.split()[1]) if _is_header(line) else line.count(b" ")
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise UserError(_wrong(path, 1, "is neither a word and its numbers nor the two counts before them"))
    return dimensions


def _numbers(path: Path, number: int, rest: bytes, dimensions: int) -> np.ndarray:
    try:
        vector = np.array(rest.split(), dtype=np.float32)
    except ValueError:
        vector = np.zeros(0, dtype=np.float32)
    if len(vector) != dimensions or not np.isfinite(vector).all():
        raise UserError(_wrong(path, number, f"has not the {dimensions} numbers of the first line"))
    return vector


def _wrong(path: Path, number: int, what: str) -> str:
    return f"vectors: line {number} of {path} {what}; give a text file of word2vec, fastText or GloVe vectors"
