"""Folds: units are never split, classes, labels and values are spread evenly, and every mistake is told."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from podium.errors import UserError
from podium.files import read_table, write_table
from podium.folds import make_folds, units
from podium.targets import to_text
from scripts import folds as script
from scripts import folds_joint as joint


@st.composite
def problems(draw):
    rows = draw(st.integers(2, 120))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    classes = draw(st.integers(1, 8))
    targets = rng.choice(classes, size=rows, p=rng.dirichlet(np.full(classes, 0.7))).astype(str).tolist()
    clusters = rng.integers(0, max(1, int(rows * draw(st.sampled_from([0.1, 0.5, 3.0])))), size=rows)
    grouped = draw(st.booleans())
    groups = rng.choice(["", *"abcdefghijklmnopqrstuvwxyz"], size=rows).tolist() if grouped else None
    return targets, groups, clusters, draw(st.integers(2, 10)), draw(st.integers(0, 1000))


@settings(max_examples=400, deadline=None)
@given(problems())
def test_units_stay_whole_and_every_training_part_has_every_class(problem):
    targets, groups, clusters, n, seed = problem
    unit = units(groups, clusters)
    if len(set(unit.tolist())) < n:
        with pytest.raises(UserError, match="independent groups"):
            make_folds(targets, groups, clusters, n=n, seed=seed)
        return
    folds = make_folds(targets, groups, clusters, n=n, seed=seed)
    table = pd.DataFrame({"target": targets, "cluster": clusters, "fold": folds, "unit": unit})
    assert set(folds.tolist()) == set(range(n))
    assert (table.groupby("cluster")["fold"].nunique() == 1).all()
    if groups is not None:
        named = table[np.array(groups) != ""].assign(group=[group for group in groups if group])
        assert (named.groupby("group")["fold"].nunique() == 1).all()
    by_class = table.groupby("target")
    alone = by_class["fold"].nunique() == 1
    # A unit of several classes may have to gather one of them so as not to gather another
    pure = table.groupby("unit")["target"].transform("nunique").groupby(table["target"]).max() == 1
    assert not (alone & pure & (by_class["unit"].nunique() >= n)).any()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from("aaaaaabbbc"), min_size=10, max_size=200), st.integers(2, 10))
def test_single_rows_are_dealt_evenly(targets, n):
    folds = make_folds(targets, None, np.arange(len(targets)), n=n, seed=0)
    counts = pd.crosstab(np.array(targets), folds).reindex(columns=range(n), fill_value=0).to_numpy()
    assert (counts.max(axis=1) - counts.min(axis=1)).max() <= 1
    assert np.ptp(np.bincount(folds, minlength=n)) <= 1


def unevenness(targets: np.ndarray, folds: np.ndarray) -> float:
    """Sum over classes and folds of the squared distance of the class's share in the fold from 1/n."""
    share = pd.crosstab(targets, folds, normalize="index").to_numpy()
    return float(((share - 1 / share.shape[1]) ** 2).sum())


def test_no_less_even_than_scikit_learn():
    ours, theirs = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        targets = rng.choice(6, size=600, p=[0.5, 0.2, 0.15, 0.1, 0.04, 0.01]).astype(str)
        groups = np.minimum(rng.geometric(0.01, size=600), 300)
        ours.append(unevenness(targets, make_folds(targets.tolist(), None, groups, n=5, seed=seed)))
        folds = np.empty(600, dtype=int)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            splits = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(targets, targets, groups)
            for fold, (_, rows) in enumerate(splits):
                folds[rows] = fold
        theirs.append(unevenness(targets, folds))
    assert np.mean(ours) <= np.mean(theirs)


def test_seed_decides_and_repeats():
    targets, clusters = ["a", "b", "b"] * 30, np.arange(90) // 2
    first = make_folds(targets, None, clusters, n=5, seed=1)
    assert (first == make_folds(targets, None, clusters, n=5, seed=1)).all()
    assert (first != make_folds(targets, None, clusters, n=5, seed=2)).any()


def test_the_last_unit_of_a_class_leaves_the_fold_of_the_others():
    """Evenness of the large classes alone would put both rows of `rare` in one fold."""
    targets = (["a", "b", "c"] * 100) + (["a", "b", "c"] * 25 + ["rare"]) * 2
    unit = np.repeat([0, 1, 2], [300, 76, 76])
    folds = make_folds(targets, None, unit, n=2, seed=0)
    assert set(folds[np.array(targets) == "rare"].tolist()) == {0, 1}


