"""Single-label metrics: values against scikit-learn, standard errors against formulas and a bootstrap of rows."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from podium import metrics
from podium.errors import UserError
from podium.metrics_errors import jackknife
from podium.metrics_single import ranked

REFERENCE = {
    "accuracy": reference.accuracy_score,
    "macro_f1": lambda t, p: reference.f1_score(t, p, average="macro"),
    "weighted_f1": lambda t, p: reference.f1_score(t, p, average="weighted"),
    "f1": lambda t, p: reference.f1_score(t, p, pos_label=1, average="binary"),
    "mcc": reference.matthews_corrcoef,
    "balanced_accuracy": reference.balanced_accuracy_score,
    "micro_f1": lambda t, p: reference.f1_score(t, p, average="micro"),
    "f2": lambda t, p: reference.fbeta_score(t, p, beta=2, pos_label=1, average="binary"),
    "macro_f2": lambda t, p: reference.fbeta_score(t, p, beta=2, average="macro"),
    "weighted_f0.5": lambda t, p: reference.fbeta_score(t, p, beta=0.5, average="weighted"),
    "qwk": lambda t, p: np.nan_to_num(reference.cohen_kappa_score(t, p, weights="quadratic")),
}


def sample(seed: int, rows: int, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, labels and probabilities; classes may be absent from either side."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(classes, size=rows, p=rng.dirichlet(np.full(classes, 0.5)))
    proba = rng.dirichlet(np.full(classes, 0.3), size=rows)
    proba[np.arange(rows), truth] += rng.random()
    proba /= proba.sum(axis=1, keepdims=True)
    return truth, proba.argmax(axis=1), proba


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(2, 6), st.sampled_from(sorted(REFERENCE)))
def test_values_are_scikit_learns(seed, rows, classes, metric):
    classes = 2 if metric in ("f1", "f2") else classes
    truth, predicted, _ = sample(seed, rows, classes)
    if metric == "qwk":  # scikit-learn counts steps between the classes that occur
        truth, predicted = np.split(np.unique(np.r_[truth, predicted], return_inverse=True)[1], 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = REFERENCE[metric](truth, predicted)
    assert metrics.value(metric, truth, predicted, None, classes=classes) == pytest.approx(
        expected, abs=1e-12
    )


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(2, 6))
def test_log_loss_is_scikit_learns(seed, rows, classes):
    truth, _, proba = sample(seed, rows, classes)
    expected = reference.log_loss(truth, proba, labels=range(classes))
    assert metrics.value("log_loss", truth, None, proba, classes=classes) == pytest.approx(
        expected, abs=1e-12
    )
    single = proba.astype(np.float32).astype(np.float64)
    assert metrics.value("log_loss", truth, None, single, classes=classes) == pytest.approx(
        expected, abs=1e-4
    )


def test_log_loss_of_certain_mistakes_is_finite():
    assert metrics.value("log_loss", np.array([1]), None, np.array([[1.0, 0.0]]), classes=2) < 40


def test_errors_in_closed_form():
    truth, predicted, proba = sample(1, 500, 3)
    score = metrics.score("accuracy", truth, predicted, None, classes=3)
    assert score.value == (truth == predicted).mean()
    assert score.se == pytest.approx(np.sqrt(score.value * (1 - score.value) / 500))
    losses = -np.log(proba[np.arange(500), truth])
    assert metrics.score("log_loss", truth, None, proba, classes=3).se == pytest.approx(
        losses.std(ddof=1) / np.sqrt(500)
    )


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(10, 60), st.integers(2, 5))
def test_areas_are_scikit_learns(seed, rows, classes):
    truth, _, proba = sample(seed, rows, classes)
    truth[:classes] = np.arange(classes)
    proba = np.round(proba, 1) + 0.01
    proba /= proba.sum(axis=1, keepdims=True)
    scores = proba[:, 1] if classes == 2 else proba
    expected = reference.roc_auc_score(truth, scores, multi_class="ovr")
    assert metrics.value("roc_auc", truth, None, proba, classes=classes) == pytest.approx(expected)
    flags = np.eye(classes)[truth]
    expected = reference.average_precision_score(flags[:, 1] if classes == 2 else flags, scores)
    assert metrics.value("average_precision", truth, None, proba, classes=classes) == pytest.approx(expected)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(3, 6), st.integers(1, 2))
def test_ranked_metrics_are_scikit_learns(seed, rows, classes, k):
    truth, _, proba = sample(seed, rows, classes)
    expected = reference.top_k_accuracy_score(truth, proba, k=k, labels=range(classes))
    assert metrics.value(f"top_{k}_accuracy", truth, None, proba, classes=classes) == pytest.approx(expected)
    # With every class in the list, the mean of 1 / place is the label ranking average precision
    expected = reference.label_ranking_average_precision_score(np.eye(classes)[truth], proba)
    assert metrics.value(f"map_at_{classes}", truth, None, proba, classes=classes) == pytest.approx(expected)


def test_average_precision_of_the_first_three_by_hand():
    # Places of the true class: 1, 2, 3 and 4, so (1 + 1/2 + 1/3 + 0) / 4
    proba = np.array([[0.4, 0.3, 0.2, 0.1]] * 4)
    truth = np.arange(4)
    assert metrics.value("map_at_3", truth, None, proba, classes=4) == pytest.approx((1 + 1 / 2 + 1 / 3) / 4)
    assert metrics.value("top_3_accuracy", truth, None, proba, classes=4) == 0.75
    equal = np.full((4, 4), 0.25)  # as decisions, equal ones in the order of classes
    assert metrics.value("top_1_accuracy", truth, None, equal, classes=4) == 0.25
    assert ranked(equal, 2).tolist() == [[0, 1]] * 4


@pytest.mark.parametrize("metric", ["macro_f1", "mcc", "accuracy", "qwk"])
def test_error_of_a_difference_is_that_of_a_bootstrap_of_pairs(metric):
    truth, first, _ = sample(4, 400, 4)
    second = np.where(np.random.default_rng(0).random(400) < 0.1, truth, first)
    rng = np.random.default_rng(0)
    draws = [
        metrics.value(metric, truth[rows], second[rows], None, classes=4)
        - metrics.value(metric, truth[rows], first[rows], None, classes=4)
        for rows in rng.integers(0, 400, size=(2000, 400))
    ]
    found = metrics.paired_se(metric, truth, first, second, classes=4)
    assert found == pytest.approx(np.std(draws), rel=0.1)
    assert metrics.paired_se(metric, truth, first, first, classes=4) == 0
    apart = np.hypot(
        *(metrics.score(metric, truth, labels, None, classes=4).se for labels in (first, second))
    )
    assert found < 0.6 * apart


def test_the_jackknife_is_near_the_formula():
    truth, predicted, _ = sample(2, 1500, 3)
    found = jackknife(lambda kept: float((truth[kept] == predicted[kept]).mean()), 1500)
    assert found == pytest.approx(metrics.score("accuracy", truth, predicted, None, classes=3).se, rel=0.2)


def test_a_class_that_is_absent_has_no_area():
    proba = np.array([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1]])
    assert metrics.value("roc_auc", np.array([0, 1, 0]), None, proba, classes=3) == 1
    assert metrics.score("roc_auc", np.array([0, 0, 0]), None, proba, classes=3) == metrics.Score(0.5, 0.0)


def test_error_of_the_area_is_that_of_a_bootstrap():
    truth, _, proba = sample(8, 300, 3)
    rng = np.random.default_rng(0)
    draws = [
        metrics.value("roc_auc", truth[rows], None, proba[rows], classes=3)
        for rows in rng.integers(0, 300, size=(1500, 300))
    ]
    assert metrics.score("roc_auc", truth, None, proba, classes=3).se == pytest.approx(np.std(draws), rel=0.1)


@pytest.mark.parametrize("metric", ["macro_f1", "weighted_f1", "mcc", "balanced_accuracy", "qwk", "f1"])
def test_bootstrap_of_the_matrix_is_the_bootstrap_of_rows(metric):
    classes = 2 if metric == "f1" else 5
    truth, predicted, _ = sample(3, 400, classes)
    rng = np.random.default_rng(0)
    draws = [
        metrics.value(metric, truth[rows], predicted[rows], None, classes=classes)
        for rows in rng.integers(0, 400, size=(3000, 400))
    ]
    score = metrics.score(metric, truth, predicted, None, classes=classes)
    assert score.se == pytest.approx(np.std(draws), rel=0.1)
    assert score == metrics.score(metric, truth, predicted, None, classes=classes)


def test_labels_default_to_the_argmax():
    truth, predicted, proba = sample(5, 100, 4)
    for metric in ("accuracy", "macro_f1"):
        assert metrics.score(metric, truth, None, proba, classes=4) == metrics.score(
            metric, truth, predicted, proba, classes=4
        )


def test_fold_scores_are_values_of_parts():
    truth, predicted, proba = sample(6, 90, 3)
    folds = np.arange(90) % 3
    for metric in ("macro_f1", "log_loss"):
        expected = [
            metrics.value(metric, truth[folds == k], predicted[folds == k], proba[folds == k], classes=3)
            for k in range(3)
        ]
        assert metrics.fold_scores(metric, truth, predicted, proba, folds, classes=3) == expected


def test_score_labels_by_name():
    score = metrics.score_labels("f1", ["no", "yes", "yes"], ["no", "yes", "no"], ["no", "yes"])
    assert score.value == pytest.approx(2 / 3)


def test_utility_is_larger_for_the_better():
    assert metrics.utility("log_loss", 0.5) > metrics.utility("log_loss", 0.7)
    assert metrics.utility("mcc", 0.7) > metrics.utility("mcc", 0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.get("samples_f2"), "unknown metric 'samples_f2'"),
        (lambda: metrics.require("f2", classes=3), "f2 needs 2 classes, the task has 3: use macro_f2"),
        (lambda: metrics.get("macro-f1"), "unknown metric 'macro-f1': did you mean 'macro_f1'"),
        (lambda: metrics.require("f1", classes=3), "f1 needs 2 classes, the task has 3"),
        (lambda: metrics.get("rmse"), "unknown metric 'rmse'"),
        (lambda: metrics.greater_is_better("mrcrmse"), "did you mean 'mcrmse'"),
        (lambda: metrics.score_labels("accuracy", ["a"], ["b"], ["a", "c"]), "'b' .* is no class"),
        (lambda: metrics.score_labels("log_loss", ["a"], ["a"], ["a", "c"]), "needs probabilities"),
    ],
)
def test_mistakes_are_told(call, message):
    with pytest.raises(UserError, match=message):
        call()


def test_labels_that_a_metric_is_not_for():
    assert metrics.label_mistake("qwk", "grade", ["-1", "2", "10"]) is None
    assert "label 'bad'" in metrics.label_mistake("qwk", "grade", ["1", "bad"])
    assert "grade has 3; use macro_f1" in metrics.label_mistake("f1", "grade", ["a", "b", "c"])
    assert metrics.label_mistake("accuracy", "grade", ["a", "b", "c"]) is None
    assert "looks at 3 labels, but grade has only 3" in metrics.label_mistake(
        "map_at_3", "grade", ["a", "b", "c"]
    )


def test_a_name_means_the_same_direction_in_every_type_of_task():
    for registry in metrics.METRICS.values():
        for name, metric in registry.items():
            assert metric.greater_is_better == metrics.greater_is_better(name)
