"""Stage adversarial: errors against published formulas, planted shifts found, nothing found where there is nothing."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency
from sklearn.metrics import roc_auc_score

from podium.adversarial import classifiers, overlap, shifted, trust
from podium.adversarial.compare import Compared, compare
from podium.adversarial.judge import Bars, Submitted, judge
from podium.duplicates import similarity

WORDS = [f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in "lmnr"]
MARKS = np.array([".", "!", "", " ?"])


def corpus(rows: int, seed: int, *, words: int = 12) -> pd.DataFrame:
    """Texts of random words with random lengths and marks, in two classes that favour other words."""
    rng = np.random.default_rng(seed)
    target = rng.integers(2, size=rows)
    texts = []
    for label in target:
        odds = np.linspace(1, 3, len(WORDS))[:: 1 - 2 * label]
        chosen = rng.choice(WORDS, size=rng.integers(words // 2, 2 * words), p=odds / odds.sum())
        texts.append(" ".join(chosen).capitalize() + MARKS[rng.integers(4)])
    table = pd.DataFrame({"id": [f"r{number}" for number in range(rows)], "text_a": texts})
    return table.assign(target=np.where(target, "yes", "no")).astype("str")


def compared(train: pd.DataFrame, test: pd.DataFrame, **changes: Any) -> Compared:
    settings: dict[str, Any] = {
        **{"type": "single_label", "rows": 20_000, "near_duplicates": 0.8, "level": 0.01, "auc": 0.6},
        **{"overlap_bar": 0.1, "seed": 0},
    }
    return compare(train, test.drop(columns="target"), **{**settings, **changes})


def about(found: Compared) -> list[str]:
    return [warning["about"] for warning in found.facts["warnings"]]


# ---- the AUC, its error and its chance


def test_auc_and_error_are_those_of_delong() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(80) < 0.3
    score = np.round(rng.normal(size=80) + truth, 1)  # with ties
    true, false = score[truth], score[~truth]
    wins = (true[:, None] > false) + 0.5 * (true[:, None] == false)
    components = wins.mean(axis=1), wins.mean(axis=0)
    expected = np.sqrt(sum(part.var(ddof=1) / len(part) for part in components))
    auc, se = classifiers.auc_and_error(truth, score, np.arange(80))
    assert auc == pytest.approx(roc_auc_score(truth, score))
    assert se == pytest.approx(expected)
    twice = [np.tile(column, 2) for column in (truth, score, np.arange(80))]
    assert classifiers.auc_and_error(*twice) == pytest.approx((auc, se)), "twins tell nothing new"
    assert classifiers.auc_and_error(*twice[:2], np.arange(160))[1] < 0.75 * se


def test_false_alarms_come_at_the_stated_rate() -> None:
    """Chances are uniform where there is nothing to find; an ordinary cross-validation's errors would be too small."""

    def least_squares(rows: np.ndarray, is_test: np.ndarray, others: np.ndarray) -> np.ndarray:
        return np.asarray(others @ np.linalg.lstsq(rows, is_test - is_test.mean(), rcond=None)[0])

    found, naive = [], []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        rows, is_test = rng.normal(size=(150, 8)), np.arange(150) < 50
        folds, alone = rng.permutation(150) % classifiers.FOLDS, np.arange(150)
        found.append(classifiers._chance(rows, is_test, folds, alone, least_squares))
        proba = classifiers._cross_fit(rows, is_test, folds, least_squares)
        auc, se = classifiers.auc_and_error(is_test, proba, alone)
        naive.append((auc - 0.5) / se)
    assert 0.01 <= np.mean(np.array(found) < 0.05) <= 0.09
    assert np.mean(found) == pytest.approx(0.5, abs=0.07)
    assert np.std(naive) > 1.15


# ---- the comparison of the parts


def test_random_parts_raise_no_warning() -> None:
    for seed in range(4):
        rows = corpus(500, seed)
        found = compared(rows[:350], rows[350:].reset_index(drop=True), seed=seed)
        assert about(found) == []
        assert set(found.facts["classifiers"]) == {"words", "statistics"}
        columns = found.train.drop(columns="id")
        assert found.train["id"].tolist() == rows["id"][:350].tolist()
        assert columns.min().min() > 0
        assert columns.max().max() < 1


