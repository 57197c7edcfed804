"""What the summary says of span tasks alone: keys of their own, an empty answer's score, what is not estimated."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from podium import report
from podium.check_holdout import render
from podium.plans import Plans
from podium.span.answers import Answer, encode
from podium.span.profile import profile

FACTS = {"accepted": 40, "candidates": 80, "parts": {"test": 80}}
RAW = {
    "competition": "c",
    "tasks": {"qa": {"type": "span", "train": "a.json", "test": "b.json"}},
    "models": {"m": {"kind": "retriever"}},
}


@pytest.mark.parametrize(("value", "wrong"), [(0.49, True), (0.5, False)])
def test_pseudo_labels_that_are_mostly_wrong_are_told_with_the_key(value: float, wrong: bool) -> None:
    settings: dict[str, Any] = Plans.from_raw(RAW, Path())["qa"].report()["settings"]
    assert settings["bar"] == "tasks.qa.pseudo.confidence"
    precision = {"value": value, "se": 0.01}
    (told,) = report.pseudo_notes([(1, {**FACTS, "precision": precision})], settings["bar"])
    assert told.endswith("mostly wrong, so raise tasks.qa.pseudo.confidence or set pseudo.rounds: 0") == wrong
    (none,) = report.pseudo_notes([(1, {**FACTS, "accepted": 0, "precision": None})], settings["bar"])
    assert none.endswith("; lower tasks.qa.pseudo.confidence or set pseudo.rounds: 0")


def test_the_score_of_an_empty_answer_to_every_question_is_told() -> None:
    rows = pd.DataFrame({"id": list("abcd"), "text_a": "?", "text_b": "sea"}, dtype="str")
    rows["target"] = pd.Series(["[]", encode([Answer(0, 3, "sea")]), "[]", "[]"], dtype="str")
    counts = {"train": {"questions": 4, "unanswerable": 3}, "test": {"questions": 1}}
    told, _ = profile(rows, rows.iloc[:1], counts)["warnings"]
    assert told == "3 of 4 questions have no answer: an empty one to every question would score 0.7500"


def test_a_key_is_read_as_words() -> None:
    numbers = dict.fromkeys(
        ("reported_cv", "reported_se", "true_score", "true_se", "difference", "standard_errors"), 0.0
    )
    assert render({"metric": "exact", "n": 3, **numbers}).startswith("exact match on 3 held-out rows\n")
    assert render({"metric": "squad_f1", "n": 3, **numbers}).startswith("squad_f1 on 3 held-out rows\n")
