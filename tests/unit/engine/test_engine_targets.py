"""Targets for the loss, and the score of rows held out inside training, against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, log_loss, mean_squared_error
from sklearn.preprocessing import StandardScaler

from podium.engine.targets import Scale, as_target, inner_score
from podium.targets import TaskType

RNG = np.random.default_rng(0)
WEIGHT = RNG.uniform(0.1, 2, 50)


def test_values_are_standardised_as_scikit_learn_does_and_come_back() -> None:
    values = RNG.normal(100, 7, (50, 2)) * [1, -3]
    values[:, 1] = 4.0  # never varies
    scale = Scale.of(values, WEIGHT)
    wanted = StandardScaler().fit(values, sample_weight=WEIGHT).transform(values)
    np.testing.assert_allclose(scale.standardised(values), wanted, atol=1e-9)
    np.testing.assert_allclose(scale.original(scale.standardised(values)), values)
    assert Scale(**scale.facts()) == scale


def test_classes_become_rows_with_a_single_one() -> None:
    codes = RNG.integers(0, 3, 50)
    target = as_target(codes, 3, torch.device("cpu"))
    assert target.dtype == torch.float32
    assert target.sum(dim=1).eq(1).all()
    assert target.argmax(dim=1).tolist() == codes.tolist()
    assert Scale.of(codes, WEIGHT).standardised(codes) is codes


@pytest.mark.parametrize("kind", ["loss", "accuracy", "macro_f1"])
def test_scores_of_single_labels(kind: str) -> None:
    codes, proba = RNG.integers(0, 4, 50), RNG.dirichlet(np.ones(4), 50)
    wanted = {
        "loss": -log_loss(codes, proba, sample_weight=WEIGHT, labels=range(4)),
        "accuracy": accuracy_score(codes, proba.argmax(axis=1), sample_weight=WEIGHT),
        "macro_f1": f1_score(codes, proba.argmax(axis=1), average="macro", sample_weight=WEIGHT),
    }
    assert inner_score(kind, "single_label", proba, np.eye(4)[codes], WEIGHT) == pytest.approx(wanted[kind])


@pytest.mark.parametrize("task", ["multi_label", "regression"])
def test_losses_of_labels_and_values(task: TaskType) -> None:
    if task == "regression":
        truth, predicted = RNG.normal(size=(50, 2)), RNG.normal(size=(50, 2))
        wanted = -mean_squared_error(truth, predicted, sample_weight=WEIGHT)
    else:
        truth, predicted = (RNG.random((50, 2)) < 0.4).astype(float), RNG.uniform(0.05, 0.95, (50, 2))
        columns = [log_loss(truth[:, k], predicted[:, k], sample_weight=WEIGHT) for k in range(2)]
        wanted = -float(np.mean(columns))
    assert inner_score("loss", task, predicted, truth, WEIGHT) == pytest.approx(wanted)
