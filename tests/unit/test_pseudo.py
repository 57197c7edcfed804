"""Pseudo-labels: the rules written out row by row, and no look beyond the fold's own models and the others' labels."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium import external
from podium.errors import UserError
from podium.files import read_json, read_table, write_json, write_table
from podium.predict import to_table
from podium.pseudo import class_shares, count, needed_votes, select
from podium.pseudo_bars import Known, bars_for, estimate, passing
from podium.pseudo_choice import Rules, choose, floors_of
from scripts import pseudo as script

RULES: dict = {
    "agree": 0.6,
    "votes": None,
    "confidence": 0.45,
    "precision": None,
    "max_share": 0.5,
    "balance": "train",
    "top": None,
    "labels": "hard",
}


def voters(seed: int, number: int, rows: int, classes: int, truth: np.ndarray | None = None) -> np.ndarray:
    """Probabilities (M, N, K) of voters that often agree, and are often right where the truth is given."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, classes)) * 2 + rng.normal(size=(number, rows, classes))
    if truth is not None:
        logits[:, np.arange(rows), truth] += 3
    proba = np.exp(logits)
    return proba / proba.sum(axis=2, keepdims=True)


def by_hand(proba, *, agree, votes, confidence, bars, max_share, shares, top) -> list[tuple]:
    """Apply the rules one row at a time."""
    number, rows, classes = proba.shape
    verdicts = []
    for row in range(rows):
        ballots = [int(np.argmax(proba[voter, row])) for voter in range(number)]
        mean = [float(np.mean(proba[:, row, label])) for label in range(classes)]
        label = max(range(classes), key=lambda k: (ballots.count(k), mean[k]))
        why = "?"
        if mean[label] < bars[label]:
            why = "below the bar of precision"
        if mean[label] < confidence[label]:
            why = "below confidence"
        if ballots.count(label) < agree * number - 1e-9 or ballots.count(label) < (votes or 0):
            why = "votes differ"
        verdicts.append([label, ballots.count(label), mean[label], why])
    room = int(max_share * rows + 1e-9)
    quota = [room] * classes
    if shares is not None:
        exact = [room * share / sum(shares) for share in shares]
        quota = [int(one + 1e-9) for one in exact]
        for label in sorted(range(classes), key=lambda k: quota[k] - exact[k])[: room - sum(quota)]:
            quota[label] += 1
    seen, taken = [0] * classes, [0] * classes
    for verdict in sorted((v for v in verdicts if v[3] == "?"), key=lambda v: -v[2]):
        label = verdict[0]
        seen[label] += 1
        if top is not None and seen[label] > top:
            verdict[3] = "top of its class is full"
        elif shares is None:
            verdict[3] = "accepted" if sum(taken) < room else "max_share reached"
        else:
            verdict[3] = "accepted" if taken[label] < quota[label] else "class quota"
        taken[label] += verdict[3] == "accepted"
    return [tuple(verdict) for verdict in verdicts]


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    number=st.integers(1, 5),
    agree=st.sampled_from([0.3, 0.6, 1.0]),
    votes=st.sampled_from([None, 1, 2]),
    max_share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    top=st.sampled_from([None, 1, 7]),
    balanced=st.booleans(),
)
def test_the_rules_applied_row_by_row(seed, number, agree, votes, max_share, top, balanced):
    proba, rng = voters(seed, number, 60, 4), np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(4)) if balanced else None
    floors, bars = (rng.choice([0.0, 0.45, 0.8], 4) for _ in range(2))
    bars[0] = rng.choice([0, np.inf])
    ballot, mean = count(iter(proba))
    assert np.allclose(mean, proba.mean(axis=0))
    found = select(
        ballot,
        needed=needed_votes(number, agree=agree, votes=votes),
        floors=floors,
        bars=bars,
        max_share=max_share,
        class_share=shares,
        top=top,
        barred=np.zeros(60, dtype=bool),
    )
    expected = by_hand(
        proba,
        agree=agree,
        votes=votes,
        confidence=floors,
        bars=bars,
        max_share=max_share,
        shares=shares,
        top=top,
    )
    assert found["why"].tolist() == [row[3] for row in expected]
    assert found["label"].tolist() == [row[0] for row in expected]
    assert found["votes"].tolist() == [row[1] for row in expected]
    assert found["accepted"].tolist() == [row[3] == "accepted" for row in expected]
    assert found["accepted"].sum() <= max_share * 60 + 1e-9


