"""Train and test compared: real splits, planted shifts, and the false alarms of random splits.

Official splits of the data sets, then their training part split at random and changed: a marker word in the test rows,
test rows cut short, test rows without a class, test rows copied from train. Random splits without a change count false
alarms. For official splits a linear model's CV stands beside the importance-weighted one and the true
score of the test part.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from bench import data_sets
from bench.accuracy import available
from bench.common import arguments, show
from bench.runs import plain_errors
from podium import models
from podium.adversarial import shifted
from podium.adversarial.compare import Compared, compare
from podium.config.adversarial import Adversarial
from podium.folds import make_folds
from podium.models.words import segments
from podium.noise.clashes import near_text

LINEAR = {
    "tfidf": {"word_ngrams": [1, 2], "char_ngrams": None, "min_df": 2, "max_features": 50_000},
    "c": 10.0,
    "class_weight": None,
    "max_iter": 100,
}
"""A linear model on words and pairs of words, of Chinese letters."""

Change = Callable[[pd.DataFrame, pd.DataFrame, np.random.Generator], pd.DataFrame]


def main() -> None:
    """Measure and print."""
    given = arguments(
        __doc__.splitlines()[0],
        data={
            "nargs": "+",
            "default": ["mr", "r8", "cic", "tnews", "ocnli", "sentiment"],
            "help": "data sets (python -m bench.data_sets); sentiment with the test texts that stand in train",
        },
        random={"type": int, "default": 100, "help": "random splits of each of mr and r8"},
        rows={"type": int, "default": 2000, "help": "rows of a random split and of a planted shift"},
    )
    random, rows = (5, 600) if given.quick else (given.random, given.rows)
    names = available(given.data)
    table = [_row(name, "official", *_official(name)) for name in names]
    for name in [name for name in names if name in ("mr", "r8")]:
        table += [_planted(name, what, change, rows) for what, change in PLANTED.items()]
    show(table, {}, None)
    alarms = [_false_alarms(name, random, rows) for name in names if name in ("mr", "r8")]
    scores = [_scores(name, rows if given.quick else None) for name in names]
    for further in (alarms, scores):
        if further:
            print()
            show(further, {}, None)
    if given.json:
        result = {"comparisons": table, "random_splits": alarms, "shifted_cv": scores}
        given.json.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _official(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    if name == "sentiment":  # whole, not cut to unseen texts
        folder = data_sets._given(name)
        return data_sets._read(folder / "train.csv"), data_sets._read(folder / "test.csv")
    data = data_sets.load(name)
    return data.train, data.test


def _split(name: str, rows: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A random three quarters and quarter of ``rows`` training rows."""
    drawn = data_sets.load(name).train.sample(rows, random_state=seed).reset_index(drop=True)
    cut = 3 * rows // 4
    return drawn[:cut].reset_index(drop=True), drawn[cut:].reset_index(drop=True)


