"""The measurement of pretraining: paired gains, and the rewrite of a data set as numbers."""

import os
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.pretrain import CONTROL, TREATED, anonymous, summary, verdict


def results() -> list[tuple[dict[str, Any], Any]]:
    scores = {CONTROL: [0.40, 0.42, 0.41], TREATED: [0.45, 0.47, 0.47], "linear": [0.49]}
    return [
        (
            {"data": "tnews", "way": way, "seed": seed},
            {"scores": {"gentle": score, "strong": score - 0.1}, "perplexity": [], "cpu_seconds": 1.0},
        )
        for way, values in scores.items()
        for seed, score in enumerate(values)
    ]


def test_gains_are_paired_by_seed() -> None:
    table = pd.DataFrame(summary(results())).set_index("way")
    gains = np.array([0.05, 0.05, 0.06])
    assert table.loc[TREATED, "gain"] == pytest.approx(gains.mean())
    assert table.loc[TREATED, "SE of gain"] == pytest.approx(gains.std(ddof=1) / 3**0.5)
    assert np.isnan(table.loc[CONTROL, "gain"])
    assert (table["recipe"] == "gentle").all()
    assert table.loc["linear", "seeds"] == 1
    assert verdict(results()).endswith(", more than two standard errors")
    alone = [pair for pair in results() if pair[0]["way"] != CONTROL]
    assert verdict(alone).endswith("not more than two standard errors")


@pytest.mark.skipif(not os.environ.get("PODIUM_DATA"), reason="PODIUM_DATA names no folder of data sets")
def test_a_rewrite_is_one_number_a_character() -> None:
    from bench import data_sets

    plain = data_sets.load("tnews")
    data, others = anonymous("tnews")
    assert data.labels == plain.labels
    numbers: dict[str, str] = {}
    for text, rewritten in zip(plain.train["text_a"][:500], data.train["text_a"], strict=False):
        for char, number in zip("".join(text.split()), rewritten.split(), strict=True):
            assert numbers.setdefault(char, number) == number
    assert len(set(numbers.values())) == len(numbers)
    assert len(others) == 2000
