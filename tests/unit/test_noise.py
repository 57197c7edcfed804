"""Label noise is found as published and above chance, and no verdict rests on the fold that it is used in."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium import noise

RULES = {  # issues that cleanlab 2.9 flags in its published arrays of 20 Newsgroups
    "prune_by_noise_rate": 95,
    "prune_by_class": 96,
    "both": 44,
    "confident_learning": 55,
    "predicted_neq_given": 577,
}
SETTINGS = {"filter_by": "prune_by_noise_rate", "inner_folds": 3, "max_share": 0.5, "seed": 1, "threads": 1}
LABELS = ["no", "yes"]


@pytest.mark.parametrize("rule", RULES)
def test_published_label_issues_are_found(rule: str) -> None:
    if not os.environ.get("PODIUM_DATA"):
        pytest.skip("PODIUM_DATA names no folder with label_errors_20news")
    folder = Path(os.environ["PODIUM_DATA"]) / "label_errors_20news"
    given = np.load(folder / "20news_test_set_original_labels.npy").astype(np.int64)
    proba = np.load(folder / "20news_test_set_pyx.npy").astype(float)
    found = noise.find(given, proba, filter_by=rule, max_share=1.0)
    assert found["pruned"].sum() == RULES[rule]
    np.testing.assert_array_equal(found["suggested"], proba.argmax(axis=1))
    few = noise.find(given, proba, filter_by=rule, max_share=0.005)
    worst = found["quality"].where(found["pruned"]).nsmallest(37).index
    assert set(few.index[few["pruned"]]) == set(worst)


@pytest.mark.filterwarnings(
    "ignore:May not flag all label issues"
)  # cleanlab's, of classes with a row or two
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(sorted(RULES)), st.floats(0, 1))
def test_few_are_pruned_the_worst_first_and_never_a_whole_class(
    seed: int, rule: str, max_share: float
) -> None:
    rng = np.random.default_rng(seed)
    rows, classes = int(rng.integers(1, 40)), int(rng.integers(2, 6))
    target = rng.integers(0, classes, rows)
    proba = rng.dirichlet(np.full(classes, 0.5), rows)
    found = noise.find(target, proba, filter_by=rule, max_share=max_share)
    assert found["pruned"].sum() <= max_share * rows
    assert set(target[~found["pruned"]]) == set(target)
    np.testing.assert_array_equal(found["quality"], proba[np.arange(rows), target])


def planted(rows: int, share: float) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Texts of two classes that differ in one word, and which of their labels (N,) were turned round."""
    rng = np.random.default_rng(0)
    truth, wrong = rng.integers(0, 2, rows), rng.random(rows) < share
    words = [["grey", "green", "blue", "pink"], ["apple", "pear", "plum", "fig"]]
    neutral = ["the", "of", "and", "to", "in", "is"]
    texts = [" ".join([*rng.choice(neutral, 6), *rng.choice(words[label], 2)]) for label in truth]
    ids = pd.Series([f"{number:04}" for number in range(rows)], dtype="str")
    given = pd.Series(np.array(LABELS)[truth ^ wrong], dtype="str")
    folds = pd.DataFrame({"id": ids, "fold": rng.integers(0, 3, rows), "cluster": np.arange(rows)})
    texts_of = pd.DataFrame({"id": ids, "text_a": pd.Series(texts, dtype="str")})
    return pd.DataFrame({"id": ids, "target": given}), texts_of, folds, wrong


def test_planted_noise_is_found() -> None:
    train, texts, folds, wrong = planted(300, 0.15)
    table = noise.judge(train, texts, folds, LABELS, fold=0, **SETTINGS)
    assert list(table.columns) == ["id", "given", "suggested", "quality", "pruned"]
    outside = (folds["fold"] != 0).to_numpy()
    assert list(table["id"]) == list(train.loc[outside, "id"])
    really = pd.Series(wrong[outside], index=table.index)
    assert really[table["pruned"]].mean() > 0.9  # a draw at random: 0.15
    assert table.loc[really, "pruned"].mean() > 0.7
    turned = table.loc[really & table["pruned"]]
    assert (turned["suggested"] != turned["given"]).all()


