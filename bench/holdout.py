"""Reported cross-validation score beside the true test score, for every member and ensemble of the default run.

``--seeds 0 1 2`` repeats the whole run with other seeds (folds, training, augmentation): differences in units of the
standard error should look like draws of a standard normal.
"""

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from bench.common import arguments, clone, show, snakemake
from podium.files import read_json


def main() -> None:
    """Measure and print."""
    seeds = {"type": int, "nargs": "+", "default": [7], "help": "seeds of the runs"}
    given = arguments(__doc__.splitlines()[0], cores={"type": int, "default": 2}, seeds=seeds)
    rows: list[dict[str, Any]] = []
    for seed in given.seeds:
        with tempfile.TemporaryDirectory(prefix="podium-bench-") as scratch:
            folder = clone(Path(scratch), quick=given.quick, seed=seed)
            wall = snakemake(folder, "all", "check_holdout", cores=given.cores)
            rows += [{"seed": seed, **row} for row in _rows(folder)]
            print(f"seed {seed}: {wall:.0f} s")
    show(rows, {"rows": rows}, given.json)


def _rows(folder: Path) -> list[dict[str, Any]]:
    """Accuracy by cross-validation and on the held-out test part."""
    truth = pd.read_csv(folder / "data/reuters_r8/holdout.csv", dtype="str").set_index("id")["label"]
    found = []
    for score in read_json(folder / "results/scores.json")["rows"]:
        found.append(_row(score, _true_score(folder, score, truth), len(truth)))
    return found


def _true_score(folder: Path, score: dict[str, Any], truth: pd.Series) -> float:
    if score["what"] == "submitted":
        table = pd.read_parquet(folder / "results/decision/topic/test.parquet").set_index("id")
        return float((table["label"].reindex(truth.index) == truth).mean())
    if score["what"] == "member":
        path = f"predict/topic/{score['name']}/round{score['round']}/test.parquet"
    else:
        path = f"ensemble/topic/{score['name']}/test.parquet"
    table = pd.read_parquet(folder / "results" / path).set_index("id")
    labels = table.idxmax(axis=1).str.removeprefix("p:")
    return float((labels.reindex(truth.index) == truth).mean())


def _row(score: dict[str, Any], true: float, rows: int) -> dict[str, Any]:
    error = (score["se"] ** 2 + true * (1 - true) / rows) ** 0.5
    return {
        "what": score["what"],
        "name": score["name"],
        "round": score["round"],
        "cv": score["cv"],
        "se": score["se"],
        "true": true,
        "difference / se": (score["cv"] - true) / error,
        "in the 90% interval": score["board_low"] <= true <= score["board_high"],
    }


if __name__ == "__main__":
    main()
