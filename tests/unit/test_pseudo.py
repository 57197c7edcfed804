"""Pseudo-labels: the rules written out row by row, and no look beyond the fold's own models."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium import external
from podium.files import read_table, write_json, write_table
from podium.predict import to_table
from podium.pseudo import class_shares, select
from scripts import pseudo as script

SETTINGS = {"agree": 0.6, "confidence": 0.45, "max_share": 0.5, "balance": "train"}
ALONE: dict = {**SETTINGS, "unlabelled": []}


def voters(seed: int, count: int, rows: int, classes: int) -> np.ndarray:
    """Probabilities (M, N, K) of voters that often agree."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, classes)) * 2 + rng.normal(size=(count, rows, classes))
    proba = np.exp(logits)
    return proba / proba.sum(axis=2, keepdims=True)


def by_hand(proba, *, agree, confidence, max_share, balance, class_share) -> list[tuple]:
    """Apply the rules one row at a time."""
    count, rows, classes = proba.shape
    verdicts = []
    for row in range(rows):
        ballots = [int(np.argmax(proba[voter, row])) for voter in range(count)]
        mean = [float(np.mean(proba[:, row, label])) for label in range(classes)]
        label = max(range(classes), key=lambda k: (ballots.count(k), mean[k]))
        why = "?"
        if mean[label] < confidence:
            why = "below confidence"
        if ballots.count(label) < agree * count - 1e-9:
            why = "votes differ"
        verdicts.append([label, ballots.count(label), mean[label], why])
    room = int(max_share * rows + 1e-9)
    exact = [room * share / sum(class_share) for share in class_share]
    quota = [int(one + 1e-9) for one in exact]
    for label in sorted(range(classes), key=lambda k: quota[k] - exact[k])[: room - sum(quota)]:
        quota[label] += 1
    taken = [0] * classes
    for verdict in sorted((v for v in verdicts if v[3] == "?"), key=lambda v: -v[2]):
        full = taken[verdict[0]] >= quota[verdict[0]] if balance == "train" else sum(taken) >= room
        taken[verdict[0]] += not full
        verdict[3] = "accepted" if not full else "class quota" if balance == "train" else "max_share reached"
    return [tuple(verdict) for verdict in verdicts]


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(1, 5),
    st.sampled_from([0.51, 0.6, 1.0]),
    st.sampled_from([0.0, 0.45, 0.8]),
    st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    st.sampled_from(["train", "none"]),
)
def test_the_rules_applied_row_by_row(seed, count, agree, confidence, max_share, balance):
    proba = voters(seed, count, 60, 4)
    share = np.random.default_rng(seed).dirichlet(np.ones(4))
    setting = {"agree": agree, "confidence": confidence, "max_share": max_share, "balance": balance}
    found = select(proba, **setting, class_share=share)
    expected = by_hand(proba, **setting, class_share=share)
    assert found["why"].tolist() == [row[3] for row in expected]
    assert found["label"].tolist() == [row[0] for row in expected]
    assert found["votes"].tolist() == [row[1] for row in expected]
    assert found["accepted"].tolist() == [row[3] == "accepted" for row in expected]
    assert found["accepted"].sum() <= max_share * 60 + 1e-9


@given(st.integers(0, 2**32), st.sampled_from(["train", "none"]), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_barred_rows_are_as_if_they_were_not_there(seed, balance, max_share):
    rng = np.random.default_rng(seed)
    proba, barred = voters(seed, 3, 60, 4), rng.random(60) < rng.random()
    setting = {
        **SETTINGS,
        "balance": balance,
        "max_share": max_share,
        "class_share": rng.dirichlet(np.ones(4)),
    }
    found = select(proba, **setting, barred=barred)
    alone = select(proba[:, ~barred], **setting)
    pd.testing.assert_frame_equal(found[~barred].reset_index(drop=True), alone)
    assert not found.loc[barred, "accepted"].any()
    assert set(found.loc[barred, "why"]) <= {"near-duplicate in the fold"}


def test_equal_confidence_is_taken_in_order_of_rows():
    proba = np.tile([[0.75, 0.25], [0.75, 0.25], [0.875, 0.125]], (3, 300, 1))
    found = select(
        proba, agree=1.0, confidence=0.75, max_share=0.4, balance="none", class_share=np.array([0.5, 0.5])
    )
    surest = [row for row in range(900) if row % 3 == 2]
    others = [row for row in range(900) if row % 3 < 2]
    assert np.flatnonzero(found["accepted"]).tolist() == sorted(surest + others[:60])


def test_class_shares_leave_the_fold_out():
    truth, folds = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 0, 0, 0, 1, 1])
    assert class_shares(truth, folds, fold=1, classes=3).tolist() == [0.5, 0.25, 0.25]


@pytest.fixture
def files(tmp_path):
    names, ids = ["a", "b", "c"], [f"t{i}" for i in range(50)]
    rng = np.random.default_rng(0)
    paths: dict = {"test_folds": [tmp_path / f"voter{m}.parquet" for m in range(3)]}
    by_fold = [voters(fold, 3, 50, 3) for fold in range(3)]
    for member, path in enumerate(paths["test_folds"]):
        parts = []
        for fold in range(3):
            part = to_table(ids, by_fold[fold][member], names)
            part.insert(1, "fold", fold)
            parts.append(part.iloc[np.arange(50) if member == 0 else rng.permutation(50)])
        write_table(pd.concat(parts), path)
    targets = rng.choice(names, size=90, p=[0.6, 0.3, 0.1])
    for name in ("train", "folds", "labels", "out"):
        paths[name] = tmp_path / name
    train = pd.DataFrame({"id": [f"r{i}" for i in range(90)], "target": targets})
    write_table(train, paths["train"])
    write_table(pd.DataFrame({"id": train["id"], "fold": np.arange(90) % 3}), paths["folds"])
    write_json(names, paths["labels"])
    return paths, by_fold, targets


