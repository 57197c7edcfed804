"""Padding of batches of 32, by the way they are made: the engine's, the Trainer's on all rows and on a few hundred.

A sample of a few hundred rows leaves the Trainer's length grouping short windows (a quarter of the rows) and much more
padding than it has in use. ``bench.training`` therefore gives it the windows that it has on a whole training set.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from transformers.trainer_pt_utils import get_length_grouped_indices

from bench import data_sets
from bench.baselines import Rows, Setting, token_counts
from bench.common import arguments, show
from bench.runs import plain_errors
from podium.engine.batching import WINDOW, epoch_batches

SIZE = 32


def main() -> None:
    """Measure and print."""
    given = arguments(
        __doc__.splitlines()[0],
        data={"default": "r8", "help": "data set (python -m bench.data_sets lists them)"},
        lengths={"type": int, "nargs": "+", "default": [128, 256], "help": "max_length"},
    )
    data = data_sets.load(given.data)
    rows: list[dict[str, Any]] = []
    for length in given.lengths:
        setting = Setting(data_sets.encoder(), len(data.labels), length, SIZE, 1)
        counts = token_counts(setting, Rows(data.train["text_a"].tolist(), data.codes(data.train)))
        for name, batches in ways(counts).items():
            rows.append({"max_length": length, "batches": name, **waste(batches)})
    show(rows, {"rows": rows}, given.json)


def ways(counts: np.ndarray) -> dict[str, list[np.ndarray]]:
    """Token counts (N,) dealt to batches, by each way; the ways on few rows are repeated on several samples."""
    generator = np.random.default_rng(0)
    torch.manual_seed(0)
    found = {
        "random": _cut(generator.permutation(len(counts)), counts),
        "engine": [counts[batch] for batch in epoch_batches(counts, SIZE, generator, window=WINDOW)],
        "trainer": _grouped(counts),
    }
    for few in (256, 512):
        samples = [counts[generator.choice(len(counts), few, replace=False)] for _ in range(20)]
        found[f"trainer on {few} rows"] = [batch for sample in samples for batch in _grouped(sample)]
        found[f"{few} rows sorted"] = [
            batch for sample in samples for batch in _cut(np.argsort(sample), sample)
        ]
    return found


def waste(batches: Iterable[np.ndarray]) -> dict[str, float]:
    """What padding adds to the tokens, and to the products of attention (squares of lengths), in per cent."""
    held = list(batches)
    tokens = sum(float(batch.sum()) for batch in held)
    squares = sum(float((batch.astype(float) ** 2).sum()) for batch in held)
    padded = sum(len(batch) * float(batch.max()) for batch in held)
    padded_squares = sum(len(batch) * float(batch.max()) ** 2 for batch in held)
    return {"tokens +%": 100 * (padded / tokens - 1), "attention +%": 100 * (padded_squares / squares - 1)}


def _grouped(counts: np.ndarray) -> list[np.ndarray]:
    return _cut(np.array(get_length_grouped_indices(counts.tolist(), SIZE)), counts)


def _cut(order: np.ndarray, counts: np.ndarray) -> list[np.ndarray]:
    return [counts[order[start : start + SIZE]] for start in range(0, len(order), SIZE)]


if __name__ == "__main__":
    with plain_errors():
        main()
