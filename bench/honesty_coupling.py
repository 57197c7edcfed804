"""What an ensemble that is cross-fitted over the members' own folds gains from labels that it should not know.

The weights that combine fold k are fitted on the out-of-fold predictions of the other folds, and the models behind
these were trained with fold k's labels. Two alike rows, one in fold j and one in fold k, are predicted from each
other's labels: a member that looks good on fold j by the labels of fold k looks good on fold k by those of fold j. With
labels at random, where no member knows anything, the weights still lean to what happens to score well.

Three ways to score the same method beside each other: ``folds`` (``podium.ensemble.cross_fit``), ``pairs`` (the
weights for fold k come from models that were trained without fold k, too: a model for every pair of folds) and
``within`` (``podium.ensemble.fit_inside``: the weights come from other rows of fold k itself, whose predictions are of
the same models; nothing is trained anew). The workflow takes ``within`` for the methods with many parameters
(``podium.ensembles.coupling``).
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from bench import honesty_clones as clones
from bench.honesty_null import Truth, above, distance
from bench.runs import Spec, mean_and_error, run_all
from podium.ensemble import cross_fit, fit_inside
from podium.ensembles.coupling import inner_parts, many_parameters
from podium.ensembles.layers import Method
from podium.ensembles.methods import build
from podium.ensembles.predictions import Known, Memory, Predictions
from podium.folds import make_folds
from podium.models.tfidf import Tfidf

FOLDS, PER_CLASS = 4, 60
DRAWS = 200
VERSION = 2
MEMBERS: dict[str, tuple[dict[str, Any], float]] = {
    "words": ({"word_ngrams": [1, 1], "char_ngrams": None}, 10.0),
    "flat words": ({"word_ngrams": [1, 1], "char_ngrams": None}, 0.1),
    "letters": ({"word_ngrams": None, "char_ngrams": [3, 3]}, 1.0),
    "pairs": ({"word_ngrams": [2, 2], "char_ngrams": None}, 10.0),
}
_STACK: dict[str, Any] = {
    "kind": "stack", "features": "logits", "statistics": False, "max_rows": 100_000, "temperature": False
}  # fmt: skip
METHODS: dict[str, dict[str, Any]] = {
    "mean": {"kind": "mean", "average": "arithmetic", "temperature": False},
    "blend": {
        **{"kind": "blend", "weights": None, "temperature": False, "search": "greedy", "objective": "metric"},
        **{"steps": 20, "best_first": False, "bags": 1, "share": 0.5, "seed": 0},
    },
    "stack (default)": {**_STACK, "model": "linear", "c": 0.01},
    "stack, c 1": {**_STACK, "model": "linear", "c": 1.0},
    "ridge stack": {**_STACK, "model": "ridge", "alpha": 1.0},
    "stacked trees": {
        **{**_STACK, "model": "lightgbm", "trees": 50, "learning_rate": 0.05, "num_leaves": 7},
        **{"min_data_in_leaf": 20, "seed": 0},
    },
}
WAYS = ("folds", "pairs", "within")


def measure(permutations: int, file: Path | None, jobs: int) -> list[dict[str, Any]]:
    """A row for each method: mean z of the three ways."""
    specs = [
        {"part": "coupling", "version": VERSION, "permutation": number} for number in range(permutations)
    ]
    runs = [result for _, result in run_all(specs, run, file, jobs=jobs)]
    rows = []
    for name in METHODS:
        row: dict[str, Any] = {"method": name, "n": len(runs), "scored": _way(name)}
        for way in WAYS:
            z = [result[name][way] for result in runs]
            row |= {f"z {way}": float(np.mean(z)), f"{way} / se": above(z)}
        gained, error = mean_and_error(result[name]["folds"] - result[name]["pairs"] for result in runs)
        row |= {"folds - pairs": gained, "se": error}
        rows.append(row)
    return rows


def _way(name: str) -> str:
    """How the workflow scores a method."""
    method = build(name, METHODS[name], members=list(MEMBERS), metric="accuracy", type="single_label")
    return "within" if many_parameters(method) else "folds"


def run(spec: Spec) -> dict[str, dict[str, float]]:
    """One permutation: z of each method, scored in three ways."""
    rows = clones.texts(dict.fromkeys(clones.CLASSES, PER_CLASS), seed=1)
    cluster = clones.near_duplicates(rows)
    labels = clones.permuted(rows, cluster, seed=spec["permutation"])
    folds = make_folds(list(labels), None, cluster, n=FOLDS, seed=spec["permutation"])
    truth = Truth(pd.Categorical(labels, categories=clones.CLASSES).codes.astype(np.int64), folds, cluster, 4)
    oof, without = _predictions(rows.rename(columns={"text": "text_a"})[["text_a"]], truth)
    drawn = truth.draws(DRAWS, seed=spec["permutation"])
    found: dict[str, dict[str, float]] = {}
    for name, options in METHODS.items():
        method = build(name, options, members=list(MEMBERS), metric="accuracy", type="single_label")
        known = _known(oof, truth)
        predicted = {
            "folds": cross_fit(name, method, known).oof,
            "pairs": _pairs(method, oof, without, truth),
            "within": _within(method, oof, truth),
        }
        found[name] = {}
        for way, proba in predicted.items():
            chosen = proba.argmax(axis=1)
            score = float((chosen == truth.labels).mean())
            found[name][way] = distance(score, chosen, truth, drawn, metric="accuracy").z
    return found


def _predictions(rows: pd.DataFrame, truth: Truth) -> tuple[np.ndarray, np.ndarray]:
    """Out-of-fold predictions (M, N, K), and (F, M, N, K) of the models without fold k either, 1/K in fold k itself."""
    tables = [
        Tfidf({**settings, "min_df": 2, "max_features": 2000}).fit(rows) for settings, _ in MEMBERS.values()
    ]
    shape = (len(MEMBERS), len(truth.labels), truth.classes)
    oof, without = np.zeros(shape), np.full((FOLDS, *shape), 1 / truth.classes)
    for member, (table, (_, c)) in enumerate(zip(tables, MEMBERS.values(), strict=True)):
        for k in range(FOLDS):
            held = truth.folds == k
            oof[member, held] = _fitted(table, truth.labels, ~held, held, c)
            for j in range(k):
                other = truth.folds == j
                both = _fitted(table, truth.labels, ~held & ~other, held | other, c)
                without[k, member, other] = both[other[held | other]]
                without[j, member, held] = both[held[held | other]]
    return oof, without


def _fitted(
    table: sparse.csr_matrix, labels: np.ndarray, known: np.ndarray, asked: np.ndarray, c: float
) -> np.ndarray:
    model = LogisticRegression(C=c, max_iter=100, tol=1e-3).fit(table[known], labels[known])
    return np.asarray(model.predict_proba(table[asked]))


def _known(proba: np.ndarray, truth: Truth) -> Known:
    return Known.of(Predictions(Memory(proba), "single_label"), truth.labels, truth.folds)


def _pairs(method: Method, oof: np.ndarray, without: np.ndarray, truth: Truth) -> np.ndarray:
    found = np.zeros(oof.shape[1:])
    for k in range(FOLDS):
        held = truth.folds == k
        params = method.fit(_known(without[k], truth).take(~held))
        found[held] = method.predict(_known(oof, truth).given.take(held), params)
    return found


def _within(method: Method, oof: np.ndarray, truth: Truth) -> np.ndarray:
    names = [str(label) for label in truth.labels]
    parts = inner_parts(names, truth.folds, truth.clusters, type="single_label")
    assert parts is not None
    return fit_inside("within", method, _known(oof, truth), parts).oof
