"""Metrics with weights: a row of weight 3 is three rows, and scikit-learn says the same."""

import numpy as np
import pytest
from sklearn import metrics as sk

from podium import metrics, metrics_weighted

TYPES = ["single_label", "multi_label", "regression"]
NAMES = [
    (type, name)
    for type in TYPES
    for name in metrics.METRICS[type]
    if metrics_weighted.mistake(name, type) is None
]
NUMBERED = [("single_label", name) for name in ("macro_f2", "map_at_2", "top_2_accuracy")]


def sample(type: str, name: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, probabilities or values, integer weights of 60 rows."""
    rng = np.random.default_rng(seed)
    classes = 2 if name == "f1" and type == "single_label" else 4
    weight = rng.integers(0, 4, size=60).astype(float)
    if type == "regression":
        truth = rng.integers(0, 5, size=(60, 2)).astype(float)
        return truth, truth + rng.normal(size=(60, 2)), weight
    proba = rng.random((60, classes))
    if type == "multi_label":
        return (rng.random((60, classes)) < proba).astype(np.float32), proba, weight
    proba /= proba.sum(axis=1, keepdims=True)
    return np.array([rng.choice(classes, p=row) for row in proba]), proba, weight


@pytest.mark.parametrize(("type", "name"), NAMES + NUMBERED)
def test_a_weight_is_a_number_of_rows(type: str, name: str) -> None:
    truth, given, weight = sample(type, name)
    classes = given.shape[1]
    repeated = np.repeat(np.arange(60), weight.astype(int))
    expected = metrics.value(name, truth[repeated], None, given[repeated], classes=classes)
    assert metrics_weighted.value(name, truth, None, given, weight, classes=classes) == pytest.approx(
        expected
    )
    assert metrics_weighted.value(name, truth, None, given, weight / 7, classes=classes) == pytest.approx(
        expected
    )


def test_as_scikit_learn() -> None:
    truth, proba, _ = sample("single_label", "")
    weight = np.random.default_rng(5).random(60)
    given = proba.argmax(axis=1)
    cases = {
        "accuracy": sk.accuracy_score(truth, given, sample_weight=weight),
        "macro_f1": sk.f1_score(truth, given, average="macro", sample_weight=weight),
        "mcc": sk.matthews_corrcoef(truth, given, sample_weight=weight),
        "qwk": sk.cohen_kappa_score(truth, given, weights="quadratic", sample_weight=weight),
        "log_loss": sk.log_loss(truth, proba, sample_weight=weight),
    }
    for name, expected in cases.items():
        found = metrics_weighted.value(name, truth, given, proba, weight, classes=4)
        assert found == pytest.approx(expected), name
    values, predicted, _ = sample("regression", "")
    found = metrics_weighted.value("r2", values, predicted, None, weight, classes=2)
    assert found == pytest.approx(sk.r2_score(values, predicted, sample_weight=weight))
    assert metrics_weighted.mistake("spearman", "regression")
    with pytest.raises(ValueError, match="no form with weights"):
        metrics_weighted.value("spearman", values, predicted, None, weight, classes=2)
