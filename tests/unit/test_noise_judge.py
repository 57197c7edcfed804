"""Verdicts of a fold rest on nothing of that fold, find planted noise, and leave alone what cannot be judged."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from noise_samples import LABELS, planted

from podium.config import Lightgbm
from podium.errors import UserError
from podium.files import read_json, read_table, write_json, write_table
from podium.noise import LINEAR, crossfit
from podium.noise.averages import Average
from podium.noise.judge import Rules, judge
from podium.targets import TaskType
from scripts import noise as judge_script
from scripts import noise_proba

TREES = {**Lightgbm(kind="lightgbm", trees=15, svd=0).model_dump(), "tfidf": LINEAR["tfidf"]}
RULES: dict[str, Any] = {
    **{"filter_by": "prune_by_noise_rate", "margin": 0.3, "score": "self_confidence", "max_share": 0.5},
    **{"class_max_share": 1.0, "min_rows": 1, "relabel_confidence": 0.8},
}


def judges(kinds: list[str]) -> dict[str, dict[str, Any]]:
    shared = {"seed": 1, "threads": 1, "split_seed": 1, "type": "single_label"}
    from podium.config.base import Model

    trees = {
        key: value for key, value in TREES.items() if key not in {*Model.model_fields, "kind", "revision"}
    }
    options = {"linear": LINEAR, "lightgbm": trees}
    return {kind: {"kind": kind, "options": options[kind], **shared} for kind in kinds}


class Stage:
    """The noise stage's jobs, run on tables in a folder."""

    def __init__(self, folder: Path, train: pd.DataFrame, texts: pd.DataFrame, folds: pd.DataFrame) -> None:
        self.folder = folder
        for name, table in (("train", train), ("texts", texts), ("folds", folds)):
            write_table(table, folder / name)
        write_json(sorted(set(train["target"])), folder / "labels")
        self.inputs = {name: folder / name for name in ("train", "labels", "folds")}

    def run(
        self,
        fold: int,
        *,
        kinds: tuple[str, ...] = ("linear",),
        plain: bool = False,
        overrides: pd.DataFrame | None = None,
        **rules: Any,
    ) -> bytes:
        """Return the bytes of the fold's noise table; ``table`` reads it."""
        word = {}
        if overrides is not None:
            write_table(overrides, self.folder / "overrides")
            word = {"overrides": self.folder / "overrides"}
        split = {"fold": None, "inner_folds": None} if plain else {"fold": fold, "inner_folds": 3}
        proba = [self.folder / f"proba-{kind}" for kind in kinds]
        for kind, block in judges(list(kinds)).items():
            files = {**self.inputs, "texts": self.folder / "texts", "out": self.folder / f"proba-{kind}"}
            noise_proba.main(**files, **block, **split, **word)
        judge_script.main(
            **self.inputs,
            **word,
            proba=proba,
            out=self.folder / "out",
            facts=self.folder / "facts",
            type="single_label",
            fold=fold,
            rules={**RULES, **rules},
        )
        return (self.folder / "out").read_bytes()

    @property
    def table(self) -> pd.DataFrame:
        return read_table(self.folder / "out")


@pytest.mark.parametrize("plain", [False, True], ids=["nested", "plain"])
def test_planted_noise_is_found(tmp_path: Path, plain: bool) -> None:
    train, texts, folds, wrong = planted(300, 0.15)
    stage = Stage(tmp_path, train, texts, folds)
    stage.run(0, plain=plain)
    table = stage.table
    names = ["id", "given", "suggested", "confidence", "quality", "issue", "pruned", "relabelled"]
    assert list(table.columns) == names
    outside = (folds["fold"] != 0).to_numpy()
    assert list(table["id"]) == list(train.loc[outside, "id"])
    really = pd.Series(wrong[outside], index=table.index)
    assert really[table["pruned"]].mean() > 0.75  # a draw at random: 0.15
    assert table.loc[really, "pruned"].mean() > 0.7
    turned = table.loc[really & table["pruned"]]
    assert (turned["suggested"] != turned["given"]).all()
    np.testing.assert_array_equal(table["relabelled"], table["pruned"] & (table["confidence"] >= 0.8))
    assert 0 < table["relabelled"].sum() < table["pruned"].sum()
    facts = read_json(tmp_path / "facts")
    assert facts["rows"] == facts["judged"] == len(table)
    assert facts["pruned"] == table["pruned"].sum()
    assert 0.1 < facts["noise_rate"] < 0.2


