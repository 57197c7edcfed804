"""What models, ensembles and the decision say of a single row, and whether it is right."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from podium.explain.lookup import rows
from podium.explain.places import Places
from podium.explain.story import Said, Story
from podium.files import read_json
from podium.predict import PREFIX, VALUE_PREFIX
from podium.span import metrics as span_metrics
from podium.span.answers import decode, texts
from podium.span.decode import DecodeOptions, n_best
from podium.span.predictions import Spans
from podium.targets import split

_ALL = 10**6
"""Characters of an answer at most, where no rule is fitted yet."""


def add(story: Story, places: Places) -> None:
    """Add what was said of a train, test or unlabelled row, and what was decided."""
    name = {"train": "oof", "test": "test"}.get(story.kind, f"unlabelled/{story.part}")
    for found in places.predicted():
        path = found.folder / f"{name}.parquet"
        said = _span(story, places, path) if story.type == "span" else _mean(path, story.id)
        if said is not None:
            values, answer = said
            right, error = _judged(story, values, answer)
            story.said.append(
                Said(
                    what="ensemble" if found.what == "ensemble" else "member",
                    name=found.name,
                    round=found.round,
                    values=values,
                    answer=answer,
                    right=right,
                    error=error,
                )
            )
    facts = places.facts()
    story.submitted = str(facts["chosen"]["name"]) if facts else None
    decided = rows(places.results / f"decision/{story.task}/{name}.parquet", {"id": [story.id]}, ["label"])
    if decided:
        _decide(story, str(decided[0]["label"]))


def _mean(path: Path, id: str) -> tuple[dict[str, float], str | None] | None:
    """The mean of a row's predictions in a table: one, or one for each fold."""
    found = rows(path, {"id": [id]})
    if not found:
        return None
    names = [name for name in found[0] if name.startswith((PREFIX, VALUE_PREFIX))]
    return {name[len(PREFIX) :]: float(np.mean([row[name] for row in found])) for name in names}, None


def _span(story: Story, places: Places, path: Path) -> tuple[dict[str, float], str | None] | None:
    """The best span of a question in its context, whatever its doubt, and the probability that there is none."""
    found = rows(path, {"id": [story.id]})
    if not found:
        return None
    where, start, end = (np.array(found[0][name], dtype=np.float64) for name in ("places", "start", "end"))
    offsets, null = np.array([0, len(where)]), np.array([found[0]["null"]])
    said = Spans([story.id], offsets, where.astype(np.int64), start, end, null)
    fit = places.results / f"decision/{story.task}/fit.json"
    most = read_json(fit)["max_characters"] if fit.is_file() else _ALL
    options = DecodeOptions(max_characters=most, candidates=20, complete=False)
    best = n_best(said, count=1, options=options)
    context = story.texts.get("text_b", "")
    answer = context[int(best.low[0]) : int(best.high[0])] if len(best.row) else ""
    return {"no answer": float(said.null[0])}, answer


def _judged(
    story: Story, values: Mapping[str, float], answer: str | None
) -> tuple[bool | None, float | None]:
    """Whether the plain decision is the given label, or how far the values are from it."""
    if story.label is None:
        return None, None
    if story.type == "span":
        return bool(_points(story, "" if answer is None else answer)), None
    if story.type == "regression":
        return None, _error(story.label, list(values.values()))
    if story.type == "multi_label":
        return {name for name, value in values.items() if value > 0.5} == set(split(story.label)), None
    return max(values, key=lambda name: values[name]) == story.label, None


def _decide(story: Story, label: str) -> None:
    story.decision = label
    if story.label is None:
        return
    if story.type == "regression":
        story.error = _error(story.label, [float(part) for part in split(label)])
    elif story.type == "span":
        story.points = _points(story, label)
        story.right = story.points == 1
    elif story.type == "multi_label":
        story.right = set(split(label)) == set(split(story.label))
    else:  # of ranked labels the first is the decision
        story.right = (split(label) or [""])[0] == story.label


def _error(label: str, values: list[float]) -> float:
    """Mean distance of values from the given ones."""
    return float(np.abs(np.array(values) - np.array([float(part) for part in split(label)])).mean())


def _points(story: Story, answer: str) -> float:
    """What the task's metric gives an answer."""
    assert story.label is not None
    return float(span_metrics.best(story.metric or "exact", answer, texts(decode(story.label))))
