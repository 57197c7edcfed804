"""Augmentations of questions alone: made rows keep contexts and answers, and folds train on them."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from span_samples import facts

from podium.augment import KEPT
from podium.errors import UserError
from podium.files import write_table
from podium.plans import Plans
from podium.span.fold import fold_data
from scripts import augment
from tests.unit.wordnet_folder import tiny_wordnet

BLOCKS: dict[str, dict[str, Any]] = {
    "eda": {"kind": "eda", "segments": "a", "copies": 2},
    "back": {"kind": "back_translation", "engine": "apertium", "through": ["spa"], "segments": "a"},
}


def plans_of(block: dict[str, Any]) -> Plans:
    task = {"type": "span", "train": "train.json", "test": "test.json"}
    model = {"kind": "retriever", "augment": ["made"]}
    raw = {"competition": "c", "seed": 5, "tasks": {"qa": task}, "augment": {"made": block}}
    return Plans.from_raw(raw | {"models": {"m": model}}, Path())


@pytest.mark.parametrize("kind", BLOCKS)
def test_made_questions_keep_contexts_and_answers_and_are_trained_on(kind: str, tmp_path: Path) -> None:
    if kind == "back" and not shutil.which("apertium"):
        pytest.skip("apertium is not installed")
    rows, targets = facts(40, silent=0.3)
    train = rows.assign(target=pd.Series(targets, dtype="str"))
    write_table(train, tmp_path / "train")
    plan = plans_of(BLOCKS[kind])["qa"]
    files: dict[str, Any] = {"train": tmp_path / "train", "out": tmp_path / "results/augment/qa/made.parquet"}
    if plan.augment_wordnet("made"):
        files["wordnet"] = tiny_wordnet(tmp_path) / "corpora/wordnet/data.noun"
    augment.main(**files, **plan.augment("made"))
    made = pd.read_parquet(files["out"])
    source = train.set_index("id").loc[made["source_id"]]
    assert (made["text_b"].to_numpy() == source["text_b"].to_numpy()).all()
    kept = (made["verdict"] == KEPT).to_numpy()
    assert kept.sum() > 10
    assert (made["text_a"].to_numpy() != source["text_a"].to_numpy())[kept].all()

    paragraph = train["group"].str[1:].astype(int)
    folds = pd.DataFrame({"id": train["id"], "fold": paragraph % 2, "cluster": paragraph})
    write_table(folds, tmp_path / "folds")
    data = fold_data(
        rows=tmp_path / "train",
        folds=tmp_path / "folds",
        fold=1,
        rows_of={"augment": {"made": 1}, "pseudo_weight": 1.0},
        augmented=[files["out"]],
        pseudo=None,
        test=None,
    )
    taken = data.table[data.table["made_by"] == "made"]
    trained = set(folds.loc[folds["fold"] != 1, "id"])
    first = made[kept & (made["copy"] == 1) & (made["draw"] == 0) & made["source_id"].isin(trained)]
    assert taken["id"].tolist() == first["id"].tolist() != []
    wanted = train.set_index("id").loc[taken["source_id"], "target"]
    assert taken["target"].tolist() == wanted.tolist()
    assert "[]" in set(taken["target"])  # a question without an answer has none in other words
    asked = dict(zip(made["id"], made["text_a"], strict=True))
    read = data.rows[~data.rows["real"]]
    assert read["text_a"].tolist() == [asked[id] for id in taken["id"]]


def test_contexts_may_not_be_changed() -> None:
    with pytest.raises(UserError, match=r"augment\.made\.segments: only questions may be changed"):
        plans_of({"kind": "eda"})
