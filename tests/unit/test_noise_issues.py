"""Label issues are cleanlab's own, in memory and in batches; the control is a fixed margin; limits hold."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cleanlab import filter, multilabel_classification, rank
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.noise import issues
from podium.noise.limits import within

PUBLISHED = {  # issues that cleanlab 2.9 flags in its published arrays of 20 Newsgroups
    "prune_by_noise_rate": 95,
    "prune_by_class": 96,
    "both": 44,
    "confident_learning": 55,
    "predicted_neq_given": 577,
    "low_normalized_margin": 55,
    "low_self_confidence": 55,
}
SCORES = ["self_confidence", "normalized_margin", "confidence_weighted_entropy"]
USED = {"margin": 0.3, "score": "self_confidence"}
NO_LIMIT = {"max_share": 1.0, "class_max_share": 1.0, "min_rows": 1}


def newsgroups() -> tuple[np.ndarray, np.ndarray, dict[int, bool]]:
    """Given labels (7532,), probabilities (7532, 20), and of 93 rows whether most of 5 people found the label wrong."""
    if not os.environ.get("PODIUM_DATA"):
        pytest.skip("PODIUM_DATA names no folder with label_errors_20news")
    folder = Path(os.environ["PODIUM_DATA"]) / "label_errors_20news"
    given = np.load(folder / "20news_test_set_original_labels.npy").astype(np.int64)
    proba = np.load(folder / "20news_test_set_pyx.npy").astype(float)
    votes = json.loads((folder / "20news_mturk.json").read_text(encoding="utf-8"))
    return given, proba, {int(row["id"]): row["mturk"]["given"] < 3 for row in votes}


def slices(proba: np.ndarray, rows: int) -> Iterator[np.ndarray]:
    return (proba[start : start + rows] for start in range(0, len(proba), rows))


@pytest.mark.parametrize("rule", PUBLISHED)
def test_published_label_issues_are_found(rule: str) -> None:
    given, proba, wrong = newsgroups()
    found = issues.find(given, proba, filter_by=rule, **USED)
    assert found.issue.sum() == PUBLISHED[rule]
    np.testing.assert_array_equal(found.suggested, proba.argmax(axis=1))
    voted = [wrong[row] for row in np.flatnonzero(found.issue).tolist() if row in wrong]
    assert len(voted) >= 30
    assert np.mean(voted) > 0.86, "most of the flagged rows that people looked at are wrong in their eyes"
    few = within(found.issue, found.quality, given, max_share=0.005, class_max_share=1.0, min_rows=1)
    assert few.sum() == 37  # of 7,532
    assert found.quality[few].max() <= found.quality[found.issue & ~few].min()


@pytest.mark.parametrize("rule", issues.BATCHED)
@pytest.mark.parametrize("rows", [400, 10_000])
def test_batches_find_what_memory_finds(rule: str, rows: int) -> None:
    given, proba, _ = newsgroups()
    whole = issues.find(given, proba, filter_by=rule, **USED)
    batched = issues.find_in_batches(given, lambda: slices(proba, rows), filter_by=rule, **USED)
    for name in ("suggested", "confidence", "quality", "issue"):
        np.testing.assert_array_equal(getattr(batched, name), getattr(whole, name))
    assert (batched.estimate, whole.estimate) == (95, 96)  # cleanlab rounds at another place


def sample(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels (N,) of some of K classes and probabilities (N, K) that mostly agree with them."""
    rng = np.random.default_rng(seed)
    rows, classes = int(rng.integers(1, 60)), int(rng.integers(2, 6))
    target = rng.integers(0, classes, rows)
    proba = rng.dirichlet(np.full(classes, 0.5), rows) + np.eye(classes)[target] * rng.random()
    return target, proba / proba.sum(axis=1, keepdims=True)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(sorted(PUBLISHED)), st.sampled_from(SCORES))
def test_single_label_verdicts_are_cleanlabs(seed: int, rule: str, score: str) -> None:
    target, proba = sample(seed)
    found = issues.find(target, proba, filter_by=rule, margin=0.3, score=score)
    if len(np.unique(target)) == proba.shape[1]:  # cleanlab wants every class to have rows
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("warnings.warn", lambda *_, **__: None)
            expected = filter.find_label_issues(target, proba, filter_by=rule, n_jobs=1)
        np.testing.assert_array_equal(found.issue, expected)
    np.testing.assert_array_equal(found.quality, rank.get_label_quality_scores(target, proba, method=score))
    assert ((found.quality >= 0) & (found.quality <= 1)).all()
    np.testing.assert_array_equal(found.confidence, proba.max(axis=1))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(sorted(PUBLISHED)), st.sampled_from(SCORES))