def test_script_uses_the_voters_of_its_fold(files):
    paths, by_fold, targets = files
    script.main(**paths, fold=1, **ALONE)
    found = read_table(paths["out"])
    share = np.array([(targets[np.arange(90) % 3 != 1] == name).mean() for name in "abc"])
    expected = select(by_fold[1], **SETTINGS, class_share=share)
    assert found.columns.tolist() == ["id", "label", "votes", "confidence", "accepted", "why", "part"]
    assert set(found["part"]) == {"test"}
    assert found["id"].tolist() == [f"t{i}" for i in range(50)]
    assert found["label"].tolist() == ["abc"[k] for k in expected["label"]]
    assert found["why"].tolist() == expected["why"].tolist()
    assert set(found["why"]) == {"accepted", "votes differ", "below confidence", "class quota"}


def test_other_folds_models_and_this_folds_labels_change_nothing(files):
    paths, _, _ = files
    script.main(**paths, fold=1, **ALONE)
    before = paths["out"].read_bytes()
    for path in paths["test_folds"]:
        table = read_table(path)
        other = (table["fold"] != 1).to_numpy()
        table.loc[other, ["p:a", "p:b", "p:c"]] = [0.0, 0.0, 1.0]
        write_table(table, path)
    train = read_table(paths["train"])
    train.loc[np.arange(90) % 3 == 1, "target"] = "c"
    write_table(train, paths["train"])
    script.main(**paths, fold=1, **ALONE)
    assert paths["out"].read_bytes() == before
    train["target"] = "c"
    write_table(train, paths["train"])
    script.main(**paths, fold=1, **ALONE)
    assert paths["out"].read_bytes() != before


@pytest.fixture
def more(files, tmp_path):
    """Two unlabelled files beside the test rows, whose ids they use again; some rows resemble fold 0, 1 or both."""
    paths, by_fold, targets = files
    sizes, rng = {"web": 40, "forum": 25}, np.random.default_rng(1)
    paths = {**paths, "unlabelled_folds": [], "placed": []}
    twins = {
        name: [sorted(rng.choice(3, rng.integers(3), replace=False)) for _ in range(size)]
        for name, size in sizes.items()
    }
    said = {}
    for number, (name, size) in enumerate(sizes.items()):
        ids = [f"t{i}" for i in range(size)]
        paths["placed"].append(tmp_path / f"{name}.placed")
        external.write(pd.DataFrame({"id": ids, "twins": twins[name]}), paths["placed"][-1])
        said[name] = [voters(10 * number + fold, 3, size, 3) for fold in range(3)]
        for voter in range(3):
            parts = []
            for fold in range(3):
                part = to_table(ids, said[name][fold][voter], ["a", "b", "c"])
                part.insert(1, "fold", fold)
                parts.append(part.iloc[rng.permutation(size)])
            paths["unlabelled_folds"].append(tmp_path / f"{name}{voter}.parquet")
            write_table(pd.concat(parts), paths["unlabelled_folds"][-1])
    return paths, by_fold, said, twins, targets


def test_test_and_unlabelled_rows_compete_together_and_twins_stay_out(more):
    paths, by_fold, said, twins, targets = more
    script.main(**paths, fold=1, **SETTINGS, unlabelled=["web", "forum"])
    found = read_table(paths["out"])
    assert found["part"].tolist() == ["test"] * 50 + ["web"] * 40 + ["forum"] * 25
    ids = [*range(50), *range(40), *range(25)]
    assert found["id"].tolist() == [f"t{i}" for i in ids]
    barred = [False] * 50 + [1 in row for name in ("web", "forum") for row in twins[name]]
    assert 0 < sum(barred) < 65
    assert (found["why"] == "near-duplicate in the fold").tolist() == barred
    proba = np.concatenate([by_fold[1], said["web"][1], said["forum"][1]], axis=1)[:, ~np.array(barred)]
    share = np.array([(targets[np.arange(90) % 3 != 1] == name).mean() for name in "abc"])
    rest = [row[3] for row in by_hand(proba, **SETTINGS, class_share=share)]
    assert found.loc[~np.array(barred), "why"].tolist() == rest
    assert found.groupby("part")["accepted"].any().all()


def test_no_label_of_the_fold_is_looked_at(more):
    paths, *_ = more
    chosen = {**SETTINGS, "unlabelled": ["web", "forum"]}
    script.main(**paths, fold=1, **chosen)
    before = paths["out"].read_bytes()
    for path in (*paths["test_folds"], *paths["unlabelled_folds"]):
        table = read_table(path)
        table.loc[(table["fold"] != 1).to_numpy(), ["p:a", "p:b", "p:c"]] = [0.0, 0.0, 1.0]
        write_table(table, path)
    train = read_table(paths["train"])
    train.loc[np.arange(90) % 3 == 1, "target"] = "c"
    write_table(train, paths["train"])
    script.main(**paths, fold=1, **chosen)
    assert paths["out"].read_bytes() == before


def test_without_unlabelled_files_all_is_as_it_was(files, more):
    """Unlabelled rows that may not be used change no verdict on the test rows."""
    paths, *_ = files
    script.main(**paths, fold=1, **ALONE)
    alone = read_table(paths["out"])
    both = more[0]
    for path in both["placed"]:
        ids = read_table(path)["id"]
        external.write(pd.DataFrame({"id": ids, "twins": [[1]] * len(ids)}), path)
    script.main(**both, fold=1, **SETTINGS, unlabelled=["web", "forum"])
    found = read_table(paths["out"])
    pd.testing.assert_frame_equal(found[found["part"] == "test"], alone)
