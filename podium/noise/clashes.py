"""Training rows whose texts are the same, or nearly, and whose labels differ."""

import numpy as np
import pandas as pd

from podium.duplicates import clusters, comparable, components, folded

SHOWN = 20
"""Ids listed in one cell; how many more there are is said after them."""


def same_text(texts: pd.DataFrame) -> np.ndarray:
    """Number the distinct texts (N,) int: rows of one number are equal after normalisation.

    Normalised as ``podium.duplicates.canonical``; what has no word left is compared as it is, case and spaces aside.
    """
    raw, plain = comparable([texts[name].tolist() for name in ("text_a", "text_b") if name in texts.columns])
    keys = [
        (True, canon) if canon.strip("\0") else (False, folded(text))
        for text, canon in zip(raw, plain, strict=True)
    ]
    return pd.factorize(pd.Series(keys, dtype="object"))[0]


def near_text(texts: pd.DataFrame, *, threshold: float, seed: int) -> np.ndarray:
    """Cluster of near-duplicates (N,) int of each row, as stage folds finds them, the user's groups left out."""
    forms = comparable([texts[name].tolist() for name in ("text_a", "text_b") if name in texts.columns])
    return components(*(clusters(form, threshold=threshold, seed=seed) for form in forms))


def clashing(ids: pd.Series, target: pd.Series, group: np.ndarray) -> pd.Series:
    """List for each row (N,) the ids of the rows of its group that have another target, joined by a space.

    At most ``SHOWN`` ids in their order, then how many more; an empty text where there are none. The work grows with
    the rows and with the targets inside a group, never with the square of rows.
    """
    found = pd.Series("", index=range(len(ids)), dtype="object")
    labels = pd.factorize(target)[0]
    table = pd.DataFrame({"id": ids.to_numpy(), "label": labels, "group": group})
    mixed = table[table.groupby("group")["label"].transform("nunique") > 1]
    for _, members in mixed.groupby("group"):
        for label, same in members.groupby("label"):
            others = members.loc[members["label"] != label, "id"].tolist()
            more = f" (+{len(others) - SHOWN})" if len(others) > SHOWN else ""
            found[same.index] = " ".join(others[:SHOWN]) + more
    return found.astype("str").set_axis(ids.index)
