"""Errors of clustered rows: those of the clusters, and where there are none those of the rows."""

import numpy as np
import pytest

from podium import clustered, metrics


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "log_loss"])
def test_copies_of_rows_make_no_score_surer(metric: str) -> None:
    random = np.random.default_rng(0)
    truth, proba = random.integers(3, size=600), random.dirichlet([1, 1, 1], 600)
    proba[np.arange(600), truth] += 0.5
    proba /= proba.sum(axis=1, keepdims=True)
    other = random.permutation(proba)
    rows, folds = np.arange(600), np.arange(600) % 4
    reads = metrics.get(metric).uses
    first, second = (part if reads == "proba" else part.argmax(axis=1) for part in (proba, other))
    copies = np.repeat(rows, 4)
    single = metrics.score(metric, truth, None, proba, classes=3)
    given = {"folds": folds, "clusters": rows, "classes": 3}
    assert clustered.score(metric, truth, None, proba, **given) == single
    paired = metrics.paired_se(metric, truth, first, second, classes=3)
    assert clustered.paired_se(metric, truth, first, second, **given) == paired
    many = {"folds": folds[copies], "clusters": copies, "classes": 3}
    found = clustered.score(metric, truth[copies], None, proba[copies], **many)
    assert found.value == pytest.approx(single.value)
    assert found.se == pytest.approx(single.se, rel=0.12)
    both = first[copies], second[copies]
    assert clustered.paired_se(metric, truth[copies], *both, **many) == pytest.approx(paired, rel=0.12)


def test_questions_of_a_paragraph_are_worth_one() -> None:
    values = np.random.default_rng(1).random(400)
    rows, copies = np.arange(400), np.repeat(np.arange(400), 3)
    single = clustered.of_rows("squad_f1", values, folds=rows % 3, clusters=rows)
    assert single.se == pytest.approx(values.std(ddof=1) / 20)
    found = clustered.of_rows("squad_f1", values[copies], folds=copies % 3, clusters=copies)
    assert found.value == pytest.approx(single.value)
    assert found.se == pytest.approx(single.se, rel=0.12)
