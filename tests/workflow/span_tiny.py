"""Files of tiny span competitions: questions on who lives where, answered, at random places, or not at all."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from span_samples import facts
from tiny import Clone

from podium.span.answers import Answer, decode_all, encode

#: How the columns of the tables are called
DATA = {"question": "asked", "context": "passage", "answer": "said"}


def questions(count: int, *, seed: int) -> pd.DataFrame:
    """``id``, ``text_a``, ``text_b``, ``group``, ``target``, two questions on each context."""
    rows, targets = facts(count, seed=seed, silent=0.25)
    return rows.assign(target=targets)


def places(context: str) -> list[Answer]:
    """Every single word of a context, and every pair of neighbours."""
    found, start = [], 0
    ends: list[tuple[int, int]] = []
    for word in context.split(" "):
        ends.append((start, start + len(word)))
        start += len(word) + 1
    for number in range(len(ends)):
        for last in ends[number : number + 2]:
            low, high = ends[number][0], last[1]
            found.append(Answer(low, high, context[low:high]))
    return found


def at_random(rows: pd.DataFrame, *, seed: int, silent: float) -> pd.DataFrame:
    """The same questions, each with the answer at a place of its context that has nothing to do with it, or none."""
    random = np.random.default_rng(seed)
    drawn = []
    for context in rows["text_b"]:
        near = places(context)
        drawn.append([] if random.random() < silent else [near[random.integers(len(near))]])
    return rows.assign(target=[encode(answers) for answers in drawn])


def squad(rows: pd.DataFrame) -> dict[str, Any]:
    """The rows as a file of SQuAD 2.0 has them, an article for each context."""
    articles = []
    for group, part in rows.groupby("group", sort=False):
        asked = [
            {
                "id": row.id,
                "question": row.text_a,
                "is_impossible": not answers,
                "answers": [{"text": one.text, "answer_start": one.start} for one in answers],
            }
            for row, answers in zip(part.itertuples(), decode_all(part["target"]), strict=True)
        ]
        context = part["text_b"].iloc[0]
        articles.append({"title": group, "paragraphs": [{"context": context, "qas": asked}]})
    return {"version": "v2.0", "data": articles}


def table(rows: pd.DataFrame, *, answered: bool) -> pd.DataFrame:
    """The rows as a table, a column of answers in it or not."""
    found = rows.rename(columns={"text_a": DATA["question"], "text_b": DATA["context"]})
    found = found.drop(columns=["group", "target"])
    if answered:
        found[DATA["answer"]] = [answers[0].text if answers else "" for answers in decode_all(rows["target"])]
    return found


def write(clone: Clone, train: pd.DataFrame, test: pd.DataFrame, *, sample: list[str] | None = None) -> None:
    """Write ``data/qa``: train as SQuAD's JSON, test and hold-out as tables, the sample in the order of these ids."""
    folder: Path = clone.folder / "data/qa"
    folder.mkdir(parents=True)
    (folder / "train.json").write_text(json.dumps(squad(train)), encoding="utf-8")
    table(test, answered=False).to_csv(folder / "test.csv", index=False)
    table(test, answered=True).to_csv(folder / "holdout.csv", index=False)
    if sample is not None:
        form = pd.DataFrame({"Answer": "", "id": sample})
        form.to_csv(folder / "sample_submission.csv", index=False)
