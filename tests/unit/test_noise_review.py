"""The review lists every row worst first, with clashing and outlying texts; its summary counts them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cleanlab.outlier import OutOfDistribution
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.duplicates import canonical
from podium.files import read_table, write_table
from podium.noise import clashes, outliers
from podium.noise.review import MODES, readable, review, summarise
from podium.plans import Plans
from scripts import folds_joint, noise_rows

ROOT = Path(__file__).parents[2]

TRAIN = pd.DataFrame(
    {"id": ["a", "b", "c", "d"], "target": ["x", "x", "y\x1fz", "y"], "text_a": ["A", "B", "C", "D"]},
    dtype="str",
)
WORD = pd.DataFrame({"id": ["d"], "drop": [True], "label": pd.Series([None], dtype="str")})


def table(ids: list[str], suggested: list[str], quality: list[float], pruned: list[bool]) -> pd.DataFrame:
    given = TRAIN.set_index("id")["target"].loc[ids].to_numpy()
    found = pd.DataFrame({"id": ids, "given": given, "suggested": suggested}, dtype="str")
    return found.assign(
        confidence=np.float32(0.5), quality=np.float32(quality), issue=pruned, pruned=pruned, relabelled=False
    )


TABLES = [
    table(["b", "c"], ["y", "y"], [0.25, 0.5], [True, False]),
    table(["a", "c"], ["x", "x"], [1.0, 0.25], [False, True]),
    table(["a", "b"], ["x", "y"], [0.5, 0.0], [False, True]),
]
BESIDE = pd.DataFrame({"id": ["a", "b", "c"], "clash": ["b", "a", ""], "near_clash": ["b", "a", ""]}).assign(
    outlier=np.float32([0.5, 0.5, 0.25]), outlying=[False, False, True]
)


def test_review_gathers_every_folds_verdict_worst_first() -> None:
    found = review(TRAIN, TABLES, BESIDE, WORD)
    columns = ["id", "given", "suggested", "confidence", "quality", "judged_in", "pruned_in"]
    assert found[columns].fillna("-").values.tolist() == [
        ["b", "x", "y", 0.5, 0.125, "0 2", "0 2"],
        ["c", "y\x1fz", "x", 0.5, 0.375, "0 1", "1"],
        ["a", "x", "x", 0.5, 0.75, "1 2", ""],
        ["d", "y", "y", "-", "-", "", ""],
    ]
    columns = ["clash", "near_clash", "outlying", "override", "text_a"]
    assert found[columns].values.tolist() == [
        ["a", "a", False, "", "B"],
        ["", "", True, "", "C"],
        ["b", "b", False, "", "A"],
        ["", "", False, "drop", "D"],
    ]
    assert list(readable(found, ";")["given"]) == ["x", "y;z", "x", "y"]


def test_what_most_folds_suggest_wins() -> None:
    tables = [
        table(["a"], [label], [quality], [False]) for label, quality in zip("yxyz", (1, 0, 0, 0), strict=True)
    ]
    tables[0]["confidence"] = np.float32(1)
    found = review(TRAIN, tables, BESIDE, None).set_index("id")
    assert found.loc["a", ["suggested", "confidence", "quality"]].tolist() == ["y", 0.75, 0.25]


@pytest.mark.parametrize("mode", ["nested", "plain"])
def test_summary_counts_rows_classes_and_pairs(mode: str) -> None:
    facts = [{"rows": 2, "noise_rate": rate} for rate in (0.5, 0.25, None)]
    found = summarise(
        review(TRAIN, TABLES, BESIDE, WORD),
        TABLES,
        facts,
        mode=mode,
        models=["built-in"],
        separator=";",
        settings={"filter_by": "both"},
    )
    assert found["mode"] == mode
    assert found["honest"] == (mode == "nested")
    assert found["what_it_means"] == MODES[mode]
    assert ("trained on its labels" in MODES[mode]) == (mode == "plain")
    expected: dict[str, Any] = {
        "filter_by": "both",
        "rows": 4,
        "judged": 3,
        "flagged": 2,
        "pruned": 2,
        "relabelled": 0,
    }
    expected |= {"noise_rate": 0.375, "clashes": 2, "near_clashes": 2, "outliers": 1}
    expected |= {"overrides": {"drop": 1, "label": 0}}
    assert {key: found[key] for key in expected} == expected
    assert [fold["fold"] for fold in found["folds"]] == [0, 1, 2]
    counts = {entry["label"]: (entry["rows"], entry["flagged"]) for entry in found["classes"]}
    assert counts == {"x": (2, 1), "y": (2, 1), "z": (1, 1)}
    pairs = [{"given": "x", "suggested": "y", "rows": 1}, {"given": "y;z", "suggested": "x", "rows": 1}]
    assert found["confused"] == pairs


# ---- clashes

WORDS = st.sampled_from(
    ["Good film!", "good  film", "good film", "bad", "BAD!!", "!!", "??", "", "good http://x.y film"]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS, st.sampled_from("xyz")), min_size=1, max_size=25), st.booleans())
def test_clashes_are_those_of_brute_force(rows: list[tuple[str, str, str]], pairs: bool) -> None:
    table = pd.DataFrame(rows, columns=["text_a", "text_b", "target"], dtype="str")
    table["id"] = [f"r{number}" for number in range(len(rows))]
    texts = table if pairs else table.drop(columns="text_b")

    def key(row: int) -> Any:
        segments = list(rows[row][: 2 if pairs else 1])
        plain = [canonical(text) for text in segments]
        return (1, plain) if any(plain) else (0, [" ".join(text.casefold().split()) for text in segments])

    found = clashes.clashing(table["id"], table["target"], clashes.same_text(texts))
    for row in range(len(rows)):
        others = [
            f"r{other}"
            for other in range(len(rows))
            if key(other) == key(row) and rows[other][2] != rows[row][2]
        ]
        more = f" (+{len(others) - 20})" if len(others) > 20 else ""
        assert found[row] == " ".join(others[:20]) + more


def test_near_duplicates_clash_by_cluster() -> None:
    long = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    texts = pd.DataFrame(
        {"text_a": [long, f"{long} seventeen", "other", long], "id": list("abcd")}, dtype="str"
    )
    target = pd.Series(["x", "y", "y", "x"], dtype="str")
    near = clashes.near_text(texts, threshold=0.8, seed=0)
    assert list(clashes.clashing(texts["id"], target, near)) == ["b", "a d", "", "b"]
    assert list(clashes.clashing(texts["id"], target, clashes.same_text(texts))) == ["", "", "", ""]


def test_pairs_that_share_a_text_clash_in_no_competition(tmp_path: Path) -> None:
    """Joint folds keep the pairs of one first text together; that makes them no near-duplicates."""
    premise = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    rows = {
        "id": ["a", "b", "c", "d", "e", "f"],
        "text_a": [premise, premise, premise, premise, "another one", "another one"],
        "text_b": [
            "it is so",
            "nobody knows",
            "it is not at all as they say",
            "It is so!",
            "maybe",
            "no doubt",
        ],
        "target": ["yes", "maybe", "no", "no", "yes", "maybe"],
    }
    files = [tmp_path / name for name in ("mood.parquet", "nli.parquet")]
    words = ["fine", "bad day", "rain again", "sun at last", "who cares", "hooray for us"]
    mood = {"id": list("123456"), "text_a": words, "target": ["good", "bad", "bad", "good", "bad", "good"]}
    for path, table in zip(files, (mood, rows), strict=True):
        write_table(pd.DataFrame(table, dtype="str"), path)
    folds = [tmp_path / f"{path.stem}.folds.parquet" for path in files]
    raw = {
        "competition": "c",
        "tasks": {
            "mood": {"train": "a.csv", "test": "b.csv", "text": ["x"], "target": "y"},
            "nli": {"train": "c.csv", "test": "d.csv", "text": ["x", "z"], "target": "y"},
        },
        "models": {"words": {"kind": "linear"}},
    }
    plans = Plans.from_raw(raw, ROOT)
    folds_joint.main(train=files, out=folds, **{**plans.deal_joint_folds(), "n": 2})
    clusters = read_table(folds[1])["cluster"]
    assert clusters.groupby(rows["text_a"]).nunique().tolist() == [1, 1]
    out = tmp_path / "rows.parquet"
    noise_rows.main(train=files[1], folds=folds[1], out=out, threads=1, **plans["nli"].noise_rows())
    assert read_table(out)["near_clash"].tolist() == ["d", "", "", "a", "", ""]


# ---- outliers


def test_scores_are_cleanlabs_and_a_draw_of_neighbours_keeps_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(600, 8)) + 4
    features[:6] = -features[:6]
    whole = outliers.score_features(features, seed=0)
    np.testing.assert_array_equal(
        whole, OutOfDistribution({"k": 10}).fit_score(features=features, verbose=False)
    )
    monkeypatch.setattr(outliers, "REFERENCE", 200)
    drawn = outliers.score_features(features, seed=0)
    assert set(np.argsort(drawn)[:6]) == set(np.argsort(whole)[:6]) == set(range(6))
    np.testing.assert_array_equal(np.flatnonzero(outliers.marked(whole)), range(6))
    assert np.corrcoef(whole, drawn)[0, 1] > 0.9


def test_strange_texts_are_marked_whatever_their_labels() -> None:
    rng = np.random.default_rng(0)
    words = ["the", "film", "was", "good", "and", "bad", "but", "long", "with", "a", "plot", "that", "many"]
    texts = pd.DataFrame({"text_a": [" ".join(rng.choice(words, 8)) for _ in range(300)]}, dtype="str")
    texts.loc[[7, 70], "text_a"] = ["qwertz asdf yxcv", "0x00 0x01"]
    score = outliers.scores(texts, seed=0, threads=1)
    assert set(np.flatnonzero(outliers.marked(score))) >= {7, 70}
    assert outliers.marked(score).sum() <= 5
    np.testing.assert_array_equal(score, outliers.scores(texts, seed=0, threads=1))


def test_too_few_rows_or_equal_scores_mark_nothing() -> None:
    few = outliers.scores(pd.DataFrame({"text_a": ["a"] * 10}, dtype="str"), seed=0, threads=1)
    assert np.isnan(few).all()
    assert not outliers.marked(few).any()
    assert not outliers.marked(np.full(50, 0.5)).any()