def test_planted_shifts_are_found_and_named() -> None:
    rows = corpus(500, 0)
    train, test = rows[:350].copy(), rows[350:].reset_index(drop=True)
    split = [text.split(" ", 2) for text in test["text_a"]]
    marked = test.assign(
        text_a=[
            " ".join([one, "zop" if number % 3 else two, rest])
            for number, (one, two, rest) in enumerate(split)
        ]
    )
    found = compared(train, marked)
    assert about(found) == ["shift"]
    assert "'zop' 0.0% in train, 66.7% in test" in found.facts["warnings"][0]["sentence"]
    assert found.giveaways.iloc[0][["kind", "feature", "train"]].tolist() == ["word", "zop", 0.0]
    assert found.test["both"].mean() > found.train["both"].mean() + 0.2
    cut = compared(train, test.assign(text_a=test["text_a"].str[:30]))
    assert about(cut) == ["shift"]
    assert cut.facts["classifiers"]["statistics"]["auc"] > 0.8
    named = [entry["feature"] for entry in cut.facts["giveaways"]["statistics"]]
    assert {"characters", "closed"} <= set(named[:5])


def test_twins_are_counted_listed_and_not_recognised() -> None:
    rows = corpus(400, 1, words=30)
    train, test = rows[:300].copy(), rows[300:].reset_index(drop=True)
    texts = test["text_a"].tolist()
    texts[:30] = [text.upper() + "!!" for text in train["text_a"][:30]]  # equal after normalisation
    texts[30:40] = [f"{text} gone" for text in train["text_a"][30:40]]  # near
    texts[40:42] = [texts[50], " "]
    train.loc[299, ["text_a", "target"]] = [
        train["text_a"][0],
        "no" if train["target"][0] == "yes" else "yes",
    ]
    found = compared(train, test.assign(text_a=texts))
    facts = found.facts["overlap"]
    assert (facts["equal"]["rows"], facts["near"]["rows"], facts["share"]) == (30, 10, pytest.approx(0.4))
    assert facts["with_clashing_labels"] == 1
    assert facts["inside_test"]["equal"] == 1
    assert sum(entry["in_test"] for entry in facts["classes"].values()) == 41
    assert "overlap" in about(found)
    first = found.pairs[found.pairs["id"] == "r300"]
    assert first["train_id"].tolist() == ["r0", "r299"]
    assert first["label"].tolist() == train["target"].iloc[[0, 299]].tolist()
    near = found.pairs[found.pairs["similarity"] < 1].iloc[0]
    one, other = train["text_a"][30].casefold().split(), texts[30].casefold().split()
    sets = [{tuple(words[n : n + 3]) for n in range(len(words) - 2)} for words in (one, other)]
    assert near[["id", "train_id"]].tolist() == ["r330", "r30"]
    assert near["similarity"] >= len(sets[0] & sets[1]) / len(sets[0] | sets[1]) - 0.03


def test_similarity_is_that_of_the_shingles() -> None:
    texts = ["a b c d e", "A  b c d e", "b c d e f", "", "!?"]
    left, right = np.array([0, 0, 0, 3, 3]), np.array([1, 2, 3, 3, 4])
    assert similarity(texts, left, right).tolist() == pytest.approx([1, 0.5, 0, 1, 0])


