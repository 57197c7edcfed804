"""The summary shows every score and the most promising next step."""

from typing import Any

import pandas as pd
import pytest

from podium import report

PROFILE = {"lengths": {"train": {"tokens": {"cut": {"128": 0.10, "256": 0.02}}}}}
SETTINGS: dict[str, Any] = {
    "max_lengths": {"bert": 128},
    "folds": 3,
    "seeds": {"linear": [0], "bert": [1, 2]},
}


CHOSEN = {
    "cv": 0.9,
    "se": 0.01,
    "board": 0.905,
    "no_gain": None,
    "fold_models": 3,
    "board_low": 0.88123,
    "board_high": 0.92,
    "why": "blend (0.9000) is the ensemble that the config submits.",
}


def table(members: list[tuple[str, int, float]], submitted: float, metric: str = "accuracy") -> pd.DataFrame:
    def row(what: str, name: str, round: str, cv: float) -> dict[str, Any]:
        figures = {"metric": metric, "cv": cv, "se": 0.01, "fold0": cv, "fold1": cv}
        return {"what": what, "name": name, "round": round, **figures, "chosen": what == "ensemble"}

    rows = [row("member", name, str(number), cv) for name, number, cv in members]
    rows += [row("ensemble", "blend", "", submitted), row("submitted", "blend + argmax", "", submitted)]
    return pd.DataFrame(rows)


def test_summary_shows_every_score_and_one_advice() -> None:
    found = table([("linear-s0", 0, 0.8123), ("bert-s1", 0, 0.5)], 0.9)
    text = report.summary(
        found,
        competition="reviews",
        submission="results/submission.csv",
        rows=42,
        train_profile=PROFILE,
        settings=SETTINGS,
        notes=["the sun shines"],
        warnings=["it rains"],
        chosen=CHOSEN,
    )
    assert "WARNING: it rains\nnote: the sun shines" in text
    lines = text.splitlines()
    assert lines[0].startswith("reviews: cross-validated accuracy")
    assert [line.split() for line in lines[3:7]] == [
        ["member", "linear-s0", "0", "0.8123", "+-", "0.0100", "0.8123", "0.8123"],
        ["member", "bert-s1", "0", "0.5000", "+-", "0.0100", "0.5000", "0.5000"],
        ["*", "ensemble", "blend", "0.9000", "+-", "0.0100", "0.9000", "0.9000"],
        ["submitted", "blend", "+", "argmax", "0.9000", "+-", "0.0100", "0.9000", "0.9000"],
    ]
    assert len({line.index("+- 0.0100") for line in lines[3:7]}) == 1
    assert "* blend (0.9000) is the ensemble that the config submits." in lines
    place = lines.index("submission: results/submission.csv (42 rows)")
    assert lines[place + 1] == (
        "CV 0.9000 +- 0.0100; expected on the test rows: 0.9050 (0.8812 to 0.9200 in 9 of 10 cases), "
        "because the 3 models that cross-validation scores one by one are averaged for them"
    )
    assert sum(line.startswith("try next:") for line in lines) == 1


CUT = {"lengths": {"train": {"tokens": {"cut": {"128": 0.4}}}}}


COST = "pseudo-labels cost linear-s0 0.1000: set models.linear.rounds one lower"
SEED = "linear is the best single model (0.8000): a second seed (models.linear.seeds: [0, 1])"


@pytest.mark.parametrize(
    ("first_round", "last_round", "submitted", "metric", "profile", "first"),
    [
        (
            0.8,
            0.8,
            0.8,
            "accuracy",
            CUT,
            "40% of the train texts are longer than max_length 128: raise models.bert.",
        ),
        (0.8, 0.7, 0.9, "accuracy", PROFILE, COST),
        (0.3, 0.4, 0.1, "log_loss", PROFILE, COST),
        (0.8, 0.795, 0.9, "accuracy", PROFILE, SEED),  # within the standard error
        (0.9, 0.8, 0.1, "log_loss", PROFILE, SEED),
        (
            0.8,
            0.8,
            0.7,
            "accuracy",
            PROFILE,
            "the submission (0.7000) is below the best single member linear-s0",
        ),
        (
            0.8,
            0.8,
            0.9,
            "log_loss",
            PROFILE,
            "the submission (0.9000) is below the best single member linear-s0",
        ),
    ],
)
def test_advice_rests_on_the_figures(
    first_round: float, last_round: float, submitted: float, metric: str, profile: dict, first: str
) -> None:
    found = table([("linear-s0", 0, first_round), ("linear-s0", 1, last_round)], submitted, metric)
    assert report.advice(found, profile, SETTINGS)[0].startswith(first)


def test_more_folds_are_the_last_advice() -> None:
    found = table([("bert-s1", 0, 0.8)], 0.9)
    assert report.advice(found, PROFILE, SETTINGS) == [
        "more folds (folds.n: 5) give every fold model more rows to learn from."
    ]
