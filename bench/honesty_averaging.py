"""What the models of single folds say of the hold-out, each alone, beside the mean that is submitted.

What the mean is better is what a run's own estimate (``podium.averaging``, in its table of scores) has to meet.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from bench.honesty_splits import TASK
from podium.averaging import Said
from podium.files import read_json, read_table
from podium.metrics import score_labels


def place(number: str) -> str:
    """Folder of a round below a member's; a member whose rounds stop by themselves has one of the settled ones."""
    return f"round{number}" if number.isdigit() else number


class Results:
    """What a run's ``results`` folder says of the test rows ``test``."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.names: list[str] = read_json(results / f"ingest/{TASK}/labels.json")
        self.test = read_table(results / f"ingest/{TASK}/test.parquet", columns=["id"])["id"]

    def said(self, what: str, name: str, number: str) -> Said:
        """Of one line of the table of scores."""
        if what == "member":
            return self._proba(f"predict/{TASK}/{name}/{place(number)}")
        ensemble = name.partition(" + ")[0]
        said = self._proba(f"ensemble/{TASK}/{ensemble}")
        return said if what == "ensemble" else said.decided(*self._tables(f"decision/{TASK}"), *self._order)

    def _proba(self, folder: str) -> Said:
        return Said.of_tables(*self._tables(folder), *self._order)

    @property
    def _order(self) -> tuple[pd.Series, list[str]]:
        return self.test, self.names

    def _tables(self, folder: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        test, folds = (
            read_table(self.results / folder / f"{name}.parquet") for name in ("test", "test_folds")
        )
        return test, folds

    def single(self, said: Said, truth: pd.Series, metric: str) -> float:
        """True score of the fold models, each alone (the mean over the folds), on the rows of ``truth`` (by id)."""
        kept = self.test.isin(truth.index).to_numpy()
        right, names = truth.loc[self.test[kept]], np.array(self.names)
        values = []
        for labels in said.alone[:, kept]:
            given = names[labels]
            every = sorted({*right, *given})
            values.append(score_labels(metric, right.tolist(), given.tolist(), every).value)
        return float(np.mean(values))