def test_one_large_group_is_reported(caplog):
    make_folds(["a"] * 20, ["big"] * 15 + [""] * 5, np.arange(20), n=3, seed=0)
    assert "15 of 20 rows" in caplog.text


@pytest.mark.parametrize("near_duplicates", [None, 0.8])
def test_a_context_is_in_one_fold_whatever_its_questions_groups_are(near_duplicates, tmp_path):
    paragraph = np.arange(48) // 4
    table = pd.DataFrame(
        {
            "id": [f"q{number}" for number in range(48)],
            "text_a": [f"question {number}?" for number in range(48)],
            "text_b": [f"{number} it says {'xyz ' * number}" for number in paragraph],
            "target": ['[[0,1,"x"]]', "[]"] * 24,
            "group": [["", "t", "u", "v"][number % 4] + str(paragraph[number]) for number in range(48)],
        }
    )
    write_table(table, tmp_path / "train.parquet")
    given = {"n": 4, "seed": 0, "near_duplicates": near_duplicates}
    script.main(train=tmp_path / "train.parquet", out=tmp_path / "alone.parquet", type="span", **given)
    joint.main(
        **{"train": [tmp_path / "train.parquet"] * 2, "types": {"a": "span", "b": "span"}},
        **{"out": [tmp_path / "a.parquet", tmp_path / "b.parquet"], **given},
    )
    for name in ("alone", "a", "b"):
        folds = read_table(tmp_path / f"{name}.parquet")
        assert (folds.groupby(table["text_b"])["fold"].nunique() == 1).all()
        assert (folds.groupby(table["text_b"])["cluster"].nunique() == 1).all()


def test_script_groups_near_duplicates_of_pairs(tmp_path):
    words = [" ".join(f"w{i}_{k}" for k in range(30)) for i in range(20)]
    table = pd.DataFrame(
        {
            "id": [f"{i:03d}" for i in range(40)],
            "text_a": words + words,
            "text_b": ["yes"] * 20 + ["yes!"] * 10 + [" ".join(f"no{k}" for k in range(10))] * 10,
            "target": ["x", "y"] * 20,
        }
    )
    write_table(table, tmp_path / "train.parquet")
    settings = {"n": 4, "seed": 0, "type": "single_label"}
    script.main(
        train=tmp_path / "train.parquet", out=tmp_path / "folds.parquet", near_duplicates=0.8, **settings
    )
    found = read_table(tmp_path / "folds.parquet")
    assert found.columns.tolist() == ["id", "fold", "cluster"]
    assert found["id"].tolist() == table["id"].tolist()
    assert found["cluster"].tolist() == [*range(20), *range(10), *range(20, 30)]
    assert (found.groupby("cluster")["fold"].nunique() == 1).all()
    script.main(
        train=tmp_path / "train.parquet", out=tmp_path / "none.parquet", near_duplicates=None, **settings
    )
    assert read_table(tmp_path / "none.parquet")["cluster"].tolist() == list(range(40))


# ---- multi-label tasks and regressions


def label_sets(seed: int, rows: int = 400) -> np.ndarray:
    """Flags (N, 8) of labels from frequent to rare, some of which come together; some rows have none."""
    rng = np.random.default_rng(seed)
    flags = rng.random((rows, 8)) < [0.4, 0.3, 0.2, 0.1, 0.06, 0.04, 0.02, 0.01]
    flags[:, 2] |= flags[:, 1] & (rng.random(rows) < 0.7)
    return flags.astype(np.float32)


