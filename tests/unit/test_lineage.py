"""No row of a fold's validation part, nor anything made from it, is ever trained on."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.lineage import COLUMNS, training_table

FOLDS = 3
LABEL = st.sampled_from(["neg", "pos"])


def strings(**columns: list) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in columns.items()})


def some(draw: st.DrawFn, values: list[str]) -> list[str]:
    return draw(st.lists(st.sampled_from(values), unique=True)) if values else []


def flags(draw: st.DrawFn, count: int) -> pd.Series:
    return pd.Series(draw(st.lists(st.booleans(), min_size=count, max_size=count)), dtype=bool)


def labels(draw: st.DrawFn, count: int) -> list[str]:
    return draw(st.lists(LABEL, min_size=count, max_size=count))


def first_of_each(made: pd.DataFrame, target: pd.Series) -> pd.DataFrame:
    """One row of each source, those of "pos" alone."""
    return made[(made["source_id"].map(target) == "pos") & ~made["source_id"].duplicated()]


def everything(made: pd.DataFrame, target: pd.Series) -> pd.DataFrame:
    return made


@st.composite
def situations(draw: st.DrawFn) -> dict[str, Any]:
    """Random tables of every kind; ids of the test and of other files may equal train ids."""
    count = draw(st.integers(1, 9))
    ids = [f"{number:02}" for number in range(count)]
    train = strings(id=ids, target=labels(draw, count))
    fold_of = draw(st.lists(st.integers(0, FOLDS - 1), min_size=count, max_size=count))
    folds = pd.DataFrame({"id": train["id"], "fold": fold_of}).sample(
        frac=1, random_state=draw(st.integers(0, 9))
    )
    fold = draw(st.integers(0, FOLDS - 1))
    case: dict[str, Any] = {"train": train, "folds": folds, "fold": fold, "pseudo_weight": 0.25}
    if draw(st.booleans()):
        judged = some(draw, [id for id, number in zip(ids, fold_of, strict=True) if number != fold])
        size = len(judged)
        quality = draw(st.lists(st.sampled_from([0.5, 0.75, float("nan")]), min_size=size, max_size=size))
        case["noise"] = strings(id=judged, suggested=labels(draw, size)).assign(
            pruned=flags(draw, size),
            relabelled=flags(draw, size),
            quality=pd.Series(quality, dtype="float32"),
        )
        case["action"] = draw(st.sampled_from(["prune", "relabel", "weight"]))
    if draw(st.booleans()):
        named = some(draw, ids)
        case["overrides"] = strings(id=named, label=labels(draw, len(named))).assign(
            drop=flags(draw, len(named))
        )
    if draw(st.booleans()):
        firsts = [ids[draw(st.integers(0, place))] for place in range(count)]
        case["same_as"] = pd.Series(firsts, index=ids)
    case["augmented"] = []
    for method in draw(st.lists(st.sampled_from(["eda", "back"]), unique=True)):
        sources = draw(st.lists(st.sampled_from(ids), max_size=12))
        made = [f"{source}~{method}{number}" for number, source in enumerate(sources)]
        table = strings(id=made, source_id=sources, made_by=[method] * len(made))
        if draw(st.booleans()):
            table["draw"] = pd.Series([number % 2 for number in range(len(made))], dtype="int32")
        case["augmented"].append((table, draw(st.sampled_from([everything, first_of_each]))))
    if draw(st.booleans()):
        rows = some(draw, [*ids, "x1", "x2"])
        twins = [draw(st.lists(st.integers(0, FOLDS - 1), unique=True)) for _ in rows]
        table = strings(id=rows, target=labels(draw, len(rows)))
        case["external"] = {"more": table.assign(weight=0.5, twins=twins)}
    if draw(st.booleans()):
        tests = some(draw, [*ids, "t1", "t2"])
        table = strings(id=tests, label=labels(draw, len(tests))).assign(accepted=flags(draw, len(tests)))
        case["pseudo"] = table.assign(part="web") if draw(st.booleans()) else table
    return case


def mean_quality(case: dict[str, Any], target: str) -> float:
    """Mean over the judged rows with that label; a person's rows are not judged."""
    labels = dict(zip(case["train"]["id"], case["train"]["target"], strict=True))
    settled = set() if case.get("overrides") is None else set(case["overrides"]["id"])
    judged = case["noise"].dropna(subset="quality")
    return float(
        np.mean(
            [row.quality for row in judged.itertuples() if row.id not in settled and labels[row.id] == target]
        )
    )