def _marked(train: pd.DataFrame, test: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    chosen = random.random(len(test)) < 0.3
    return test.assign(text_a=np.where(chosen, test["text_a"] + " zzmark", test["text_a"]))


def _cut(train: pd.DataFrame, test: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    return test.assign(text_a=test["text_a"].str[:80])


def _one_class_less(train: pd.DataFrame, test: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    most = train["target"].mode()[0]
    return test[test["target"] != most].reset_index(drop=True)


def _copied(train: pd.DataFrame, test: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    copies = random.choice(len(train), size=len(test) // 4, replace=False)
    texts = test["text_a"].tolist()
    texts[: len(copies)] = [text.upper() for text in train["text_a"].iloc[copies]]
    return test.assign(text_a=texts)


PLANTED: dict[str, Change] = {
    "marker in 30% of test": _marked,
    "test cut at 80 characters": _cut,
    "test without the largest class": _one_class_less,
    "25% of test copied from train": _copied,
}


def _planted(name: str, what: str, change: Change, rows: int) -> dict[str, Any]:
    train, test = _split(name, rows, 0)
    return _row(name, what, train, change(train, test, np.random.default_rng(0)))


def _found(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> Compared:
    bars = Adversarial()
    texts = test[["id", *segments(test)]]
    return compare(
        train,
        texts,
        type="single_label",
        rows=bars.rows,
        near_duplicates=bars.near_duplicates,
        level=bars.level,
        auc=bars.auc,
        overlap_bar=bars.overlap,
        seed=seed,
    )


def _row(name: str, what: str, train: pd.DataFrame, test: pd.DataFrame) -> dict[str, Any]:
    started = time.process_time()
    facts = _found(train, test, 0).facts
    row: dict[str, Any] = {"data": name, "split": what, "rows": f"{len(train)} / {len(test)}"}
    for classifier, found in facts["classifiers"].items():
        row |= {classifier: found["auc"], f"SE of {classifier}": found["se"]}
    best = max(facts["classifiers"], key=lambda key: facts["classifiers"][key]["auc"])
    row["overlap"] = facts["overlap"]["share"]
    row["gives it away"] = ", ".join(entry["feature"] for entry in facts["giveaways"][best][:3])
    row["warned of"] = ", ".join(warning["about"] for warning in facts["warnings"]) or "-"
    row["CPU-s"] = time.process_time() - started
    return row


def _false_alarms(name: str, splits: int, rows: int) -> dict[str, Any]:
    """Share of random splits with p below 0.05 and 0.01, and with a warning."""
    found = [_found(*_split(name, rows, seed), seed).facts for seed in range(splits)]
    row: dict[str, Any] = {"data": name, "random splits": splits}
    for classifier in ("words", "statistics"):
        chance = np.array([facts["classifiers"][classifier]["p"] for facts in found])
        row |= {
            f"{classifier} p<.05": float((chance < 0.05).mean()),
            f"p<.01 ({classifier})": float((chance < 0.01).mean()),
        }
        row[f"AUC of {classifier}"] = float(
            np.mean([facts["classifiers"][classifier]["auc"] for facts in found])
        )
    return {**row, "warned": sum(bool(facts["warnings"]) for facts in found)}


def predicted(name: str, rows: int | None) -> tuple[data_sets.DataSet, np.ndarray, np.ndarray]:
    """A data set, cut to ``rows``, and a linear model's probabilities: out of fold (N, K), of the test rows (M, K)."""
    train, test = (data_sets.subset(part, rows).reset_index(drop=True) for part in _official(name))
    data = data_sets.DataSet(name, train, test, "accuracy", 128)
    truth, labels = data.codes(train), data.labels
    near = near_text(train, threshold=0.8, seed=0)
    folds = make_folds(train["target"].tolist(), None, near, n=5, seed=0)
    oof, proba = np.zeros((len(train), len(labels))), np.zeros((len(test), len(labels)))
    for fold in range(5):
        held = folds == fold
        model = models.make("linear", LINEAR, classes=len(labels), seed=0, device="cpu", threads=1)
        model.fit(train[~held], truth[~held], np.ones((~held).sum()))
        oof[held] = model.predict(train[held])
        proba += model.predict(test) / 5
    return data, oof, proba


def _scores(name: str, rows: int | None) -> dict[str, Any]:
    """Accuracy of a linear model: cross-validated, weighted to look like test, on the test part."""
    data, oof, proba = predicted(name, rows)
    train, test, labels, truth = data.train, data.test, data.labels, data.codes(data.train)
    compared = _found(train, test, 0)
    like_test = compared.train["both"].to_numpy(np.float64)
    weight = shifted.weights(like_test, limit=Adversarial().weight_limit)
    found = shifted.score("accuracy", truth, oof.argmax(axis=1), oof, weight, classes=len(labels))
    seen = test["id"].isin(compared.pairs["id"]).to_numpy()
    right = proba.argmax(axis=1) == data.codes(test)
    return {
        "data": name,
        "CV": found["unweighted"],
        "weighted CV": found["value"],
        "SE": found["se"],
        "effective rows": found["effective_rows"],
        "true": float(right.mean()),
        "SE of true": float(right.std() / len(right) ** 0.5),
        "true, no twin in train": float(right[~seen].mean()),
    }


if __name__ == "__main__":
    with plain_errors():
        main()
