"""Alignment: tables are joined by id and class name, whatever the order of rows and columns."""

import numpy as np
import pandas as pd
import pytest

from podium.alignment import fold_numbers, probabilities
from podium.predict import to_table

IDS = ["007", "7", "x"]
PROBA = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.125, 0.125, 0.75]])


def test_any_order_of_rows_and_columns_gives_the_same_array():
    table = to_table(IDS, PROBA, ["a", "b", "c"])
    shuffled = table.iloc[[2, 0, 1]][["p:c", "id", "p:a", "p:b"]]
    assert (probabilities(shuffled, IDS, ["a", "b", "c"]) == PROBA).all()
    folds = pd.DataFrame({"id": ["x", "7", "007"], "fold": [2, 1, 0]})
    assert fold_numbers(folds, pd.Series(IDS)).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("ids", "message"),
    [(["007", "7"], "are not"), ([*IDS, "y"], "are not"), (["007", "7", "y"], "are not")],
)
def test_other_ids_are_refused(ids, message):
    with pytest.raises(ValueError, match=message):
        probabilities(to_table(IDS, PROBA, ["a", "b", "c"]), ids, ["a", "b", "c"])


def test_a_repeated_id_is_refused():
    with pytest.raises(ValueError, match="'7' more than once"):
        probabilities(to_table(["7", "7", "x"], PROBA, ["a", "b", "c"]), IDS, ["a", "b", "c"])


def test_broken_probabilities_are_refused():
    table = to_table(IDS, PROBA, ["a", "b", "c"])
    table.loc[1, "p:a"] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        probabilities(table, IDS, ["a", "b", "c"])
