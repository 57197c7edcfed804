"""Small rows and small models that the tests of all kinds share."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium import models
from podium.config import KINDS
from podium.models import Classifier
from podium.plan import Plan

WORDS = [["ape", "bear", "cat", "dog"], ["iron", "lead", "gold", "tin"], ["jazz", "punk", "folk", "soul"]]
NEUTRAL = ["the", "of", "and", "to", "in", "is"]
SMALL: dict[str, dict[str, Any]] = {
    "linear": {"tfidf": {"min_df": 1}},
    "lightgbm": {"tfidf": {"min_df": 1}, "svd": 3, "trees": 10, "min_data_in_leaf": 2},
    "fasttext": {"buckets": 1000, "dimensions": 10},
    "textcnn": {
        "min_count": 1,
        "dimensions": 8,
        "filters": 6,
        "max_length": 32,
        "epochs": 1,
        "batch_size": 8,
        "precision": "fp32",
    },
    "transformer": {
        "encoder": "data/none",
        "max_length": 32,
        "epochs": 1,
        "batch_size": 8,
        "precision": "fp32",
    },
}
assert SMALL.keys() == KINDS.keys() - {
    "multitask",
    "reader",
    "retriever",
}  # see multitask_samples, span_samples


def rows_of(target: np.ndarray, *, seed: int = 0, pair: bool = False) -> pd.DataFrame:
    """A row of text for each class index (N,): mostly neutral words, one or two of the class's own."""
    rng = np.random.default_rng(seed)

    def text(label: int) -> str:
        words = [*rng.choice(NEUTRAL, rng.integers(2, 9)), *rng.choice(WORDS[label], rng.integers(1, 3))]
        return " ".join(rng.permutation(words))

    ids = [f"{number:03}" for number in range(len(target))]
    table = pd.DataFrame({"id": ids, "text_a": [text(label) for label in target]}, dtype="str")
    if pair:
        table["text_b"] = pd.Series([text(label) for label in target], dtype="str")
    return table


def options(kind: str, **changes: Any) -> dict[str, Any]:
    """The options of a small model of ``kind``, with defaults of the config where nothing else is said."""
    raw: dict[str, Any] = {
        "competition": "c",
        "tasks": {"t": {"train": "a.csv", "test": "b.csv", "text": ["x"], "target": "y"}},
        "models": {"m": {"kind": kind, **SMALL[kind], **changes}},
        "pseudo": {"rounds": 1},
    }
    return Plan.from_raw(raw, Path()).train("m-s0", 0, 0)["options"]


def make(kind: str, classes: int, *, seed: int = 0, **changes: Any) -> Classifier:
    """A small unfitted model on one thread of the CPU."""
    return models.make(kind, options(kind, **changes), classes=classes, seed=seed, device="cpu", threads=1)


def saved_bytes(folder: Path) -> dict[str, bytes]:
    """The content of every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
