"""A small competition that is right, and what stands in an entry of the corpus."""

import copy
import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Files = Mapping[str, bytes | str | Callable[[Path], object]]

WORDS = {
    "neg": ["sad", "poor", "bleak", "dull", "grim", "weak"],
    "pos": ["glad", "fine", "bright", "keen", "warm", "strong"],
}
NOUNS = ["river", "stone", "garden", "window", "letter", "engine", "market", "winter", "copper", "island"]


def words(row: int, label: str) -> str:
    """A text of a class, unlike those of other rows."""
    own, count = WORDS[label], len(NOUNS)
    more = [NOUNS[(row * 3 + k * (1 + row // count)) % count] for k in range(4)]
    return f"{own[row % 6]} {' '.join(more)} {own[(row + 2) % 6]} n{row * 7919 % 1000}"


TRAIN = [[f"a{row}", words(row, label), label] for row, label in enumerate(["neg", "pos"] * 8)]
TEST = [[f"b{row}", words(20 + row, label)] for row, label in enumerate(["neg", "pos", "pos"])]
SAMPLE = [["b0", "neg"], ["b1", "neg"], ["b2", "neg"]]


def table(
    header: Sequence[str] | None, rows: Sequence[Sequence[object]], *, separator: str = ",", end: str = "\n"
) -> str:
    """A delimited file."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=end)
    writer.writerows([*([header] if header else []), *rows])
    return out.getvalue()


def lines(rows: Sequence[Mapping[str, Any]]) -> str:
    """A file of JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


TRAIN_CSV = table(["id", "text", "label"], TRAIN)
TEST_CSV = table(["id", "text"], TEST)
SAMPLE_CSV = table(["id", "label"], SAMPLE)
FILES: dict[str, Any] = {"data/train.csv": TRAIN_CSV, "data/test.csv": TEST_CSV}
CONFIG: dict[str, Any] = {
    "competition": "fuzz",
    "tasks": {"t": {"train": "data/train.csv", "test": "data/test.csv", "text": ["text"], "target": "label"}},
    "folds": {"n": 2},
    "models": {"linear": {"kind": "linear", "max_iter": 20}},
    "pseudo": {"rounds": 0},
    "ensemble": {"methods": ["mean"], "submit": "mean"},
    "decision": {"method": "argmax"},
}


def config(changes: Mapping[str, Any] | None = None, *, base: Mapping[str, Any] = CONFIG) -> dict[str, Any]:
    """The right config with other values at some paths, such as ``tasks.t.id``; ``...`` takes a key out."""
    made: dict[str, Any] = copy.deepcopy(dict(base))
    for path, value in (changes or {}).items():
        *above, last = path.split("/")
        node = made
        for key in above:
            node = node.setdefault(key, {})
        if value is ...:
            node.pop(last, None)
        else:
            node[last] = value
    return made


@dataclass(frozen=True)
class Case:
    """An entry: what stands in the folder, and what must come of it.

    ``files`` are laid over the right ones; a function makes what is no plain file, None takes a file away. ``config``
    is YAML or JSON text, else paths that are changed (:func:`config`). ``error`` is a regular expression of the lines
    that are told. Where it is None all goes well, and ``fine`` looks at the result.
    What is only about reading files need not go the ``whole`` way to a submission.
    """

    name: str
    files: Mapping[str, Any] = field(default_factory=dict)
    config: str | bytes | Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    fine: Callable[[Any], object] | None = None
    whole: bool = True
    base: Mapping[str, Any] = field(default_factory=lambda: CONFIG)
    base_files: Mapping[str, Any] = field(default_factory=lambda: FILES)

    def fill(self, folder: Path) -> None:
        """Make the files of the case."""
        (folder / "data").mkdir()
        for name, content in {**self.base_files, **self.files}.items():
            if content is None:
                continue
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if callable(content):
                content(path)
            else:
                path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        given = self.config
        if isinstance(given, Mapping):
            given = yaml.safe_dump(config(given, base=self.base), sort_keys=False, allow_unicode=True)
        (folder / "config.yaml").write_bytes(given.encode("utf-8") if isinstance(given, str) else given)