def expected_rows(case: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The rules, row by row."""
    fold_of = dict(zip(case["folds"]["id"], case["folds"]["fold"], strict=True))
    words = {} if case.get("overrides") is None else {row.id: row for row in case["overrides"].itertuples()}
    verdicts = {} if case.get("noise") is None else {row.id: row for row in case["noise"].itertuples()}
    kept: dict[str, tuple[str, float]] = {}
    seen = set()
    for row in case["train"].itertuples():
        target, weight = row.target, 1.0
        if fold_of[row.id] == case["fold"]:
            continue
        if row.id in words:
            if words[row.id].drop:
                continue
            target = words[row.id].label
        elif row.id in verdicts:
            verdict = verdicts[row.id]
            if case["action"] == "prune" and verdict.pruned:
                continue
            if case["action"] == "relabel" and verdict.relabelled:
                target = verdict.suggested
            if case["action"] == "weight" and verdict.quality == verdict.quality:
                weight = verdict.quality / mean_quality(case, target)
        if case.get("same_as") is not None:
            if (case["same_as"][row.id], target) in seen:
                continue
            seen.add((case["same_as"][row.id], target))
        kept[row.id] = (target, weight)
    rows = [(id, id, "train", "train", target, weight, 0, 1) for id, (target, weight) in kept.items()]
    for made, select in case["augmented"]:
        taken = set()
        draws = 1 + max(made["draw"], default=0) if "draw" in made.columns else 1
        for row in made.itertuples():
            source = row.source_id
            if source not in kept or (
                select is first_of_each and (source in taken or kept[source][0] != "pos")
            ):
                continue
            taken.add(source)
            draw = row.draw if "draw" in made.columns else 0
            rows.append((row.id, source, row.made_by, row.made_by, *kept[source], draw, draws))
    for name, table in case.get("external", {}).items():
        rows += [
            (row.id, row.id, name, name, row.target, row.weight, 0, 1)
            for row in table.itertuples()
            if case["fold"] not in row.twins
        ]
    if case.get("pseudo") is not None:
        rows += [
            (row.id, row.id, "pseudo", getattr(row, "part", "test"), row.label, 0.25, 0, 1)
            for row in case["pseudo"].itertuples()
            if row.accepted
        ]
    return rows


@settings(max_examples=150, deadline=None)
@given(situations())
def test_training_rows_are_those_that_the_rules_allow(case: dict[str, Any]) -> None:
    """Against the rules row by row; the order is that of train, augmentations, other files, pseudo-labels."""
    table = training_table(**case)
    assert list(table.columns) == COLUMNS
    assert list(table.itertuples(index=False, name=None)) == expected_rows(case)
    assert [str(kind) for kind in table.dtypes] == ["str"] * 5 + ["float64", "int32", "int32"]
    fold_of = case["folds"].set_index("id")["fold"]
    ours = table[(table["part"] == "train") | (table["id"] != table["source_id"])]
    assert (ours["source_id"].map(fold_of) != case["fold"]).all()


@settings(max_examples=50, deadline=None)
@given(situations(), st.data())
def test_what_the_validation_part_holds_does_not_matter(case: dict[str, Any], data: st.DataObject) -> None:
    """Other targets in the fold, other words on it, and other rows made from it, give the same table byte for byte."""
    held_out = case["train"]["id"].map(case["folds"].set_index("id")["fold"]) == case["fold"]
    other = {**case, "train": case["train"].copy(), "augmented": []}
    other["train"].loc[held_out, "target"] = data.draw(st.sampled_from(["neg", "other"]))
    held_ids = set(case["train"].loc[held_out, "id"])
    if "overrides" in case:
        other["overrides"] = case["overrides"][~case["overrides"]["id"].isin(held_ids)]
    for made, select in case["augmented"]:
        changed = made.copy()
        changed.loc[made["source_id"].isin(held_ids), "id"] += "x"
        other["augmented"].append((changed, select))
    pd.testing.assert_frame_equal(training_table(**case), training_table(**other))


def test_without_a_fold_to_hold_out_all_rows_are_trained_on() -> None:
    train = strings(id=["a", "b"], target=["x", "y"])
    folds = strings(id=["a", "b"]).assign(fold=[0, 1])
    noise = strings(id=["b"], suggested=["x"]).assign(pruned=[True], relabelled=[True], quality=[0.1])
    external = {"more": strings(id=["a"], target=["y"]).assign(weight=[1.0], twins=[[0, 1]])}
    table = training_table(train, folds, None, noise=noise, action="relabel", external=external)
    assert table[["id", "made_by", "target"]].to_numpy().tolist() == [
        ["a", "train", "x"],
        ["b", "train", "x"],
        ["a", "more", "y"],
    ]


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
        training_table(train, folds, 0, augmented=[(made, everything)])
