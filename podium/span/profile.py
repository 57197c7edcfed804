"""What there is to say of the questions of a span task before anything is trained."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from podium.span.answers import decode_all

_QUANTILES = {"min": 0.0, "median": 0.5, "p95": 0.95, "max": 1.0}


def profile(
    train: pd.DataFrame, test: pd.DataFrame, counts: Mapping[str, Mapping[str, int]]
) -> dict[str, Any]:
    """Describe the rows in plain JSON values: counts of ingest, lengths in characters, what a person should know.

    ``counts`` are those of ``podium.span.ingest`` by part. The keys that other tasks' profiles share have their shape.
    """
    parts = {"train": train, "test": test}
    known = {" ".join(text.split()) for text in train["text_b"]}
    shared = sum(" ".join(text.split()) in known for text in test["text_b"])
    lengths: dict[str, Any] = {
        part: {
            "question": _lengths(table["text_a"].tolist()),
            "context": _lengths(table["text_b"].tolist()),
            "tokens": {"cut": {}},
        }
        for part, table in parts.items()
    }
    answers = [answer.text for row in decode_all(train["target"]) for answer in row]
    return {
        "rows": {part: len(table) for part, table in parts.items()},
        "counts": {part: dict(found) for part, found in counts.items()},
        "lengths": lengths,
        "answers": _lengths(answers) if answers else {},
        "test_questions_on_train_contexts": shared,
        "warnings": list(_warnings(counts, shared, len(test))),
    }


def _lengths(texts: Sequence[str]) -> dict[str, float]:
    sizes = np.array([len(text) for text in texts])
    return {name: float(np.quantile(sizes, share)) for name, share in _QUANTILES.items()}


def _warnings(counts: Mapping[str, Mapping[str, int]], shared: int, tested: int) -> Iterator[str]:
    found = counts["train"]
    if found.get("answers_lost"):
        yield f"{found['answers_lost']} published answers do not stand in their contexts: scored, not learned from"
    if found.get("untrainable"):
        yield f"{found['untrainable']} questions have no other answer: nothing is learned from them"
    if found.get("unanswerable"):
        yield (
            f"{found['unanswerable']} of {found['questions']} questions have no answer: an empty one to every question "
            f"would score {found['unanswerable'] / found['questions']:.4f}"
        )
    if shared:
        yield (
            f"{shared} of {tested} test questions are on contexts of train, but folds keep a context together: the "
            "true score may be higher"
        )
