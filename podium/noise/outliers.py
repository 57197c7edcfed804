"""Texts unlike all others, by their distance from their nearest neighbours; labels play no part.

Kuan and Mueller, Back to the Basics: Revisiting Out-of-Distribution Detection Baselines (2022, arXiv 2207.03061), as
cleanlab has it. Only for people to read: features are fitted on all rows at once, which no training may be.
"""

import logging

import numpy as np
import pandas as pd
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

from podium.models.tfidf import Tfidf
from podium.stopwatch import measure

log = logging.getLogger(__name__)

PERCENT = 1.0
"""Rows at or below this percentile of the scores are marked."""
NEIGHBOURS = 10
DIMENSIONS = 50
REFERENCE = 10_000
"""Rows that neighbours are looked for among: a random draw where there are more, so that nothing is quadratic."""

_FEATURES = {"word_ngrams": [1, 1], "char_ngrams": None, "min_df": 2, "max_features": 50_000}


def scores(texts: pd.DataFrame, *, seed: int, threads: int) -> np.ndarray:
    """Return how ordinary each text is (N,), 0 to 1; low for texts with no near neighbours.

    cleanlab's ``OutOfDistribution`` (mean cosine distance from 10 neighbours) on TF-IDF of words, reduced to 50
    dimensions. NaN for all where there are too few rows for neighbours.
    """
    if len(texts) <= NEIGHBOURS:
        return np.full(len(texts), np.nan)
    with threadpool_limits(threads):
        return score_features(_features(texts, seed), seed=seed)


def score_features(features: np.ndarray, *, seed: int) -> np.ndarray:
    """Return cleanlab's score (N,) of each row of ``features`` (N, D) among a draw of at most ``REFERENCE`` rows."""
    with measure("imports"):
        from cleanlab.outlier import OutOfDistribution
    detector = OutOfDistribution({"k": NEIGHBOURS})
    if len(features) <= REFERENCE:
        return np.asarray(detector.fit_score(features=features, verbose=False))
    chosen = np.zeros(len(features), dtype=bool)
    chosen[np.random.default_rng(seed).choice(len(features), REFERENCE, replace=False)] = True
    found = np.zeros(len(features))
    found[chosen] = detector.fit_score(features=features[chosen], verbose=False)
    others = np.flatnonzero(~chosen)
    for rows in np.array_split(others, 1 + len(others) // REFERENCE):
        if len(rows):
            found[rows] = detector.score(features=features[rows])
    log.info("outliers: neighbours among %d of %d rows, drawn at random", REFERENCE, len(features))
    return found


def marked(score: np.ndarray) -> np.ndarray:
    """Say which rows (N,) bool are at or below the percentile ``PERCENT``, and below the median."""
    if not np.isfinite(score).any():
        return np.zeros(len(score), dtype=bool)
    return (score <= np.percentile(score, PERCENT)) & (score < np.median(score))


def _features(texts: pd.DataFrame, seed: int) -> np.ndarray:
    matrix = Tfidf(_FEATURES).fit(texts)
    dimensions = min(DIMENSIONS, *matrix.shape)
    left, singular, _ = randomized_svd(matrix, dimensions, random_state=seed)
    return left * singular
