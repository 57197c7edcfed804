"""Folds: units are never split, classes are spread evenly, and every mistake is told."""

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
from scripts import folds as script


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
    script.main(
        train=tmp_path / "train.parquet", out=tmp_path / "folds.parquet", n=4, seed=0, near_duplicates=0.8
    )
    found = read_table(tmp_path / "folds.parquet")
    assert found.columns.tolist() == ["id", "fold", "cluster"]
    assert found["id"].tolist() == table["id"].tolist()
    assert found["cluster"].tolist() == [*range(20), *range(10), *range(20, 30)]
    assert (found.groupby("cluster")["fold"].nunique() == 1).all()
    script.main(
        train=tmp_path / "train.parquet", out=tmp_path / "none.parquet", n=4, seed=0, near_duplicates=None
    )
    assert read_table(tmp_path / "none.parquet")["cluster"].tolist() == list(range(40))