def picked(ballot, **changes):
    plain = {
        "needed": 1,
        "floors": np.full(4, 0.4),
        "bars": np.zeros(4),
        "max_share": 0.5,
        "class_share": None,
        "top": None,
        "barred": np.zeros(len(ballot.label), dtype=bool),
    }
    return select(ballot, **plain | changes)


@given(st.integers(0, 2**32), st.booleans(), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_barred_rows_are_as_if_they_were_not_there(seed, balanced, max_share):
    rng = np.random.default_rng(seed)
    (ballot, _), barred = count(voters(seed, 3, 60, 4)), rng.random(60) < rng.random()
    shares = rng.dirichlet(np.ones(4)) if balanced else None
    found = picked(ballot, barred=barred, max_share=max_share, class_share=shares)
    alone = picked(ballot.take(~barred), max_share=max_share, class_share=shares)
    pd.testing.assert_frame_equal(found[~barred].reset_index(drop=True), alone)
    assert not found.loc[barred, "accepted"].any()
    assert set(found.loc[barred, "why"]) <= {"near-duplicate in the fold"}


def test_equal_confidence_is_taken_in_order_of_rows():
    proba = np.tile([[0.75, 0.25], [0.75, 0.25], [0.875, 0.125]], (3, 300, 1))
    found = picked(count(proba)[0], max_share=0.4, floors=np.zeros(2), bars=np.zeros(2))
    surest = [row for row in range(900) if row % 3 == 2]
    others = [row for row in range(900) if row % 3 < 2]
    assert np.flatnonzero(found["accepted"]).tolist() == sorted(surest + others[:60])


def test_bars_by_class_name_the_classes_or_the_rest():
    assert floors_of(0.5, ["a", "b"]).tolist() == [0.5, 0.5]
    assert floors_of({"b": 0.7, "*": 0.9}, ["a", "b"]).tolist() == [0.9, 0.7]
    with pytest.raises(UserError, match=r"pseudo.confidence: there is no class 'ern'; did you mean 'earn'\?"):
        floors_of({"ern": 0.5, "*": 0.9}, ["acq", "earn"])


# ---- how many are right


@given(st.integers(0, 2**32), st.sampled_from([0.5, 0.8, 0.9]), st.floats(0, 0.9))
@settings(max_examples=60, deadline=None)
def test_a_bar_is_the_lowest_confidence_that_is_precise(seed, target, floor):
    """Every confidence of a row is tried."""
    truth = np.random.default_rng(seed).integers(3, size=80)
    ballot, _ = count(np.round(voters(seed, 2, 80, 3, truth), 2))
    known = Known(ballot, truth, np.zeros(80, dtype=int), ballot.votes >= 2)
    found = bars_for(known, np.full(3, floor), target=target)
    for label in range(3):
        mine = (ballot.label == label) & known.agreed & (ballot.confidence >= floor)
        fine = []
        for bar in ballot.confidence[mine]:
            rows = mine & (ballot.confidence >= bar)
            if (1 + (truth[rows] == label).sum()) / (2 + rows.sum()) >= target:
                fine.append(bar)
        assert found[label] == min(fine, default=np.inf)


def calibrated(rng, rows: int, shares: np.ndarray, voters: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Classes (N,) and voters' probabilities (M, N, K) that are sometimes wrong, and not calibrated either."""
    truth = rng.choice(len(shares), size=rows, p=shares)
    logits = rng.normal(size=(rows, len(shares))) * 1.2 + rng.normal(size=(voters, rows, len(shares))) * 0.5
    logits[:, np.arange(rows), truth] += 1.5
    proba = np.exp(1.6 * logits)
    return truth, proba / proba.sum(axis=2, keepdims=True)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"precision": 0.9},
        {"balance": "equal", "max_share": 0.3},
        {"top": 40, "balance": "none"},
        {"precision": 0.85, "top": 60, "confidence": {"0": 0.6, "*": 0.3}},
    ],
    ids=str,
)
def test_the_estimated_precision_covers_the_true_one(changes):
    """Over many draws: (true - estimated) / error is centred, and as wide as the error says."""
    rng, away, shares = np.random.default_rng(8), [], np.array([0.5, 0.3, 0.15, 0.05])
    rules = Rules(**RULES | {"confidence": 0.6, "max_share": 1.0, "balance": "none"} | changes)
    for _ in range(120):
        truth, oof = calibrated(rng, 400, shares)
        hidden, test = calibrated(rng, 500, shares)
        table, facts = choose(
            test,
            oof,
            truth=truth,
            folds=np.arange(400) % 4,
            names=list("0123"),
            tested=np.ones(500, dtype=bool),
            barred=np.zeros(500, dtype=bool),
            rules=rules,
        )
        taken = table["accepted"].to_numpy()
        if not taken.any():
            assert facts["precision"] is None
            continue
        right = (table["label"].astype(int).to_numpy() == hidden)[taken].mean()
        away.append((right - facts["precision"]["value"]) / facts["precision"]["se"])
        if "precision" in changes:
            assert facts["precision"]["cross_fitted"]
    assert len(away) > 100
    assert abs(np.mean(away)) < 0.35
    assert 0.7 < np.std(away) < (1.35 if "precision" in changes else 1.2)  # fewer rows choose the folds' bars
    assert (np.abs(away) < 2).mean() > 0.9