def test_multi_label_verdicts_are_cleanlabs(seed: int, rule: str, score: str) -> None:
    rng = np.random.default_rng(seed)
    rows, classes = int(rng.integers(12, 60)), int(rng.integers(1, 5))
    target = (rng.random((rows, classes)) < 0.4).astype(np.float32)
    proba = np.clip(0.6 * target + 0.2 + rng.normal(0, 0.2, target.shape), 0.01, 0.99)
    found = issues.find(target, proba, filter_by=rule, margin=0.3, score=score)
    np.testing.assert_array_equal(found.suggested, proba > 0.5)
    np.testing.assert_allclose(found.confidence, 0.5 + np.abs(proba - 0.5).min(axis=1))
    control = issues.find(target, proba, filter_by="margin", margin=0.3, score=score)
    np.testing.assert_array_equal(control.issue, (np.abs(target - proba) > 0.65).any(axis=1))
    if classes == 1 or (target.min(axis=0) == target.max(axis=0)).any():
        assert len(found.issue) == rows  # cleanlab itself refuses these
        return
    labels = [np.flatnonzero(row).tolist() for row in target]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)
        expected = multilabel_classification.filter.find_label_issues(labels, proba, filter_by=rule, n_jobs=1)
        quality = multilabel_classification.get_label_quality_scores(labels, proba, method=score)
    np.testing.assert_array_equal(found.issue, expected)
    np.testing.assert_array_equal(found.quality, quality)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 0.99))
def test_the_control_flags_beyond_its_margin(seed: int, margin: float) -> None:
    target, proba = sample(seed)
    found = issues.find(target, proba, filter_by="margin", margin=margin, score="self_confidence")
    for row in range(len(target)):
        assert found.issue[row] == (max(proba[row]) - proba[row][target[row]] > margin)


def test_probabilities_with_nan_are_refused() -> None:
    proba = np.array([[0.5, 0.5], [np.nan, 0.5]])
    with pytest.raises(ValueError, match="NaN"):
        issues.find(np.array([0, 1]), proba, filter_by="both", **USED)
    with pytest.raises(ValueError, match="NaN"):
        issues.find_in_batches(np.array([0, 1]), lambda: slices(proba, 1), filter_by="margin", **USED)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1), st.floats(0, 1), st.integers(1, 9), st.booleans())
def test_limits_hold_and_the_worst_go_first(
    seed: int, max_share: float, class_max_share: float, min_rows: int, several: bool
) -> None:
    rng = np.random.default_rng(seed)
    rows, classes = int(rng.integers(1, 50)), int(rng.integers(2, 5))
    issue, quality = rng.random(rows) < 0.6, rng.random(rows).round(1)
    target: Any = rng.integers(0, classes, rows)
    if several:
        target = (rng.random((rows, classes)) < 0.4).astype(np.float32)
    of_class = target.astype(bool) if several else target[:, None] == np.arange(classes)
    limits = {"max_share": max_share, "class_max_share": class_max_share, "min_rows": min_rows}
    taken = within(issue, quality, target, **limits)
    assert not (taken & ~issue).any()
    lost, size = of_class[taken].sum(axis=0), of_class.sum(axis=0)
    assert taken.sum() <= max_share * rows + 1e-6
    assert (lost <= class_max_share * size + 1e-6).all()
    assert ((size - lost >= min_rows) | (lost == 0)).all()
    full = (lost + 1 > class_max_share * size + 1e-6) | (size - lost - 1 < min_rows)
    if taken.sum() + 1 <= max_share * rows:  # then only full classes keep a flagged row
        assert all(full[of_class[row]].any() for row in np.flatnonzero(issue & ~taken))
    if not several:
        for label in range(classes):
            inside = issue & (target == label)
            kept, gone = quality[inside & ~taken], quality[inside & taken]
            assert not len(kept) or not len(gone) or gone.max() <= kept.min()
    np.testing.assert_array_equal(within(issue, quality, target, **NO_LIMIT) | ~taken, True)
