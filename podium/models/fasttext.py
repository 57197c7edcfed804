"""``fasttext``: the mean of word and n-gram vectors below a linear softmax (Joulin et al. 2016, arXiv 1607.01759).

N rows, B rows of a block, F features, U features of a block, D dimensions, K classes, P of them with rows.
"""

import dataclasses
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file
from scipy import sparse
from scipy.special import expit, softmax
from threadpoolctl import threadpool_limits

from podium.files import read_json, write_csv, write_json
from podium.models import spread
from podium.models.bags import Bags
from podium.models.vectors import fill, read_vectors
from podium.targets import TaskType, type_of

log = logging.getLogger(__name__)
BLOCK = 32  # rows whose sparse products are taken together; the result does not depend on it


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The keys of a ``fasttext`` model's config block; see ``podium.config.FastText``."""

    lowercase: bool
    min_count: int
    max_words: int
    word_ngrams: int
    char_ngrams: list[int] | None
    buckets: int
    vectors: str | None
    dimensions: int
    epochs: int
    learning_rate: float
    smoothing: float

    def bags(self) -> dict[str, Any]:
        """The settings of :class:`Bags`."""
        names = ("lowercase", "min_count", "max_words", "word_ngrams", "char_ngrams", "buckets")
        return {name: getattr(self, name) for name in names}


class Model:
    """Linear classifier on averaged vectors; follows ``podium.models.Classifier``.

    Single-label tasks have a softmax, multi-label tasks a sigmoid for each class (the program's ``-loss ova``).
    """

    def __init__(self, options: Options, *, classes: int, seed: int, device: str, threads: int) -> None:
        self.options, self.classes, self.seed, self.threads = options, classes, seed, threads
        self.features = Bags(options.bags())
        self.type: TaskType = "single_label"
        self.present = np.arange(classes)
        self.vectors = np.zeros((0, options.dimensions), dtype=np.float32)  # (F, D)
        self.output = np.zeros((classes, options.dimensions), dtype=np.float32)  # (P, D)
        self.curve = pd.DataFrame()

    def fit(
        self,
        rows: pd.DataFrame,
        target: np.ndarray,
        weight: np.ndarray,
        *,
        scratch: Path | None = None,
        soft: np.ndarray | None = None,
    ) -> None:
        """Fit the vocabulary, the vectors and the classes' weights; see ``Classifier.fit``."""
        rng = np.random.default_rng(self.seed)
        found: dict[str, int] = {}
        pretrained = None
        if self.options.vectors is not None:
            found, pretrained = read_vectors(Path(self.options.vectors), sorted(self.features.seen(rows)))
        bags = self.features.fit(rows, known=found.keys())
        self.type = type_of(target)
        if soft is not None:
            self.present = np.flatnonzero(soft.any(axis=0))
            target = soft[:, self.present]
        elif self.type == "single_label":
            self.present, target = np.unique(target, return_inverse=True)
        self.vectors = self._first_vectors(rng, found, pretrained)
        self.output = np.zeros((len(self.present), self.vectors.shape[1]), dtype=np.float32)
        with threadpool_limits(self.threads):
            self.curve = descend(
                *(self.vectors, self.output, bags, target, weight),
                epochs=self.options.epochs,
                learning_rate=self.options.learning_rate,
                smoothing=self.options.smoothing,
                sigmoid=self.type == "multi_label",
                rng=rng,
            )
        log.info("fasttext: %d rows, %d features, mean loss %.4f", *bags.shape, self.curve["loss"].iloc[-1])

    def _first_vectors(
        self, rng: np.random.Generator, found: dict[str, int], pretrained: np.ndarray | None
    ) -> np.ndarray:
        """Uniform in [-1/D, 1/D] as in the authors' program; ``pretrained`` vectors of the words ``found``."""
        dimensions = self.options.dimensions if pretrained is None else pretrained.shape[1]
        bound = 1 / dimensions
        vectors = rng.uniform(-bound, bound, (self.features.size, dimensions)).astype(np.float32)
        if pretrained is not None:
            words = [word for listed in self.features.words.values() for word in listed]
            fill(vectors, words, found, pretrained)
        return vectors

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return probabilities (N, K)."""
        scores = (self.features.transform(rows) @ self.vectors).astype(np.float64) @ self.output.T
        if self.type == "multi_label":
            return expit(scores)
        return spread(softmax(scores, axis=1), self.present, self.classes)

    def save(self, folder: Path) -> None:
        """Write the features, ``fasttext.json``, ``fasttext.safetensors`` and the mean loss of each epoch."""
        self.features.save(folder)
        facts = {
            "options": dataclasses.asdict(self.options),
            "classes": self.classes,
            "type": self.type,
            "present": self.present.tolist(),
            "seed": self.seed,
        }
        write_json(facts, folder / "fasttext.json")
        save_file({"vectors": self.vectors, "output": self.output}, folder / "fasttext.safetensors")
        write_csv(self.curve, folder / "curve.csv")

    @classmethod
    def load(cls, folder: Path, *, device: str, threads: int) -> Self:
        """Read what ``save`` wrote."""
        saved, weights = read_json(folder / "fasttext.json"), load_file(folder / "fasttext.safetensors")
        options = Options(**saved["options"])
        model = cls(options, classes=saved["classes"], seed=saved["seed"], device=device, threads=threads)
        model.features = Bags.load(folder)
        model.type, model.present = saved["type"], np.array(saved["present"], dtype=np.int64)
        model.vectors, model.output = weights["vectors"], weights["output"]
        model.curve = pd.read_csv(folder / "curve.csv")
        return model


def descend(
    vectors_FD: np.ndarray,
    output_PD: np.ndarray,
    bags: sparse.csr_matrix,
    target: np.ndarray,
    weight: np.ndarray,
    *,
    epochs: int,
    learning_rate: float,
    smoothing: float,
    sigmoid: bool,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Stochastic gradient descent one row at a time, in place; return the mean loss of each epoch.

    A block's rows are one step each, exactly as in the paper: a row's hidden vector is its mean before the block,
    corrected by what the rows before it in the block changed of the features that both have (see :func:`_walk`).
    Only the rounding differs from steps that write the vectors each time, and the sparse products are taken by
    blocks, which makes it fast.

    The rate falls linearly to 0, row by row (the authors' program: every hundred words). The order of the rows is
    drawn once and the same in all epochs, but for whole blocks (the program: the order of the file).

    Parameters
    ----------
    bags
        The rows' shares of features (N, F).
    target, weight
        Class indices (N,) or probabilities (N, P), or, with ``sigmoid``, labels (N, P) of 0 and 1; factors (N,) on the
        rows' losses.
    smoothing
        Share of the target that is spread evenly over the classes, or over both values of a label (Szegedy et al. 2016,
        arXiv 1512.00567, section 7).
    """
    blocks = list(_blocks(bags, rng.permutation(bags.shape[0])))
    steps, done, curve = epochs * bags.shape[0], 0, []
    for epoch in range(epochs):
        lost = 0.0
        for place in rng.permutation(len(blocks)):
            rows, features, shares, overlaps = blocks[place]
            rates = learning_rate * (1 - np.arange(done, done + len(rows)) / steps) * weight[rows]
            wanted = _wanted(target[rows], len(output_PD), smoothing, sigmoid=sigmoid)
            changes, losses = _walk(
                shares @ vectors_FD[features],
                *(overlaps, output_PD, wanted, rates.astype(np.float32)),
                sigmoid=sigmoid,
            )
            vectors_FD[features] -= shares.T @ changes
            lost += float(losses @ weight[rows])
            done += len(rows)
        curve.append({"epoch": epoch, "rows": bags.shape[0], "loss": lost / bags.shape[0]})
    return pd.DataFrame(curve)


