"""Prediction speed on test texts: the engine beside the notebook and the Trainer's ``predict``.

As a part of ``bench.training``: in turns, first round discarded, medians of paired ratios, tokenising counted.
"""

import dataclasses
import statistics
from typing import Any

import numpy as np

from bench import data_sets
from bench.baselines import HuggingFace, Notebook, Rows, Setting
from bench.clock import Cost
from bench.common import show
from bench.engine import Podium, draw

SLOW, SLOW_ROWS = "notebook", 64  # it pads every text to the full length, so that any of them will do


def measure(given: Any) -> dict[str, Any]:
    """Measure each of ``given.lengths`` and print its table."""
    data = data_sets.load(given.data)
    rounds, pool = (2, 256) if given.quick else (3, len(data.test))
    found = {}
    for length in sorted(given.lengths):
        encoder = given.encoder or data_sets.encoder()
        setting = Setting(encoder, len(data.labels), length, 32, given.threads)
        found[str(length)] = compare(data, setting, rounds=rounds, pool=pool)
        print(f"prediction, {given.data}, max_length {length}")
        show(found[str(length)].pop("table"), {}, None)
        print()
    return found


def compare(data: data_sets.DataSet, setting: Setting, *, rounds: int, pool: int) -> dict[str, Any]:
    """Predict ``pool`` test rows with every contender, ``rounds`` times and once before."""
    grouped: dict[str, Any] = {"bf16_full_eval": True, "train_sampling_strategy": "group_by_length"}
    contenders: dict[str, Any] = {
        SLOW: Notebook(setting),
        "trainer_default": HuggingFace(setting, {}),
        # grouping by length returns the rows in another order, which a user would have to undo
        "trainer_best_sdpa": HuggingFace(setting, grouped, attention="sdpa"),
        "trainer_best_eager": HuggingFace(setting, grouped, attention="eager"),
        "podium": Podium(setting),
    }
    generator = np.random.default_rng(setting.seed)
    contenders["podium"].train(draw(data, 2 * setting.batch_size, generator))
    costs: list[dict[str, Cost]] = []
    for number in range(rounds + 1):
        rows = draw(data, pool if number else min(pool, 64), generator, part="test")
        few = Rows(rows.texts[:SLOW_ROWS], rows.target[:SLOW_ROWS])
        costs.append(
            {name: one.predict(few if name == SLOW else rows)[1] for name, one in contenders.items()}
        )
    costs = costs[1:]
    ratio = {name: statistics.median(c["podium"].rate / c[name].rate for c in costs) for name in contenders}
    rate = {name: statistics.median(c[name].rate for c in costs) for name in contenders}
    best = min(("trainer_best_sdpa", "trainer_best_eager"), key=lambda name: ratio[name])
    return {
        "ratios": {
            "notebook": ratio[SLOW],
            "trainer_default": ratio["trainer_default"],
            "trainer_best": ratio[best],
        },
        "rounds": [{name: dataclasses.asdict(cost) for name, cost in c.items()} for c in costs],
        "table": [
            {"contender": name, "samples / CPU-s": rate[name], "engine is faster by": ratio[name]}
            for name in contenders
        ],
    }
