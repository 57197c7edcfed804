"""``linear`` is scikit-learn's logistic or ridge regression, row weights and all."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from model_samples import make, rows_of
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline, make_union

from podium import models
from podium.predict import check


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("balance", [None, "balanced"])
def test_probabilities_are_those_of_a_scikit_learn_pipeline(classes: int, balance: str | None) -> None:
    rng = np.random.default_rng(0)
    target = np.minimum(rng.integers(0, classes + 1, 60), classes - 1)  # the last class is twice as frequent
    rows, weight = rows_of(target), rng.uniform(0.2, 2, 60)
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\b\w+\b", sublinear_tf=True)
    chars = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    regression = LogisticRegression(C=3.0, class_weight=balance, max_iter=1000, tol=1e-8)
    pipeline = make_pipeline(make_union(words, chars), regression)
    pipeline.fit(rows["text_a"], target, logisticregression__sample_weight=weight)
    model = make("linear", classes, c=3.0, class_weight=balance, max_iter=1000)
    model.fit(rows, target, weight)
    other = rows_of(target[::-1], seed=1)
    np.testing.assert_allclose(model.predict(other), pipeline.predict_proba(other["text_a"]), atol=2e-3)


def test_rows_of_weight_zero_are_as_good_as_absent() -> None:
    """They still count in the document frequencies: hence near, not equal."""
    target = np.arange(30) % 3
    rows = rows_of(target)
    doubled = pd.concat([rows, rows], ignore_index=True)
    contradicting = np.concatenate([target, (target + 1) % 3])
    proba = {}
    for name, weight in {"alone": None, "zero": 0.0, "one": 1.0}.items():
        model = make("linear", 3)
        if weight is None:
            model.fit(rows, target, np.ones(30))
        else:
            model.fit(doubled, contradicting, np.concatenate([np.ones(30), np.full(30, weight)]))
        proba[name] = model.predict(rows)
    np.testing.assert_allclose(proba["zero"], proba["alone"], atol=0.02)
    assert np.abs(proba["one"] - proba["alone"]).max() > 0.3


def test_the_order_of_the_rows_does_not_matter() -> None:
    target = np.arange(30) % 3
    rows, order = rows_of(target), np.random.default_rng(0).permutation(30)
    first, second = make("linear", 3, max_iter=1000), make("linear", 3, max_iter=1000)
    first.fit(rows, target, np.ones(30))
    second.fit(rows.iloc[order].reset_index(drop=True), target[order], np.ones(30))
    np.testing.assert_allclose(first.predict(rows), second.predict(rows), atol=1e-3)


def test_too_few_iterations_are_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    target = np.arange(30) % 3
    with caplog.at_level(logging.WARNING):
        make("linear", 3, max_iter=1).fit(rows_of(target), target, np.ones(30))
    assert "no convergence in max_iter=1" in caplog.text


def test_each_label_has_a_regression_of_its_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = np.arange(60) % 3
    target = np.zeros((60, 4), dtype=np.float32)
    target[:, 0], target[:, 1] = words == 0, words != 2
    target[rng.permutation(60)[:6], 1] = 1
    target[:, 3] = 1  # the third label has no row, the last has all
    weight = rng.uniform(0.2, 2, 60)
    model = make("linear", 4, c=3.0, max_iter=1000)
    model.fit(rows_of(words), target, weight)
    other = rows_of(words[::-1], seed=1)
    proba = model.predict(other)
    check(proba, "multi_label")
    for label in (0, 1):
        alone = make("linear", 2, c=3.0, max_iter=1000)
        alone.fit(rows_of(words), target[:, label].astype(np.int64), weight)
        np.testing.assert_allclose(proba[:, label], alone.predict(other)[:, 1], atol=1e-5)
    np.testing.assert_allclose(proba[:, 2:], [[1e-6, 1 - 1e-6]] * 60, atol=1e-9)
    models.save(model, tmp_path)
    loaded = models.load("linear", tmp_path, device="cpu", threads=1)
    np.testing.assert_array_equal(loaded.predict(other), proba)


@pytest.mark.parametrize("columns", [1, 2])
def test_values_are_those_of_ridge_regression_in_any_unit(columns: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = np.arange(60) % 3
    target = (words[:, None] + 0.3 * rng.normal(size=(60, 2)))[:, :columns] * [1, 1e6][:columns] - 1e7
    weight = rng.uniform(0.2, 2, 60)
    model = make("linear", columns, c=0.5)
    model.fit(rows_of(words), target, weight)
    other = rows_of(words[::-1], seed=1)
    values = model.predict(other)
    assert (values.shape, values.dtype) == ((60, columns), np.float64)
    reference = Ridge(alpha=2.0, solver="cholesky")
    features = model.features.transform(rows_of(words)).toarray().astype(float)
    reference.fit(features, target, sample_weight=weight)
    expected = reference.predict(model.features.transform(other).toarray()).reshape(60, columns)
    np.testing.assert_allclose((values - expected) / target.std(axis=0), 0, atol=2e-3)
    for column in range(columns):
        assert np.corrcoef(values[:, column], words[::-1])[0, 1] > 0.8
    models.save(model, tmp_path)
    loaded = models.load("linear", tmp_path, device="cpu", threads=1)
    np.testing.assert_array_equal(loaded.predict(other), values)


def test_values_of_rows_without_text_are_the_mean() -> None:
    model = make("linear", 1)
    rows = pd.DataFrame({"id": list("abc"), "text_a": [""] * 3}, dtype="str")
    model.fit(rows, np.array([[1.0], [2.0], [6.0]]), np.ones(3))
    np.testing.assert_allclose(model.predict(rows), 3.0)
