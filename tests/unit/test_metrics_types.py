"""Metrics of multi-label tasks and regressions: values against scikit-learn, errors against a bootstrap of rows."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from sklearn import metrics as reference

from podium import metric_names, metrics
from podium.errors import UserError

CLASSES = 4


def f1(average: str) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda t, p: reference.f1_score(t, p, average=average, zero_division=0)


def fbeta(average: str, beta: float) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda t, p: reference.fbeta_score(t, p, beta=beta, average=average, zero_division=0)


def columns(metric: Callable[[np.ndarray, np.ndarray], float]) -> Callable[[np.ndarray, np.ndarray], float]:
    """Mean over columns, each by the reference for one."""
    return lambda t, p: float(np.mean([metric(t[:, k], p[:, k]) for k in range(t.shape[1])]))


LABELS = {
    "micro_f1": f1("micro"),
    "macro_f1": f1("macro"),
    "weighted_f1": f1("weighted"),
    "samples_f1": f1("samples"),
    "exact_match": reference.accuracy_score,
    **{f"{average}_f2": fbeta(average, 2) for average in ("micro", "macro", "weighted", "samples")},
    "macro_f0.5": fbeta("macro", 0.5),
    "hamming_loss": reference.hamming_loss,
}
PROBA = {
    "log_loss": columns(lambda t, p: reference.log_loss(t, p, labels=[0, 1])),
    "roc_auc": lambda t, p: reference.roc_auc_score(t, p, average="macro"),
    "average_precision": lambda t, p: reference.average_precision_score(t, p, average="macro"),
}
VALUES = {
    "rmse": lambda t, p: reference.mean_squared_error(t, p) ** 0.5,
    "mcrmse": reference.root_mean_squared_error,
    "mae": reference.mean_absolute_error,
    "r2": reference.r2_score,
    "pearson": columns(lambda t, p: pearsonr(t, p).statistic),
    "spearman": columns(lambda t, p: spearmanr(t, p).statistic),
}
REFERENCE = {"multi_label": {**LABELS, **PROBA}, "regression": VALUES}


def labelled(seed: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Truth (N, K), often of rare classes, and probabilities that have something to do with it."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((rows, CLASSES)) < rng.uniform(0.05, 0.6, CLASSES)).astype(np.float32)
    proba = 1 / (1 + np.exp(-rng.normal(size=truth.shape) - 2 * truth + 1))
    return truth, np.round(proba, rng.integers(1, 4))


def measured(seed: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Values (N, 2) of different scales, and predictions of them."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(rows, 2)) * [1, 50] + [0, 1000]
    return np.round(truth, 1), truth + rng.normal(size=truth.shape) * [0.5, 40]


def test_every_metric_has_its_reference() -> None:
    for kind, found in REFERENCE.items():
        numbered = {name for name in found if metric_names.family(name)} - set(metrics.METRICS[kind])
        assert set(found) - numbered == set(metrics.METRICS[kind]) - {"qwk"}


def graded(seed: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Grades (N, 2), and values near them."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(-1, 4, size=(rows, 2)).astype(float)
    return truth, truth + rng.normal(size=truth.shape)


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.integers(1, 50))
def test_kappa_of_values_is_scikit_learns_of_rounded_ones(seed: int, rows: int) -> None:
    truth, values = graded(seed, rows)

    def kappa(t: np.ndarray, p: np.ndarray) -> float:
        t, p = t.astype(int), np.rint(p).astype(int)
        labels = range(min(t.min(), p.min()), max(t.max(), p.max()) + 2)
        return float(np.nan_to_num(reference.cohen_kappa_score(t, p, labels=labels, weights="quadratic")))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = columns(kappa)(truth, values)
    assert metrics.value("qwk", truth, None, values, classes=2) == pytest.approx(expected, abs=1e-9)
    with pytest.raises(UserError, match=r"a target is 0\.5; use rmse"):
        metrics.value("qwk", truth + 0.5 - truth[:1, :1], None, values, classes=2)


def test_error_of_kappa_is_that_of_a_bootstrap_of_rows() -> None:
    truth, values = graded(3, 300)
    truth, values = truth + 5, 1.5 * values + 7  # a mean of neither is 0
    rng = np.random.default_rng(0)
    draws = [
        metrics.value("qwk", truth[rows], None, values[rows], classes=2)
        for rows in rng.integers(0, 300, size=(1000, 300))
    ]
    assert metrics.score("qwk", truth, None, values, classes=2).se == pytest.approx(np.std(draws), rel=0.12)


@settings(max_examples=200)
@given(st.integers(0, 2**32), st.integers(1, 50), st.sampled_from(sorted(REFERENCE["multi_label"])))
def test_multi_label_values_are_scikit_learns(seed: int, rows: int, metric: str) -> None:
    truth, proba = labelled(seed, rows)
    if metric in ("roc_auc", "average_precision"):
        truth = np.vstack([truth, np.eye(CLASSES)]).astype(np.float32)
        proba = np.vstack([proba, np.full((CLASSES, CLASSES), 0.4)])
    given_ = (proba > 0.5).astype(int) if metric in LABELS else proba
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = REFERENCE["multi_label"][metric](truth.astype(int), given_)
    assert metrics.value(metric, truth, None, proba, classes=CLASSES) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.integers(3, 50), st.sampled_from(sorted(VALUES)))
def test_regression_values_are_the_references(seed: int, rows: int, metric: str) -> None:
    truth, values = measured(seed, rows)
    expected = VALUES[metric](truth, values)
    assert metrics.value(metric, truth, None, values, classes=2) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("kind", "metric"), [(kind, metric) for kind, found in REFERENCE.items() for metric in found]
)
def test_errors_are_those_of_a_bootstrap_of_rows(kind: str, metric: str) -> None:
    truth, found = (labelled if kind == "multi_label" else measured)(3, 300)
    rng = np.random.default_rng(0)
    draws = [
        metrics.value(metric, truth[rows], None, found[rows], classes=truth.shape[1])
        for rows in rng.integers(0, 300, size=(1000, 300))
    ]
    score = metrics.score(metric, truth, None, found, classes=truth.shape[1])
    assert score.se == pytest.approx(np.std(draws), rel=0.12)


WEIGHTED = {
    **{
        f"{average}_f1": lambda t, p, w, average=average: reference.f1_score(
            t, p > 0.5, average=average, sample_weight=w, zero_division=0
        )
        for average in ("micro", "macro", "weighted", "samples")
    },
    **{
        f"{average}_f2": lambda t, p, w, average=average: reference.fbeta_score(
            t, p > 0.5, beta=2, average=average, sample_weight=w, zero_division=0
        )
        for average in ("micro", "macro", "weighted", "samples")
    },
    "exact_match": lambda t, p, w: reference.accuracy_score(t, p > 0.5, sample_weight=w),
    "hamming_loss": lambda t, p, w: reference.hamming_loss(t, p > 0.5, sample_weight=w),
    "roc_auc": lambda t, p, w: reference.roc_auc_score(t, p, sample_weight=w),
    "average_precision": lambda t, p, w: reference.average_precision_score(t, p, sample_weight=w),
    "rmse": lambda t, p, w: reference.mean_squared_error(t, p, sample_weight=w) ** 0.5,
    "mcrmse": lambda t, p, w: reference.root_mean_squared_error(t, p, sample_weight=w),
    "mae": lambda t, p, w: reference.mean_absolute_error(t, p, sample_weight=w),
    "r2": lambda t, p, w: reference.r2_score(t, p, sample_weight=w),
}


@pytest.mark.parametrize("metric", WEIGHTED)
def test_influences_are_derivatives_by_the_rows_weights(metric: str) -> None:
    """Of scikit-learn's weighted metrics."""
    kind = "regression" if metric in VALUES else "multi_label"
    truth, found = (measured if metric in VALUES else labelled)(7, 25)
    step = 1e-6 * np.eye(25)
    given_ = found if kind == "regression" or metric in PROBA else (found > 0.5).astype(np.float32)
    influence = metrics.get(metric, kind).influence
    assert influence is not None
    moved = influence(truth, given_)
    weighted = WEIGHTED[metric]
    expected = [
        (weighted(truth, found, 1 + row) - weighted(truth, found, 1 - row)) / 2e-6 * 25 for row in step
    ]
    np.testing.assert_allclose(moved - moved.mean(), expected, atol=1e-5)


