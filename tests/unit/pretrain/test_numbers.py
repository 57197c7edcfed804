"""Texts whose words are numbers: every kind of model reads a number as one word."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from model_samples import make

OWN = [["12", "345"], ["121", "34"], ["1", "2345"]]  # digits of one class are inside numbers of another
NUMBERS = {"char_ngrams": None, "min_df": 1}


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("linear", {"tfidf": NUMBERS, "c": 100.0}),
        ("lightgbm", {"tfidf": NUMBERS, "svd": 0, "trees": 40}),
        ("textcnn", {"epochs": 40, "dimensions": 16, "filters": 16, "dropout": 0.1}),
        ("fasttext", {"epochs": 40}),
    ],
)
def test_kinds_tell_numbers_apart(kind: str, changes: dict[str, Any]) -> None:
    random = np.random.default_rng(0)
    target = np.arange(150) % 3
    words = [[*random.integers(900, 930, 6).astype(str), *random.choice(OWN[code], 2)] for code in target]
    rows = pd.DataFrame({"text_a": [" ".join(random.permutation(row)) for row in words]}, dtype="str")
    rows.insert(0, "id", [str(number) for number in range(len(rows))])
    model = make(kind, 3, **changes)
    model.fit(rows[:120], target[:120], np.ones(120))
    assert (model.predict(rows[120:]).argmax(axis=1) == target[120:]).mean() > 0.85
