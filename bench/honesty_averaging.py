"""What the test rows gain because the models of all folds are averaged for them, while a validation row has only one.

Once by the truth of the hold-out, and once as a run could estimate it without: the averaged probabilities stand for the
truth of the test rows, at the temperature at which the models of single folds would have the score that
cross-validation reports; the metric of the averaged decision is then computed with them. For the squared error of
probabilities the gain is exactly the spread of the models (Krogh and Vedelsby, Neural Network Ensembles, Cross
Validation, and Active Learning, 1995); here it is estimated for any metric of counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.honesty_splits import TASK
from podium import decision, metrics
from podium.alignment import probabilities
from podium.config.ensemble import Ensemble
from podium.decision import Choice
from podium.ensembles.methods import build
from podium.ensembles.predictions import Memory, Predictions
from podium.ensembles.temperature import scaled
from podium.files import read_json, read_table
from podium.plan_ensemble import options_of

TYPE: Any = "single_label"
LOG_TEMPERATURES = (-3.0, 3.0)
Labels = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Parts:
    """Probabilities of the test rows by the models of one fold each (J, N, K) and by their average (N, K).

    ``labels`` is the decision.
    """

    alone: np.ndarray
    average: np.ndarray
    labels: Labels


def place(number: str) -> str:
    """Folder of a round below a member's; a member whose rounds stop by themselves has one of the settled ones."""
    return f"round{number}" if number.isdigit() else number


class Results:
    """The predictions in a run's ``results`` folder."""

    def __init__(self, results: Path, settings: dict[str, Any]) -> None:
        self.results, self.settings = results, settings
        self.names: list[str] = read_json(results / f"ingest/{TASK}/labels.json")
        self.test = read_table(results / f"ingest/{TASK}/test.parquet", columns=["id"])["id"]

    def _read(self, path: str, ids: pd.Series) -> np.ndarray:
        return probabilities(read_table(self.results / path), ids, self.names, TYPE)

    def member(self, name: str, number: str) -> Parts:
        """Of a member in a round."""
        folder = f"predict/{TASK}/{name}/{place(number)}"
        table = read_table(self.results / folder / "test_folds.parquet")
        alone = [
            probabilities(rows.drop(columns="fold"), self.test, self.names, TYPE)
            for _, rows in table.groupby("fold")
        ]
        average = self._read(f"{folder}/test.parquet", self.test)
        return Parts(np.stack(alone), average, lambda proba: proba.argmax(axis=1))

    def ensemble(self, name: str, last: dict[str, str]) -> Parts | None:
        """Of an ensemble above the ``last`` round of each member, fitted on all rows; None where it is not redone."""
        fit = read_json(self.results / f"ensemble/{TASK}/{name}/fit.json")
        members = fit["members"]
        block = Ensemble(**self.settings["ensemble"])
        options = options_of(block, fit["method"], members=members, seed=self.settings["seed"])
        method = build(fit["method"], options, members=members, metric=fit["metric"], type=TYPE)
        parts = [self.member(member, last[member]) for member in members]

        def combined(given: list[np.ndarray]) -> np.ndarray:
            return method.predict(Predictions(Memory(np.stack(given)), TYPE, None, None), fit["params"])

        average = self._read(f"ensemble/{TASK}/{name}/test.parquet", self.test)
        if not np.allclose(combined([part.average for part in parts]), average, atol=1e-4):
            return None
        alone = [combined([part.alone[fold] for part in parts]) for fold in range(len(parts[0].alone))]
        return Parts(np.stack(alone), average, lambda proba: proba.argmax(axis=1))

    def submitted(self, chosen: Parts | None) -> Parts | None:
        """Of the chosen ensemble after the decision; None where it cannot be redone."""
        fit = read_json(self.results / f"decision/{TASK}/fit.json")
        if chosen is None or fit["method"] not in ("argmax", "offsets"):
            return None
        params = {"offsets": [fit["offsets"][name] for name in self.names]} if "offsets" in fit else {}
        settings = decision.Settings(method="auto", metric=fit["metric"], sweeps=3, k=None, min_gain=1.0)
        choice = Choice(fit["method"], params, None, None)

        def labels(proba: np.ndarray) -> np.ndarray:
            return decision.apply(proba, choice, settings, TYPE)

        given = read_table(self.results / f"decision/{TASK}/test.parquet").set_index("id")["label"]
        if (np.array(self.names)[labels(chosen.average)] != given.loc[self.test].to_numpy()).mean() > 0.001:
            return None
        return Parts(chosen.alone, chosen.average, labels)


def expected_gain(parts: Parts, metric: str, cv: float) -> float:
    """The estimate that needs no labels of the test rows, from the score ``cv`` of models of single folds."""
    labels, alone = parts.labels(parts.average), [parts.labels(proba) for proba in parts.alone]

    def gap(log_temperature: float) -> float:
        soft = scaled(parts.average, float(np.exp(log_temperature)), TYPE)
        return float(np.mean([expected(soft, given, metric) for given in alone])) - cv

    found = root(gap, *LOG_TEMPERATURES)
    soft = scaled(parts.average, float(np.exp(found)), TYPE)
    return expected(soft, labels, metric) - cv - gap(found)


def root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function is 0, or the end where it is nearest to that."""
    if falling(low) <= 0:
        return low
    if falling(high) >= 0:
        return high
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


def expected(soft: np.ndarray, labels: np.ndarray, metric: str) -> float:
    """A metric of counts of ``labels`` (N,) against classes of probabilities ``soft`` (N, K)."""
    classes = soft.shape[1]
    hits = np.bincount(labels, soft[np.arange(len(labels)), labels], minlength=classes)
    given = np.bincount(labels, minlength=classes)
    return float(metrics.from_counts(metric, hits, soft.sum(axis=0), given))
