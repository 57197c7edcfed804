"""All figures of one task that the page shows, gathered from a run's files. N rows, K classes or values, M members."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium import metrics
from podium.alignment import positions, probabilities
from podium.files import read_json, read_table
from podium.metric_file import shown
from podium.page import facts_labels, facts_rows, facts_spans, facts_stages, facts_values
from podium.scores import SETTLED
from podium.span.answers import decode_all
from podium.targets import JOINT, AnyType, TaskType, to_array

DIGITS = 6
"""Significant digits of a figure: more than anyone reads, and a file of half the size."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """Where a task's figures are; what a run or a type of task does not have is empty or None.

    ``oof`` are out-of-fold predictions in ``MEMBER/roundR/`` and ``MEMBER/settled/``, ``ensembles`` the predictions in
    ``NAME/``, beside which lies ``fit.json``. ``models`` are folders in ``MEMBER/roundR/foldK/``. ``tokens`` and
    ``tested_tokens`` are the tables of token ids in the order of the settings' ``encoders``.
    """

    scores: Path
    profile: Path
    train: Path
    test: Path
    labels: Path
    decided: Path
    oof: list[Path]
    ensembles: list[Path]
    models: list[Path]
    tokens: list[Path]
    tested_tokens: list[Path]
    noise: list[Path]
    made: list[Path]
    pseudo: list[Path]
    trust: list[Path]
    pretrained: list[Path]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the config says: ``readers`` are the members that read a table of token ids, and which one it is."""

    task: str
    type: AnyType
    metric: str
    submit: str
    readers: dict[str, int]
    off: dict[str, str]


def gather(files: Files, settings: Settings) -> dict[str, Any]:
    """Return the figures of a task, JSON-able; what there is not is None or an empty list."""
    train, test = read_table(files.train), read_table(files.test)
    found: dict[str, Any] = {
        "task": settings.task,
        "type": settings.type,
        "metric": settings.metric,
        "shown": shown(settings.metric),
        "greater": metrics.greater_is_better(settings.metric),
        "rows": {"train": len(train), "test": len(test)},
        "off": settings.off,
        "scores": read_json(files.scores),
        "profile": {key: read_json(files.profile).get(key) for key in ("warnings", "in_test", "duplicates")},
        **_predictions(files, settings, train, test),
        "curves": _curves(files.models),
        "noise": facts_stages.noise(*files.noise) if files.noise else None,
        "made": [facts_stages.made(path, train) for path in files.made],
        "pseudo": facts_stages.pseudo(files.pseudo),
        "ensembles": [facts_stages.ensemble(path.parent / "fit.json") for path in files.ensembles],
        "trust": {path.stem: read_json(path) for path in files.trust},
        "pretrained": [read_json(path) for path in files.pretrained],
    }
    rounded: dict[str, Any] = _rounded(found)
    return rounded


def _predictions(files: Files, settings: Settings, train: pd.DataFrame, test: pd.DataFrame) -> dict[str, Any]:
    """Figures of what was predicted of the training rows out of fold."""
    if settings.type == "span":
        return _spans(files, settings, train, test)
    names, ids = read_json(files.labels), train["id"]
    truth = to_array(train["target"], names, settings.type)
    said = _said(read_table(files.decided), ids, names, settings.type)
    submitted = next(path for path in files.ensembles if path.parent.name == settings.submit)
    calibration, rights, missed = [], {"submitted": _rights(truth, said)}, {}
    for name, path in {f"ensemble {settings.submit}": submitted, **_counting(files.oof)}.items():
        # One at a time: all members' tables together may be more than the memory holds
        proba = probabilities(read_table(path), ids, names, settings.type)
        if settings.type != "regression":
            calibration.append({"name": name, **facts_labels.of_probabilities(truth, proba)})
        if path != submitted:
            rights[name], missed[name] = _rights_of(truth, proba), _missed(truth, proba)
    found: dict[str, Any] = {
        "classes": None,
        "confusion": None,
        "calibration": calibration,
        "values": None,
        "answers": None,
    }
    if settings.type == "regression":
        found["values"] = facts_values.of_values(truth, said, names)
    else:
        found["classes"] = facts_labels.by_class(truth, said, names)
    if settings.type == "single_label":
        found["confusion"] = facts_labels.confusion(truth, said, names)
    series = {name: pd.Series(values, index=pd.Index(ids)) for name, values in rights.items()}
    return {
        **found,
        "alike": facts_rows.alike(missed),
        "lengths": _lengths(files, settings, train, test, series),
        "right": {"single_label": "accuracy", "multi_label": "share of right labels"}.get(
            settings.type, "error in deviations"
        ),
    }