def test_pairs_that_share_a_text_are_no_shift_but_a_missing_group() -> None:
    """Premises stand three times each, all in one part: they would tell the parts apart, and tell of the folds."""
    rng = np.random.default_rng(0)
    premises = corpus(200, 3, words=20)["text_a"].tolist()
    rows = corpus(600, 4, words=20).rename(columns={"text_a": "text_b"})
    rows.insert(1, "text_a", np.repeat(premises, 3))
    train, test = rows[:420].copy(), rows[420:].reset_index(drop=True)
    found = compared(train, test)
    assert about(found) == ["groups"]
    assert found.facts["shared_segments"]["text_a"] == {"train": 1.0, "test": 0.0}
    assert about(compared(train.assign(group=[str(n // 3) for n in range(420)]), test)) == []
    mixed = rows.iloc[rng.permutation(600)].reset_index(drop=True)
    assert about(compared(mixed[:420], mixed[420:].reset_index(drop=True))) == []


def test_large_parts_are_sampled_and_small_ones_left_alone() -> None:
    rows = corpus(400, 5)
    train, test = rows[:300].copy(), rows[300:].reset_index(drop=True)
    train.loc[:49, "text_a"] = test["text_a"][:50].to_numpy()
    found = compared(train, test, rows=100)
    assert found.facts["compared"] == {"train": 100, "test": 100}
    assert int(found.train["both"].notna().sum()) == 100
    assert found.facts["overlap"]["equal"]["rows"] >= 50, "equal texts are found among all rows"
    assert compared(train, test, rows=100).facts == found.facts
    few = compared(train[:15], test[:10])
    assert few.facts["classifiers"] is None
    assert few.train["both"].isna().all()
    numbered = compared(
        rows[:300].assign(id=[str(n) for n in range(300)]), test.assign(id=[str(n) for n in range(300, 400)])
    )
    assert numbered.facts["ids"] == {"auc": 1.0, "train": [0, 299], "test": [300, 399]}
    assert about(numbered) == [], "ids that go on are no shift"


# ---- the score


def test_fold_spread_is_pearsons_chi_square_of_a_table() -> None:
    right, rows = np.array([80, 85, 60]), np.array([100, 110, 90])
    share = right.sum() / rows.sum()
    found = trust.fold_spread(right / rows, rows.tolist(), np.sqrt(share * (1 - share) / rows.sum()))
    expected = chi2_contingency(np.stack([right, rows - right]), correction=False)
    assert (found["chi2"], found["p"]) == pytest.approx((expected.statistic, expected.pvalue))
    assert trust.fold_spread([0.5, 0.6], [10, 10], 0.0)["p"] == 1.0


def test_weights_are_the_ratio_of_densities() -> None:
    """Known densities: the weighted training score is the test part's, the plain one is far off."""
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=20_000), rng.normal(1, 1, size=20_000)
    proba = 1 / (1 + np.exp(0.5 - train))  # N(1, 1) against N(0, 1)

    def rights(x: np.ndarray) -> np.ndarray:
        return (rng.random(len(x)) < 1 / (1 + np.exp(-x))).astype(np.int64)

    truth, limit = rights(train), 1e6
    weight = shifted.weights(proba, limit=limit)
    found = shifted.score("accuracy", truth, np.ones_like(truth), None, weight, classes=2)
    assert abs(found["value"] - rights(test).mean()) < 3 * found["se"] + 0.01
    assert found["difference"] > 10 * found["difference_se"]
    assert found["effective_rows"] == pytest.approx(20_000 / np.e, rel=0.15)  # E[w^2] = e
    capped = shifted.weights(proba, limit=3.0)
    assert (capped.mean(), capped.max()) == pytest.approx((1, 3), rel=1e-3)
    own = shifted.score("metric.py", truth, truth, None, weight, classes=2)
    assert own["value"] is None
    assert "your own" in own["reason"]


def test_what_is_said_of_the_score() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(2, size=1000)

    def proba(labels: np.ndarray) -> np.ndarray:
        odds = rng.normal(size=len(labels)) + 2 * labels - 1  # calibrated: log-odds 2 (x - 0.5) + 1 ...
        positive = 1 / (1 + np.exp(-2 * odds))
        return np.column_stack([1 - positive, positive])

    oof = proba(truth)
    facts = compared(corpus(150, 6), corpus(150, 7)).facts
    settings = {"cleaned": [], "near_duplicates": 0.8}
    bars = Bars(level=0.01, class_shift=0.05, class_rows=10, fold_rows=50, weight_limit=20.0)
    folds = np.arange(1000) % 5

    def said(shares: float, values: list[float], **changes: Any) -> list[str]:
        test = proba((rng.random(800) < shares).astype(np.int64))
        score = {"metric": "macro_f1", "cv": 0.84, "se": 0.0116, "folds": values}
        given = Submitted(
            truth=truth,
            proba=oof,
            predicted=oof.argmax(axis=1),
            folds=folds,
            test=test,
            score=score,
            labels=["a", "b"],
        )
        found = judge(given, changes.pop("facts", facts), np.full(1000, 0.5), {**settings, **changes}, bars)
        assert found["shifted"]["difference"] == pytest.approx(0)
        return [warning["about"] for warning in found["warnings"]]

    even = [0.83, 0.85, 0.84, 0.82, 0.86]
    assert said(0.5, even) == []
    assert said(0.2, even) == ["classes"]
    differ = {**facts, "warnings": [{"about": "shift", "sentence": ""}]}
    assert said(0.2, even, facts=differ) == ["classes"]
    assert said(0.42, even) == ["classes"]  # texts that differ may move the mean so little by themselves
    assert said(0.42, even, facts=differ) == []
    assert said(0.5, [0.7, 0.9, 0.84, 0.82, 0.86]) == ["folds"]
    assert said(0.5, even, cleaned=["linear"]) == ["settings"]
    assert said(0.5, even, near_duplicates=None) == []
    twins = {**facts, "overlap": {**facts["overlap"], "inside_train": {"equal": 3, "near": 5}}}
    assert said(0.5, even, near_duplicates=None, facts=twins) == ["settings"]
    few = trust.size_warnings(
        {"a": 3, "b": 90, "c": 1}, [20, 30], metric="macro_f1", class_rows=10, fold_rows=25
    )
    sentences = [warning["sentence"] for warning in few]
    assert len(sentences) == 2
    assert "1 of 3 have fewer than 10" in sentences[0]
    assert "the smallest fold has 20 rows" in sentences[1]
    assert not list(trust.size_warnings({"a": 3}, [30], metric="accuracy", class_rows=10, fold_rows=25))


def test_equal_rows_of_nothing_are_no_overlap() -> None:
    train = pd.DataFrame({"text_a": ["", "x", "?"]}, dtype="str")
    keys = overlap.equal_keys(train, pd.DataFrame({"text_a": [" ", "X!", "!"]}, dtype="str"))
    assert overlap.equal_pairs(*keys).to_numpy().tolist() == [[1, 1, 1.0]]
    smiles = [pd.DataFrame({"text_a": texts}, dtype="str") for texts in ([":)", ":("], [":/", " :( "])]
    clusters = overlap.clusters_of(*smiles, threshold=0.8, seed=0)
    assert overlap.twins(*smiles, clusters, threshold=0.8).to_numpy().tolist() == [[1, 1, 1.0]]


def test_scores_of_several_labels_and_of_values_are_weighted_too() -> None:
    rng = np.random.default_rng(2)
    like_test = rng.random(300)
    like_test[:50] = np.nan  # rows that were not drawn
    facts = compared(corpus(100, 8), corpus(60, 9)).facts
    bars = Bars(level=0.01, class_shift=0.05, class_rows=10, fold_rows=50, weight_limit=20.0)
    proba = rng.random((300, 3))
    flags = (rng.random((300, 3)) < proba).astype(np.float32)
    values = rng.normal(size=(300, 1))
    for truth, given, predicted, metric, expected in (
        (flags, proba, flags, "macro_f1", 1.0),
        (values, values + 2, values + 2, "rmse", 2.0),
    ):
        score = {"metric": metric, "cv": expected, "se": 0.01, "folds": [expected] * 3}
        submitted = Submitted(
            truth=truth,
            proba=given,
            predicted=predicted,
            folds=np.arange(300) % 3,
            test=given,
            score=score,
            labels=["a", "b", "c"][: given.shape[1]],
        )
        found = judge(submitted, facts, like_test, {"cleaned": [], "near_duplicates": 0.8}, bars)
        assert found["warnings"] == []
        assert found["class_shares"] is None
        assert found["shifted"]["value"] == pytest.approx(expected)
        assert found["shifted"]["rows"] == 250
        empty = judge(submitted, facts, np.full(300, np.nan), {"cleaned": [], "near_duplicates": 0.8}, bars)
        assert "too few rows" in empty["shifted"]["reason"]