def dealt(flags: np.ndarray, clusters: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    texts = to_text(flags, [f"l{k}" for k in range(flags.shape[1])])
    return make_folds(texts, None, clusters, n=n, seed=seed, type="multi_label")


def label_unevenness(flags: np.ndarray, folds: np.ndarray, n: int) -> float:
    """Mean over labels of how far the label's odds in the folds are from those in all rows (Sechidis et al., LD)."""
    found = []
    for label in np.flatnonzero(flags.any(axis=0)):
        share = flags[:, label].mean()
        parts = np.array([flags[folds == fold, label].mean() for fold in range(n)])
        found.append(np.abs(parts / np.maximum(1 - parts, 1e-9) - share / (1 - share)).mean())
    return float(np.mean(found))


def iterative_stratification(flags: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Algorithm 1 of Sechidis, Tsoumakas and Vlahavas (2011), line by line."""
    rng = np.random.default_rng(seed)
    room = np.full(n, len(flags) / n)
    wanted = np.tile(flags.sum(axis=0) / n, (n, 1))
    folds = np.full(len(flags), -1)
    while (folds < 0).any():
        left = flags[folds < 0].sum(axis=0)
        label = np.argmin(np.where(left > 0, left, np.inf)) if left.any() else None
        rows = (folds < 0) & (flags[:, label] > 0 if label is not None else True)
        for row in np.flatnonzero(rows):
            best = np.arange(n)
            if label is not None:
                best = best[wanted[best, label] == wanted[best, label].max()]
            best = best[room[best] == room[best].max()]
            fold = rng.choice(best)
            folds[row] = fold
            wanted[fold] -= flags[row]
            room[fold] -= 1
    return folds


def test_labels_are_spread_as_evenly_as_by_iterative_stratification():
    ours, theirs, random, sizes = [], [], [], []
    for seed in range(8):
        flags = label_sets(seed)
        folds = dealt(flags, np.arange(400), n=5, seed=seed)
        ours.append(label_unevenness(flags, folds, 5))
        theirs.append(label_unevenness(flags, iterative_stratification(flags, 5, seed), 5))
        random.append(label_unevenness(flags, np.random.default_rng(seed).permutation(400) % 5, 5))
        sizes.append(np.ptp(np.bincount(folds, minlength=5)))
    assert np.mean(ours) <= 1.1 * np.mean(theirs) < 0.5 * np.mean(random)
    assert max(sizes) <= 4


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 6), st.sampled_from([0.3, 3.0]))
def test_units_of_label_sets_stay_whole_and_no_label_is_gathered(seed, n, crowd):
    rng = np.random.default_rng(seed)
    flags = label_sets(seed, rows=80)
    clusters = rng.integers(0, int(80 * crowd), size=80)
    folds = dealt(flags, clusters, n=n)
    table = pd.DataFrame({"cluster": clusters, "fold": folds})
    assert (table.groupby("cluster")["fold"].nunique() == 1).all()
    assert set(folds.tolist()) == set(range(n))
    for label in range(8):
        units_of, folds_of = (len(np.unique(column[flags[:, label] > 0])) for column in (clusters, folds))
        assert folds_of > 1 or units_of < max(n, 3)


def test_rows_of_one_label_or_none_are_dealt_as_evenly_as_classes():
    flags = np.eye(4, dtype=np.float32)[np.random.default_rng(0).choice(4, 90, p=[0.6, 0.2, 0.15, 0.05])]
    flags[:, 0] = 0  # the first are rows without a label
    counts = pd.crosstab(np.array(to_text(flags, list("abcd"))), dealt(flags, np.arange(90), n=4)).to_numpy()
    assert np.ptp(counts, axis=1).max() <= 1


@pytest.mark.parametrize("columns", [1, 2])
def test_values_are_spread_over_the_folds(columns):
    rng = np.random.default_rng(0)
    values = np.exp(rng.normal(size=(300, columns)))
    texts, clusters = to_text(values, ["x", "y"]), np.arange(300)
    clusters[:40] //= 4
    folds = make_folds(texts, None, clusters, n=5, seed=0, type="regression")
    assert all(len(set(folds[clusters == cluster])) == 1 for cluster in range(10))
    for column in values.T:
        tenth = np.searchsorted(np.quantile(column, np.arange(0.1, 1, 0.1)), column)
        assert np.ptp(pd.crosstab(tenth, folds).to_numpy(), axis=1).max() <= (2 if columns == 1 else 4)
    assert np.ptp(np.bincount(folds)) <= 3


def test_values_that_repeat_and_few_rows_can_be_dealt():
    assert (
        np.ptp(np.bincount(make_folds(["1.0"] * 9, None, np.arange(9), n=3, seed=0, type="regression"))) == 0
    )
    assert len(set(make_folds(["1", "2", "3"], None, np.arange(3), n=3, seed=0, type="regression"))) == 3
    scores = ["0.0", "1.0", "1.0", "2.0"] * 15
    counts = pd.crosstab(
        np.array(scores), make_folds(scores, None, np.arange(60), n=4, seed=0, type="regression")
    )
    assert np.ptp(counts.to_numpy(), axis=1).max() <= 1