def test_classes_without_rows_are_left_out_of_areas_and_counted_by_f1() -> None:
    truth = np.array([[1, 0], [0, 0]], dtype=np.float32)
    proba = np.array([[0.9, 0.2], [0.1, 0.3]])
    assert metrics.value("roc_auc", truth, None, proba, classes=2) == 1
    assert metrics.value("average_precision", truth, None, proba, classes=2) == 1
    assert metrics.value("macro_f1", truth, None, proba, classes=2) == 0.5
    assert metrics.score("roc_auc", 0 * truth, None, proba, classes=2) == metrics.Score(0.5, 0.0)


def test_certain_mistakes_constant_values_and_perfect_ones_are_finite() -> None:
    truth = np.array([[1], [0]], dtype=np.float32)
    assert metrics.value("log_loss", truth, None, 1.0 - truth, classes=1) < 40
    values = np.array([[1.0], [2.0], [4.0]])
    for metric in VALUES:
        perfect = metrics.score(metric, values, None, values.copy(), classes=1)
        assert perfect.se == pytest.approx(0, abs=1e-9)
        assert np.isfinite(metrics.value(metric, np.ones((3, 1)), None, values, classes=1))
        assert np.isfinite(metrics.score(metric, values, None, np.ones((3, 1)), classes=1).se)


def test_labels_that_were_decided_count_and_folds_are_parts() -> None:
    truth, proba = labelled(5, 90)
    decided = (proba > 0.3).astype(np.float32)
    assert metrics.value("micro_f1", truth, decided, proba, classes=CLASSES) == pytest.approx(
        LABELS["micro_f1"](truth, decided)
    )
    folds = np.arange(90) % 3
    found = metrics.fold_scores("micro_f1", truth, decided, proba, folds, classes=CLASSES)
    assert found == [LABELS["micro_f1"](truth[folds == k], decided[folds == k]) for k in range(3)]
