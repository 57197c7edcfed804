"""``lightgbm``: gradient-boosted trees on TF-IDF n-grams and their truncated SVD."""

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

from podium.files import read_json, write_json, write_text
from podium.models import spread
from podium.models.tfidf import Tfidf

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The keys of a ``lightgbm`` model's config block; see ``podium.config.Lightgbm``."""

    tfidf: dict[str, Any]
    sparse: bool
    svd: int
    trees: int
    learning_rate: float
    num_leaves: int
    min_data_in_leaf: int
    feature_fraction: float


class Model:
    """Multiclass boosting; follows ``podium.models.Classifier``."""

    def __init__(self, options: Options, *, classes: int, seed: int, device: str, threads: int) -> None:
        self.options, self.classes, self.seed, self.threads = options, classes, seed, threads
        self.features = Tfidf(options.tfidf)
        self.components = np.zeros((1, 0), dtype=np.float32)  # (F, D)
        self.present = np.arange(classes)
        self.booster: lightgbm.Booster | None = None

    def fit(
        self, rows: pd.DataFrame, target: np.ndarray, weight: np.ndarray, *, scratch: Path | None = None
    ) -> None:
        """Fit features and trees; see ``Classifier.fit``."""
        with threadpool_limits(self.threads):
            tfidf = self.features.fit(rows)
            self.components = self._components(tfidf)
            self.present, encoded = np.unique(target, return_inverse=True)
            if len(self.present) < 2:
                return
            data = lightgbm.Dataset(self._columns(tfidf), label=encoded, weight=weight, free_raw_data=True)
            self.booster = lightgbm.train(self._parameters(), data, num_boost_round=self.options.trees)
        log.info("lightgbm: %d rows, %d n-grams, %d trees", *tfidf.shape, self.booster.num_trees())

    def _components(self, tfidf: sparse.csr_matrix) -> np.ndarray:
        dimensions = min(self.options.svd, *(size - 1 for size in tfidf.shape))
        if dimensions < 1:
            return np.zeros((tfidf.shape[1], 0), dtype=np.float32)
        _, _, rows = randomized_svd(tfidf, dimensions, n_iter=4, random_state=self.seed)
        return np.ascontiguousarray(rows.T, dtype=np.float32)

    def _columns(self, tfidf: sparse.csr_matrix) -> sparse.csr_matrix:
        # Without dimensions (a single n-gram has none to spare) the n-grams are all there is
        dimensions = self.components.shape[1]
        blocks = [tfidf] if self.options.sparse or not dimensions else []
        if dimensions:
            blocks.append(sparse.csr_matrix(tfidf @ self.components))
        return sparse.hstack(blocks, format="csr", dtype=np.float32)

    def _parameters(self) -> dict[str, Any]:
        return {
            "objective": "multiclass",
            "num_class": len(self.present),
            "learning_rate": self.options.learning_rate,
            "num_leaves": self.options.num_leaves,
            "min_data_in_leaf": self.options.min_data_in_leaf,
            "feature_fraction": self.options.feature_fraction,
            "num_threads": self.threads,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return probabilities (N, K)."""
        if self.booster is None:
            seen = np.ones((len(rows), len(self.present)))
        else:
            with threadpool_limits(self.threads):
                columns = self._columns(self.features.transform(rows))
                seen = np.asarray(self.booster.predict(columns, num_threads=self.threads))
        return spread(seen, self.present, self.classes)

    def save(self, folder: Path) -> None:
        """Write the features, ``lightgbm.json``, ``svd.safetensors`` and the trees as LightGBM's text."""
        self.features.save(folder)
        facts = {
            "options": dataclasses.asdict(self.options),
            "classes": self.classes,
            "present": self.present.tolist(),
            "seed": self.seed,
        }
        write_json(facts, folder / "lightgbm.json")
        save_file({"components": self.components}, folder / "svd.safetensors")
        if self.booster is not None:
            write_text(self.booster.model_to_string(), folder / "trees.txt")

    @classmethod
    def load(cls, folder: Path, *, device: str, threads: int) -> Self:
        """Read what ``save`` wrote."""
        saved = read_json(folder / "lightgbm.json")
        options = Options(**saved["options"])
        model = cls(options, classes=saved["classes"], seed=saved["seed"], device=device, threads=threads)
        model.features = Tfidf.load(folder)
        model.components = load_file(folder / "svd.safetensors")["components"]
        model.present = np.array(saved["present"], dtype=np.int64)
        if (folder / "trees.txt").exists():
            model.booster = lightgbm.Booster(model_file=folder / "trees.txt")
        return model
