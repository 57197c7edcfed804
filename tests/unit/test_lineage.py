"""No row of a fold's validation part, nor anything made from it, is ever trained on."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.lineage import COLUMNS, training_table

FOLDS = 3


def strings(**columns: list) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in columns.items()})


@st.composite
def situations(draw: st.DrawFn) -> dict:
    """Random folds, noise verdicts, augmentations and pseudo-labels; test ids may equal train ids."""
    count = draw(st.integers(1, 9))
    ids = [f"{number:02}" for number in range(count)]
    label = st.sampled_from(["neg", "pos"])
    train = strings(id=ids, target=draw(st.lists(label, min_size=count, max_size=count)))
    fold_of = draw(st.lists(st.integers(0, FOLDS - 1), min_size=count, max_size=count))
    folds = pd.DataFrame({"id": train["id"], "fold": fold_of}).sample(
        frac=1, random_state=draw(st.integers(0, 9))
    )
    fold = draw(st.integers(0, FOLDS - 1))
    outside = [id for id, number in zip(ids, fold_of, strict=True) if number != fold]
    noise = None
    if draw(st.booleans()):
        judged = draw(st.lists(st.sampled_from(outside), unique=True)) if outside else []
        flags = draw(st.lists(st.booleans(), min_size=len(judged), max_size=len(judged)))
        noise = strings(id=judged).assign(pruned=pd.Series(flags, dtype=bool))
    augmented = []
    for method in draw(st.lists(st.sampled_from(["eda", "back"]), unique=True)):
        sources = draw(st.lists(st.sampled_from(ids), max_size=12))
        made = [f"{source}~{method}{number}" for number, source in enumerate(sources)]
        augmented.append(strings(id=made, source_id=sources, made_by=[method] * len(made)))
    pseudo = None
    if draw(st.booleans()):
        tests = draw(st.lists(st.sampled_from([*ids, "t1", "t2"]), unique=True))
        labels = draw(st.lists(label, min_size=len(tests), max_size=len(tests)))
        taken = draw(st.lists(st.booleans(), min_size=len(tests), max_size=len(tests)))
        pseudo = strings(id=tests, label=labels).assign(accepted=pd.Series(taken, dtype=bool))
    return {
        "train": train,
        "folds": folds,
        "fold": fold,
        "noise": noise,
        "augmented": augmented,
        "pseudo": pseudo,
        "pseudo_weight": 0.25,
    }


@settings(max_examples=60, deadline=None)
@given(situations())
def test_training_rows_are_those_that_the_rules_allow(case: dict) -> None:
    """Against the rules row by row; the order is that of train, the augmentations, the pseudo-labels."""
    fold_of = dict(zip(case["folds"]["id"], case["folds"]["fold"], strict=True))
    target = dict(zip(case["train"]["id"], case["train"]["target"], strict=True))
    pruned = set() if case["noise"] is None else set(case["noise"].loc[case["noise"]["pruned"], "id"])
    allowed = [id for id in case["train"]["id"] if fold_of[id] != case["fold"] and id not in pruned]
    expected = [(id, id, "train", target[id], 1.0) for id in allowed]
    for made in case["augmented"]:
        for row in made.itertuples():
            if row.source_id in allowed:
                expected.append((row.id, row.source_id, row.made_by, target[row.source_id], 1.0))
    if case["pseudo"] is not None:
        rows = case["pseudo"].itertuples()
        expected += [(row.id, row.id, "pseudo", row.label, 0.25) for row in rows if row.accepted]

    table = training_table(**case)
    assert list(table.columns) == COLUMNS
    assert list(table.itertuples(index=False, name=None)) == expected
    assert [str(kind) for kind in table.dtypes] == ["str"] * 4 + ["float64"]
    real = table[table["made_by"] != "pseudo"]
    assert (real["source_id"].map(fold_of) != case["fold"]).all()
    assert not set(real["source_id"]) & pruned


@settings(max_examples=30, deadline=None)
@given(situations(), st.data())
def test_what_the_validation_part_holds_does_not_matter(case: dict, data: st.DataObject) -> None:
    """Other targets in the fold, and other rows made from it, give the same table byte for byte."""
    held_out = case["train"]["id"].map(case["folds"].set_index("id")["fold"]) == case["fold"]
    other = {**case, "train": case["train"].copy(), "augmented": []}
    other["train"].loc[held_out, "target"] = data.draw(st.sampled_from(["neg", "other"]))
    held_ids = set(case["train"].loc[held_out, "id"])
    for made in case["augmented"]:
        other["augmented"].append(made[~made["source_id"].isin(held_ids)])
    pd.testing.assert_frame_equal(training_table(**case), training_table(**other))


def test_tables_that_break_the_contract_are_refused() -> None:
    train = strings(id=["a", "b", "c"], target=["x", "y", "x"])
    folds = strings(id=["a", "b", "c"]).assign(fold=[0, 1, 2])
    judged = strings(id=["a"]).assign(pruned=[False])
    with pytest.raises(ValueError, match="judges rows that it may not see"):
        training_table(train, folds, 0, noise=judged)
    assert len(training_table(train, folds, 1, noise=judged)) == 2
    with pytest.raises(ValueError, match="every train id"):
        training_table(train, folds.head(2), 0)
    with pytest.raises(ValueError, match="every train id"):
        training_table(train, pd.concat([folds, folds]), 0)
    made = strings(id=["z~eda0"], source_id=["z"], made_by=["eda"])
    with pytest.raises(ValueError, match="source"):
        training_table(train, folds, 0, augmented=[made])
