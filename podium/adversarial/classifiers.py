"""Classifiers that tell test rows from training rows, cross-validated: how far apart the two parts are.

Where both come from one source, nothing tells them apart and the area under the ROC curve (AUC) is 0.5 but for chance
(Lopez-Paz and Oquab, Revisiting Classifier Two-Sample Tests, 2017, arXiv:1610.06545). Near-duplicates stay in one fold,
so that a text is not recognised by its twin.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import expit, logit, ndtr
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from podium.folds import make_folds
from podium.ranking import roc_auc, roc_auc_influence
from podium.stopwatch import measure

FOLDS = 5
FEWEST = 20
"""Independent rows that each part needs."""

_EDGE = 1e-4
_TREES = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "is_unbalance": True,
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
}
_ROUNDS = 60

Learner = Callable[[Any, np.ndarray, Any], np.ndarray]


@dataclass(frozen=True)
class Separation:
    """How well one classifier tells the parts apart: AUC, standard error, and ``p``.

    ``p`` is the chance of such a result where there is nothing to find.
    """

    auc: float
    se: float
    p: float

    def facts(self) -> dict[str, float]:
        """Return the figures."""
        return {"auc": self.auc, "se": self.se, "p": self.p}


@dataclass(frozen=True)
class Separations:
    """What the classifiers say: their figures by name, and each row's probabilities.

    ``proba`` has a column for each classifier and ``both``, a logistic regression on their log-odds: the probability
    (N,) that a row is a test row, were the parts equally large, from models that did not see its fold.
    """

    found: dict[str, Separation]
    proba: dict[str, np.ndarray]


def separate(
    linear: sparse.csr_matrix, figures: np.ndarray, is_test: np.ndarray, clusters: np.ndarray, *, seed: int
) -> Separations | None:
    """Cross-validate the classifiers on ``linear`` (N, F) and ``figures`` (N, S); None where rows are too few.

    ``is_test`` (N,) bool; ``clusters`` (N,) int are the sets of near-duplicates.
    """
    if min(len(np.unique(clusters[part])) for part in (is_test, ~is_test)) < FEWEST:
        return None
    parts = np.where(is_test, "test", "train").tolist()
    folds = make_folds(parts, None, clusters, n=FOLDS, seed=seed, type="single_label")
    learners: dict[str, tuple[Any, Learner]] = {
        "words": (linear, _logistic),
        "statistics": (figures, _boosted),
    }
    found, proba = {}, {}
    with threadpool_limits(1):
        for name, (features, learner) in learners.items():
            proba[name] = _cross_fit(features, is_test, folds, learner)
            p = _chance(features, is_test, folds, clusters, learner)
            found[name] = Separation(*auc_and_error(is_test, proba[name], clusters), p)
        odds = np.column_stack([logit(np.clip(each, _EDGE, 1 - _EDGE)) for each in proba.values()])
        proba["both"] = _cross_fit(odds, is_test, folds, _logistic)
    return Separations(found, proba)


def _cross_fit(features: Any, is_test: np.ndarray, folds: np.ndarray, learner: Learner) -> np.ndarray:
    """Return the probability (N,) of each row from the model of the other folds."""
    proba = np.zeros(len(is_test))
    for fold in np.unique(folds):
        held = folds == fold
        proba[held] = learner(features[~held], is_test[~held], features[held])
    return proba


def _chance(
    features: Any, is_test: np.ndarray, folds: np.ndarray, clusters: np.ndarray, learner: Learner
) -> float:
    """Return the chance of AUCs as high where there is nothing to find, from models of the folds before each fold.

    The errors of an ordinary cross-validation are too small for a test: where nothing is to be found, a pair of like
    rows in two folds counts twice, each row being judged by a model that saw the other's part, which makes the
    variance of the AUC up to twice DeLong's. Where each fold is judged by models of earlier folds alone, its AUC is
    right by chance whatever came before: the excesses are martingale differences, and their sum is normal.
    """
    excess = variance = 0.0
    for fold in range(1, FOLDS):
        held, before = folds == fold, folds < fold
        if min(map(len, (np.unique(is_test[held]), np.unique(is_test[before])))) < 2:
            continue
        proba = learner(features[before], is_test[before], features[held])
        auc, se = auc_and_error(is_test[held], proba, clusters[held])
        excess, variance = excess + auc - 0.5, variance + se**2
    if variance <= 0:  # all rows alike, or told apart without any doubt
        return float(excess <= 0)
    return float(ndtr(-excess / np.sqrt(variance)))


def _logistic(features: Any, is_test: np.ndarray, others: Any) -> np.ndarray:
    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=100)
    model.fit(features, is_test)
    return np.asarray(expit(model.decision_function(others)), dtype=np.float64)


def _boosted(features: np.ndarray, is_test: np.ndarray, others: np.ndarray) -> np.ndarray:
    with measure("imports"):
        import lightgbm
    data = lightgbm.Dataset(features, label=is_test.astype(float))
    return np.asarray(lightgbm.train(_TREES, data, num_boost_round=_ROUNDS).predict(others))


def auc_and_error(truth: np.ndarray, score: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
    """Return the AUC of ``score`` (N,) for ``truth`` (N,) bool, and its standard error for rows in ``clusters`` (N,).

    The error is DeLong's (DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988), whose structural components are
    summed over the rows of a cluster as in Obuchowski (Nonparametric Analysis of Clustered ROC Curve Data, Biometrics
    53, 1997); it is DeLong's own where every cluster has one row.
    """
    moved = roc_auc_influence(truth, score) / len(truth)
    for part in (truth, ~truth):
        count = len(np.unique(clusters[part]))
        moved[part] *= np.sqrt(count / max(1, count - 1))
    summed = np.bincount(np.unique(clusters, return_inverse=True)[1], moved)
    return roc_auc(truth, score), float(np.sqrt((summed**2).sum()))
