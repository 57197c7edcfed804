"""With labels at random every ensemble must be scored at chance; the same figure without cross-fitting must not be.

The labels of fixed tables are drawn anew many times (``tests.unit.test_chance``): the mean has a small error.
"""

import numpy as np
import pytest

from podium import metrics
from podium.ensemble import choose, cross_fit
from podium.ensembles.layers import Layers, Method
from podium.targets import TaskType
from tests.unit.ensemble_samples import (
    given,
    greedy_blend,
    known,
    linear,
    methods,
    one_thread,  # noqa: F401 - for every test here
    ridge,
    trees,
)
from tests.unit.test_chance import CLASSES, DRAWS, MEMBERS, ROWS, at_chance, multi_label_tables, tables, z

FEW = DRAWS // 5
# Methods that fit so little that on the rows they were fitted on they are hardly better than chance
RIGID = {"bagged greedy", "greedy for loss", "simplex for loss", "tempered simplex", "vote by score"}
UNFITTED = {"mean", "rank mean", "geometric mean", "tempered mean", "vote"}


def value_tables(draw: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Members' values (M, N, 1), a truth (N, 1) that has nothing to do with them, folds (N,)."""
    generator = np.random.default_rng(draw)
    oof, truth = generator.normal(size=(MEMBERS, ROWS, 1)), generator.normal(size=(ROWS, 1))
    return oof, truth, generator.permutation(ROWS) % 4


TABLES = {"single_label": tables, "multi_label": multi_label_tables, "regression": value_tables}
METRICS: dict[TaskType, str] = {"single_label": "accuracy", "multi_label": "roc_auc", "regression": "pearson"}
EVERY = [(type, name) for type in TABLES for name in methods(type, METRICS[type])]  # type: ignore[arg-type]


def drawn(type: TaskType, draw: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tables whose folds have each class in its share: else a fold lacks what the others have much of."""
    oof, truth, folds = TABLES[type](draw)
    if type == "single_label":
        folds[np.lexsort((folds, truth))] = np.arange(ROWS) % 4
    return oof, truth, folds


def above_chance(
    type: TaskType, truth: np.ndarray, predicted: np.ndarray, folds: np.ndarray, draw: int
) -> float:
    """How far a score lies above chance; of order the mean over folds: from fold to fold predictions shift."""
    if type == "single_label":
        labels = predicted.argmax(axis=1)
        return 0.0 if np.ptp(labels) == 0 else z(truth, labels, "accuracy", draw)
    found = metrics.fold_scores(METRICS[type], truth, None, predicted, folds, classes=truth.shape[1])
    return float(np.mean(found)) - (0.5 if type == "multi_label" else 0.0)


def scores(type: TaskType, method: Method) -> tuple[list[float], list[float]]:
    """Scores above chance of ``FEW`` draws: cross-fitted, and on the rows that were fitted."""
    honest, fooled = [], []
    for draw in range(FEW):
        oof, truth, folds = drawn(type, draw)
        crossed = cross_fit("m", method, known(oof, truth, folds))
        honest.append(above_chance(type, truth, crossed.oof, folds, draw))
        seen = method.predict(given(oof, type), crossed.params)
        fooled.append(above_chance(type, truth, seen, folds, draw))
    return honest, fooled


@pytest.mark.parametrize(("type", "name"), EVERY)
def test_ensembles(type: TaskType, name: str) -> None:
    honest, fooled = scores(type, methods(type, METRICS[type])[name])
    assert at_chance(honest), f"{np.mean(honest)} +- {np.std(honest) / FEW**0.5}"
    # Of values at random the second layer may turn the first round
    if name not in RIGID | UNFITTED and (type, name[:6]) != ("regression", "layers"):
        assert not at_chance(fooled)
        assert np.mean(fooled) > 2 * abs(np.mean(honest))


def test_the_choice_among_ensembles() -> None:
    built = methods("single_label", "accuracy")
    names = ["mean", "geometric mean", "greedy", "bagged greedy", "ridge stack", "vote", "learned vote"]
    honest, fooled = [], []
    for draw in range(FEW):
        oof, truth, folds = drawn("single_label", draw)
        data = known(oof, truth, folds)
        chosen = choose({name: built[name] for name in names}, data, metric="accuracy", parts=None)
        honest.append(z(truth, chosen.oof.argmax(axis=1), "accuracy", draw))
        # Cross-fitted ensembles, but the choice among them was not
        crossed = cross_fit(chosen.method, built[chosen.method], data)
        fooled.append(z(truth, crossed.oof.argmax(axis=1), "accuracy", draw))
    assert at_chance(honest)
    assert not at_chance(fooled)


def test_the_choice_among_ensembles_of_labels() -> None:
    built = methods("multi_label", "roc_auc")
    honest = []
    for draw in range(FEW // 2):
        oof, truth, folds = multi_label_tables(draw)
        names = ("greedy", "linear stack", "vote")
        chosen = choose(
            {name: built[name] for name in names}, known(oof, truth, folds), metric="roc_auc", parts=None
        )
        honest.append(metrics.value("roc_auc", truth, None, chosen.oof, classes=CLASSES) - 0.5)
    assert at_chance(honest)


class Leaky(Layers):
    """Layers whose second is fitted on what the first says of the rows that it was fitted on."""

    def fit(self, known):
        params = {name: method.fit(known) for name, method in self.first.items()}
        below = np.stack([method.predict(known.given, params[name]) for name, method in self.first.items()])
        upper = type(known).of(given(below, known.given.type), known.truth, known.folds)
        return {"first": params, "second": self.second.fit(upper)}


def test_a_second_layer_on_fitted_rows_trusts_what_overfits() -> None:
    """Why layers nest: with one good member, the leaky second layer believes the trees that learnt rows by heart."""
    found = {Layers: [], Leaky: []}
    for draw in range(2):
        oof, truth, folds = tables(draw)
        oof[0] = 0.6 * oof[0] + 0.4 * np.eye(CLASSES)[truth]
        first = {
            "trees": trees(trees=20, learning_rate=0.3, min_data_in_leaf=2, num_leaves=16),
            "blend": greedy_blend("log_loss", 8),
        }
        for kind in found:
            crossed = cross_fit("m", kind(first, linear(10.0)), known(oof, truth, folds))
            found[kind].append(metrics.value("log_loss", truth, None, crossed.oof, classes=CLASSES))
    assert np.mean(found[Layers]) < 0.8 * np.mean(found[Leaky])


def test_values_of_random_truth_are_not_explained() -> None:
    """R2 of predictions that know nothing is below 0, and above it on the fitted rows."""
    for method in (linear(1e6), ridge(1e-3)):
        honest, fooled = [], []
        for draw in range(FEW):
            oof, truth, folds = value_tables(draw)
            crossed = cross_fit("stack", method, known(oof, truth, folds))
            honest.append(metrics.value("r2", truth, None, crossed.oof, classes=1))
            seen = method.predict(given(oof, "regression"), crossed.params)
            fooled.append(metrics.value("r2", truth, None, seen, classes=1))
        assert np.mean(honest) < 0
        assert np.mean(fooled) > 0.01
