"""``lightgbm`` is LightGBM on n-grams beside their truncated SVD, text statistics and vectors of an encoder."""

import shutil
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import torch
from model_samples import make, rows_of

from podium import models
from podium.errors import UserError
from podium.models.embeddings import embed
from podium.models.lightgbm import Model
from podium.models.statistics import text_statistics
from podium.predict import check

TARGET = np.arange(45) % 3


def fitted(weight: np.ndarray | None = None, target: np.ndarray = TARGET, **changes: Any) -> Model:
    model = make("lightgbm", 3, seed=4, **changes)
    assert isinstance(model, Model)
    model.fit(rows_of(TARGET), target, np.ones(45) if weight is None else weight)
    return model


OWN: dict[str, Any] = {
    "n_estimators": 10,
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_child_samples": 2,
    "feature_fraction_bynode": 0.5,
    "random_state": 4,
    "n_jobs": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


def bins_of(model: Model, columns: np.ndarray) -> dict[str, Any]:
    """15 values are told apart of an n-gram, 255 of all other columns."""
    ngrams = model.components.shape[0] if model.options.sparse else 0
    return {"max_bin_by_feature": [15] * ngrams + [255] * (columns.shape[1] - ngrams)}


def columns_of(model: Model, rows: pd.DataFrame) -> np.ndarray:
    """What the trees see, dense."""
    options = model.options
    tfidf = model.features.transform(rows).toarray()
    parts = [tfidf] if options.sparse else []
    if options.svd:
        parts.append(tfidf @ model.components)
    if options.statistics:
        parts.append(text_statistics(rows))
    if options.encoder:
        cpu = torch.device("cpu")
        parts.append(
            embed(
                Path(options.encoder),
                rows,
                max_length=options.max_length,
                precision=options.precision,
                device=cpu,
            )
        )
    return np.hstack(parts).astype(np.float32)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"svd": 0},
        {"sparse": False},
        {"statistics": True},
        {"sparse": False, "svd": 1, "statistics": True},
        {"encoder": "encoder", "max_length": 20, "precision": "fp32"},
        {"class_weight": "balanced"},
    ],
)
def test_trees_are_those_of_lightgbms_own_classifier(changes: dict[str, Any], encoder: Path) -> None:
    weight = np.random.default_rng(0).uniform(0.5, 2, 45)
    target = np.where(np.arange(45) < 20, 0, TARGET)
    balance = None
    if "class_weight" in changes:
        sums = np.bincount(target, weight)
        balance = {label: weight.sum() / (3 * sums[label]) for label in range(3)}
    if "encoder" in changes:
        changes = {**changes, "encoder": str(encoder)}
    model = fitted(weight, target, **changes)
    columns = columns_of(model, rows_of(TARGET))
    other = lightgbm.LGBMClassifier(**OWN, **bins_of(model, columns), class_weight=balance)
    other.fit(columns, target, sample_weight=weight)
    np.testing.assert_allclose(model.predict(rows_of(TARGET)), other.predict_proba(columns), atol=1e-5)


def test_statistics_and_vectors_are_of_the_rows_that_are_predicted(encoder: Path, tmp_path: Path) -> None:
    """Another table than the one fitted on; the model brings its encoder along."""
    own = Path(shutil.copytree(encoder, tmp_path / "own"))
    changes = {
        "sparse": False,
        "svd": 1,
        "statistics": True,
        "encoder": str(own),
        "precision": "fp32",
        "max_length": 32,
    }
    rows = rows_of(TARGET, pair=True)
    model = make("lightgbm", 3, **changes)
    model.fit(rows, TARGET, np.ones(45))
    assert isinstance(model, Model)
    other = rows_of(TARGET[::-1], seed=8, pair=True)
    proba = model.predict(other)
    np.testing.assert_allclose(proba, model.boosters[0].predict(columns_of(model, other)), atol=1e-5)
    models.save(model, tmp_path / "model")
    shutil.rmtree(own)
    loaded = models.load("lightgbm", tmp_path / "model", device="cpu", threads=1)
    np.testing.assert_array_equal(loaded.predict(other), proba)
    models.save(loaded, tmp_path / "again")
    again = models.load("lightgbm", tmp_path / "again", device="cpu", threads=1)
    np.testing.assert_array_equal(again.predict(other), proba)


def test_labels_and_values_have_a_booster_each(tmp_path: Path) -> None:
    rows, labels = rows_of(TARGET), np.eye(3, dtype=np.float32)[TARGET]
    labels[:10, 2] = 1
    values = np.column_stack([TARGET * 10.0, np.arange(45.0)])
    for name, target in {"labels": labels, "values": values}.items():
        model = make("lightgbm", target.shape[1], seed=4)
        model.fit(rows, target, np.ones(45))
        assert isinstance(model, Model)
        columns, kind = (
            columns_of(model, rows),
            {"labels": lightgbm.LGBMClassifier, "values": lightgbm.LGBMRegressor}[name],
        )
        others = [
            kind(**OWN, **bins_of(model, columns)).fit(columns, column)
            for column in np.ascontiguousarray(target.T)
        ]
        expected = [
            other.predict_proba(columns)[:, 1] if name == "labels" else other.predict(columns)
            for other in others
        ]
        np.testing.assert_allclose(model.predict(rows), np.column_stack(expected), rtol=1e-4, atol=1e-5)
        models.save(model, tmp_path / name)
        loaded = models.load("lightgbm", tmp_path / name, device="cpu", threads=1)
        np.testing.assert_array_equal(loaded.predict(rows), model.predict(rows))
        with pytest.raises(UserError, match="class_weight is for single_label tasks"):
            make("lightgbm", 3, class_weight="balanced").fit(rows, target, np.ones(45))


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
