"""``linear`` is scikit-learn's logistic regression, row weights and all."""

import logging

import numpy as np
import pandas as pd
import pytest
from model_samples import make, rows_of
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union


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
