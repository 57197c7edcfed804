"""Texts whose labels are known, some of them turned round."""

import numpy as np
import pandas as pd

LABELS = ["no", "yes"]


def planted(rows: int, share: float) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Training rows, texts and folds of two classes that differ in one word; which labels (N,) were turned round."""
    rng = np.random.default_rng(0)
    truth, wrong = rng.integers(0, 2, rows), rng.random(rows) < share
    words = [["grey", "green", "blue", "pink"], ["apple", "pear", "plum", "fig"]]
    neutral = ["the", "of", "and", "to", "in", "is"]
    texts = [" ".join([*rng.choice(neutral, 6), *rng.choice(words[label], 2)]) for label in truth]
    ids = pd.Series([f"{number:04}" for number in range(rows)], dtype="str")
    given = pd.Series(np.array(LABELS)[truth ^ wrong], dtype="str")
    folds = pd.DataFrame({"id": ids, "fold": rng.integers(0, 3, rows), "cluster": np.arange(rows)})
    texts_of = pd.DataFrame({"id": ids, "text_a": pd.Series(texts, dtype="str")})
    return pd.DataFrame({"id": ids, "target": given}), texts_of, folds, wrong
