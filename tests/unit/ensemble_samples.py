"""Members' predictions of all types of tasks, and every ensemble method with small settings."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from podium.ensembles.blends import GivenBlend, GreedyBlend, SimplexBlend
from podium.ensembles.layers import Layers, Method, Tempered
from podium.ensembles.means import Mean
from podium.ensembles.predictions import Known, Memory, Predictions
from podium.ensembles.stack_linear import LinearStack
from podium.ensembles.stack_ridge import RidgeStack
from podium.ensembles.stack_trees import TreeStack
from podium.ensembles.votes import LearnedVote, ScoreVote, Vote
from podium.targets import TaskType, type_of


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small sums on one thread: many threads only wait for each other, and the script has one, too."""
    with threadpool_limits(1):
        yield


def members(
    seed: int, *, count: int, rows: int, classes: int, skill: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (M, N, K) of members of different skill, and the truth (N,)."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=rows)
    logits = rng.normal(size=(count, rows, classes)) * 1.5
    logits[:, np.arange(rows), truth] += skill * np.linspace(0.5, 2, count)[:, None]
    proba = np.exp(logits)
    return proba / proba.sum(axis=2, keepdims=True), truth


def labelled(seed: int, count: int = 3, rows: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (M, N, 3) of members of different skill, and the truth (N, 3)."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((rows, 3)) < [0.5, 0.3, 0.1]).astype(np.float32)
    odds = rng.normal(size=(count, rows, 3)) + np.linspace(0.5, 2, count)[:, None, None] * (2 * truth - 1)
    return 1 / (1 + np.exp(-odds)), truth


def measured(seed: int, count: int = 3, rows: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Predictions (M, N, 2) of values of different scales, with different errors, and the truth (N, 2)."""
    rng = np.random.default_rng(seed)
    scale = np.array([1.0, 300.0])
    truth = rng.normal(size=(rows, 2)) * scale + [0, 5000]
    noise = rng.normal(size=(count, rows, 2)) * scale * np.linspace(1.5, 0.5, count)[:, None, None]
    return truth + noise, truth


def classed(seed: int, count: int = 3, rows: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """As ``members`` with 3 classes."""
    return members(seed, count=count, rows=rows, classes=3)


PROBLEMS = {"single_label": classed, "multi_label": labelled, "regression": measured}
METRICS = {"single_label": "macro_f1", "multi_label": "micro_f1", "regression": "mae"}


def given(stacked: np.ndarray, type: TaskType, profile: np.ndarray | None = None) -> Predictions:
    """Predictions in memory."""
    return Predictions(Memory(stacked), type, None, profile)


def known(
    stacked: np.ndarray,
    truth: np.ndarray,
    folds: np.ndarray | None = None,
    profile: np.ndarray | None = None,
) -> Known:
    """Rows with their truth, in four folds where none are given."""
    folds = np.arange(len(truth)) % 4 if folds is None else folds
    return Known.of(given(stacked, type_of(truth), profile), truth, folds)


def fit(method: Method, stacked: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """Parameters of a method on all rows."""
    return method.fit(known(stacked, truth))


def greedy_blend(metric: str, steps: int, **changes: Any) -> GreedyBlend:
    """A greedy blend with the config's defaults."""
    settings = {"objective": "metric", "best_first": False, "bags": 1, "share": 0.5, "seed": 0}
    return GreedyBlend(metric=metric, steps=steps, **(settings | changes))


def linear(c: float, **changes: Any) -> LinearStack:
    """A linear stack with the config's defaults."""
    return LinearStack(c=c, **({"features": "logits", "max_rows": 10_000} | changes))


def ridge(alpha: float, **changes: Any) -> RidgeStack:
    """A ridge stack."""
    return RidgeStack(alpha=alpha, **({"features": "probabilities", "max_rows": 10_000} | changes))


def trees(**changes: Any) -> TreeStack:
    """A small stack of trees."""
    settings = {"features": "logits", "trees": 5, "learning_rate": 0.1, "num_leaves": 4, "max_rows": 10_000}
    return TreeStack(**({"min_data_in_leaf": 20, "seed": 0} | settings | changes))


def methods(type: TaskType, metric: str) -> dict[str, Method]:
    """Every ensemble method that makes sense of a type of task."""
    values = type == "regression"
    found: dict[str, Method] = {
        "mean": Mean(average="arithmetic"),
        "rank mean": Mean(average="rank"),
        "greedy": greedy_blend(metric, 8),
        "greedy, best first": greedy_blend(metric, 4, best_first=True),
        "greedy for loss": greedy_blend(metric, 8, objective="loss"),
        "bagged greedy": greedy_blend(metric, 5, bags=4, share=0.6),
        "simplex": SimplexBlend(metric=metric, objective="metric"),
        "simplex for loss": SimplexBlend(metric=metric, objective="loss"),
        "linear stack": linear(0.1),
        "ridge stack": ridge(1.0),
        "tree stack": trees(),
        "layers": Layers({"blend": greedy_blend(metric, 5), "ridge": ridge(1.0)}, linear(0.1)),
        "layers of trees": Layers({"trees": trees(trees=2), "mean": Mean(average="arithmetic")}, ridge(1.0)),
    }
    if not values:
        found |= {
            "geometric mean": Mean(average="geometric"),
            "tempered mean": Tempered(Mean(average="arithmetic")),
            "tempered simplex": Tempered(SimplexBlend(metric=metric, objective="loss")),
            "linear stack of probabilities": linear(1.0, features="probabilities"),
            "ridge stack of logits": ridge(1.0, features="logits"),
            "vote": Vote(weights=None),
            "vote by score": ScoreVote(metric=metric),
            "learned vote": LearnedVote(metric=metric, steps=6),
        }
    return found


def given_blend(count: int) -> GivenBlend:
    """A blend with weights that rise."""
    weights = np.arange(1.0, count + 1)
    return GivenBlend(weights=tuple(weights / weights.sum()))
