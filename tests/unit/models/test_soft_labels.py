"""Soft labels: sure ones are hard ones, bit for bit; unsure ones are the mixture that they say."""

from pathlib import Path

import numpy as np
import pytest

from podium import soft
from tests.unit.model_samples import make, rows_of, saved_bytes

KINDS = ["linear", "lightgbm", "fasttext", "textcnn", "transformer"]
TARGET = np.arange(60) % 3
WEIGHT = np.random.default_rng(1).uniform(0.3, 1, 60)


def fitted(kind: str, folder: Path, encoder: Path, **more: np.ndarray) -> dict[str, bytes]:
    changes = {"encoder": str(encoder)} if kind == "transformer" else {}
    if kind in ("linear", "lightgbm"):
        changes["class_weight"] = "balanced"
    model = make(kind, 3, **changes)
    folder.mkdir()
    target = more.pop("target", TARGET)
    model.fit(rows_of(TARGET), target, WEIGHT.copy(), **more)
    model.save(folder)
    return saved_bytes(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_sure_labels_are_hard_ones(kind: str, tmp_path: Path, encoder: Path) -> None:
    one_hot = soft.trimmed(np.where(np.eye(3)[TARGET] == 1, 0.9999, 0.00005))
    hard = fitted(kind, tmp_path / "hard", encoder)
    assert fitted(kind, tmp_path / "soft", encoder, soft=one_hot) == hard
    other = one_hot.copy()
    other[0] = [0.5, 0.25, 0.25]
    assert fitted(kind, tmp_path / "other", encoder, soft=other) != hard


@pytest.mark.parametrize("kind", ["linear", "lightgbm", "fasttext"])
def test_labels_that_say_nothing_teach_nothing(kind: str) -> None:
    """All classes equally likely for every row: so they are in every prediction, whatever ``target`` is."""
    model, rows = make(kind, 3), rows_of(TARGET)
    model.fit(rows, TARGET, WEIGHT.copy(), soft=np.full((60, 3), 1 / 3, dtype=np.float32))
    assert np.allclose(model.predict(rows), 1 / 3, atol=1e-3)
    assert not np.allclose(fresh_hard(kind, rows), 1 / 3, atol=0.02)


def fresh_hard(kind: str, rows) -> np.ndarray:
    model = make(kind, 3)
    model.fit(rows, TARGET, WEIGHT.copy())
    return model.predict(rows)


def test_a_linear_model_learns_the_mixture() -> None:
    """The same as the rows written out once for each class, with the probabilities as weights."""
    rng = np.random.default_rng(2)
    mixed, rows = soft.trimmed(rng.dirichlet([0.3] * 3, 60)), rows_of(TARGET)
    one, two = make("linear", 3), make("linear", 3)
    one.fit(rows, mixed.argmax(axis=1), WEIGHT.copy(), soft=mixed)
    place, label, weight = soft.copies(mixed, WEIGHT)
    assert len(place) > 80
    assert np.allclose(np.bincount(place, weights=weight), WEIGHT)
    # idf counts rows, which copies would change
    two.features.fit(rows)
    two.features.fit = lambda _: two.features.transform(rows.iloc[place])
    two.fit(rows.iloc[place], label, weight)
    assert np.allclose(one.predict(rows), two.predict(rows), atol=1e-6)


def test_small_probabilities_go_and_rows_still_sum_to_one() -> None:
    found = soft.trimmed(np.array([[0.6, 0.3995, 0.0005], [0.9995, 0.0003, 0.0002]]))
    assert found[0].tolist() == pytest.approx([0.6 / 0.9995, 0.3995 / 0.9995, 0])
    assert found[1].tolist() == [1, 0, 0]
    flat = soft.trimmed(np.full((1, 2000), 1 / 2000))
    assert flat.sum() == pytest.approx(1, abs=1e-5)
    counts = soft.class_counts(found, np.array([2.0, 3.0]))
    assert counts.sum() == pytest.approx(5)
    assert counts[2] == 0
