"""The random-label test: with permuted labels the full pipeline reports scores at chance, a broken rule does not.

One permutation each; ``python -m bench.honesty`` has many, and every rule.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench import honesty_clones, honesty_leaks, honesty_random
from bench.honesty_figures import SUBMITTED, Run, disagreeing, distances
from bench.honesty_null import Truth, macro_f1
from bench.leaks import LEAKS

PERMUTATION = 5
FAR = 4.0
"""Standard deviations of the null, which is too narrow by a fifth (``bench.honesty_null``)."""


def test_permuted_labels_score_at_chance(tmp_path: Path) -> None:
    """All that touches rows, two pseudo-label rounds, every ensemble, the choice and tuned offsets."""
    apertium = honesty_random.APERTIUM
    clusters = honesty_random.prepare(tmp_path, PERMUTATION, apertium=apertium)
    config = honesty_random.config(PERMUTATION, apertium=apertium)
    honesty_clones.run(tmp_path, *honesty_random.TARGETS, cores=2)
    run = Run.of(tmp_path)
    truth, figures = run.truth(clusters), run.figures()
    members, named = len(config["models"]), len(config["ensemble"]["named"])
    assert len(figures) == members * 3 + (4 + named + 1) + 1
    assert not disagreeing(figures, truth)
    found = distances(figures, truth, draws=300, seed=PERMUTATION)
    assert SUBMITTED in found
    assert not {name: one.z for name, one in found.items() if abs(one.z) > FAR}
    assert abs(np.mean([one.z for one in found.values()])) < 0.6 * FAR

    noise = pd.read_parquet(run.results / "noise/topic/fold0.parquet")
    assert noise["pruned"].mean() > 0.2, "the noise stage had nothing to do with labels at random"
    assert noise["relabelled"].mean() > 0.1
    for number in (1, 2):
        folder = run.results / f"train/topic/linear-s0/round{number}/fold0"
        trained = pd.read_parquet(folder / "trained_on.parquet")
        assert {"train", "eda", "more", "pseudo"} <= set(trained["made_by"])
        assert {"test", "web"} < set(trained["part"])


@pytest.mark.parametrize(("setting", "leaks"), [("kin", [11]), ("alike", [41, 51])])
def test_a_broken_rule_is_caught(setting: str, leaks: list[int]) -> None:
    """Near-duplicates apart; verdicts on labels from models that saw the fold; pseudo-labels from all folds' models."""
    found = honesty_leaks.run({"setting": setting, "permutation": 0, "leaks": leaks})
    for number in leaks:
        for figure in honesty_leaks.SETTINGS[setting].leaks[number].shows:
            assert abs(found["honest"]["figures"][figure]["z"]) < FAR
            assert found["leaks"][str(number)]["figures"][figure]["z"] > 6


def test_each_rule_has_a_leak() -> None:
    planted = {number for setting in honesty_leaks.SETTINGS.values() for number in setting.leaks}
    assert planted == set(LEAKS)
    assert {number // 10 for number in planted} == set(range(1, 8))


def test_the_null_keeps_what_a_permutation_keeps() -> None:
    """Each fold's labels, the common label of a cluster, the sizes of clusters that a label goes to."""
    rng = np.random.default_rng(0)
    clusters = np.repeat(np.arange(60), rng.integers(1, 4, 60))
    labels, folds = rng.integers(0, 3, 60)[clusters], rng.integers(0, 4, 60)[clusters]
    drawn = Truth(labels, folds, clusters, 3).draws(50, seed=1)
    sizes = np.bincount(clusters)[clusters]
    for other in drawn:
        assert (pd.Series(other).groupby(clusters).nunique() == 1).all()
        for key in set(zip(folds, sizes, strict=True)):
            same = (folds == key[0]) & (sizes == key[1])
            assert (np.bincount(other[same], minlength=3) == np.bincount(labels[same], minlength=3)).all()
    assert (drawn.std(axis=0) > 0).mean() > 0.9


def test_macro_f1_of_the_null_is_scikit_learn_s() -> None:
    from sklearn.metrics import f1_score

    rng = np.random.default_rng(0)
    truth, labels = rng.integers(0, 4, (5, 40)), rng.integers(0, 4, 40)
    expected = [f1_score(row, labels, average="macro", labels=range(4), zero_division=0) for row in truth]
    assert macro_f1(truth, labels, 4) == pytest.approx(expected)
