"""The scores that a finished run reports, each with the predictions that it is the score of.

Members report accuracy (their fold models' cards), ensembles and the decision the task's metric. Nothing here computes
a score: what is tested is what the run says of itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.honesty_null import METRICS, Distance, Truth, distance
from podium.files import read_json, read_table

TASK = "topic"
SUBMITTED = "submitted"


@dataclass(frozen=True)
class Figure:
    """A reported score in a metric, of predicted ``labels`` (N,) int in the order of the train rows."""

    name: str
    metric: str
    score: float
    labels: np.ndarray


@dataclass(frozen=True)
class Run:
    """A finished clone: where its results are, and the true order of its rows and classes."""

    results: Path
    ids: pd.Series
    classes: list[str]

    @classmethod
    def of(cls, folder: Path) -> "Run":
        """Of the clone in ``folder``."""
        results = folder / "results"
        ids = read_table(results / f"ingest/{TASK}/train.parquet", columns=["id"])["id"]
        return cls(results, ids, read_json(results / f"ingest/{TASK}/labels.json"))

    def truth(self, clusters: pd.Series) -> Truth:
        """The given labels; ``clusters`` is by id, and not the run's own, which may be what is broken."""
        train = read_table(self.results / f"ingest/{TASK}/train.parquet", columns=["id", "target"])
        folds = read_table(self.results / f"folds/{TASK}/folds.parquet").set_index("id")["fold"]
        return Truth(
            self._codes(train["target"]),
            folds.reindex(self.ids).to_numpy(),
            clusters.reindex(self.ids).to_numpy(),
            len(self.classes),
        )

    def members(self) -> list[Figure]:
        """Every member in every round."""
        found = []
        for path in sorted((self.results / f"predict/{TASK}").glob("*/round*/oof.parquet")):
            number, member = path.parent.name, path.parent.parent.name
            cards = [
                read_json(card)["held_out"]
                for card in (self.results / f"train/{TASK}/{member}/{number}").glob("fold*/card.json")
            ]
            score = sum(card["accuracy"] * card["rows"] for card in cards) / sum(
                card["rows"] for card in cards
            )
            found.append(Figure(f"{member} {number}", "accuracy", score, self._predicted(path)))
        return found

    def ensembles(self) -> list[Figure]:
        """Every ensemble, and the choice among them, called best."""
        found = []
        for path in sorted((self.results / f"ensemble/{TASK}").glob("*/fit.json")):
            fit = read_json(path)
            labels = self._predicted(path.parent / "oof.parquet")
            found.append(Figure(path.parent.name, fit["metric"], fit["cv"]["value"], labels))
        return found

    def submitted(self) -> list[Figure]:
        """What is submitted, where the run came so far."""
        folder = self.results / f"decision/{TASK}"
        if not (folder / "score.json").is_file():
            return []
        score, table = read_json(folder / "score.json"), read_table(folder / "oof.parquet")
        labels = table.set_index("id")["label"].reindex(self.ids)
        return [Figure(SUBMITTED, score["metric"], score["cv"], self._codes(labels))]

    def figures(self) -> list[Figure]:
        """All of them."""
        return [*self.members(), *self.ensembles(), *self.submitted()]

    def unseen_words(self, member: str, texts: pd.Series, folds: np.ndarray) -> tuple[int, int]:
        """How many words of only one fold's rows there are, and how many of them the models without that fold know.

        ``texts`` (N,) are the member's view of the train rows. This is the test of what is fitted without labels, which
        no permutation of labels can show.
        """
        words = [set(text.split()) for text in texts]
        alone, known = 0, 0
        for fold in np.unique(folds):
            inside = set().union(*(words[row] for row in np.flatnonzero(folds == fold)))
            outside = set().union(*(words[row] for row in np.flatnonzero(folds != fold)))
            only = inside - outside
            model = self.results / f"train/{TASK}/{member}/round0/fold{fold}/model/tfidf.json"
            terms = {term for part in read_json(model)["parts"] for term in part["terms"]}
            alone, known = alone + len(only), known + len(only & terms)
        return alone, known

    def _predicted(self, path: Path) -> np.ndarray:
        table = read_table(path).set_index("id").reindex(self.ids)
        return np.asarray(table[[f"p:{label}" for label in self.classes]].to_numpy().argmax(axis=1))

    def _codes(self, labels: pd.Series) -> np.ndarray:
        return pd.Categorical(labels, categories=self.classes).codes.astype(np.int64)


def distances(figures: Sequence[Figure], truth: Truth, *, draws: int, seed: int) -> dict[str, Distance]:
    """How far each figure lies from chance."""
    drawn = truth.draws(draws, seed=seed)
    return {
        figure.name: distance(figure.score, figure.labels, truth, drawn, metric=figure.metric)
        for figure in figures
    }


def disagreeing(figures: Sequence[Figure], truth: Truth) -> list[str]:
    """Figures whose reported score is not that of their predictions: none in an honest run."""
    own = {
        figure.name: float(METRICS[figure.metric](truth.labels[None], figure.labels, truth.classes)[0])
        for figure in figures
    }
    return [figure.name for figure in figures if abs(own[figure.name] - figure.score) > 2 / len(truth.labels)]


def plain(found: dict[str, Distance]) -> dict[str, Any]:
    """Distances as JSON."""
    return {
        name: {"score": one.score, "chance": one.chance, "z": one.z, "folds": one.folds}
        for name, one in found.items()
    }
