"""Test rows that stand among the training rows, word for word or nearly: a leaderboard pays for remembering them.

Cross-validation keeps near-duplicates in one fold, so its score is that of unseen rows; a test part with twins in train
is easier than that (Lee et al., Deduplicating Training Data Makes Language Models Better, 2021, arXiv:2107.06499).
"""

from typing import Any

import numpy as np
import pandas as pd

from podium.duplicates import comparable, components, folded, similarity
from podium.models.words import segments
from podium.noise.clashes import near_text, same_text
from podium.targets import JOINT, TaskType

MOST = 10
"""Twins listed of a test row, the most alike first."""
_KIN = 100
_COMPARED = 50
"""Training rows of its cluster that a test row is compared with."""


def equal_keys(train: pd.DataFrame, test: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Number the texts of train (N,) and test (M,) int; equal after normalisation is one number, -1 a row without text.

    Normalised as near-duplicates are (``podium.duplicates.canonical``).
    """
    names = segments(train)
    rows = pd.concat([train[names], test[names]], ignore_index=True)
    keys = same_text(rows)
    empty = np.logical_and.reduce([rows[name].str.strip() == "" for name in names])
    keys = np.where(empty, -1, keys)
    return keys[: len(train)], keys[len(train) :]


def clusters_of(train: pd.DataFrame, test: pd.DataFrame, *, threshold: float, seed: int) -> np.ndarray:
    """Return the cluster of near-duplicates (N + M,) int of the rows of train and test; one without text is alone."""
    names = segments(train)
    rows = pd.concat([train[names], test[names]], ignore_index=True)
    found = near_text(rows, threshold=threshold, seed=seed)
    empty = np.logical_and.reduce([rows[name].str.strip() == "" for name in names])
    found[empty] = found.max(initial=0) + 1 + np.arange(empty.sum())
    return found


def kin_of(train: pd.DataFrame, test: pd.DataFrame, clusters: np.ndarray) -> np.ndarray:
    """Return the set (N + M,) int of rows that may know each other: a classifier must not meet both sides of one.

    Near-duplicates (``clusters``), the user's groups of training rows (``group``), and rows of pairs that share one of
    their texts, up to 100 of them: a premise that stands in several rows of one part tells which part they are of.
    """
    links = [clusters]
    if "group" in train.columns:
        codes = np.where(train["group"] == "", -1, pd.factorize(train["group"])[0])
        links.append(np.r_[codes, np.full(len(test), -1)])
    names = segments(train)
    for name in names if len(names) > 1 else ():
        codes = _segment_codes(train, test, name)
        rows = np.bincount(codes[codes >= 0], minlength=1)
        links.append(np.where((codes >= 0) & (rows[codes] <= _KIN), codes, -1))
    return components(*links)


def shared_segments(train: pd.DataFrame, test: pd.DataFrame) -> dict[str, dict[str, float]] | None:
    """Say of each text of pairs how many rows have one that also stands in another training row; None without pairs.

    Where rows are dealt to train and test at random both shares are the same.
    """
    names = segments(train)
    if len(names) < 2:
        return None
    found = {}
    for name in names:
        codes = _segment_codes(train, test, name)
        rows = np.bincount(
            codes[: len(train)][codes[: len(train)] >= 0], minlength=int(codes.max(initial=0)) + 1
        )
        known = codes >= 0
        others = rows[codes] - (np.arange(len(codes)) < len(train))
        shared = known & (others > 0)
        found[name] = {
            "train": float(shared[: len(train)].mean()),
            "test": float(shared[len(train) :].mean()),
        }
    return found


def _segment_codes(train: pd.DataFrame, test: pd.DataFrame, name: str) -> np.ndarray:
    """Number the texts of one segment (N + M,) int, case and white space aside; -1 for one without text."""
    texts = [folded(text) for part in (train, test) for text in part[name]]
    return np.where([not text for text in texts], -1, pd.factorize(np.array(texts, dtype=object))[0])


def twins(train: pd.DataFrame, test: pd.DataFrame, clusters: np.ndarray, *, threshold: float) -> pd.DataFrame:
    """Return near-duplicates of a test and a training row: their positions ``test``, ``train``, and ``similarity``.

    ``clusters`` is that of ``clusters_of`` the same rows. Inside a cluster a test row is compared with 50 training rows
    at most; the similarity is the greater of those of the raw and the canonical texts.
    """
    place = pd.DataFrame({"cluster": clusters[: len(train)], "train": np.arange(len(train))})
    place = place[place.groupby("cluster").cumcount() < _COMPARED]
    asked = pd.DataFrame({"cluster": clusters[len(train) :], "test": np.arange(len(test))})
    pairs = asked.merge(place, on="cluster")[["test", "train"]]
    rows, left = np.unique(pairs["train"], return_inverse=True)
    others, right = np.unique(pairs["test"], return_inverse=True)
    raw, canonical = comparable(
        [[*train[name].to_numpy()[rows], *test[name].to_numpy()[others]] for name in segments(train)]
    )
    alike = [similarity(form, left, len(rows) + right) for form in (raw, canonical)]
    wordless = np.array([not text.strip("\0") for text in canonical], dtype=bool)  # smileys are not all alike
    alike[1][wordless[left]] = 0.0
    pairs = pairs.assign(similarity=np.maximum(*alike))
    return pairs[pairs["similarity"] >= threshold].reset_index(drop=True)


def equal_pairs(train: np.ndarray, test: np.ndarray) -> pd.DataFrame:
    """Return pairs of rows with the same key (``equal_keys``), 10 at most of a test row: ``test``, ``train``."""
    place = pd.DataFrame({"key": train, "train": np.arange(len(train))})
    place = place[(place["key"] >= 0) & np.isin(train, test)]
    place = place[place.groupby("key").cumcount() < MOST]
    asked = pd.DataFrame({"key": test, "test": np.arange(len(test))})
    return asked[asked["key"] >= 0].merge(place, on="key")[["test", "train"]].assign(similarity=1.0)


def table(pairs: pd.DataFrame, train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Return ``id`` (of the test row), ``train_id``, ``similarity``, ``label``; a test row's most alike twins first.

    ``pairs`` (positions in train and test) may name a pair twice, the greatest similarity counts.
    """
    ordered = pairs.sort_values(["test", "similarity", "train"], ascending=[True, False, True])
    ordered = ordered.drop_duplicates(["test", "train"])
    ordered = ordered[ordered.groupby("test").cumcount() < MOST]
    chosen = train.iloc[ordered["train"].to_numpy(dtype=int)]
    return pd.DataFrame(
        {
            "id": test["id"].to_numpy()[ordered["test"].to_numpy(dtype=int)],
            "train_id": chosen["id"].to_numpy(),
            "similarity": ordered["similarity"].to_numpy(dtype=np.float32),
            "label": chosen["target"].to_numpy(),
        }
    ).astype({"id": "str", "train_id": "str", "label": "str"})


def figures(
    found: pd.DataFrame,
    train: pd.DataFrame,
    *,
    keys: tuple[np.ndarray, np.ndarray],
    clusters: np.ndarray,
    compared: tuple[int, int],
    type: TaskType,
) -> dict[str, Any]:
    """Say in plain values how far the parts overlap.

    ``found`` is that of ``table``; ``keys`` number the texts of all rows; ``clusters`` are of the rows looked at
    closely, ``compared`` of them train and test rows. ``share`` is that of test rows with an equal training row,
    or, among those looked at, a near one.
    """
    train_keys, test_keys = keys
    equal = np.isin(test_keys, train_keys[train_keys >= 0])
    best = found.drop_duplicates("id")
    in_test = clusters[compared[0] :]
    labels = found.groupby("id")["label"].nunique()
    near = int((best["similarity"] < 1).sum())
    share = float(equal.mean()) + near / max(1, compared[1])
    return {
        "equal": {"rows": int(equal.sum()), "share": float(equal.mean())},
        "near": {"rows": near, "among": {"train": compared[0], "test": compared[1]}},
        "share": min(1.0, share),
        "with_clashing_labels": int((labels > 1).sum()),
        "classes": None if type == "regression" else _by_class(found, train),
        "inside_test": {
            "equal": _repeats(test_keys),
            "near": _repeats(in_test),
        },
        "inside_train": {"equal": _repeats(train_keys), "near": _repeats(clusters[: compared[0]])},
    }


def _repeats(numbers: np.ndarray) -> int:
    """Rows whose number stands before them; negative ones are none."""
    kept = numbers[numbers >= 0]
    return len(kept) - len(np.unique(kept))


def _by_class(found: pd.DataFrame, train: pd.DataFrame) -> dict[str, Any]:
    """Training rows of each class, and how many of them have a twin in test, as far as these are listed."""
    rows = train["target"].str.split(JOINT).explode().value_counts().sort_index()
    listed = train.loc[train["id"].isin(found["train_id"]), "target"]
    seen = listed.str.split(JOINT).explode().value_counts()
    return {
        str(label): {
            "rows": int(count),
            "in_test": int(seen.get(label, 0)),
            "share": float(seen.get(label, 0) / count),
        }
        for label, count in rows.items()
        if label
    }
