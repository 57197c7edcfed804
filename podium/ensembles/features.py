"""What stackers see of a row: the members' predictions side by side, and figures of its text."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from podium.ensembles.odds import log_odds, logs
from podium.ensembles.predictions import Known, Predictions
from podium.targets import TaskType

Form = Literal["logits", "probabilities"]


def thinned(known: Known, most: int) -> Known:
    """Return at most ``most`` rows, evenly spaced."""
    step = -(-len(known.truth) // most)
    return known if step <= 1 else known.take(np.arange(len(known.truth)) % step == 0)


def formed(block: np.ndarray, form: Form, type: TaskType) -> np.ndarray:
    """Return what a model sees of a block (M, n, K): itself, or centred log-probabilities (of labels: log-odds)."""
    if form == "probabilities" or type == "regression":
        return block
    return log_odds(block) if type == "multi_label" else logs(block)


def side_by_side(block: np.ndarray) -> np.ndarray:
    """Return (n, M x K) of a block (M, n, K), member after member."""
    return block.transpose(1, 0, 2).reshape(block.shape[1], -1)


@dataclass(frozen=True)
class Figures:
    """Figures of texts on one scale: counts by their logarithm, less the mean, over the standard deviation, (S,)."""

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, given: Predictions) -> "Figures":
        """Learn the scale of the rows; it needs no labels."""
        figures = np.log1p(given.figures)
        scale = figures.std(axis=0)
        return cls(figures.mean(axis=0), np.where(scale > 1e-9, scale, 1.0))

    def of(self, given: Predictions) -> np.ndarray:
        """Return the scaled figures (N, S)."""
        return (np.log1p(given.figures) - self.mean) / self.scale

    def params(self) -> dict[str, Any]:
        """Return plain values."""
        return {"mean": self.mean.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def of_params(cls, params: dict[str, Any]) -> "Figures":
        """The inverse of ``params``."""
        return cls(np.array(params["mean"]), np.array(params["scale"]))
