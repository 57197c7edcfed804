"""Filters of made rows: planted cases of every verdict, and who may judge a label."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.augment import filters, labels, negation
from podium.errors import UserError
from podium.files import read_table, write_json, write_table
from scripts import augment_labels

OFF: dict[str, Any] = {
    **{"language": "en", "device": "cpu", "negation": False, "length_ratio": None},
    **{"similarity": None, "encoder": None, "max_length": 32},
}


def made_of(source: dict[str, str], copies: list[dict[str, str]], draws: list[int] | None = None) -> Any:
    """Tables of one source row and of its copies; a text that a copy does not name is the source's."""
    table = pd.DataFrame({"id": ["s"], **{name: [text] for name, text in source.items()}}, dtype="str")
    rows = [
        {"id": f"s~m{k}", "source_id": "s", "made_by": "m", **source, **copy}
        for k, copy in enumerate(copies, 1)
    ]
    made = pd.DataFrame(rows, dtype="str").assign(draw=draws or 0)
    return made.astype({"draw": "int32"}), table


def verdicts(source: str, copies: list[str], draws: list[int] | None = None, **settings: Any) -> list[str]:
    made, table = made_of({"text_a": source}, [{"text_a": copy} for copy in copies], draws)
    judged = filters.judge(made, table, **{**OFF, **settings})
    pd.testing.assert_frame_equal(judged.drop(columns="verdict"), made)
    return judged["verdict"].tolist()


def test_empty_equal_and_repeated_copies_are_always_dropped() -> None:
    copies = ["", " \n", "a  Good film.", "a great film", "A GREAT film!", "a great film", "a fine film"]
    assert verdicts("A good film", copies, [0, 0, 0, 0, 0, 1, 0]) == [
        *("empty", "empty", "equal to its source", "kept", "equal to another copy", "kept", "kept"),
    ]
    assert verdicts("!!!", ["? !", "! ! !"]) == ["kept", "equal to its source"]
    assert verdicts("", [""]) == ["equal to its source"]


@pytest.mark.parametrize(
    ("language", "source", "copies", "expected"),
    [
        ("en", "This isn't good", ["This is not good", "It is good", "It is NOT NOT good"], "kcc"),
        ("en", "Nothing works", ["nobody works", "anything works", "it doesn’t work", "knot works"], "kckc"),
        ("zh", "这个电影不好看", ["电影不好", "电影好看", "没有好看的电影", "电影不错"], "kckc"),
        ("zh", "质量不错", ["质量很好", "质量不好"], "kc"),
        ("de", "das ist nicht gut", ["das ist gut"], "k"),
    ],
)
def test_negation(language: str, source: str, copies: list[str], expected: str) -> None:
    names = {"k": "kept", "c": "negation changed"}
    assert verdicts(source, copies, negation=True, language=language) == [
        names[letter] for letter in expected
    ]
    assert set(verdicts(source, copies, language=language)) == {"kept"}


@given(st.lists(st.sampled_from(["good", "not", "isn't", "NEVER", "movie,", "cannot.", "no-one", "note"])))
def test_negations_are_counted_one_by_one(words: list[str]) -> None:
    per_word = {"not": 1, "isn't": 1, "NEVER": 1, "cannot.": 1, "no-one": 1}
    assert negation.count(" ".join(words), "en") == sum(per_word.get(word, 0) for word in words)


def test_length_in_words_and_in_letters() -> None:
    source = "one two three four"
    copies = ["one two x", "one", "one two", " ".join("abcdefgh"), " ".join("abcdefghi")]
    assert verdicts(source, copies, length_ratio=[0.5, 2.0]) == [
        "kept",
        "too short",
        "kept",
        "kept",
        "too long",
    ]
    chinese = ["电影", "电", "电影电影电影电影", "电影电影电影电影好"]
    assert verdicts("电影好看", chinese, length_ratio=[0.5, 2.0], language="zh") == [
        *("kept", "too short", "kept", "too long"),
    ]