def _spans(files: Files, settings: Settings, train: pd.DataFrame, test: pd.DataFrame) -> dict[str, Any]:
    said = read_table(files.decided)
    answers = said["label"].iloc[positions(said, train["id"])].tolist()
    found = facts_spans.of_answers(decode_all(train["target"]), answers, settings.metric)
    right = pd.Series(found.pop("rights"), index=pd.Index(train["id"]))
    none: dict[str, Any] = {
        "classes": None,
        "confusion": None,
        "calibration": [],
        "values": None,
        "alike": None,
    }
    lengths = _lengths(files, settings, train, test, {"submitted": right})
    return {**none, "answers": found, "lengths": lengths, "right": shown(settings.metric)}


def _counting(oof: list[Path]) -> dict[str, Path]:
    """Each member's predictions in the round that counts for it: settled, or its last."""
    found: dict[str, tuple[int, Path]] = {}
    for path in oof:
        name, round = path.parts[-3], path.parts[-2]
        number = len(oof) if round == SETTLED else int(round.removeprefix("round"))
        if name not in found or number > found[name][0]:
            found[name] = (number, path)
    return {name: found[name][1] for name in sorted(found)}


def _said(decided: pd.DataFrame, ids: pd.Series, names: list[str], type: TaskType) -> np.ndarray:
    """What was decided, as an array of ``podium.targets``; of labels in order the first."""
    texts = decided["label"].iloc[positions(decided, ids)]
    return to_array(texts.str.split(JOINT).str[0] if type == "single_label" else texts, names, type)


def _rights_of(truth: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """How right undecided predictions are (N,)."""
    if truth.dtype == np.float64:
        return _rights(truth, proba)
    return _rights(truth, proba > 0.5 if truth.ndim == 2 else proba.argmax(axis=1))


def _rights(truth: np.ndarray, said: np.ndarray) -> np.ndarray:
    """How right each row is (N,): 0 or 1, a share of its labels, the error in deviations of the values."""
    if truth.dtype == np.float64:
        return (np.abs(said - truth) / np.maximum(truth.std(axis=0), 1e-12)).mean(axis=1)
    if truth.ndim == 2:
        return ((said > 0.5) == (truth > 0.5)).mean(axis=1)
    return (said == truth).astype(np.float64)


def _missed(truth: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """What each row (N,) lacks to being right: probability, or the signed error in deviations."""
    if truth.dtype == np.float64:
        return ((proba - truth) / np.maximum(truth.std(axis=0), 1e-12)).mean(axis=1)
    if truth.ndim == 2:
        return np.abs(truth - proba).mean(axis=1)
    return 1 - proba[np.arange(len(truth)), truth]


def _lengths(
    files: Files, settings: Settings, train: pd.DataFrame, test: pd.DataFrame, rights: dict[str, pd.Series]
) -> dict[str, Any]:
    """The rows' lengths in tokens of the first encoder, else in characters; what models cut; scores by length."""
    tables = [facts_rows.token_lengths(path) for path in files.tokens]
    if tables:
        parts = {"train": tables[0], "test": facts_rows.token_lengths(files.tested_tokens[0])}
    else:
        parts = {"train": facts_rows.characters(train), "test": facts_rows.characters(test)}
    pairs = "text_b" in train
    cuts = {}
    for member, number in settings.readers.items():
        folders = [path for path in files.models if path.parts[-4] == member]
        rooms = [facts_rows.room_of(path, pairs) for path in folders[-1:]]
        if rooms and rooms[0] is not None:
            cuts[member] = facts_rows.cut(tables[number], rooms[0], rights.get(member))
    names = ["submitted", *cuts, *(name for name in rights if name not in cuts and name != "submitted")]
    return {
        "unit": "tokens" if tables else "characters",
        "by": next(iter(settings.readers), None),
        "histogram": facts_rows.histogram(parts),
        "cuts": cuts,
        "parts": facts_rows.by_length(
            parts["train"], {name: rights[name] for name in names if name in rights}
        ),
    }


def _curves(models: list[Path]) -> list[dict[str, Any]]:
    """Learning curves by member and round, in the order of folds."""
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for path in models:
        curve = facts_stages.curve(path)
        if curve is not None:
            key = (path.parts[-4], int(path.parts[-3].removeprefix("round")))
            found.setdefault(key, []).append({"fold": int(path.parts[-2].removeprefix("fold")), **curve})
    return [
        {"member": member, "round": number, "folds": sorted(folds, key=lambda fold: fold["fold"])}
        for (member, number), folds in sorted(found.items())
    ]


def _rounded(value: Any) -> Any:
    """The same with fewer digits; what is no finite number is None."""
    if isinstance(value, dict):
        return {str(key): _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
    return value
