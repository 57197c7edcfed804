"""The measurement beside transformers' example: its windows and targets, the ratio of speeds."""

from pathlib import Path

import pandas as pd
import pytest

from bench.qa import summary
from bench.qa_recipe import Example, Recipe
from podium.span.answers import Answer, encode


def test_speed_is_a_median_of_rounds_and_gains_are_paired() -> None:
    found = [
        {"round": number, "contender": name, "squad_em": em, "squad_f1": em + 0.1, "samples_per_cpu_s": speed}
        for number, (speeds, ems) in enumerate(
            [((1, 9), (0.2, 0.3)), ((2, 6), (0.1, 0.2)), ((1, 4), (0.3, 0.3))]
        )
        for name, speed, em in zip(("example", "podium"), speeds, ems, strict=True)
    ]
    table, result = summary(found)
    assert result["speed"] == 3.5
    assert result["gain_squad_em"] == pytest.approx(0.2 / 3)
    assert [row["contender"] for row in table] == ["example", "podium"]
    assert table[0]["squad_em"] == pytest.approx(0.2)


def test_the_examples_targets_are_the_answers(encoder: Path) -> None:
    context = " ".join(["the of and"] * 6 + ["gold tin"] + ["to in is"] * 6)
    start = context.index("gold")
    rows = pd.DataFrame(
        {
            "id": ["a", "b"],
            "text_a": ["ape", "bear"],
            "text_b": [context, "cat dog"],
            "target": [encode([Answer(start, start + 8, "gold tin")]), encode([])],
        }
    )
    recipe = Recipe(
        encoder=encoder,
        max_length=16,
        doc_stride=4,
        batch_size=2,
        epochs=1,
        learning_rate=1e-4,
        threads=1,
        seed=0,
    )
    example = Example(recipe)
    windows = example._windows(rows)
    targets = [example._target(window, rows["target"].iloc[window["row"]]) for window in windows]
    assert {len(window["input_ids"]) for window in windows} == {16}
    found = [
        rows["text_b"].iloc[window["row"]][window["offsets"][low][0] : window["offsets"][high][1]]
        for window, (low, high) in zip(windows, targets, strict=True)
        if high
    ]
    assert set(found) == {"gold tin"}
    assert len(found) < len(windows) - 1
    cost = example.train(rows)
    assert (cost.samples, cost.steps) == (2, -(-len(windows) // 2))
    assert all(text in context or text in "cat dog" for text in example.answer(rows, null=False))
