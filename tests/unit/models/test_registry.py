"""What every kind of model must do, whatever it is."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_samples import SMALL, make, rows_of, saved_bytes

from podium import models
from podium.predict import check

TARGET = np.arange(36) % 3


@pytest.fixture(params=list(SMALL))
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def changes(kind: str, encoder: Path) -> dict[str, Any]:
    return {"encoder": str(encoder)} if kind == "transformer" else {}


@pytest.mark.parametrize("pair", [False, True])
def test_a_saved_model_predicts_the_same(kind: str, changes: dict, pair: bool, tmp_path: Path) -> None:
    model = make(kind, 3, **changes)
    model.fit(rows_of(TARGET, pair=pair), TARGET, np.ones(36))
    other = rows_of(TARGET[::-1], seed=1, pair=pair)
    proba = model.predict(other)
    assert proba.shape == (36, 3)
    assert proba.dtype == np.float64
    check(proba)
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-9)
    models.save(model, tmp_path / "model")
    loaded = models.load(kind, tmp_path / "model", device="cpu", threads=1)
    np.testing.assert_array_equal(loaded.predict(other), proba)
    assert {path.suffix for path in (tmp_path / "model").rglob("*") if path.is_file()} <= {
        ".json",
        ".safetensors",
        ".txt",
        ".csv",
    }


def test_the_same_seed_gives_the_same_bytes(kind: str, changes: dict, tmp_path: Path) -> None:
    for name, seed in {"first": 1, "second": 1, "other": 2}.items():
        np.random.seed(len(name))  # the global state must not matter
        model = make(kind, 3, seed=seed, **changes)
        model.fit(rows_of(TARGET), TARGET, np.ones(36))
        models.save(model, tmp_path / name)
    first, second, other = (saved_bytes(tmp_path / name) for name in ("first", "second", "other"))
    assert first == second
    weights = {name for name in first if name.endswith((".safetensors", "trees0.txt"))}
    changed = {name for name in weights if first[name] != other[name]}
    assert bool(changed) == (kind != "linear")  # the one kind without randomness


def test_classes_without_rows_get_hardly_any_probability(kind: str, changes: dict, tmp_path: Path) -> None:
    """Classes 0 and 2 of four have no training row; their columns are there all the same."""
    target = np.where(TARGET == 0, 1, 3)
    model = make(kind, 4, **changes)
    model.fit(rows_of(TARGET), target, np.ones(36))
    models.save(model, tmp_path)
    proba = models.load(kind, tmp_path, device="cpu", threads=1).predict(rows_of(TARGET))
    check(proba)
    assert proba.shape == (36, 4)
    if kind != "transformer":  # its head has every class from the start
        np.testing.assert_allclose(proba[:, [0, 2]], 1e-6)
    assert (proba > 0).all()


def test_a_fold_with_one_class_only(kind: str, changes: dict, tmp_path: Path) -> None:
    model = make(kind, 3, **changes)
    model.fit(rows_of(TARGET[:4]), np.full(4, 2), np.ones(4))
    models.save(model, tmp_path)
    proba = models.load(kind, tmp_path, device="cpu", threads=1).predict(rows_of(TARGET))
    check(proba)
    if kind != "transformer":
        assert (proba[:, 2] > 0.999).all()


def test_empty_and_unknown_texts_are_predicted(kind: str, changes: dict) -> None:
    rows = rows_of(TARGET)
    rows.loc[0, "text_a"] = ""
    model = make(kind, 3, **changes)
    model.fit(rows, TARGET, np.ones(36))
    odd = pd.DataFrame(
        {"id": list("abcd"), "text_a": ["", " ", "\u4f60\u597d \u2028", "ape " * 5000]}, dtype="str"
    )
    check(model.predict(odd))


def test_training_on_empty_texts_alone(kind: str, changes: dict) -> None:
    model = make(kind, 2, **changes)
    rows = pd.DataFrame({"id": list("abcdef"), "text_a": [""] * 6}, dtype="str")
    model.fit(rows, np.array([0, 0, 0, 0, 1, 1]), np.ones(6))
    proba = model.predict(rows)
    check(proba)
    assert np.ptp(proba, axis=0).max() < 1e-6


def test_every_kind_learns(kind: str, changes: dict) -> None:
    if kind == "transformer":
        changes = {**changes, "epochs": 12, "learning_rate": 3e-3, "head_learning_rate": 1e-2}
    elif kind == "textcnn":
        changes = {"epochs": 20, "learning_rate": 1e-2}
    target = np.arange(60) % 3
    model = make(kind, 3, **changes)
    model.fit(rows_of(target), target, np.ones(60))
    assert (model.predict(rows_of(target, seed=5)).argmax(axis=1) == target).mean() > 0.8


@given(st.integers(1, 5), st.integers(0, 4), st.integers(0, 10**6))
def test_spread_keeps_the_proportions_of_the_classes_seen(seen: int, unseen: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    present = np.sort(rng.permutation(seen + unseen)[:seen])
    proba = rng.dirichlet(np.ones(seen), 3)
    wide = models.spread(proba, present, seen + unseen)
    check(wide)
    np.testing.assert_allclose(wide.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(
        wide[:, present] / wide[:, present].sum(axis=1, keepdims=True), proba, atol=1e-9
    )
    np.testing.assert_allclose(np.delete(wide, present, axis=1), 1e-6)