def test_bars_measured_where_they_were_chosen_look_too_good():
    """What cross-fitting is for; labels at random are right one time in four."""
    rng, found = np.random.default_rng(0), {True: [], False: []}
    for _ in range(60):
        _, proba = calibrated(rng, 120, np.full(4, 0.25))
        truth = rng.integers(4, size=120)
        ballot, _ = count(proba)
        for folds in (np.arange(120) % 4, np.zeros(120, dtype=int)):
            known = Known(ballot, truth, folds, np.ones(120, dtype=bool))
            evidence = passing(known, np.zeros(4), np.zeros(4), target=0.45)
            found[evidence.crossed].append([evidence.right.sum(), evidence.rows.sum()])
    share = {crossed: np.sum(counts, axis=0) for crossed, counts in found.items()}
    assert share[True][0] / share[True][1] == pytest.approx(0.25, abs=0.05)
    assert share[False][0] / share[False][1] > 0.4


def test_an_estimate_weighs_classes_by_what_was_accepted():
    evidence = passing(
        Known(
            count(np.tile(np.eye(2)[[0, 0, 0, 0, 1, 1]] * 0.8 + 0.1, (1, 1, 1)))[0],
            np.array([0, 0, 0, 1, 1, 1]),
            np.zeros(6, dtype=int),
            np.ones(6, dtype=bool),
        ),
        np.zeros(2),
        np.zeros(2),
        target=None,
    )
    found = estimate(evidence, np.array([10, 30]))
    assert found.by_class.tolist() == [0.75, 1.0]
    assert found.value == pytest.approx(0.25 * 0.75 + 0.75)
    assert 0 < found.se < 1
    assert np.isnan(estimate(evidence, np.array([0, 0])).value)


