"""Random splits of all labelled rows of a data set, near-duplicates and groups on one side; small runs on one side.

The run is the real workflow in a folder of its own (``bench.warm``); the labels of the other side never enter it.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from bench import data_sets
from bench.common import copy_workflow, run_warm
from podium.duplicates import clusters, comparable, components
from podium.errors import UserError
from podium.files import write_csv
from podium.folds import units

TASK = "task"
FOLDS = 5
"""Of a run; one variant has twice as many."""

METRICS = {
    "mr": "accuracy",
    "r8": "accuracy",
    "ocnli": "accuracy",
    "sentiment": "accuracy",
    "tnews": "macro_f1",
    "cic": "macro_f1",
}
"""The sets of the hold-out test, each with the metric that is usual for it."""

_UNSPACED = ("cic", "tnews", "ocnli", "sentiment")
_MANY_CLASSES = 50
_LONG = 300
_NEAR = 0.8


def pool(name: str) -> pd.DataFrame:
    """All labelled rows of a set, official parts together: ``id``, texts, ``target``, perhaps ``group``."""
    if data_sets.SOURCES[name].member:
        data = data_sets.load(name)
        return pd.concat([data.train, data.test], ignore_index=True)
    return pd.concat([part(name, path.stem) for path in sorted(data_sets._given(name).glob("*.csv"))])


def part(name: str, file: str) -> pd.DataFrame:
    """One official part as it is, in the columns of ``pool``."""
    path = data_sets._given(name) / f"{file}.csv"
    if not path.is_file():
        raise UserError(f"data set '{name}': there is no {path}")
    table = pd.read_csv(path, dtype="str", keep_default_na=False)
    table = table.rename(columns={"text": "text_a", "label": "target", "premise_id": "group"})
    wanted = ("id", "text_a", "text_b", "target", "group")
    return table[[column for column in wanted if column in table]]


def together(rows: pd.DataFrame) -> np.ndarray:
    """Number of the set of rows (N,) that a split keeps together: near-duplicates and groups, as folds do."""
    forms = comparable([rows[name].tolist() for name in ("text_a", "text_b") if name in rows])
    near = components(*(clusters(texts, threshold=_NEAR, seed=0) for texts in forms))
    return units(rows["group"].tolist() if "group" in rows else None, near)


def split(
    rows: pd.DataFrame, *, train: int, holdout: int, seed: int, by: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return about ``train`` rows for a run and ``holdout`` others, drawn at random.

    ``by`` is ``units``: what ``together`` joins goes to one side; or ``rows``: the rows of the same draw of units are
    dealt one by one, as in a competition that does not look for near-duplicates.
    """
    random = np.random.default_rng(seed)
    unit = together(rows)
    place = random.permutation(unit.max() + 1)[unit]
    order = np.argsort(place, kind="stable")
    ends = np.flatnonzero(np.diff(place[order], append=-1)) + 1  # a unit is never cut
    first = int(ends[np.searchsorted(ends, min(train, ends[-1]))])
    second = int(ends[np.searchsorted(ends, min(train + holdout, ends[-1]))])
    if second <= first:
        raise UserError(f"{len(rows)} rows are too few for {train} and {holdout}")
    chosen = order[:second]
    if by == "rows":
        chosen = random.permutation(chosen)
    sides = [np.sort(side) for side in (chosen[:first], chosen[first:])]
    return rows.iloc[sides[0]].reset_index(drop=True), rows.iloc[sides[1]].reset_index(drop=True)


def config(rows: pd.DataFrame, name: str, *, folds: int, seed: int) -> dict[str, Any]:
    """The config of a run: fast members, one round of pseudo-labels, every ensemble, the choice, the decision."""
    unspaced = name in _UNSPACED
    task = {
        "train": "data/train.csv",
        "test": "data/test.csv",
        "text": [column for column in ("text_a", "text_b") if column in rows],
        "target": "target",
        "metric": METRICS[name],
        "language": "zh" if unspaced else "en",
        **({"group": "group"} if "group" in rows else {}),
    }
    return {
        "competition": name,
        "seed": seed,
        "tasks": {TASK: task},
        "folds": {"n": folds, "near_duplicates": _NEAR},
        "models": models(
            rows["target"].nunique(), unspaced=unspaced, long=bool(rows["text_a"].str.len().mean() > _LONG)
        ),
        "pseudo": {"rounds": 1, "agree": 0.7, "confidence": 0.7},
        "ensemble": {"methods": ["mean", "blend", "stack", "vote"], "submit": "best"},
        "decision": {"method": "auto"},
    }


def models(classes: int, *, unspaced: bool, long: bool) -> dict[str, Any]:
    """Members that train in a second; trees are left out where classes are many, for each takes trees of its own."""
    characters = [3, 3] if long else [2, 4]
    both = {"word_ngrams": [1, 2], "char_ngrams": characters, "min_df": 2, "max_features": 50_000}
    if unspaced:
        both |= {"word_ngrams": None, "char_ngrams": [1, 2] if classes > _MANY_CLASSES else [1, 3]}
    words = {"word_ngrams": [1, 1], "char_ngrams": None, "min_df": 1}
    found: dict[str, Any] = {
        "both": {"kind": "linear", "tfidf": both},
        "words": {"kind": "linear", "tfidf": words, "c": 1.0, "class_weight": "balanced"},
        "fasttext": {"kind": "fasttext", "dimensions": 20, "epochs": 15, "buckets": 20_000},
    }
    if classes <= _MANY_CLASSES:
        found["trees"] = {"kind": "lightgbm", "trees": max(20, 120 // classes), "svd": 0, "num_leaves": 7}
    return found


def run(folder: Path, settings: dict[str, Any], train: pd.DataFrame, test: pd.DataFrame) -> float:
    """Run the workflow in ``folder`` on the two tables, the test rows without labels; return its CPU-seconds."""
    copy_workflow(folder)
    (folder / "data").mkdir()
    write_csv(train, folder / "data/train.csv")
    write_csv(test.drop(columns=["target", "group"], errors="ignore"), folder / "data/test.csv")
    (folder / "config.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return run_warm(folder, "--cores", "1", "scores", "submission")
