"""Figures of single stages: doubtful labels, made rows, pseudo-labels, learning curves, weights of ensembles."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium.files import read_json, read_table

DOUBTFUL, SAMPLES, TEXT, POINTS = 25, 4, 600, 80
"""Rows of the noise review, made rows of each verdict, characters of a text, points of a learning curve."""


def shortened(text: str) -> str:
    """A text's first characters, and a mark where it goes on."""
    return text if len(text) <= TEXT else f"{text[:TEXT]}…"


def noise(review: Path, summary: Path) -> dict[str, Any]:
    """The summary of stage noise, and the most doubtful labels with their texts."""
    rows = pd.read_csv(review, dtype="str", keep_default_na=False, nrows=DOUBTFUL)
    kept = ["id", "given", "suggested", "confidence", "quality", "pruned_in", "override"]
    texts = [name for name in ("text_a", "text_b") if name in rows]
    rows = rows[rows["quality"] != ""]
    worst = [
        {**{name: row[name] for name in kept}, "texts": [shortened(row[name]) for name in texts]}
        for row in rows.to_dict("records")
    ]
    return {"summary": read_json(summary), "worst": worst}


def made(table: Path, train: pd.DataFrame) -> dict[str, Any]:
    """What an augmentation made: rows by verdict, and some of each beside the rows that they were made from.

    Samples are spread evenly over the table.
    """
    rows = read_table(table)
    texts = [name for name in ("text_a", "text_b") if name in rows]
    sources = train.set_index("id")
    samples = []
    verdicts = rows["verdict"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    for verdict in verdicts.index:
        these = rows[rows["verdict"] == verdict]
        for place in np.unique(np.linspace(0, len(these) - 1, SAMPLES).astype(int)):
            row = these.iloc[place]
            source = sources.loc[row["source_id"]]
            sides = [[shortened(str(source[name])), shortened(str(row[name]))] for name in texts]
            samples.append({"id": str(row["id"]), "verdict": str(verdict), "texts": sides})
    counts = [{"verdict": str(name), "rows": int(count)} for name, count in verdicts.items()]
    return {"name": table.stem, "rows": len(rows), "verdicts": counts, "samples": samples}


def pseudo(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Pseudo-labels by round: what each fold accepted, and the estimates of how many are right; files of each fold."""
    found: dict[int, list[dict[str, Any]]] = {}
    for path in files:
        facts = read_json(path)
        fold = {
            "fold": int(path.stem.removeprefix("fold")),
            **{key: facts[key] for key in ("accepted", "candidates")},
            "precision": facts["precision"],
            "why": facts.get("why", {}),
        }
        found.setdefault(int(path.parent.name.removeprefix("round")), []).append(fold)
    return [
        {
            "round": number,
            "folds": sorted(folds, key=lambda fold: fold["fold"]),
            "classes": _classes(files, number),
        }
        for number, folds in sorted(found.items())
    ]


def _classes(files: Sequence[Path], number: int) -> list[dict[str, Any]]:
    """Means over the folds of what was accepted of each class; none where a task's labels are no classes."""
    facts = [read_json(path) for path in files if path.parent.name == f"round{number}"]
    parts = [one.get("classes") for one in facts]
    if not parts or not all(isinstance(part, dict) and part for part in parts):
        return []
    tables = [part for part in parts if part]
    return [
        {
            "name": name,
            "accepted": float(np.mean([part[name]["accepted"] for part in tables])),
            "precision": _mean([part[name].get("precision") for part in tables]),
        }
        for name in tables[0]
        if all(name in part and "accepted" in part[name] for part in tables)
    ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def curve(model: Path) -> dict[str, Any] | None:
    """A fold's learning curve in at most 80 points, each the mean of its steps; None for a model without one."""
    path = model / "curve.csv"
    if not path.is_file() or not path.stat().st_size:
        return None
    steps = pd.read_csv(path)
    if "loss" not in steps or steps.empty:
        return None
    at = steps["step" if "step" in steps else "epoch"].to_numpy(dtype=np.float64)
    parts = np.array_split(np.arange(len(steps)), min(POINTS, len(steps)))
    found: dict[str, Any] = {
        "unit": "step" if "step" in steps else "epoch",
        "at": [float(at[part].mean()) for part in parts],
        "loss": [float(steps["loss"].iloc[part].mean()) for part in parts],
    }
    if "rate" in steps:
        found["rate"] = [float(steps["rate"].iloc[part].mean()) for part in parts]
    return found


def ensemble(fit: Path) -> dict[str, Any]:
    """An ensemble's members and, where it has some, their weights: fitted on all folds, and without each fold."""
    facts = read_json(fit)
    members = facts["members"]
    if "weights" in facts:  # of a span task: by member
        whole = [facts["weights"].get(member, 0.0) for member in members]
        folds = [[part.get(member, 0.0) for member in members] for part in facts["fold_weights"]]
        return {"name": fit.parent.name, "members": members, "kind": "weights", "all": whole, "folds": folds}
    own, parts = facts["params"], facts["fold_params"]
    for kind, read in (("weights", _weights), ("coefficients", _coefficients)):
        found = [read(params, len(members)) for params in [own, *parts]]
        if all(weights is not None for weights in found):
            return {
                "name": fit.parent.name,
                "members": members,
                "kind": kind,
                "all": found[0],
                "folds": found[1:],
            }
    kind = "equal" if facts["method"] == "mean" else "none"
    return {"name": fit.parent.name, "members": members, "kind": kind, "all": None, "folds": []}


def _weights(params: dict[str, Any], members: int) -> list[float] | None:
    weights = params.get("weights")
    if not isinstance(weights, list) or len(weights) != members:
        return None
    total = sum(weights)
    return [float(weight / total) for weight in weights] if total else None


def _coefficients(params: dict[str, Any], members: int) -> list[float] | None:
    """The members' shares of the absolute coefficients of a stack, whose columns are members by classes."""
    if "coef" not in params or "figures" in params:
        return None
    table = np.abs(np.atleast_2d(np.asarray(params["coef"], dtype=np.float64)))
    if table.shape[1] % members or not table.sum():
        return None
    share = table.sum(axis=0).reshape(members, -1).sum(axis=1) / table.sum()
    return [float(value) for value in share]
