"""Pretrained vectors: the text forms that are read, and files that are none."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from podium.errors import UserError
from podium.models import vectors
from podium.models.vectors import fill, read_vectors

LINES = ["the 1 2.5 -3", "cat 0.1 1e-2 4", ". . . 9 9 9", "好 5 5 5", "a\u00a0b 7 7 7", "cat 8 8 8"]


def write(path: Path, lines: list[str], *, end: str = "\n") -> Path:
    content = "".join(line + end for line in lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("header", [[], ["6 3"], ["6 3 "]])
@pytest.mark.parametrize("name", ["v.txt", "v.vec.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n", " \n"])
def test_words_asked_for_and_nothing_else(tmp_path: Path, header: list[str], name: str, end: str) -> None:
    path = write(tmp_path / name, [*header, *LINES], end=end)
    found, table = read_vectors(path, ["好", "cat", "dog", ".", "a\u00a0b"])
    assert found == {"cat": 0, "好": 1, "a\u00a0b": 2}  # "." is not the word ". . ."; the first cat counts
    assert table.dtype == np.float32
    np.testing.assert_allclose(table, [[0.1, 0.01, 4], [5, 5, 5], [7, 7, 7]], rtol=1e-6)
    found, table = read_vectors(path, [])
    assert (found, table.shape) == ({}, (0, 3))


def test_a_written_table_comes_back(tmp_path: Path) -> None:
    expected = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)
    lines = [f"w{row} {' '.join(map(repr, values))}" for row, values in enumerate(expected.tolist())]
    found, table = read_vectors(write(tmp_path / "v", lines), [f"w{row}" for row in range(50)])
    np.testing.assert_array_equal(table, expected)
    other = np.zeros((4, 7))
    fill(other, ["w9", "unknown", "w3"], found, table, first=1)
    np.testing.assert_array_equal(other, np.stack([0 * table[0], table[9], 0 * table[0], table[3]]))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (None, "cannot read"),
        ([], "is empty"),
        (["the cat sat", "cat 1 x"], "line 2 of .* has not the 2 numbers"),
        (["the 1 2", "cat 1"], "line 2 of .* has not the 2 numbers"),
        (["the 1 2", "cat 1 nan"], "line 2 of .* has not the 2 numbers"),
        (["the 1 2", "cat 1 1e999"], "line 2 of .* has not the 2 numbers"),
        (["word"], "line 1 of .* is neither"),
        (["9 0"], "line 1 of .* is neither"),
        (["the 1 2", "x" * 2000], "line 2 of .* is too long"),
    ],
)
def test_a_file_of_something_else_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str] | None, message: str
) -> None:
    monkeypatch.setattr(vectors, "LONGEST_LINE", 1000)
    path = tmp_path / "v.txt"
    if lines is not None:
        write(path, lines)
    with pytest.raises(UserError, match=message) as error:
        read_vectors(path, ["cat"])
    assert len(str(error.value).splitlines()) == 1


def test_a_damaged_archive(tmp_path: Path) -> None:
    path = write(tmp_path / "v.gz", LINES * 100)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="cannot read"):
        read_vectors(path, ["cat", "dog"])
    damaged = bytearray(write(path, LINES * 100).read_bytes())
    damaged[12:20] = b"\xff" * 8
    path.write_bytes(damaged)
    with pytest.raises(UserError, match="cannot read"):
        read_vectors(path, ["cat", "dog"])
    path.write_bytes(b"no archive")
    with pytest.raises(UserError, match="cannot read"):
        read_vectors(path, ["cat"])
