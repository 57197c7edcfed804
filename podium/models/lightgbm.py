"""``lightgbm``: gradient-boosted trees on TF-IDF n-grams, their truncated SVD, text statistics and encoder vectors.

N rows, F n-grams, D dimensions of the SVD, C columns of the trees, K classes or values.
"""

import dataclasses
import logging
from pathlib import Path
from typing import Any, Self

import lightgbm
import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file
from scipy import sparse
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

from podium.engine.balance import class_weights
from podium.errors import UserError
from podium.files import read_json, write_json, write_text
from podium.models import spread
from podium.models.statistics import text_statistics
from podium.models.tfidf import Tfidf
from podium.soft import copies
from podium.targets import TaskType, type_of

log = logging.getLogger(__name__)

BINS = 15
"""Different values that are told apart of an n-gram; of the SVD's dimensions, statistics and vectors it is 255."""

OBJECTIVES: dict[TaskType, str] = {
    "single_label": "multiclass",
    "multi_label": "binary",
    "regression": "regression",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The keys of a ``lightgbm`` model's config block; see ``podium.config.Lightgbm``.

    ``encoder`` is a local folder by now.
    """

    tfidf: dict[str, Any]
    sparse: bool
    svd: int
    statistics: bool
    encoder: str | None
    max_length: int
    precision: str
    class_weight: str | None
    trees: int
    learning_rate: float
    num_leaves: int
    min_data_in_leaf: int
    feature_fraction: float


class Model:
    """Boosted trees; follows ``podium.models.Classifier``.

    Single-label tasks have one multiclass booster, multi-label tasks a binary one for each class, regressions one for
    each value.
    """

    def __init__(self, options: Options, *, classes: int, seed: int, device: str, threads: int) -> None:
        self.options, self.classes, self.seed, self.threads = options, classes, seed, threads
        self.device = device
        self.features = Tfidf(options.tfidf)
        self.components = np.zeros((1, 0), dtype=np.float32)  # (F, D)
        self.type: TaskType = "single_label"
        self.present = np.arange(classes)
        self.boosters: list[lightgbm.Booster] = []  # none where there is a single class

    def fit(
        self,
        rows: pd.DataFrame,
        target: np.ndarray,
        weight: np.ndarray,
        *,
        scratch: Path | None = None,
        soft: np.ndarray | None = None,
    ) -> None:
        """Fit features and trees; see ``Classifier.fit``."""
        self.type = type_of(target)
        if self.options.class_weight is not None and self.type != "single_label":
            raise UserError("lightgbm: class_weight is for single_label tasks; set it to null")
        with threadpool_limits(self.threads):
            tfidf = self.features.fit(rows)
            self.components = self._components(tfidf)
            columns = self._columns(tfidf, rows)
        if soft is not None:
            place, target, weight = copies(soft, weight)
            columns = columns[place]
        if self.type != "single_label":
            self.boosters = [
                self._grown(columns, column, weight) for column in np.ascontiguousarray(target.T)
            ]
        else:
            self.present, encoded = np.unique(target, return_inverse=True)
            if len(self.present) > 1:
                self.boosters = [self._grown(columns, encoded, weight * self._balance(encoded, weight))]
        trees = sum(booster.num_trees() for booster in self.boosters)
        log.info("lightgbm: %d rows, %d n-grams, %d columns, %d trees", *tfidf.shape, columns.shape[1], trees)

    def _components(self, tfidf: sparse.csr_matrix) -> np.ndarray:
        dimensions = min(self.options.svd, *(size - 1 for size in tfidf.shape))
        if dimensions < 1:
            return np.zeros((tfidf.shape[1], 0), dtype=np.float32)
        _, _, rows = randomized_svd(tfidf, dimensions, n_iter=4, random_state=self.seed)
        return np.ascontiguousarray(rows.T, dtype=np.float32)

    @property
    def _ngrams(self) -> int:
        """How many of the trees' columns, the first, are n-grams."""
        ngrams, dimensions = self.components.shape
        # Without any dimension (a single n-gram has none to spare) the n-grams are all there is
        others = dimensions or self.options.statistics or self.options.encoder is not None
        return ngrams if self.options.sparse or not others else 0

    def _columns(self, tfidf: sparse.csr_matrix, rows: pd.DataFrame) -> sparse.csr_matrix:
        """Return the columns (N, C) that the trees see."""
        dense = [tfidf @ self.components] if self.components.shape[1] else []
        if self.options.statistics:
            dense.append(text_statistics(rows))
        if self.options.encoder is not None:
            dense.append(self._embedded(rows))
        blocks = [tfidf] if self._ngrams else []
        return sparse.hstack([*blocks, *map(sparse.csr_matrix, dense)], format="csr", dtype=np.float32)

    def _embedded(self, rows: pd.DataFrame) -> np.ndarray:
        import torch  # seconds to import, which models without an encoder need not spend

        from podium.models.embeddings import embed

        torch.set_num_threads(self.threads)
        return embed(
            Path(str(self.options.encoder)),
            rows,
            max_length=self.options.max_length,
            precision=self.options.precision,
            device=torch.device(self.device),
        )

    def _balance(self, encoded: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Factor (N,) on each row's weight."""
        counts = np.bincount(encoded, weights=weight)
        return class_weights(counts, kind=self.options.class_weight, beta=None)[encoded]

    def _grown(self, columns: sparse.csr_matrix, label: np.ndarray, weight: np.ndarray) -> lightgbm.Booster:
        data = lightgbm.Dataset(columns, label=label, weight=weight, free_raw_data=True)
        return lightgbm.train(self._parameters(columns.shape[1]), data, num_boost_round=self.options.trees)

    def _parameters(self, columns: int) -> dict[str, Any]:
        classes = {"num_class": len(self.present)} if self.type == "single_label" else {}
        return {
            "objective": OBJECTIVES[self.type],
            **classes,
            "learning_rate": self.options.learning_rate,
            "num_leaves": self.options.num_leaves,
            "min_data_in_leaf": self.options.min_data_in_leaf,
            # Drawn for each tree, they would be copied for each: rows times columns steps, most of the training time
            "feature_fraction_bynode": self.options.feature_fraction,
            "max_bin_by_feature": [BINS] * self._ngrams + [255] * (columns - self._ngrams),
            "num_threads": self.threads,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return predictions (N, K); see ``Classifier.predict``."""
        if not self.boosters:
            return spread(np.ones((len(rows), len(self.present))), self.present, self.classes)
        with threadpool_limits(self.threads):
            columns = self._columns(self.features.transform(rows), rows)
            found = [
                np.asarray(booster.predict(columns, num_threads=self.threads)) for booster in self.boosters
            ]
        return (
            spread(found[0], self.present, self.classes)
            if self.type == "single_label"
            else np.stack(found, 1)
        )

    def save(self, folder: Path) -> None:
        """Write the features, ``lightgbm.json``, ``svd.safetensors``, the trees as LightGBM's text, and the encoder."""
        self.features.save(folder)
        facts = {
            "options": dataclasses.asdict(self.options),
            "classes": self.classes,
            "type": self.type,
            "present": self.present.tolist(),
            "seed": self.seed,
        }
        write_json(facts, folder / "lightgbm.json")
        save_file({"components": self.components}, folder / "svd.safetensors")
        for number, booster in enumerate(self.boosters):
            write_text(booster.model_to_string(), folder / f"trees{number}.txt")
        if self.options.encoder is not None:
            from podium.models.embeddings import copy_encoder

            copy_encoder(Path(self.options.encoder), folder / "encoder")

    @classmethod
    def load(cls, folder: Path, *, device: str, threads: int) -> Self:
        """Read what ``save`` wrote."""
        saved = read_json(folder / "lightgbm.json")
        options = Options(**saved["options"])
        if options.encoder is not None:
            options = dataclasses.replace(options, encoder=str(folder / "encoder"))
        model = cls(options, classes=saved["classes"], seed=saved["seed"], device=device, threads=threads)
        model.features = Tfidf.load(folder)
        model.components = load_file(folder / "svd.safetensors")["components"]
        model.type, model.present = saved["type"], np.array(saved["present"], dtype=np.int64)
        trees = sorted(folder.glob("trees*.txt"), key=lambda path: int(path.stem.removeprefix("trees")))
        model.boosters = [lightgbm.Booster(model_file=path) for path in trees]
        return model
