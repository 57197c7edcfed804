"""What averaging fold models is expected to gain is what it gains, where the truth is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies
from scipy.special import softmax

from podium import averaging, metrics
from podium.averaging import Said, expected_gain, mistake, sampled
from podium.averaging_tables import BoardTables
from podium.files import write_table
from podium.predict import to_table

LABELS = ["a", "b", "c"]


def world(
    seed: int, *, rows: int, noise: float, models: int = 5, sure: float = 1.0
) -> tuple[Said, np.ndarray]:
    """Models that see the true log-odds through noise of their own, with their mean; and the true classes (n,)."""
    rng = np.random.default_rng(seed)
    logits = 1.5 * rng.normal(size=(rows, 3))
    truth = (softmax(logits, axis=1).cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1)
    alone = softmax(sure * (logits + noise * rng.normal(size=(models, rows, 3))), axis=2)
    return Said.of(alone.mean(axis=0), alone), truth


def scores(said: Said, truth: np.ndarray, metric: str) -> tuple[float, float]:
    """True values of the submitted labels, and of single models on average."""
    values = [metrics.value(metric, truth, labels, None, classes=3) for labels in (said.labels, *said.alone)]
    return values[0], float(np.mean(values[1:]))


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "mcc"])
@pytest.mark.parametrize("sure", [0.5, 1.0, 3.0], ids=["doubtful", "right", "too sure"])
def test_the_expected_gain_is_the_true_one_whatever_the_models_confidence(metric: str, sure: float) -> None:
    gains, found = [], []
    for seed in range(6):
        said, truth = world(seed, rows=4000, noise=0.5, sure=sure)
        whole, single = scores(said, truth, metric)
        gains.append(whole - single)
        found.append(expected_gain(said, metric=metric, cv=single, se=0.008))
    true, expected, se = np.mean(gains), *np.mean([(gain.value, gain.se) for gain in found], axis=0)
    assert true > 0.015
    assert expected == pytest.approx(true, abs=(2 if sure > 1 else 1) * se)
    assert expected < true or sure <= 1  # low rather than high for models that are too sure of themselves
    assert 0.25 * expected < se < 0.35 * expected


def test_models_that_differ_more_gain_more_and_equal_ones_nothing() -> None:
    values = []
    for noise in (0.0, 0.3, 0.6, 1.2):
        said, truth = world(1, rows=2000, noise=noise)
        values.append(expected_gain(said, metric="accuracy", cv=scores(said, truth, "accuracy")[1], se=0.01))
    assert [values[0].value, values[0].se] == [0.0, 0.0]
    assert (np.diff([gain.value for gain in values]) > 0).all()


@pytest.mark.parametrize("cv", [0.0, 1.0])
def test_a_score_that_no_temperature_explains_has_a_gain_all_the_same(cv: float) -> None:
    said, _ = world(2, rows=500, noise=1.0)
    found = expected_gain(said, metric="accuracy", cv=cv, se=0.01)
    assert np.isfinite([found.value, found.se]).all()


@settings(deadline=None, max_examples=50)
@given(
    strategies.integers(0, 10_000), strategies.sampled_from(["accuracy", "macro_f1", "weighted_f1", "mcc"])
)
def test_chances_of_0_and_1_are_the_truth(seed: int, metric: str) -> None:
    rng = np.random.default_rng(seed)
    truth, labels = rng.integers(3, size=(2, 50))
    found = averaging.expected(np.eye(3)[truth], labels, metric)
    assert found == pytest.approx(metrics.value(metric, truth, labels, None, classes=3))


@pytest.mark.parametrize(
    ("metric", "type", "told"),
    [
        ("accuracy", "single_label", None),
        ("f1", "single_label", None),
        ("qwk", "single_label", "qwk is not"),
        ("log_loss", "single_label", "log_loss is not"),
        ("map_at_3", "single_label", "map_at_3 is not"),
        ("macro_f1", "multi_label", "not multi_label"),
        ("rmse", "regression", "not regression"),
    ],
)
def test_where_there_is_no_estimate_it_says_why(metric: str, type, told: str | None) -> None:
    found = mistake(metric, type)
    assert found is None if told is None else told in str(found)


def test_rows_to_look_at_are_spread_evenly() -> None:
    ids = pd.Series([str(number) for number in range(25_000)])
    assert sampled(ids.head(averaging.ROWS)).tolist() == ids.head(averaging.ROWS).tolist()
    found = sampled(ids)
    assert len(found) <= averaging.ROWS
    assert set(np.diff(found.astype(int))) == {3}


def written(folder, name: str, proba: np.ndarray, alone: np.ndarray, ids: list[str]):
    """The two tables of test rows, in orders of their own."""
    tables = [to_table(ids, part, LABELS).assign(fold=fold) for fold, part in enumerate(alone)]
    write_table(pd.concat(tables).sample(frac=1, random_state=1), folder / f"{name}_folds")
    write_table(to_table(ids, proba, LABELS).iloc[::-1], folder / name)
    return folder / name, folder / f"{name}_folds"


def test_tables_of_a_run(tmp_path) -> None:
    alone = np.random.default_rng(0).dirichlet(np.ones(3), size=(4, 30))
    ids = [f"t{number}" for number in range(30)]
    seen = pd.Series(ids[::2])
    tables = BoardTables(seen, LABELS, None)
    plain = written(tmp_path, "plain", alone.mean(axis=0), alone, ids)
    said = tables.member("a-s0", *plain)
    assert isinstance(said, Said)
    assert said.proba == pytest.approx(alone.mean(axis=0)[::2], abs=1e-6)
    assert (said.alone == alone.argmax(axis=2)[:, ::2]).all()
    other = np.roll(alone.mean(axis=0), 1, axis=0)
    refit = written(tmp_path, "refit", other, alone, ids)
    assert "refit" in tables.member("b-s0", *refit)
    # An ensemble need not be the mean of its fold models, but its members must be
    assert isinstance(tables.ensemble(["a-s0"], *refit), Said)
    assert "b-s0 in it" in tables.ensemble(["a-s0", "b-s0"], *plain)

    label = pd.Series(np.array(LABELS)[(alone.argmax(axis=2) + 1) % 3].ravel(), dtype="str")
    folds = pd.DataFrame({"id": ids * 4, "label": label, "fold": np.repeat(range(4), 30)})
    write_table(folds, tmp_path / "decided_folds")
    write_table(folds[folds["fold"] == 2], tmp_path / "decided")
    paths = (tmp_path / "decided", tmp_path / "decided_folds")
    decided = tables.decided(said, *paths, shifted=False)
    assert isinstance(decided, Said)
    assert (decided.alone == (said.alone + 1) % 3).all()
    assert (decided.labels == decided.alone[2]).all()
    assert (decided.proba == said.proba).all()
    assert "class shares" in tables.decided(said, *paths, shifted=True)
    assert tables.decided("because", *paths, shifted=False) == "because"
    assert BoardTables(seen, LABELS, "because").member("a-s0", *plain) == "because"
