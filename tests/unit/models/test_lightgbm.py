"""``lightgbm`` is LightGBM on n-grams beside their truncated SVD."""

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
from model_samples import make, rows_of

from podium import models
from podium.models.lightgbm import Model
from podium.predict import check

TARGET = np.arange(45) % 3


def fitted(weight: np.ndarray | None = None, target: np.ndarray = TARGET, **changes: Any) -> Model:
    model = make("lightgbm", 3, seed=4, **changes)
    assert isinstance(model, Model)
    model.fit(rows_of(TARGET), target, np.ones(45) if weight is None else weight)
    return model


@pytest.mark.parametrize("changes", [{}, {"svd": 0}, {"sparse": False}])
def test_trees_are_those_of_lightgbms_own_classifier(changes: dict[str, Any]) -> None:
    weight = np.random.default_rng(0).uniform(0.5, 2, 45)
    model = fitted(weight, **changes)
    tfidf = model.features.transform(rows_of(TARGET)).toarray()
    parts = [tfidf] if changes.get("sparse", True) else []
    columns = np.hstack([*parts, tfidf @ model.components]).astype(np.float32)
    other = lightgbm.LGBMClassifier(
        n_estimators=10,
        learning_rate=0.1,
        num_leaves=15,
        min_child_samples=2,
        colsample_bytree=0.5,
        random_state=4,
        n_jobs=1,
        deterministic=True,
        force_row_wise=True,
        verbosity=-1,
    )
    other.fit(columns.astype(np.float32), TARGET, sample_weight=weight)
    np.testing.assert_allclose(
        model.predict(rows_of(TARGET)), other.predict_proba(columns.astype(np.float32)), atol=1e-5
    )


def test_svd_spans_the_largest_directions() -> None:
    """Orthonormal, and as much of the features kept as by NumPy's full decomposition."""
    model = fitted()
    tfidf = model.features.transform(rows_of(TARGET)).toarray().astype(float)
    components = model.components.astype(float)
    np.testing.assert_allclose(components.T @ components, np.eye(3), atol=1e-5)
    kept = np.linalg.norm(tfidf @ components) ** 2
    assert kept == pytest.approx((np.linalg.svd(tfidf, compute_uv=False)[:3] ** 2).sum(), rel=1e-3)


def test_weights_count() -> None:
    """Rows with contradicting labels: those that weigh more win."""
    turned = np.where(np.arange(45) < 30, TARGET, (TARGET + 1) % 3)
    heavy = np.where(np.arange(45) < 30, 0.01, 10.0)
    late = slice(30, 45)
    rows = rows_of(TARGET).iloc[late]
    proba = fitted(heavy, turned, trees=40).predict(rows)
    assert (proba.argmax(axis=1) == turned[late]).mean() > 0.9
    proba = fitted(1 / heavy, turned, trees=40).predict(rows)
    assert (proba.argmax(axis=1) == turned[late]).mean() < 0.5


@pytest.mark.parametrize("changes", [{"svd": 500}, {"sparse": False, "svd": 2}])
def test_more_dimensions_than_rows_and_no_features_at_all(changes: dict[str, Any], tmp_path: Path) -> None:
    check(fitted(**changes).predict(rows_of(TARGET)))
    empty = make("lightgbm", 3, **changes)
    rows = rows_of(TARGET).assign(text_a="")
    empty.fit(rows, TARGET, np.ones(45))
    empty.save(tmp_path)
    loaded = models.load("lightgbm", tmp_path, device="cpu", threads=1)
    np.testing.assert_allclose(loaded.predict(rows), 1 / 3, atol=1e-6)
