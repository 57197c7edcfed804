"""The statistics of the hold-out test against their formulas and simulated data, and its splits."""

import numpy as np
import pandas as pd
import pytest

from bench.honesty_splits import split, together
from bench.honesty_statistics import LEVEL, corrected_error, coverage, plain_error, summary

POOL, TRAIN, HOLDOUT, SPLITS = 400, 80, 100, 10


def test_corrected_error_is_the_formula_of_nadeau_and_bengio() -> None:
    values = [0.71, 0.69, 0.73, 0.70]
    variance = np.var(values, ddof=1)
    # Where all rows but the test ones are trained on, r / (1 - r) is n_test / n_train.
    assert corrected_error(values, share=100 / 400) == pytest.approx(np.sqrt((1 / 4 + 100 / 300) * variance))
    assert corrected_error(values, share=0.0) == pytest.approx(plain_error(values))
    assert np.isnan(plain_error([0.7]))
    with pytest.raises(ValueError, match="share"):
        corrected_error(values, share=1.0)


def runs(draw: int, *, told: float) -> list[list[dict[str, float]]]:
    """Runs of two scores each whose reported error is ``told`` times the right one."""
    random = np.random.default_rng(draw)
    found = []
    for _ in range(500):
        se, true_se = random.uniform(0.005, 0.02, size=(2, 2))
        cv, true = 0.7 + se * random.normal(size=2), 0.7 + true_se * random.normal(size=2)
        columns = zip(cv, told * se, true, told * true_se, strict=True)
        found.append([dict(zip(("cv", "se", "true", "true_se"), row, strict=True)) for row in columns])
    return found


def test_coverage_of_right_errors_is_its_level_and_of_wrong_ones_is_not() -> None:
    right, small, large = (summary(runs(0, told=told)) for told in (1.0, 0.5, 2.0))
    assert right["inside"] == pytest.approx(LEVEL, abs=0.03)
    assert right["sd_z"] == pytest.approx(1, abs=0.07)
    assert abs(right["mean_z"]) < 3 * right["mean_z_se"] < 0.15
    assert small["inside"] < 0.65
    assert large["inside"] > 0.98


def test_optimism_shows_in_the_mean_z() -> None:
    optimistic = [[{**case, "cv": case["cv"] + 0.01} for case in run] for run in runs(1, told=1.0)]
    found = summary(optimistic)
    assert found["mean_z"] > 5 * found["mean_z_se"]
    assert coverage(optimistic[0]) <= 1


def _nearest(rows: np.ndarray, target: np.ndarray, others: np.ndarray) -> np.ndarray:
    middles = np.stack([rows[target == label].mean(axis=0) for label in (0, 1)])
    return ((others[:, None] - middles) ** 2).sum(axis=-1).argmin(axis=1)


def _one_split(rows: np.ndarray, target: np.ndarray, random: np.random.Generator) -> tuple[float, float]:
    """Cross-validated score on one side, and that of the fold models on the other."""
    order = random.permutation(POOL)
    mine, other = order[:TRAIN], order[TRAIN : TRAIN + HOLDOUT]
    fold, right, true = np.arange(TRAIN) % 4, np.empty(TRAIN), []
    for number in range(4):
        given, out = mine[fold != number], mine[fold == number]
        right[fold == number] = _nearest(rows[given], target[given], rows[out]) == target[out]
        true.append((_nearest(rows[given], target[given], rows[other]) == target[other]).mean())
    return right.mean(), float(np.mean(true))


def test_splits_of_one_pool_need_the_correction_for_scores_but_not_for_reported_minus_true() -> None:
    random = np.random.default_rng(0)
    figures = []
    for _ in range(150):
        target = random.integers(0, 2, POOL)
        rows = random.normal(size=(POOL, 20)) + 0.25 * target[:, None]
        figures.append([_one_split(rows, target, random) for _ in range(SPLITS)])
    table = np.array(figures)  # pools, splits, (reported, true)
    for values, wants_correction in ((table[..., 0] - table[..., 1], False), (table[..., 1], True)):
        spread = values.mean(axis=1).std(ddof=1)  # of the mean over the splits, from pool to pool
        plain = np.mean([plain_error(row) ** 2 for row in values]) ** 0.5
        corrected = np.mean([corrected_error(row, share=HOLDOUT / POOL) ** 2 for row in values]) ** 0.5
        right, wrong = (corrected, plain) if wants_correction else (plain, corrected)
        assert right / spread == pytest.approx(1, abs=0.2)
        assert abs(np.log(wrong / spread)) > np.log(1.5)


def _rows() -> pd.DataFrame:
    texts = [f"the {word} text is told once more and then again" for word in map(str, range(40))]
    table = pd.DataFrame({"text_a": texts + texts[:15], "target": ["a", "b"] * 27 + ["a"]})
    return table.assign(id=[f"r{number}" for number in range(len(table))])


@pytest.mark.parametrize("seed", range(5))
def test_near_duplicates_stay_on_one_side(seed: int) -> None:
    rows = _rows()
    train, holdout = split(rows, train=20, holdout=25, seed=seed, by="units")
    assert 20 <= len(train) <= 21
    assert len(holdout) <= 26
    assert not set(train["text_a"]) & set(holdout["text_a"])
    again = split(rows, train=20, holdout=25, seed=seed, by="units")
    pd.testing.assert_frame_equal(train, again[0])
    by_rows = split(rows, train=20, holdout=25, seed=seed, by="rows")
    assert sorted([*train["id"], *holdout["id"]]) == sorted([*by_rows[0]["id"], *by_rows[1]["id"]])
    assert not set(by_rows[0]["id"]) & set(by_rows[1]["id"])


def test_groups_join_near_duplicates() -> None:
    rows = _rows().assign(group=[str(number // 20) for number in range(55)])
    # The repeats of rows 0-14 lie in group 2, which joins group 0.
    assert len(np.unique(together(rows))) == 2