@pytest.mark.parametrize("kinds", [("linear",), ("lightgbm",), ("linear", "lightgbm")], ids="+".join)
def test_nested_verdicts_know_nothing_of_the_fold(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    """Its labels permuted and its texts changed: the same bytes. Plain verdicts change; so does another row's label."""
    train, texts, folds, _ = planted(120, 0.15)
    changed, other_texts = train.copy(), texts.copy()
    inside = (folds["fold"] == 1).to_numpy()
    changed.loc[inside, "target"] = np.random.default_rng(1).permutation(train.loc[inside, "target"])
    assert not changed.equals(train)
    other_texts.loc[inside, "text_a"] = "grey grey apple"
    before = Stage(tmp_path / "a", train, texts, folds)
    after = Stage(tmp_path / "b", changed, other_texts, folds)
    assert before.run(1, kinds=kinds) == after.run(1, kinds=kinds)
    assert before.run(1, kinds=kinds, plain=True) != after.run(1, kinds=kinds, plain=True)
    elsewhere = train.assign(target=np.where(folds["fold"] == 0, "yes", train["target"]))
    assert before.run(1, kinds=kinds) != Stage(tmp_path / "c", elsewhere, texts, folds).run(1, kinds=kinds)


def test_several_models_are_averaged(tmp_path: Path) -> None:
    train, texts, folds, _ = planted(120, 0.15)
    stage = Stage(tmp_path, train, texts, folds)
    stage.run(0, kinds=("linear", "lightgbm"))
    parts = [read_table(tmp_path / f"proba-{kind}").set_index("id") for kind in ("linear", "lightgbm")]
    mean = (parts[0].astype(float) + parts[1].astype(float)) / 2
    expected = [mean.loc[row.id, f"p:{row.given}"] for row in stage.table.itertuples()]
    np.testing.assert_allclose(stage.table["quality"], expected, atol=1e-6)
    write_table(parts[1].iloc[::-1].reset_index(), tmp_path / "proba-lightgbm")
    with pytest.raises(ValueError, match="same rows in the same order"):
        Average(
            [tmp_path / "proba-linear", tmp_path / "proba-lightgbm"],
            LABELS,
            "single_label",
            among=train["id"],
        )


@pytest.mark.parametrize("rule", ["low_self_confidence", "low_normalized_margin", "margin", "both"])
def test_many_rows_are_judged_in_batches_with_the_same_verdicts(tmp_path: Path, rule: str) -> None:
    train, texts, folds, _ = planted(300, 0.15)
    stage = Stage(tmp_path, train, texts, folds)
    stage.run(0, plain=True)
    rows = train[folds["fold"] != 0].reset_index(drop=True)
    proba = Average([tmp_path / "proba-linear"], LABELS, "single_label", among=rows["id"])
    assert len(proba.ids) == len(rows) < len(train)
    assert [len(part) for part in proba.batches(128)] == [
        int((folds["fold"][start : start + 128] != 0).sum()) for start in (0, 128, 256)
    ]
    given: dict[str, Any] = {"type": "single_label", "certain": rows["id"].iloc[:0]}
    rules = Rules(**{**RULES, "filter_by": rule})
    whole, facts = judge(rows, proba, LABELS, rules, **given)
    batched, in_batches = judge(rows, proba, LABELS, rules, **given, most_cells=10)
    pd.testing.assert_frame_equal(whole, batched)
    assert whole["issue"].sum() > 15
    assert in_batches == facts | {"in_batches": rule != "both"}


def test_near_duplicates_do_not_vouch_for_each_other() -> None:
    """Copies with one wrong label: kept in one inner fold they are judged by other rows, apart by themselves."""
    train, texts, folds, _ = planted(150, 0.0)
    copies = np.arange(150) < 30
    texts.loc[copies, "text_a"] = "strange words that no other row has and apple"
    train.loc[copies, "target"] = "no"
    mean = {}
    for name, clusters in {"apart": np.arange(150), "together": np.where(copies, 0, np.arange(150))}.items():
        table = folds.assign(cluster=clusters, fold=0)
        inner = crossfit.inner_folds(train, table, 1, n=3, seed=0, type="single_label")
        mean[name] = cross_fitted(train, texts, inner, LABELS)["p:no"].head(30).mean()
    assert mean["apart"] > 0.8
    assert mean["together"] < 0.5


def cross_fitted(
    train: pd.DataFrame,
    texts: pd.DataFrame,
    folds: pd.DataFrame,
    labels: list[str],
    type: TaskType = "single_label",
) -> pd.DataFrame:
    settings: dict[str, Any] = {"kind": "linear", "options": LINEAR, "seed": 0, "device": "cpu", "threads": 1}
    return crossfit.cross_fit(train, texts, folds, labels, type=type, scratch=Path("unused"), **settings)


def test_a_class_that_no_other_group_has_is_kept_unjudged(tmp_path: Path) -> None:
    """Its rows share one cluster, so no inner model can know it: that is no reason to call them noise."""
    train, texts, folds, _ = planted(60, 0.0)
    rare = train.index[folds["fold"] != 0][:4]
    train.loc[rare, "target"], folds.loc[rare, "cluster"] = "c", 10_000
    folds.loc[rare, "fold"] = 1
    stage = Stage(tmp_path, train, texts, folds)
    stage.run(0, filter_by="predicted_neq_given", max_share=1.0)
    judged = stage.table.set_index("id").loc[train.loc[rare, "id"]]
    assert not judged["pruned"].any()
    assert judged["quality"].isna().all()
    assert (judged["suggested"] == "c").all()
    assert read_json(tmp_path / "facts")["judged"] == len(stage.table) - 4


def test_multi_label_pairs_with_planted_noise(tmp_path: Path) -> None:
    """Two labels, one in each segment of a pair: the built-in model reads both segments."""
    first, texts, folds, wrong = planted(300, 0.1)
    flags = {"even": first["target"] == "yes", "late": pd.Series(np.arange(300) % 3 == 0)}
    joined = ["\x1f".join(name for name in flags if flags[name][row]) for row in range(300)]
    train = pd.DataFrame({"id": first["id"], "target": pd.Series(joined, dtype="str")})
    second = pd.Series(np.where(flags["late"], "sunset", "dawn"), dtype="str")
    pairs = texts.assign(text_b=second + " of the day")
    table = cross_fitted(train, pairs, folds, ["even", "late"], "multi_label")
    assert ((table["p:late"] > 0.5) == flags["late"]).all()
    write_table(table, tmp_path / "proba")
    proba = Average([tmp_path / "proba"], ["even", "late"], "multi_label", among=train["id"])
    rules = Rules(**{**RULES, "filter_by": "both"})
    found, facts = judge(
        train, proba, ["even", "late"], rules, type="multi_label", certain=train["id"].iloc[:0]
    )
    really = pd.Series(wrong)
    assert really[found["pruned"]].mean() > 0.9
    assert found.loc[really, "pruned"].mean() > 0.7
    turned = found[found["relabelled"]]
    assert len(turned) > 5
    assert (turned["given"].str.contains("even") != turned["suggested"].str.contains("even")).all()
    assert (turned["given"].str.contains("late") == turned["suggested"].str.contains("late")).all()
    assert 0.05 < facts["noise_rate"] < 0.15


def test_a_persons_word_is_used_and_not_overruled(tmp_path: Path) -> None:
    train, texts, folds, _ = planted(200, 0.15)
    stage = Stage(tmp_path, train, texts, folds)
    stage.run(0)
    flagged = stage.table.loc[stage.table["pruned"], "id"].tolist()
    dropped, turned, kept = flagged[0], flagged[1], flagged[2]
    given = train.set_index("id")["target"]
    other = {"yes": "no", "no": "yes"}[given[turned]]
    word = pd.DataFrame(
        {
            "id": [dropped, turned, kept],
            "drop": [True, False, False],
            "label": pd.Series([None, other, given[kept]], dtype="str"),
        }
    )
    stage.run(0, overrides=word)
    table = stage.table.set_index("id")
    assert dropped not in table.index
    assert dropped not in set(read_table(tmp_path / "proba-linear")["id"])
    assert table.loc[turned, "given"] == other
    assert not table.loc[turned, "issue"]
    assert table.loc[kept, "issue"]
    assert not table.loc[[turned, kept], "pruned"].any()
    assert table["pruned"].sum() >= len(flagged) - 6


def test_too_few_groups_of_rows_is_one_line() -> None:
    train, _, folds, _ = planted(20, 0.0)
    with pytest.raises(
        UserError, match=r"noise.inner_folds: 3 folds cannot be made of the 2 independent groups"
    ):
        crossfit.inner_folds(
            train, folds.assign(cluster=np.arange(20) % 2, fold=0), 1, n=3, seed=0, type="single_label"
        )
