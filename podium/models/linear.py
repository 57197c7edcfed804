"""``linear``: logistic regression on TF-IDF n-grams."""

import dataclasses
import logging
import warnings
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from podium.files import read_json, write_json
from podium.models import spread
from podium.models.tfidf import Tfidf

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The keys of a ``linear`` model's config block; see ``podium.config.Linear``."""

    tfidf: dict[str, Any]
    c: float
    class_weight: str | None
    max_iter: int


class Model:
    """Multinomial logistic regression with an L2 penalty; follows ``podium.models.Classifier``."""

    def __init__(self, options: Options, *, classes: int, seed: int, device: str, threads: int) -> None:
        self.options, self.classes, self.seed, self.threads = options, classes, seed, threads
        self.features = Tfidf(options.tfidf)
        self.present = np.arange(classes)
        self.coef = np.zeros((classes, 1), dtype=np.float32)  # (P, F)
        self.intercept = np.zeros(classes, dtype=np.float32)  # (P,)

    def fit(
        self, rows: pd.DataFrame, target: np.ndarray, weight: np.ndarray, *, scratch: Path | None = None
    ) -> None:
        """Fit features and coefficients; see ``Classifier.fit``."""
        with threadpool_limits(self.threads):
            matrix = self.features.fit(rows)
            self.present = np.unique(target)
            self.coef = np.zeros((len(self.present), matrix.shape[1]), dtype=np.float32)
            self.intercept = np.zeros(len(self.present), dtype=np.float32)
            if len(self.present) > 1:
                self._fit_coefficients(matrix, target, weight)
        log.info("linear: %d rows, %d features, %d classes", *matrix.shape, len(self.present))

    def _fit_coefficients(self, matrix: Any, target: np.ndarray, weight: np.ndarray) -> None:
        regression = LogisticRegression(
            C=self.options.c, class_weight=self.options.class_weight, max_iter=self.options.max_iter
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            regression.fit(matrix, target, sample_weight=weight)
        if any(issubclass(entry.category, ConvergenceWarning) for entry in caught):
            log.warning("linear: no convergence in max_iter=%d iterations", self.options.max_iter)
        coef, intercept = regression.coef_, regression.intercept_
        if len(self.present) == 2:  # scikit-learn keeps one row for two classes
            coef, intercept = np.vstack([-coef / 2, coef / 2]), np.hstack([-intercept / 2, intercept / 2])
        # safetensors writes memory as it lies: a Fortran-ordered array would come back shuffled
        self.coef = np.ascontiguousarray(coef, dtype=np.float32)
        self.intercept = np.ascontiguousarray(intercept, dtype=np.float32)

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return probabilities (N, K)."""
        with threadpool_limits(self.threads):
            scores = self.features.transform(rows) @ self.coef.T + self.intercept
        return spread(softmax(np.asarray(scores, dtype=np.float64), axis=1), self.present, self.classes)

    def save(self, folder: Path) -> None:
        """Write the features, ``linear.json`` and ``linear.safetensors``."""
        self.features.save(folder)
        write_json(
            {
                "options": dataclasses.asdict(self.options),
                "classes": self.classes,
                "present": self.present.tolist(),
                "seed": self.seed,
            },
            folder / "linear.json",
        )
        save_file({"coef": self.coef, "intercept": self.intercept}, folder / "linear.safetensors")

    @classmethod
    def load(cls, folder: Path, *, device: str, threads: int) -> Self:
        """Read what ``save`` wrote."""
        saved = read_json(folder / "linear.json")
        model = cls(
            Options(**saved["options"]),
            classes=saved["classes"],
            seed=saved["seed"],
            device=device,
            threads=threads,
        )
        weights = load_file(folder / "linear.safetensors")
        model.features = Tfidf.load(folder)
        model.present = np.array(saved["present"], dtype=np.int64)
        model.coef, model.intercept = weights["coef"], weights["intercept"]
        return model
