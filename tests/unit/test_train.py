"""A training table gets the text of each row from the part that the row comes from."""

import numpy as np
import pandas as pd
import pytest

from podium import train
from podium.errors import UserError


def strings(**columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in columns.items()})


VIEWS = {
    "train": strings(id=["1", "2", "3"], text_a=["train one", "train two", "train three"]),
    "eda": strings(id=["2~eda0", "1~eda0"], text_a=["made of two", "made of one"]),
    "pseudo": strings(id=["2", "1"], text_a=["test two", "test one"]),  # test uses the same ids as train
}
FOLDS = strings(id=["3", "1", "2"]).assign(fold=[1, 0, 0])
TABLE = strings(
    id=["2", "1~eda0", "1", "2", "2~eda0"],
    source_id=["2", "1", "1", "2", "2"],
    made_by=["pseudo", "eda", "train", "train", "eda"],
    target=["b", "a", "a", "b", "b"],
).assign(weight=[0.5, 1.0, 1.0, 1.0, 1.0])


def test_texts_are_looked_up_in_the_rows_own_part_in_the_tables_order() -> None:
    data = train.fold_data(TABLE, VIEWS, FOLDS, 1, ["a", "b", "c"])
    assert data.rows["text_a"].tolist() == [
        "test two",
        "made of one",
        "train one",
        "train two",
        "made of two",
    ]
    assert data.target.tolist() == [1, 0, 0, 1, 1]
    assert data.weight.tolist() == [0.5, 1, 1, 1, 1]
    assert data.held_out.to_dict(orient="records") == [{"id": "3", "text_a": "train three"}]
    assert list(data.rows.index) == list(range(5))


def test_rows_without_text_and_folds_without_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="1 rows made by eda have no text"):
        train.texts_of(TABLE, {**VIEWS, "eda": VIEWS["eda"].head(1)})
    with pytest.raises(UserError, match="fold 1 has no rows to train on"):
        train.fold_data(TABLE.head(0), VIEWS, FOLDS, 1, ["a", "b"])


def test_model_sees_training_rows_and_predicts_held_out_ones() -> None:
    class Spy:
        def fit(self, rows: pd.DataFrame, target: np.ndarray, weight: np.ndarray, *, scratch: None) -> None:
            self.fitted = (rows["text_a"].tolist(), target.tolist(), weight.tolist())

        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            self.predicted = rows["text_a"].tolist()
            return np.full((len(rows), 2), 0.5)

    spy, data = Spy(), train.fold_data(TABLE, VIEWS, FOLDS, 1, ["a", "b"])
    assert train.fit_and_predict(spy, data).shape == (1, 2)  # type: ignore[arg-type]
    assert spy.fitted == (data.rows["text_a"].tolist(), data.target.tolist(), data.weight.tolist())
    assert spy.predicted == ["train three"]


def test_card_counts_rows_by_maker_and_class() -> None:
    card = train.card(
        kind="linear", options={"c": 1.0}, seed=3, fold=1, round=2, table=TABLE, labels=["a", "b", "c"]
    )
    assert card["training_rows"] == {"pseudo": 1, "eda": 2, "train": 2}
    assert card["training_rows_per_class"] == {"a": 2, "b": 3, "c": 0}
    assert (card["kind"], card["seed"], card["fold"], card["round"]) == ("linear", 3, 1, 2)
