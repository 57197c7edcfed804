"""Stacking with boosted trees that begin at the members' mean."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from podium.ensembles.features import Form, formed, side_by_side, thinned
from podium.ensembles.odds import log_odds, logs
from podium.ensembles.predictions import Known, Predictions
from podium.ensembles.stack_linear import with_absent
from podium.targets import TaskType

_OBJECTIVES: dict[TaskType, str] = {
    "single_label": "multiclass",
    "multi_label": "binary",
    "regression": "regression",
}


@dataclass(frozen=True, kw_only=True)
class TreeStack:
    """LightGBM (Ke et al., NeurIPS 2017) on all members' predictions side by side and the figures of the texts.

    Boosting does not start from nothing but from the members' mean (of centred log-probabilities, log-odds, or values),
    so that few small trees do: they learn where the mean is wrong. One booster for a single label, else one for each
    class or value. A class that is absent from the fitted rows gets 1e-6; a label that all or none have keeps the mean.
    """

    features: Form
    trees: int
    learning_rate: float
    num_leaves: int
    min_data_in_leaf: int
    max_rows: int
    seed: int

    def fit(self, known: Known) -> dict[str, Any]:
        """Return the ``boosters`` (their texts; None for a column without one) and, of a single label, ``classes``."""
        known = thinned(known, self.max_rows)
        block, truth, type = known.given.array(), known.truth, known.given.type
        seen = np.hstack([side_by_side(formed(block, self.features, type)), known.given.figures])
        base = _base(block, type)
        if type == "single_label":
            classes, position = np.unique(truth, return_inverse=True)
            texts = [self._grown(seen, position, base[:, classes], type)] if len(classes) > 1 else []
            return {"classes": classes.tolist(), "boosters": texts}
        varied = truth.min(axis=0) < truth.max(axis=0)
        return {
            "boosters": [
                self._grown(seen, truth[:, k], base[:, k], type) if varied[k] else None
                for k in range(truth.shape[1])
            ]
        }

    def predict(self, given: Predictions, params: dict[str, Any]) -> np.ndarray:
        """Return probabilities or values (N, K)."""
        import lightgbm  # a second to import, which other ensembles need not spend

        boosters = [None if text is None else lightgbm.Booster(model_str=text) for text in params["boosters"]]
        figures = given.figures
        found = np.empty(given.shape[1:], dtype=given.source.dtype)
        for where, block in given.blocks():
            seen = np.hstack([side_by_side(formed(block, self.features, given.type)), figures[where]])
            base = _base(block, given.type)
            if given.type == "single_label":
                scores = base[:, params["classes"]]
                for booster in filter(None, boosters):
                    scores = scores + booster.predict(seen, raw_score=True, num_threads=1)
                found[where] = with_absent(softmax(scores, axis=1), params["classes"], given.shape[2])
                continue
            for k, own in enumerate(boosters):
                if own is not None:
                    base[:, k] += own.predict(seen, raw_score=True, num_threads=1)
            found[where] = expit(base) if given.type == "multi_label" else base
        return found

    def _grown(self, seen: np.ndarray, label: np.ndarray, base: np.ndarray, type: TaskType) -> str:
        import lightgbm

        parameters = {
            "objective": _OBJECTIVES[type],
            **({"num_class": base.shape[1]} if base.ndim == 2 else {}),
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "min_data_in_leaf": self.min_data_in_leaf,
            "num_threads": 1,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
        # Copies: LightGBM warns of arrays that are parts of others
        data = lightgbm.Dataset(seen, label=label.copy(), init_score=base.copy(), free_raw_data=True)
        return str(lightgbm.train(parameters, data, num_boost_round=self.trees).model_to_string())


def _base(block: np.ndarray, type: TaskType) -> np.ndarray:
    """Return where boosting begins (n, K): the members' mean, before the softmax or the logistic function."""
    if type == "regression":
        return block.mean(axis=0)
    return (log_odds(block) if type == "multi_label" else logs(block)).mean(axis=0)
