"""How often the intervals of the table of scores hold a truth that is known, on made-up data.

Two kinds of data: out-of-fold predictions made up themselves, of models of equal or unequal skill (``coverage``); and
those of a ridge classifier trained in each fold, where the truth is that of the folds' mean, as submitted (``fitted``).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bench.common import arguments, show
from podium import metrics
from podium.resampling import GROUPS, Drawn, Units, draw
from podium.targets import type_of

Sample = tuple[np.ndarray, np.ndarray]
"""The truth, and probabilities (N, K) or values (N, 1)."""


def _classes(count: int, rng: np.random.Generator, skill: np.ndarray) -> Sample:
    """Unequal classes (N,), and probabilities of models whose skill (N,) differs by row."""
    shares = np.array([0.6, 0.25, 0.1, 0.05]) if count == 4 else np.array([0.7, 0.3])
    truth = rng.choice(count, len(skill), p=shares)
    logits = rng.standard_normal((len(skill), count)) + np.log(shares)
    logits[np.arange(len(skill)), truth] += 1.5 + skill
    proba = np.exp(logits)
    return truth, proba / proba.sum(axis=1, keepdims=True)


def _values(rng: np.random.Generator, skill: np.ndarray) -> Sample:
    """Values (N, 1), with errors of heavy tails."""
    truth = rng.standard_normal((len(skill), 1))
    return truth, truth + (0.5 - 0.1 * skill)[:, None] * rng.standard_t(6, (len(skill), 1))


SAMPLES: dict[str, Callable[[np.random.Generator, np.ndarray], Sample]] = {
    "accuracy": partial(_classes, 4),
    "macro_f1": partial(_classes, 4),
    "log_loss": partial(_classes, 4),
    "roc_auc": partial(_classes, 2),
    "rmse": _values,
}
"""Made-up predictions by the metric that they are for, from the skill of the model of each row (N,)."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """``effect`` is the standard deviation of the folds' skill, ``copies`` how often each row stands in the data."""

    name: str
    folds: int
    effect: float = 0.0
    copies: int = 1


CASES = (
    Case(name="3 equal folds", folds=3),
    Case(name="5 equal folds", folds=5),
    Case(name="every row three times", folds=3, copies=3),
    Case(name="5 models of unequal skill", folds=5, effect=0.3),
    Case(name="3 models of unequal skill", folds=3, effect=0.3),
)


def value_of(metric: str, sample: Sample) -> float:
    """Return the metric's value."""
    return metrics.value(metric, sample[0], None, sample[1], classes=sample[1].shape[1])


def drawn_of(metric: str, sample: Sample, units: Units, test_rows: int | None = None) -> Drawn:
    """Return the score of out-of-fold predictions with its draws."""
    truth, given = sample
    return draw(
        metrics.get(metric, type_of(truth)),
        truth,
        metrics.what_it_reads(metric, truth, None, given),
        units,
        value=value_of(metric, sample),
        classes=given.shape[1],
        test_rows=test_rows,
    )


def coverage(
    metric: str, case: Case, *, rows: int, test_rows: int, trials: int, seed: int
) -> dict[str, float]:
    """Return the shares of trials in which ``interval`` holds the score of endless rows, ``board`` that of test rows.

    The truth is that of a model of mean skill, so that it misses what folds of unequal skill are off by.
    """
    rng, make = np.random.default_rng(seed), SAMPLES[metric]
    truth = value_of(metric, make(rng, np.zeros(200_000)))
    cluster = np.arange(rows) // case.copies
    fold = cluster % case.folds
    units = Units.of(fold, cluster, groups=GROUPS)
    held = np.zeros(2)
    for _ in range(trials):
        skill = case.effect * rng.standard_normal(case.folds)
        once = make(rng, skill[fold[:: case.copies]])
        sample = (once[0].repeat(case.copies, axis=0)[:rows], once[1].repeat(case.copies, axis=0)[:rows])
        found = drawn_of(metric, sample, units, test_rows)
        test = value_of(metric, make(rng, np.zeros(test_rows)))
        held += [_inside(truth, found.interval()), _inside(test, found.board(0.0, 0.0))]
    return dict(zip(("interval", "board"), (held / trials).tolist(), strict=True))


def _inside(value: float, interval: tuple[float, float]) -> bool:
    return interval[0] - 1e-9 <= value <= interval[1] + 1e-9


def fitted(*, folds: int, rows: int, features: int, trials: int, seed: int) -> dict[str, float]:
    """Return the share of trials in which the interval of accuracy holds that of the submitted mean of fold models."""
    rng = np.random.default_rng(seed)
    weights, held, off = np.ones(features) / np.sqrt(features), 0, []
    fold = np.arange(rows) % folds
    units = Units.of(fold, np.arange(rows), groups=GROUPS)

    def sample(count: int) -> Sample:
        truth = rng.integers(2, size=count)
        return truth, rng.standard_normal((count, features)) + np.outer(2 * truth - 1, weights)

    for _ in range(trials):
        (truth, texts), (new_truth, new) = sample(rows), sample(20_000)
        margin, summed = np.empty(rows), np.zeros(len(new))
        for number in range(folds):
            kept = fold != number
            square = texts[kept].T @ texts[kept] + 5 * np.eye(features)
            found = np.linalg.solve(square, texts[kept].T @ (2 * truth[kept] - 1))
            margin[~kept] = texts[~kept] @ found
            summed += new @ found
        proba = (margin[:, None] * [-1, 1] > 0).astype(np.float64)
        drawn = drawn_of("accuracy", (truth, proba), units)
        true = float(((summed > 0) == new_truth).mean())
        held += _inside(true, drawn.interval())
        off.append(drawn.value - true)
    return {"interval": held / trials, "bias": float(np.mean(off))}


def main() -> None:
    """Measure and print."""
    given = arguments(__doc__.splitlines()[0])
    trials = 40 if given.quick else 300
    rows = list(_drawn_rows(trials))
    trained = []
    for folds, count, features in ((3, 300, 20), (5, 300, 20), (3, 3000, 20), (3, 300, 100)):
        facts = fitted(folds=folds, rows=count, features=features, trials=trials, seed=0)
        trained.append({"folds": folds, "rows": count, "features": features, **facts})
    show(rows, {}, None)
    show(trained, {"drawn": rows, "fitted": trained}, given.json)


def _drawn_rows(trials: int) -> Iterator[dict[str, Any]]:
    for case in CASES:
        facts = {
            metric: coverage(metric, case, rows=600, test_rows=300, trials=trials, seed=1)
            for metric in SAMPLES
        }
        for kind in ("interval", "board"):
            yield {"case": case.name, "of": kind, **{metric: facts[metric][kind] for metric in SAMPLES}}


if __name__ == "__main__":
    main()