def test_the_prior_shares_out_the_room_only_where_it_surely_moved():
    rng = np.random.default_rng(3)
    train, moved = np.array([0.25, 0.25, 0.25, 0.25]), np.array([0.6, 0.2, 0.15, 0.05])
    truth, oof = calibrated(rng, 1500, train)
    shared = {"truth": truth, "folds": np.arange(1500) % 3, "names": list("abcd")}
    for shares in (train, moved):
        _, test = calibrated(rng, 800, shares)
        _, facts = choose(
            test,
            oof,
            **shared,
            tested=np.ones(800, dtype=bool),
            barred=np.zeros(800, dtype=bool),
            rules=Rules(**RULES | {"balance": "prior", "max_share": 1.0}),
        )
        assert facts["prior"]["applied"] == (shares is moved)
        room = np.array([facts["classes"][name]["room"] for name in "abcd"]) / 800
        assert np.abs(room - shares).max() < 0.12  # the estimate is held back towards train
        assert np.abs(room - shares).sum() < 0.4 * np.abs(moved - train).sum()
        assert facts["prior"]["test"].keys() == set("abcd")


# ---- the job


ALONE: dict = {"rules": RULES, "unlabelled": []}


@pytest.fixture
def files(tmp_path):
    """Three voters, three folds, 90 train and 50 test rows in other orders by voter."""
    names, ids = ["a", "b", "c"], [f"t{i}" for i in range(50)]
    rng = np.random.default_rng(0)
    paths: dict = {
        "test_folds": [tmp_path / f"voter{m}.parquet" for m in range(3)],
        "oof": [tmp_path / f"oof{m}.parquet" for m in range(3)],
    }
    by_fold = [voters(fold, 3, 50, 3) for fold in range(3)]
    for member, path in enumerate(paths["test_folds"]):
        parts = []
        for fold in range(3):
            part = to_table(ids, by_fold[fold][member], names)
            part.insert(1, "fold", fold)
            parts.append(part.iloc[np.arange(50) if member == 0 else rng.permutation(50)])
        write_table(pd.concat(parts), path)
    codes = rng.choice(3, size=90, p=[0.6, 0.3, 0.1])
    targets, own = np.array(names)[codes], [f"r{i}" for i in range(90)]
    for path, proba in zip(paths["oof"], voters(7, 3, 90, 3, codes), strict=True):
        write_table(to_table(own, proba, names).iloc[rng.permutation(90)], path)
    for name in ("train", "folds", "labels", "out", "facts"):
        paths[name] = tmp_path / name
    train = pd.DataFrame({"id": own, "target": targets})
    write_table(train, paths["train"])
    write_table(pd.DataFrame({"id": train["id"], "fold": np.arange(90) % 3}), paths["folds"])
    write_json(names, paths["labels"])
    return paths, by_fold, targets


def expected(proba, targets, fold):
    share = np.array([(targets[np.arange(90) % 3 != fold] == name).mean() for name in "abc"])
    plain = {key: RULES[key] for key in ("agree", "votes", "max_share", "top")}
    return by_hand(proba, **plain, confidence=[0.45] * 3, bars=[0] * 3, shares=share)


def test_script_uses_the_voters_of_its_fold(files):
    paths, by_fold, targets = files
    script.main(**paths, fold=1, **ALONE)
    found, facts = read_table(paths["out"]), read_json(paths["facts"])
    wanted = expected(by_fold[1], targets, 1)
    assert found.columns.tolist() == ["id", "label", "votes", "confidence", "accepted", "why", "part"]
    assert set(found["part"]) == {"test"}
    assert found["id"].tolist() == [f"t{i}" for i in range(50)]
    assert found["label"].tolist() == ["abc"[row[0]] for row in wanted]
    assert found["why"].tolist() == [row[3] for row in wanted]
    assert facts["why"] == found["why"].value_counts().to_dict()
    assert next(iter(facts["why"])) == "accepted"
    assert facts["parts"] == {"test": facts["accepted"]}
    right = facts["classes"]["a"]
    oof = np.stack(
        [read_table(path).set_index("id").loc[[f"r{i}" for i in range(90)]] for path in paths["oof"]]
    )
    outside, cut = (
        np.arange(90) % 3 != 1,
        found[found["accepted"] & (found["label"] == "a")]["confidence"].min(),
    )
    passed = ((oof.argmax(axis=2) == 0).sum(axis=0) >= 2) & (oof.mean(axis=0)[:, 0] >= cut - 1e-6) & outside
    assert right["oof_rows"] == passed.sum()
    assert right["oof_right"] == (targets[passed] == "a").sum()


