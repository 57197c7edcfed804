"""Bad and odd files of word vectors and of synonyms are read right, or told in one line."""

import re
from pathlib import Path

import pytest

from podium.augment.synonyms import lookup
from podium.errors import UserError
from podium.models.vectors import read_vectors

BOTH = {"river": [1.0, 2.0], "stone": [3.0, 4.0]}
TWO = "river 1 2\nstone 3 4\n"
VECTORS: list[tuple[str, str | bytes, dict[str, list[float]] | str]] = [
    ("right", f"2 2\n{TWO}", BOTH),
    ("counts of too many words", f"9 2\n{TWO}", BOTH),
    ("counts of too few words", f"1 2\n{TWO}", BOTH),
    ("counts of too many numbers", f"2 3\n{TWO}", "line 2 .* has not the 3 numbers"),
    ("counts of too few numbers", f"2 1\n{TWO}", "none of the 2 words of the texts is in"),
    ("counts below zero", f"-2 2\n{TWO}", "none of the 2 words"),
    ("counts alone", "2 2\n", "none of the 2 words"),
    ("a mark", f"\ufeff{TWO}", BOTH),
    ("a mark before counts", f"\ufeff2 2\n{TWO}", BOTH),
    ("utf-16", TWO.encode("utf-16"), "vectors: "),
    ("ragged", "river 1 2\nstone 3\n", "line 2 .* has not the 2 numbers"),
    ("ragged where nobody looks", "river 1 2\nother 3\nstone 3 4\n", BOTH),
    ("a word of two parts", "river 1 2\nriver bank 5 6\nstone 3 4\n", BOTH),
    ("a word twice", f"{TWO}river 9 9\n", BOTH),
    ("nan", "river nan 2\nstone 3 4\n", "line 1 .* has not the 2 numbers"),
    ("infinity", "river 1e999 2\nstone 3 4\n", "line 1 .* has not the 2 numbers"),
    ("decimal commas", "river 1,5 2\nstone 3 4\n", "line 1 .* has not the 2 numbers"),
    ("commas between", "river,1,2\nstone,3,4\n", "line 1 .* is neither a word and its numbers"),
    ("json", '{"river": [1, 2]}\n', "none of the 2 words"),
    ("another language", "\u6cb3 1 2\n\u77f3 3 4\n", "none of the 2 words"),
]


@pytest.mark.parametrize(
    ("data", "wanted"), [case[1:] for case in VECTORS], ids=[case[0] for case in VECTORS]
)
def test_vectors(tmp_path: Path, data: str | bytes, wanted: dict[str, list[float]] | str) -> None:
    path = tmp_path / "vectors.txt"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    if isinstance(wanted, str):
        with pytest.raises(UserError, match=wanted):
            read_vectors(path, BOTH)
        return
    places, table = read_vectors(path, BOTH)
    assert {word: table[place].tolist() for word, place in places.items()} == wanted


DICTIONARIES: list[tuple[str, str | bytes, list[str] | str]] = [
    ("right", "big\tlarge,great\n", ["great", "large"]),
    ("a mark", "\ufeffbig\tlarge\n", ["large"]),
    ("a word twice", "big\tlarge\nbig\tgreat\n", ["great", "large"]),
    ("tabs between synonyms", "big\tlarge\tgreat\n", ["great", "large"]),
    ("semicolons", "big\tlarge; great\n", ["great", "large"]),
    ("signs of Chinese", "big\tlarge\u3001great\uff1bvast\n", ["great", "large", "vast"]),
    ("a group", "Aa01A01= big large\nAa01A02# big odd\n", ["large"]),
    (
        "a group of thousands",
        f"Aa01A01= big {' '.join(f'w{k}' for k in range(20_000))}\n",
        "line 1: 20001 words are in one group",
    ),
    ("no word", "\tlarge\n", "line 1: expected word<TAB>synonym"),
    ("no tab", "big large\n", "line 1: expected word<TAB>synonym"),
    ("a nul", "big\tla\0rge\n", "line 1: expected word<TAB>synonym"),
    ("an escape", "big\t\x1b[31mred\n", "line 1: expected word<TAB>synonym"),
    ("itself alone", "big\tbig\n", "has no synonyms"),
    ("utf-16", "big\tlarge\n".encode("utf-16"), "is not UTF-8"),
    ("nothing", "", "has no synonyms"),
]


@pytest.mark.parametrize(
    ("data", "wanted"), [case[1:] for case in DICTIONARIES], ids=[case[0] for case in DICTIONARIES]
)
def test_synonyms(tmp_path: Path, data: str | bytes, wanted: list[str] | str) -> None:
    path = tmp_path / "synonyms.txt"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    if isinstance(wanted, str):
        with pytest.raises(UserError) as told:
            lookup(str(path), variant="careful", wordnet=None)
        assert re.search(wanted, str(told.value))
        return
    assert lookup(str(path), variant="careful", wordnet=None)("big") == wanted