def _wanted(target: np.ndarray, classes: int, smoothing: float, *, sigmoid: bool) -> np.ndarray:
    """Smoothed targets (B, P) of class indices (B,), or of probabilities or labels (B, P)."""
    if target.ndim == 2:
        return (target * (1 - smoothing) + smoothing / (2 if sigmoid else classes)).astype(np.float32)
    wanted = np.full((len(target), classes), smoothing / classes, dtype=np.float32)
    wanted[np.arange(len(target)), target] += 1 - smoothing
    return wanted


def _blocks(
    bags: sparse.csr_matrix, order: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, sparse.csr_matrix, np.ndarray]]:
    """Yield for each block its rows (B,), features (U,), shares (B, U) of them, and overlaps of rows (B, B)."""
    for start in range(0, len(order), BLOCK):
        rows = order[start : start + BLOCK]
        part = bags[rows]
        features, column = np.unique(part.indices, return_inverse=True)
        shares = sparse.csr_matrix((part.data, column, part.indptr), shape=(len(rows), len(features)))
        yield rows, features, shares, (shares @ shares.T).toarray()


def _walk(
    hidden_BD: np.ndarray,
    overlaps_BB: np.ndarray,
    output_PD: np.ndarray,
    wanted_BP: np.ndarray,
    rates_B: np.ndarray,
    *,
    sigmoid: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Take a step for each row of a block: change ``output_PD`` and return the hidden vectors' changes and losses.

    Row j's mean is ``shares_j @ vectors``. A step of row i takes ``shares_i`` times its change from the vectors, which
    lowers row j's mean by ``shares_j @ shares_i`` times that change: ``overlaps_BB``.
    """
    changes_BD, losses_B = np.zeros_like(hidden_BD), np.zeros(len(hidden_BD))
    for row, wanted_P in enumerate(wanted_BP):
        hidden_D = hidden_BD[row] - overlaps_BB[row, :row] @ changes_BD[:row]
        scores_P = output_PD @ hidden_D
        if sigmoid:
            slope_P = expit(scores_P)
            losses_B[row] = np.logaddexp(0, scores_P).sum() - wanted_P @ scores_P
        else:
            scores_P -= scores_P.max()
            slope_P = np.exp(scores_P)
            total = slope_P.sum()
            losses_B[row] = np.log(total) - wanted_P @ scores_P
            slope_P /= total
        slope_P -= wanted_P
        slope_P *= rates_B[row]
        changes_BD[row] = slope_P @ output_PD
        output_PD -= np.outer(slope_P, hidden_D)
    return changes_BD, losses_B