def test_each_text_of_a_pair_is_judged_by_itself() -> None:
    source = {"text_a": "is it not good", "text_b": "yes"}
    copies = [
        {"text_b": "yes yes yes"},
        {"text_a": "it is good", "text_b": "not yes"},
        {"text_a": ""},
        {"text_a": "it is not good"},
        {},
    ]
    made, table = made_of(source, copies)
    judged = filters.judge(made, table, **{**OFF, "negation": True, "length_ratio": [0.5, 2.0]})
    assert judged["verdict"].tolist() == [
        *("too long", "negation changed", "empty", "kept", "equal to its source"),
    ]
    made, table = made_of({"text_a": "good", "text_b": ""}, [{"text_a": "great"}])
    assert filters.judge(made, table, **{**OFF, "length_ratio": [0.9, 1.1]})["verdict"].tolist() == ["kept"]


def test_too_far(encoder: Path) -> None:
    """Against embeddings of single texts."""
    import torch

    from podium.models.embeddings import embed

    source, copies = "ape bear cat dog", ["ape bear cat cat", "jazz punk", "iron", "the of and to in"]

    def vector(text: str) -> np.ndarray:
        rows = pd.DataFrame({"text_a": [text]}, dtype="str")
        return embed(encoder, rows, max_length=32, precision="fp32", device=torch.device("cpu"))[0]

    def cosine(one: str, two: str) -> float:
        a, b = vector(one), vector(two)
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    found = np.array([cosine(source, copy) for copy in copies])
    bar = float((np.sort(found)[1] + np.sort(found)[2]) / 2)
    expected = ["kept" if value >= bar else "too far" for value in found]
    assert len(set(expected)) == 2
    assert verdicts(source, copies, similarity=bar, encoder=encoder) == expected
    assert verdicts(source, copies[:1], similarity=bar, encoder=encoder) == expected[:1]
    with pytest.raises(UserError, match=r"^filter\.encoder: cannot open"):
        verdicts(source, copies, similarity=0.5, encoder=encoder / "none")


# ---- the label filter

NAMES = ["neg", "pos"]


@pytest.fixture(scope="module")
def rows() -> dict[str, pd.DataFrame]:
    """60 rows of two classes with words of their own in 5 folds; copies, some of which turn to the other class."""
    random = np.random.default_rng(0)
    words = {"neg": ["awful", "dull", "bad", "weak"], "pos": ["great", "fine", "good", "strong"]}
    target = random.permutation(["neg", "pos"] * 30)
    texts = [" ".join([*random.choice(words[label], 4), "film", "story"]) for label in target]
    ids = [f"{k:02}" for k in range(60)]
    train = pd.DataFrame({"id": ids, "target": target, "text_a": texts}, dtype="str")
    folds = pd.DataFrame({"id": ids, "fold": np.arange(60) % 5, "cluster": np.arange(60)}).astype(
        {"id": "str"}
    )
    other = {"neg": "pos", "pos": "neg"}
    turned = [" ".join([*words[other[label]], *words[other[label]], "film"]) for label in target]
    made = pd.concat(
        [
            pd.DataFrame({"id": [f"{k}~m{n}" for k in ids], "source_id": ids, "text_a": copies}, dtype="str")
            for n, copies in enumerate([[f"{text} today" for text in texts], turned], 1)
        ],
        ignore_index=True,
    ).assign(verdict="kept")
    return {"made": made, "train": train, "folds": folds}


SETTINGS: dict[str, Any] = {"method": "m", "bar": 0.8, "inner_folds": 3, "seed": 1, "threads": 1}


def test_copies_that_turned_to_another_class_are_dropped(rows: dict[str, pd.DataFrame]) -> None:
    found = labels.judge(**rows, labels=NAMES, fold=2, **SETTINGS)
    outside = rows["folds"].set_index("id")["fold"] != 2
    expected = rows["made"][rows["made"]["source_id"].map(outside)]["id"]
    assert found["id"].tolist() == expected.tolist()
    dropped = set(found.loc[found["verdict"] == labels.OTHER, "id"])
    turned = {name for name in found["id"] if name.endswith("~m2")}
    assert dropped <= turned
    assert len(dropped) >= 0.9 * len(turned)
    assert set(found["verdict"]) == {"kept", labels.OTHER}
    sure = labels.judge(**rows, labels=NAMES, fold=2, **{**SETTINGS, "bar": 1.0})
    assert set(sure["verdict"]) == {"kept"}
    first = rows["made"].assign(verdict=["empty"] + ["kept"] * 119)
    fewer = labels.judge(first, rows["train"], rows["folds"], NAMES, fold=2, **SETTINGS)
    assert set(found["id"]) - set(fewer["id"]) == {"00~m1"}