def test_the_folds_own_rows_do_not_matter(tmp_path: Path) -> None:
    """Their texts, labels and clusters mutated: the same table, byte for byte; another row's: not."""
    train, texts, folds, _ = planted(120, 0.15)
    before = noise.judge(train, texts, folds, LABELS, fold=1, **SETTINGS)
    inside = folds["fold"] == 1
    train.loc[inside, "target"] = "yes"
    texts.loc[inside, "text_a"] = "grey grey apple"
    folds.loc[inside, "cluster"] = 0
    after = noise.judge(train, texts, folds, LABELS, fold=1, **SETTINGS)
    before.to_parquet(tmp_path / "before")
    after.to_parquet(tmp_path / "after")
    assert (tmp_path / "before").read_bytes() == (tmp_path / "after").read_bytes()
    texts.loc[~inside, "text_a"] = texts.loc[~inside, "text_a"].str.replace("grey", "plum")
    other = noise.judge(train, texts, folds, LABELS, fold=1, **SETTINGS)
    assert not other["quality"].equals(before["quality"])


def test_near_duplicates_do_not_vouch_for_each_other() -> None:
    """Copies with one wrong label: kept in one inner fold they are judged by other rows, apart by themselves."""
    train, texts, _, _ = planted(150, 0.0)
    alone = np.arange(150)
    copies = alone < 30
    texts.loc[copies, "text_a"] = "strange words that no other row has and apple"
    train.loc[copies, "target"] = "no"
    target = train["target"].map(LABELS.index).to_numpy(dtype=np.int64)
    proba = {}
    for name, clusters in {"apart": alone, "together": np.where(copies, 0, alone)}.items():
        found, known = noise.nested_probabilities(
            texts, target, clusters, classes=2, inner_folds=3, seed=0, threads=1
        )
        assert known.all()
        proba[name] = found[copies, 0]
    assert proba["apart"].mean() > 0.8
    assert proba["together"].mean() < 0.5


def test_tables_in_another_order_are_refused() -> None:
    train, texts, folds, _ = planted(30, 0.0)
    with pytest.raises(ValueError, match="same ids in the same order"):
        noise.judge(train, texts.iloc[::-1].reset_index(drop=True), folds, LABELS, fold=0, **SETTINGS)


def test_review_gathers_every_folds_verdict_worst_first() -> None:
    train = pd.DataFrame(
        {"id": ["a", "b", "c"], "target": ["x", "x", "y"], "text_a": ["A", "B", "C"]}, dtype="str"
    )

    def table(ids: list[str], suggested: list[str], quality: list[float], pruned: list[bool]) -> pd.DataFrame:
        given = train.set_index("id")["target"].loc[ids].to_numpy()
        return pd.DataFrame({"id": ids, "given": given, "suggested": suggested}).assign(
            quality=np.float32(quality), pruned=pruned
        )

    tables = [
        table(["b", "c"], ["y", "y"], [0.25, 0.5], [True, False]),
        table(["a", "c"], ["x", "x"], [1.0, 0.25], [False, True]),
        table(["a", "b"], ["x", "y"], [0.5, 0.0], [False, True]),
    ]
    review = noise.review(train, tables)
    assert review.drop(columns="text_a").values.tolist() == [
        ["b", "x", "y", 0.125, "0 2", "0 2"],
        ["c", "y", "x", 0.375, "0 1", "1"],
        ["a", "x", "x", 0.75, "1 2", ""],
    ]
    assert list(review["text_a"]) == ["B", "C", "A"]


def test_a_class_that_no_other_group_has_is_kept_unjudged() -> None:
    """Its rows share one cluster, so no inner model can know it: that is no reason to call them noise."""
    train, texts, folds, _ = planted(60, 0.0)
    rare = train.index[(folds["fold"] != 0)][:4]
    train.loc[rare, "target"], folds.loc[rare, "cluster"] = "c", 10_000
    folds.loc[rare, "fold"] = 1
    settings = {**SETTINGS, "filter_by": "predicted_neq_given", "max_share": 1.0}
    found = noise.judge(train, texts, folds, [*LABELS, "c"], fold=0, **settings).set_index("id")
    judged = found.loc[train.loc[rare, "id"]]
    assert not judged["pruned"].any()
    assert judged["quality"].isna().all()
    assert (judged["suggested"] == "c").all()
