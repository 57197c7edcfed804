"""``linear``: logistic or ridge regression on TF-IDF n-grams."""

import dataclasses
import logging
import warnings
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file
from scipy.special import expit, softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from podium.files import read_json, write_json
from podium.models import spread
from podium.models.tfidf import Tfidf
from podium.soft import copies
from podium.targets import TaskType, type_of

log = logging.getLogger(__name__)

_RARE = 1e-6  # probability of a multi-label class without training rows


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The keys of a ``linear`` model's config block; see ``podium.config.Linear``."""

    tfidf: dict[str, Any]
    c: float
    class_weight: str | None
    max_iter: int


class Model:
    """Linear models with an L2 penalty of inverse strength ``c``; follows ``podium.models.Classifier``.

    Single-label tasks have a multinomial logistic regression, multi-label tasks a logistic regression for each class,
    regressions a ridge regression for each value, with the penalty of values scaled to variance 1.
    """

    def __init__(self, options: Options, *, classes: int, seed: int, device: str, threads: int) -> None:
        self.options, self.classes, self.seed, self.threads = options, classes, seed, threads
        self.features = Tfidf(options.tfidf)
        self.type: TaskType = "single_label"
        self.present = np.arange(classes)
        self.coef = np.zeros((classes, 1), dtype=np.float32)  # (P, F)
        self.intercept = np.zeros(classes, dtype=np.float32)  # (P,)
        self.middle, self.scale = np.zeros(classes), np.ones(classes)  # (T,) of a regression's values

    def fit(
        self,
        rows: pd.DataFrame,
        target: np.ndarray,
        weight: np.ndarray,
        *,
        scratch: Path | None = None,
        soft: np.ndarray | None = None,
    ) -> None:
        """Fit features and coefficients; see ``Classifier.fit``."""
        self.type = type_of(target)
        with threadpool_limits(self.threads):
            matrix = self.features.fit(rows)
            if soft is not None:
                place, target, weight = copies(soft, weight)
                matrix = matrix[place]
            self.present = np.unique(target) if self.type == "single_label" else np.arange(self.classes)
            self.coef = np.zeros((len(self.present), matrix.shape[1]), dtype=np.float32)
            self.intercept = np.zeros(len(self.present), dtype=np.float32)
            if self.type == "regression":
                self._fit_values(matrix, target, weight)
            elif self.type == "multi_label":
                self._fit_each_class(matrix, target, weight)
            elif len(self.present) > 1:
                self._fit_coefficients(matrix, target, weight)
        log.info("linear: %d rows, %d features, %d outputs", *matrix.shape, len(self.present))

    def _fit_coefficients(self, matrix: Any, target: np.ndarray, weight: np.ndarray) -> None:
        coef, intercept = self._logistic(matrix, target, weight)
        if len(self.present) == 2:  # scikit-learn keeps one row for two classes
            coef, intercept = np.vstack([-coef / 2, coef / 2]), np.hstack([-intercept / 2, intercept / 2])
        # safetensors writes memory as it lies: a Fortran-ordered array would come back shuffled
        self.coef = np.ascontiguousarray(coef, dtype=np.float32)
        self.intercept = np.ascontiguousarray(intercept, dtype=np.float32)

    def _fit_each_class(self, matrix: Any, target: np.ndarray, weight: np.ndarray) -> None:
        for label in range(self.classes):
            column = target[:, label]
            if column.min() < column.max():
                coef, intercept = self._logistic(matrix, column.astype(np.int64), weight)
                self.coef[label], self.intercept[label] = coef[0], intercept[0]
            else:
                self.intercept[label] = (2 * column[0] - 1) * -np.log(_RARE)

    def _fit_values(self, matrix: Any, target: np.ndarray, weight: np.ndarray) -> None:
        self.middle = np.average(target, axis=0, weights=weight)
        deviation = np.sqrt(np.average((target - self.middle) ** 2, axis=0, weights=weight))
        self.scale = np.where(deviation > 0, deviation, 1.0)
        regression = Ridge(alpha=1 / self.options.c, solver="sparse_cg", max_iter=self.options.max_iter)
        scaled = (target - self.middle) / self.scale
        regression.fit(matrix.astype(np.float64), scaled, sample_weight=weight)
        self.coef = np.ascontiguousarray(regression.coef_, dtype=np.float32).reshape(self.coef.shape)
        self.intercept = np.asarray(regression.intercept_, dtype=np.float32).reshape(-1)

    def _logistic(self, matrix: Any, target: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients and intercepts of scikit-learn's logistic regression."""
        regression = LogisticRegression(
            C=self.options.c, class_weight=self.options.class_weight, max_iter=self.options.max_iter
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            regression.fit(matrix, target, sample_weight=weight)
        if any(issubclass(entry.category, ConvergenceWarning) for entry in caught):
            log.warning("linear: no convergence in max_iter=%d iterations", self.options.max_iter)
        return regression.coef_, regression.intercept_

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return probabilities or values (N, K)."""
        with threadpool_limits(self.threads):
            scores = self.features.transform(rows) @ self.coef.T + self.intercept
        scores = np.asarray(scores, dtype=np.float64)
        if self.type == "regression":
            return scores * self.scale + self.middle
        if self.type == "multi_label":
            return expit(scores)
        return spread(softmax(scores, axis=1), self.present, self.classes)

    def save(self, folder: Path) -> None:
        """Write the features, ``linear.json`` and ``linear.safetensors``."""
        self.features.save(folder)
        facts: dict[str, Any] = {
            "options": dataclasses.asdict(self.options),
            "classes": self.classes,
            "present": self.present.tolist(),
            "seed": self.seed,
        }
        if self.type != "single_label":
            facts["type"] = self.type
        if self.type == "regression":
            facts |= {"middle": self.middle.tolist(), "scale": self.scale.tolist()}
        write_json(facts, folder / "linear.json")
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
        model.type = saved.get("type", "single_label")
        model.present = np.array(saved["present"], dtype=np.int64)
        if model.type == "regression":
            model.middle, model.scale = np.array(saved["middle"]), np.array(saved["scale"])
        model.coef, model.intercept = weights["coef"], weights["intercept"]
        return model