def test_verdicts_of_a_fold_know_nothing_of_that_fold(rows: dict[str, pd.DataFrame]) -> None:
    """Neither its labels nor its texts, nor what was made of them."""
    found = labels.judge(**rows, labels=NAMES, fold=2, **SETTINGS)
    held = (rows["folds"]["fold"] == 2).to_numpy()
    train = rows["train"].copy()
    train.loc[held, "target"] = train.loc[held, "target"].map({"neg": "pos", "pos": "neg"}).to_numpy()
    train.loc[held, "text_a"] = "great awful other words"
    made = rows["made"].copy()
    made.loc[made["source_id"].isin(train.loc[held, "id"]), "text_a"] = "other words too"
    again = labels.judge(made, train, rows["folds"], NAMES, fold=2, **SETTINGS)
    pd.testing.assert_frame_equal(found, again)
    other = labels.judge(made, train, rows["folds"], NAMES, fold=1, **SETTINGS)
    assert not other["verdict"].equals(labels.judge(**rows, labels=NAMES, fold=1, **SETTINGS)["verdict"])


def test_no_model_judges_what_was_made_of_its_own_rows(
    rows: dict[str, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor what was made of their near-duplicates."""
    folds = rows["folds"].assign(cluster=np.arange(60) // 2)
    cluster_of = folds.set_index("id")["cluster"]
    held: set[str] = set(folds.loc[folds["fold"] == 0, "id"])
    text_of = rows["train"].set_index("text_a", drop=False)["id"]
    judged: list[str] = []

    class Spy:
        def fit(self, texts: pd.DataFrame, target: np.ndarray, weight: np.ndarray) -> None:
            self.seen = set(texts["id"])
            assert not self.seen & held
            assert len(target) == len(weight) == len(texts)

        def predict(self, texts: pd.DataFrame) -> np.ndarray:
            sources = set(texts["source_id"])
            assert not set(cluster_of[list(sources)]) & set(cluster_of[list(self.seen)])
            judged.extend(texts["id"])
            return np.full((len(texts), 2), 0.5)

    monkeypatch.setattr(labels, "make", lambda *_, **__: Spy())
    found = labels.judge(rows["made"], rows["train"], folds, NAMES, fold=0, **SETTINGS)
    assert sorted(judged) == sorted(found["id"])
    assert len(text_of) == 60


def test_too_few_rows_for_the_inner_folds_are_told(rows: dict[str, pd.DataFrame]) -> None:
    folds = rows["folds"].assign(cluster=np.arange(60) % 2)
    with pytest.raises(UserError, match=r"augment\.m\.filter\.inner_folds: 3 folds cannot be made of the 2"):
        labels.judge(rows["made"], rows["train"], folds, NAMES, fold=0, **SETTINGS)


def test_a_persons_word_on_labels_is_judged_by(rows: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    """What is made of a row is judged by the label that it is trained with; a dropped row teaches nothing."""
    train, folds, made = (rows[name].copy() for name in ("train", "folds", "made"))
    turned = train.index[folds["fold"] != 2][:2]
    truth = train["target"].copy()
    train.loc[turned, "target"] = train.loc[turned, "target"].map({"neg": "pos", "pos": "neg"})
    corrected, dropped = train["id"][turned]
    word = pd.DataFrame(
        {
            "id": [corrected, dropped],
            "drop": [False, True],
            "label": pd.Series([truth[turned[0]], None], dtype="str"),
        }
    )
    tables = {"made": made, "train": train, "folds": folds, "overrides": word}
    paths = {name: tmp_path / f"{name}.parquet" for name in tables}
    for name, table in tables.items():
        write_table(table, paths[name])
    write_json(NAMES, tmp_path / "labels.json")
    augment_labels.main(
        **paths, labels=tmp_path / "labels.json", out=tmp_path / "out.parquet", fold=2, **SETTINGS
    )
    verdict = read_table(tmp_path / "out.parquet").set_index("id")["verdict"]
    assert verdict[f"{corrected}~m1"] == "kept"
    assert verdict[f"{corrected}~m2"] == labels.OTHER
    assert f"{dropped}~m1" not in verdict.index
    clean = train.assign(target=truth)[train["id"] != dropped].reset_index(drop=True)
    parts = folds[folds["id"] != dropped].reset_index(drop=True)
    expected = labels.judge(made, clean, parts, NAMES, fold=2, **SETTINGS)
    assert verdict.to_dict() == expected.set_index("id")["verdict"].to_dict()
