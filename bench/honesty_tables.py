"""The tables of the hold-out test, from its finished runs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench import honesty_gain
from bench.honesty_splits import FOLDS
from bench.honesty_statistics import corrected_error, coverage, plain_error, summary, z_scores
from bench.runs import Spec

ELSEWHERE = [
    {
        "data": "mr",
        "run": "AutoGluon 1.6.3, best preset",
        "rows": "official test",
        "reported": 0.702,
        "true": 0.689,
    },
    {
        "data": "mr",
        "run": "AutoGluon 1.6.3, forced second layer",
        "rows": "official test",
        "reported": 0.771,
        "true": 0.682,
    },
    {"data": "sentiment", "run": "AutoGluon 1.6.3", "rows": "not known", "reported": 0.699, "true": 0.506},
]
"""Measured elsewhere, not by this command."""


def tables(results: Sequence[tuple[Spec, dict[str, Any]]]) -> dict[str, Any]:
    """All that is said of the runs."""
    split = [(spec, result) for spec, result in results if not spec.get("official")]
    main_runs = [(spec, result) for spec, result in split if _variant(spec) == ""]
    groups = _groups([result["scores"] for _, result in main_runs])
    found = {
        "holdout": _holdout(split),
        "coverage": groups,
        "gain": honesty_gain.table(main_runs),
        "autogluon": _beside(results),
    }
    return {name: _plain(value) for name, value in found.items()}


def _plain(value: Any) -> Any:
    """JSON has no word for what is not a number: errors of a single split become None."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and np.isnan(value) else value


def for_people(result: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What ``tables`` found, all as tables."""
    return {**result, "coverage": _coverage_table(result["coverage"])}


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a Markdown table, numbers with four decimals at most."""
    lines = [list(rows[0]), ["---"] * len(rows[0])] + [
        [_cell(value) for value in row.values()] for row in rows
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _variant(spec: Spec) -> str:
    if spec["by"] == "rows":
        return "split by rows"
    return f"{spec['folds']} folds" if spec["folds"] == 2 * FOLDS else ""


def _holdout(runs: Sequence[tuple[Spec, dict[str, Any]]]) -> list[dict[str, Any]]:
    """One row a set and score, over its splits."""
    found = []
    for data, variant in dict.fromkeys((spec["data"], _variant(spec)) for spec, _ in runs):
        mine = [result for spec, result in runs if (spec["data"], _variant(spec)) == (data, variant)]
        share = mine[0]["holdout"] / mine[0]["pool"]
        for name in dict.fromkeys(_title(score) for result in mine for score in result["scores"]):
            cases = [score for result in mine for score in result["scores"] if _title(score) == name]
            head = {"data": f"{data}, {variant}" if variant else data, "score": name}
            found.append({**head, "metric": mine[0]["metric"], **_figures(cases, share)})
        if "unseen" in mine[0]:
            cases = [score for result in mine for score in result["unseen"] if score["what"] == "submitted"]
            head = {"data": f"{data}, {variant}", "score": "submitted, unseen rows alone"}
            found.append({**head, "metric": mine[0]["metric"], **_figures(cases, share)})
    return found


def _figures(cases: Sequence[dict[str, Any]], share: float) -> dict[str, Any]:
    differences = [case["cv"] - case["true"] for case in cases]
    averaged = [case["true"] - case["single"] for case in cases if "single" in case]
    expected = [case["expected_gain"] for case in cases if "expected_gain" in case]
    return {
        "splits": len(cases),
        "CV": float(np.mean([case["cv"] for case in cases])),
        "true": float(np.mean([case["true"] for case in cases])),
        "difference": float(np.mean(differences)),
        "SE": plain_error(differences),
        "corrected SE": corrected_error(differences, share=share),
        "reported SE": float(np.mean([case["se"] for case in cases])),
        "mean z": float(z_scores(cases).mean()),
        "inside 90%": coverage(cases),
        "averaging": float(np.mean(averaged)) if averaged else None,
        "expected": float(np.mean(expected)) if expected else None,
    }


def _title(score: dict[str, Any]) -> str:
    if score["what"] == "member":
        return f"{score['name'].removesuffix('-s0')}, round {score['round']}"
    return (
        "chosen"
        if score["name"] == "best"
        else "submitted"
        if score["what"] == "submitted"
        else score["name"]
    )


def _groups(runs: Sequence[Sequence[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Coverage of all scores and of each sort: as reported; against the fold models alone; plus the expected gain."""
    if not runs:
        return {}
    sorts = {
        "all": lambda case: True,
        "members, round 0": lambda case: case["what"] == "member" and case["round"] == "0",
        "members, round 1": lambda case: case["what"] == "member" and case["round"] == "1",
        "ensembles": lambda case: case["what"] == "ensemble" and case["name"] != "best",
        "chosen": lambda case: case["name"] == "best",
        "submitted": lambda case: case["what"] == "submitted",
    }
    found = {}
    for name, wanted in sorts.items():
        mine = [[case for case in run if wanted(case)] for run in runs]
        found[name] = {
            **summary(mine),
            "alone": summary([[alone(case) for case in run if "single" in case] for run in mine]),
            "corrected": summary(
                [[corrected(case) for case in run if "expected_gain" in case] for run in mine]
            ),
        }
    return found


def alone(case: dict[str, Any]) -> dict[str, Any]:
    """The case with the truth of the fold models, each alone."""
    return {**case, "true": case["single"]}


def corrected(case: dict[str, Any]) -> dict[str, Any]:
    """The case with the score that averaging the fold models lets expect, and with the error of that."""
    se = float(np.hypot(case["se"], case.get("expected_gain_se", 0.0)))
    return {**case, "cv": case["cv"] + case["expected_gain"], "se": se}


def _coverage_table(groups: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a sort of score and reading of it."""
    readings = {
        "": "as reported",
        "alone": "against fold models alone",
        "corrected": "plus the expected gain",
    }
    rows = []
    for name, figures in groups.items():
        for key, words in readings.items():
            given = figures[key] if key else figures
            kept = {
                name: given.get(name)
                for name in ("runs", "cases", "mean_difference", "mean_z", "mean_z_se", "sd_z")
            }
            rows.append({"scores": name, "reading": words, **kept, "inside": given.get("inside")})
    return rows


def _beside(results: Sequence[tuple[Spec, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Reported and true scores on official splits, AutoGluon's from elsewhere."""
    found = []
    for spec, result in results:
        if not spec.get("official"):
            continue
        share = result["seen"]
        for rows, key in (
            ("official test", "scores"),
            ("test rows without a near-duplicate in train", "unseen"),
        ):
            if key == "unseen" and share < 0.01:
                continue
            score = next(score for score in result[key] if score["what"] == "submitted")
            facts = {"data": spec["data"], "run": "Podium, fast members", "rows": rows}
            found.append(facts | {"reported": score["cv"], "true": score["true"], "measured": "here"})
    return found + [{**row, "measured": "elsewhere"} for row in ELSEWHERE] if found else []
