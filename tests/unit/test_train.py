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
    "test": strings(id=["2", "1"], text_a=["test two", "test one"]),  # test uses the same ids as train
}
FOLDS = strings(id=["3", "1", "2"]).assign(fold=[1, 0, 0], cluster=[1, 0, 1])
TABLE = strings(
    id=["2", "1~eda0", "1", "2", "2~eda0"],
    source_id=["2", "1", "1", "2", "2"],
    made_by=["pseudo", "eda", "train", "train", "eda"],
    part=["test", "eda", "train", "train", "eda"],
    target=["b", "a", "a", "b", "b"],
).assign(weight=[0.5, 1.0, 1.0, 1.0, 1.0], draw=0, draws=1)


def test_texts_are_looked_up_in_the_rows_own_part_in_the_tables_order() -> None:
    data = train.fold_data(TABLE, VIEWS, FOLDS, 1, ["a", "b", "c"], "single_label", epochs=True)
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
    # Made rows are near what they were made of; the test's "2" is not the train's
    assert data.rows["cluster"].tolist()[1:] == [0, 0, 1, 1]
    assert data.rows["cluster"][0] not in (0, 1)
    assert data.rows["real"].tolist() == [False, False, True, True, False]


def test_kinds_without_epochs_get_the_first_draw_alone() -> None:
    table = TABLE.assign(draw=[0, 1, 0, 0, 0], draws=[1, 2, 1, 1, 2])
    data = train.fold_data(table, VIEWS, FOLDS, 1, ["a", "b", "c"], "single_label", epochs=True)
    assert data.rows["draw"].tolist() == [0, 1, 0, 0, 0]
    assert data.rows["draws"].tolist() == [1, 2, 1, 1, 2]
    data = train.fold_data(table, VIEWS, FOLDS, 1, ["a", "b", "c"], "single_label", epochs=False)
    assert data.table["id"].tolist() == ["2", "1", "2", "2~eda0"]
    assert data.rows["text_a"].tolist() == ["test two", "train one", "train two", "made of two"]


def test_rows_without_text_and_folds_without_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="1 rows of eda have no text"):
        train.texts_of(TABLE, {**VIEWS, "eda": VIEWS["eda"].head(1)})
    with pytest.raises(UserError, match="fold 1 has no rows to train on"):
        train.fold_data(TABLE.head(0), VIEWS, FOLDS, 1, ["a", "b"], "single_label", epochs=True)


def test_model_sees_training_rows_and_predicts_held_out_ones() -> None:
    class Spy:
        def fit(self, rows: pd.DataFrame, target: np.ndarray, weight: np.ndarray, *, scratch: None) -> None:
            self.fitted = (rows["text_a"].tolist(), target.tolist(), weight.tolist())

        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            self.predicted = rows["text_a"].tolist()
            return np.full((len(rows), 2), 0.5)

    spy, data = Spy(), train.fold_data(TABLE, VIEWS, FOLDS, 1, ["a", "b"], "single_label", epochs=True)
    assert train.fit_and_predict(spy, data).shape == (1, 2)  # type: ignore[arg-type]
    assert spy.fitted == (data.rows["text_a"].tolist(), data.target.tolist(), data.weight.tolist())
    assert spy.predicted == ["train three"]


def test_card_counts_rows_by_maker_and_class() -> None:
    card = train.card(
        kind="linear",
        options={"c": 1.0},
        seed=3,
        fold=1,
        round=2,
        table=TABLE,
        labels=["a", "b", "c"],
        target=np.array([1, 0, 0, 1, 1]),
    )
    assert card["training_rows"] == {"pseudo": 1, "eda": 2, "train": 2}
    assert card["training_rows_per_class"] == {"a": 2, "b": 3, "c": 0}
    assert (card["kind"], card["seed"], card["fold"], card["round"]) == ("linear", 3, 1, 2)


def test_targets_and_figures_follow_the_type_of_task() -> None:
    named = {"kind": "linear", "options": {}, "seed": 0, "fold": 1, "round": 0, "table": TABLE}
    multi = TABLE.assign(target=["a\x1fb", "", "b", "a\x1fb", "b"])
    target = train.fold_data(multi, VIEWS, FOLDS, 1, ["a", "b"], "multi_label", epochs=True).target
    assert (target.dtype, target.tolist()) == (np.float32, [[1, 1], [0, 0], [0, 1], [1, 1], [0, 1]])
    facts = train.card(**named, labels=["a", "b"], target=target)
    assert facts["training_rows_per_class"] == {"a": 2, "b": 4}
    found = train.held_out_facts(target[:2], np.array([[0.9, 0.4], [0.2, 0.5]]))
    assert found == pytest.approx({"hamming_loss": 0.25, "log_loss": -np.log([0.9, 0.4, 0.8, 0.5]).mean()})

    values = TABLE.assign(target=["1.5", "2.0", "2.0", "1.5", "3.0"])
    target = train.fold_data(values, VIEWS, FOLDS, 1, ["y"], "regression", epochs=True).target
    assert (target.dtype, target.tolist()) == (np.float64, [[1.5], [2], [2], [1.5], [3]])
    facts = train.card(**named, labels=["y"], target=target)
    assert facts["training_mean"] == {"y": 2.0}
    assert train.held_out_facts(target[:2], np.array([[1.5], [5.0]])) == {"rmse": 4.5**0.5, "mae": 1.5}