def test_soft_labels_are_the_voters_mean(files):
    paths, by_fold, _ = files
    script.main(**paths, fold=1, **ALONE)
    hard = read_table(paths["out"])
    script.main(**paths, fold=1, rules=RULES | {"labels": "soft"}, unlabelled=[])
    found = read_table(paths["out"])
    pd.testing.assert_frame_equal(found[hard.columns], hard)
    assert np.allclose(found[["p:a", "p:b", "p:c"]], by_fold[1].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize(
    "rules", [{}, {"precision": 0.7}, {"balance": "prior"}, {"labels": "soft", "votes": 3}]
)
def test_other_folds_models_and_this_folds_labels_change_nothing(files, rules):
    """Neither the table nor the bars, nor what is said of their precision."""
    paths, _, _ = files
    chosen = {"rules": RULES | rules, "unlabelled": []}
    script.main(**paths, fold=1, **chosen)
    before = paths["out"].read_bytes(), paths["facts"].read_bytes()
    for path in paths["test_folds"]:
        table = read_table(path)
        other = (table["fold"] != 1).to_numpy()
        table.loc[other, ["p:a", "p:b", "p:c"]] = [0.0, 0.0, 1.0]
        write_table(table, path)
    for path in paths["oof"]:
        table = read_table(path)
        own = table["id"].str[1:].astype(int) % 3 == 1
        table.loc[own, ["p:a", "p:b", "p:c"]] = [0.0, 0.0, 1.0]
        write_table(table, path)
    train = read_table(paths["train"])
    train.loc[np.arange(90) % 3 == 1, "target"] = "c"
    write_table(train, paths["train"])
    script.main(**paths, fold=1, **chosen)
    assert (paths["out"].read_bytes(), paths["facts"].read_bytes()) == before
    train["target"] = "c"
    write_table(train, paths["train"])
    script.main(**paths, fold=1, **chosen)
    assert (paths["out"].read_bytes(), paths["facts"].read_bytes()) != before


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
    script.main(**paths, fold=1, rules=RULES, unlabelled=["web", "forum"])
    found, facts = read_table(paths["out"]), read_json(paths["facts"])
    assert found["part"].tolist() == ["test"] * 50 + ["web"] * 40 + ["forum"] * 25
    ids = [*range(50), *range(40), *range(25)]
    assert found["id"].tolist() == [f"t{i}" for i in ids]
    barred = [False] * 50 + [1 in row for name in ("web", "forum") for row in twins[name]]
    assert 0 < sum(barred) < 65
    assert (found["why"] == "near-duplicate in the fold").tolist() == barred
    proba = np.concatenate([by_fold[1], said["web"][1], said["forum"][1]], axis=1)[:, ~np.array(barred)]
    rest = [row[3] for row in expected(proba, targets, 1)]
    assert found.loc[~np.array(barred), "why"].tolist() == rest
    assert found.groupby("part")["accepted"].sum().to_dict() == facts["parts"]
    assert facts["candidates"] == 115 - sum(barred)


def test_without_unlabelled_files_all_is_as_it_was(files, more):
    """Unlabelled rows that may not be used change no verdict on the test rows."""
    paths, *_ = files
    script.main(**paths, fold=1, **ALONE)
    alone = read_table(paths["out"])
    both = more[0]
    for path in both["placed"]:
        ids = read_table(path)["id"]
        external.write(pd.DataFrame({"id": ids, "twins": [[1]] * len(ids)}), path)
    script.main(**both, fold=1, rules=RULES, unlabelled=["web", "forum"])
    found = read_table(paths["out"])
    pd.testing.assert_frame_equal(found[found["part"] == "test"], alone)


def test_class_shares_are_counts():
    assert class_shares(np.array([0, 0, 2, 2]), 3).tolist() == [0.5, 0, 0.5]
