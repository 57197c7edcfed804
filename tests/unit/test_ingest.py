"""The checks of the competition's tables, and the profile of what they hold."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from podium.errors import UserError
from podium.ingest import Ingested, ingest
from podium.ingest_profile import profile
from podium.tables import read_rows


def frame(**columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in columns.items()})


TRAIN = frame(
    key=["01", "02", "03"],
    title=["A b", "", "C"],
    body=["x", "y  z", " "],
    label=["pos", "neg", "pos"],
    user=["u", "", "v"],
)
TEST = frame(key=["9", "01"], title=["D", "E"], body=["x", "y"])


def run(train: pd.DataFrame = TRAIN, test: pd.DataFrame = TEST, **settings: Any) -> Ingested:
    form = {
        "id": "key",
        "text": ["title"],
        "type": "single_label",
        "target": "label",
        "label_separator": None,
    }
    return ingest(train, test, **{**form, "group": None, "sample": None, **settings})


def described(ingested: Ingested, tokenizer: Path | None = None) -> dict[str, Any]:
    facts = profile(ingested, max_lengths=[2, 4], tokenizer=tokenizer)
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    return facts


def test_columns_are_renamed_and_values_kept() -> None:
    found = run(text=[["title", "body"], "body"], group="user")
    assert list(found.train.columns) == ["id", "text_a", "text_b", "target", "group"]
    assert list(found.test.columns) == ["id", "text_a", "text_b"]
    assert found.train["id"].tolist() == ["01", "02", "03"]
    assert found.train["text_a"].tolist() == ["A b x", "y  z", "C"]
    assert found.train["text_b"].tolist() == ["x", "y  z", " "]
    assert found.labels == ["neg", "pos"]
    assert found.missing["train"] == {"key": 0, "title": 1, "body": 0, "label": 0, "user": 1}
    assert set(found.train.dtypes.astype(str)) == {"str"}


def test_an_index_of_its_own_does_not_shift_rows() -> None:
    moved = TRAIN.set_index(pd.Index([7, 5, 3]))
    pd.testing.assert_frame_equal(
        run(moved, text=["title", ["body"]]).train, run(text=["title", ["body"]]).train
    )


def test_rows_are_numbered_without_an_id_column() -> None:
    found = run(id=None)
    assert found.train["id"].tolist() == ["0", "1", "2"]
    assert found.test["id"].tolist() == ["0", "1"]
    with pytest.raises(UserError, match="the sample has 3 rows, test has 2"):
        run(id=None, sample=TRAIN)


def test_every_mistake_is_told_in_one_line() -> None:
    train = frame(key=["1", "1", "2", "2", " "], titel=["a"] * 5, label=["x", "x", "", "x", "x"])
    test = frame(key=["5", "5"], titel=["a", "b"])
    sample = frame(key=["5", "6", "6"], label=["x", "x", "x"])
    with pytest.raises(UserError) as caught:
        run(train, test, group="user", sample=sample)
    told = str(caught.value)
    assert "\n" not in told
    for clause in (
        "train has no column 'title' (did you mean 'titel'?)",
        "train has no column 'user'",
        "test has no column 'title'",
        "train has 2 ids more than once in 'key' ('1', '2')",
        "train has 1 rows without an id",
        "test has 1 ids more than once in 'key' ('5')",
        "train has 1 rows with an empty 'label' ('2')",
        "'label' has fewer than two classes in train (all are 'x')",
        "the sample has 1 ids more than once ('6')",
        "the sample has 2 ids that test lacks ('6', '6')",
    ):
        assert clause in told


def test_no_rows_and_a_sample_that_lacks_ids() -> None:
    with pytest.raises(UserError, match="train has no rows; test has no rows"):
        run(TRAIN.head(0), TEST.head(0))
    with pytest.raises(UserError, match=r"the sample lacks 1 ids of test \('01'\)$"):
        run(sample=frame(key=["9"], label=["pos"]))
    with pytest.raises(UserError, match="the sample has no column 'key'"):
        run(sample=frame(kei=["9"], label=["pos"]))


def test_profile_against_a_count_by_hand() -> None:
    train = frame(
        key=["1", "2", "3", "4", "5", "6"],
        title=["Good film", "good  FILM", "good film ", "bad 电影!", "", "a b c d e"],
        label=["p", "p", "n", "n", "n", "N"],
    )
    test = frame(key=["1", "8"], title=["GOOD film", " "])
    facts = described(run(train, test))
    assert facts["rows"] == {"train": 6, "test": 2}
    assert facts["classes"]["n"] == {"rows": 3, "share": 0.5}
    lengths = facts["lengths"]["train"]
    assert lengths["text_a"]["characters"] == {"mean": 7.5, "median": 9.0, "p95": 10.0, "max": 10}
    assert lengths["text_a"]["words"]["max"] == 5
    # 2, 2, 2, 4 (one word, two characters, a mark), 0, 5
    assert lengths["tokens"]["mean"] == 2.5
    assert lengths["tokens"]["cut"] == {"2": round(2 / 6, 6), "4": round(1 / 6, 6)}
    assert "no tokenizer" in lengths["tokens"]["counted"]
    duplicates = facts["duplicates"]
    assert duplicates["rows_repeating_text_and_label"] == 1
    assert duplicates["texts_with_several_labels"] == 1
    assert duplicates["examples"] == [
        {"text": "Good film", "ids": ["1", "2", "3"], "labels": ["p", "p", "n"]}
    ]
    assert (facts["in_test"]["train_rows"], facts["in_test"]["test_share"]) == (3, 0.5)
    assert facts["shared_ids"] == 1
    for start in (
        "1 classes have one",
        "classes that differ only in case",
        "train: 1 rows have an empty",
        "1 ids stand",
    ):
        assert any(warning.startswith(start) for warning in facts["warnings"])


def test_tokens_are_the_tokenizers_with_special_ones(tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.WordLevel({"[CLS]": 0, "[SEP]": 1, "[UNK]": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 1), ("[CLS]", 0))
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=8)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    facts = described(run(text=["title", "body"]), tmp_path / "tokenizer.json")
    # [CLS] a [SEP] b [SEP]: A b | x, nothing | y z, C | blank
    assert facts["lengths"]["train"]["tokens"]["mean"] == pytest.approx((6 + 5 + 4) / 3, abs=0.01)
    assert facts["lengths"]["train"]["tokens"]["cut"] == {"2": 1.0, "4": round(2 / 3, 6)}
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match=r"not a tokenizer\.json"):
        described(run(), tmp_path / "tokenizer.json")


def test_duplicates_agree_with_brute_force() -> None:
    rng = np.random.default_rng(0)
    train = frame(
        key=[str(n) for n in range(200)],
        title=[f"text {n}" if n else "" for n in rng.integers(60, size=200)],
        label=[str(rng.integers(3)) for _ in range(200)],
    )
    test = frame(key=["a", "b", "c"], title=["TEXT 1", "text 1000", " text\n2"])
    facts = described(run(train, test))
    rows = [row for row in zip(train["title"], train["label"], strict=True) if row[0]]
    several = {text for text, _ in rows if len({label for other, label in rows if other == text}) > 1}
    duplicates = facts["duplicates"]
    assert duplicates["rows_repeating_text_and_label"] == sum(n - 1 for n in Counter(rows).values())
    assert duplicates["texts_with_several_labels"] == len(several)
    assert duplicates["rows_of_texts_with_several_labels"] == sum(text in several for text, _ in rows)
    assert len(duplicates["examples"]) == min(20, len(several))
    assert facts["in_test"]["train_rows"] == sum(text in ("text 1", "text 2") for text, _ in rows)


@pytest.mark.skipif("PODIUM_DATA" not in os.environ, reason="PODIUM_DATA names no folder of public data sets")
def test_known_overlap_of_a_public_data_set() -> None:
    """Of the Chinese reviews' test texts, 32% stand word for word in train (its own description)."""
    folder = Path(os.environ["PODIUM_DATA"]) / "sentiment"
    tables = [
        read_rows(folder / name, columns=None, encoding=None, separator=None)
        for name in ("train.csv", "test.csv")
    ]
    found = run(*tables, id="id", text=["text"])
    facts = profile(found, max_lengths=[128], tokenizer=None)
    assert facts["rows"] == {"train": 16883, "test": 2111}
    assert facts["in_test"]["test_share"] == pytest.approx(0.32, abs=0.005)
