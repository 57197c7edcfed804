"""Other class shares in test: what it gains to estimate them without labels and to correct for them.

A linear model's probabilities on the official test rows; on the fifth of them with the longest and the shortest texts,
where more than the shares has changed; and on 1,000 of them drawn so that each class has another share. Beside what
``decision.method: prior`` does stand the likelihood alone and the estimate with rows that are held
(``podium.label_shift``), either believed where chance does not move it as far. Gains are those of the most probable
class.
"""

import functools
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.accuracy import available
from bench.adversarial import predicted
from bench.common import arguments, show
from bench.runs import plain_errors
from podium import label_shift, metrics
from podium.label_shift import HELD, MOVED, NOISE

METRICS = ("accuracy", "macro_f1")
WAYS = {"likelihood alone": (0.0, 0.0, 1.0), "held": (HELD, 0.0, 1.0), "as it is": (HELD, MOVED, NOISE)}
"""Rows held for each test row, how far the mean probabilities must have moved, and how far mere chance may go."""
SPREADS = (10.0, 2.5, 1.0, 0.5)
"""Parameters of the Dirichlet distribution that shares are drawn from: the smaller, the farther from the test's own."""
DRAWN = 1000


def main() -> None:
    """Measure and print."""
    given = arguments(
        __doc__.splitlines()[0],
        data={
            "nargs": "+",
            "default": ["mr", "r8", "tnews", "ocnli"],
            "help": "data sets (python -m bench.data_sets)",
        },
        draws={"type": int, "default": 3, "help": "draws with each spread of shares"},
    )
    rows, draws = (2000, 1) if given.quick else (None, given.draws)
    cases = [case for name in available(given.data) for case in _cases(name, rows, draws)]
    table = [_row(cases, metric, way) for metric in METRICS for way in WAYS]
    show(table, {}, None)
    if given.json:
        given.json.write_text(json.dumps({"table": table, "cases": cases}, indent=2) + "\n", encoding="utf-8")


def _cases(name: str, rows: int | None, draws: int) -> Iterator[dict[str, Any]]:
    """What each way does in each case of a data set."""
    data, oof, proba = predicted(name, rows)
    truth, real = data.codes(data.train), data.codes(data.test)
    for what, chosen in _chosen(data.test["text_a"].str.len().to_numpy(), real, len(data.labels), draws):
        case: dict[str, Any] = {"data": name, "rows": what, "gains": {}, "error": {}}
        shares = np.bincount(real[chosen], minlength=len(data.labels)) / len(chosen)
        for metric in METRICS:
            value = functools.partial(_value, metric)
            before = value(proba[chosen], real[chosen])
            for way, (held, least, most) in WAYS.items():
                shift = label_shift.guarded(
                    oof, truth, proba[chosen], utility=value, held=held, least=least, most=most
                )
                after = value(label_shift.corrected(proba[chosen], shift), real[chosen])
                case["gains"][f"{metric}, {way}"] = after - before if shift.applied else None
                case["error"][way] = label_shift.apart(shift.test, shares)
                case["distance"], case["moved"] = label_shift.apart(shift.train, shares), shift.moved
        yield case


def _chosen(
    lengths: np.ndarray, real: np.ndarray, classes: int, draws: int
) -> Iterator[tuple[str, np.ndarray]]:
    """Names and rows of the cases."""
    yield "all", np.arange(len(real))
    low, high = np.quantile(lengths, [0.2, 0.8])
    yield "longest fifth", np.flatnonzero(lengths >= high)
    yield "shortest fifth", np.flatnonzero(lengths <= low)
    for spread in SPREADS:
        for draw in range(draws):
            random = np.random.default_rng([draw, round(10 * spread)])
            weight = random.dirichlet(np.full(classes, spread))[real]
            size = min(DRAWN, len(real))
            yield f"shares {spread:g}", random.choice(len(real), size=size, p=weight / weight.sum())


def _value(metric: str, proba: np.ndarray, truth: np.ndarray) -> float:
    return metrics.value(metric, truth, proba.argmax(axis=1), proba, classes=proba.shape[1])


def _row(cases: list[dict[str, Any]], metric: str, way: str) -> dict[str, Any]:
    gains = [case["gains"][f"{metric}, {way}"] for case in cases]
    used = [gain for gain in gains if gain is not None]
    return {
        "metric": metric,
        "way": way,
        "cases": len(gains),
        "corrected": len(used),
        "mean gain of all": sum(used) / len(gains),
        "best": max(used, default=0.0),
        "worst": min(used, default=0.0),
        "error of the shares": float(np.mean([case["error"][way] for case in cases])),
    }


if __name__ == "__main__":
    with plain_errors():
        main()
