"""Reported cross-validated score beside the true one on rows that the run never saw, over many random splits.

All labelled rows of a set are pooled and split at random again and again; the real workflow runs on one side with fast
members, and every score that it reports is compared with the truth of the other side. Near-duplicates and groups stay
on one side, since folds that keep them together estimate the score on unseen texts. Finished runs are kept in ``--json
FILE``, one line each: a stopped measurement is started again with the same file.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import honesty_gain, honesty_splits
from bench.accuracy import available
from bench.common import arguments, show
from bench.honesty_averaging import Results, place
from bench.honesty_splits import FOLDS, METRICS, TASK
from bench.honesty_tables import for_people, markdown, tables
from bench.runs import Spec, plain_errors, run_all
from podium.files import read_table, write_json
from podium.metrics import Score, score_labels

SETS = tuple(METRICS)
SPLITS, TRAIN, HOLDOUT = 10, 2000, 2500
EXTRA_SPLITS = 5
INTERVALS = ("low", "high", "board_low", "board_high")
NAIVE, MORE_FOLDS = "sentiment", "mr"
"""The set that is split by rows, too, and the one that is run with twice the folds."""


def main() -> None:
    """Measure and print."""
    given = arguments(
        __doc__.splitlines()[0],
        data={"nargs": "+", "default": list(SETS), "choices": SETS, "help": "data sets"},
        splits={"type": int, "default": SPLITS, "help": "random splits of each set"},
        jobs={"type": int, "default": 1, "help": "runs at a time, one core each"},
        markdown={"action": "store_true", "help": "print the tables as Markdown"},
        summary={"type": Path, "help": "write the tables to this JSON file"},
    )
    specs = plan(available(given.data), splits=given.splits, quick=given.quick)
    result = tables(run_all(specs, run, given.json, jobs=given.jobs))
    for name, rows in for_people(result).items():
        if rows:
            print(f"\n{name}\n")
            print(markdown(rows)) if given.markdown else show(rows, {}, None)
    if given.summary:
        write_json(result, given.summary)


def measure(quick: bool, file: Path | None, jobs: int) -> dict[str, Any]:
    """Return the tables ``holdout``, ``gain``, ``autogluon`` and the figures ``coverage``; ``file`` keeps the runs."""
    return tables(run_all(plan(available(list(SETS)), splits=SPLITS, quick=quick), run, file, jobs=jobs))


def plan(names: Sequence[str], *, splits: int, quick: bool) -> list[Spec]:
    """The runs, each set's first splits first."""
    if quick:
        sizes = {"train": 500, "holdout": 1000, "folds": 3}
        return [_spec(name, number, **sizes) for number in range(2) for name in names[:2]]
    found = []
    for number in range(splits):
        found += [_spec(name, number) for name in names]
        if number == 0:
            found += [{"data": name, "official": True} for name in ("mr", "sentiment") if name in names]
        if 1 <= number <= EXTRA_SPLITS:
            found += [_spec(NAIVE, number - 1, by="rows")] * (NAIVE in names)
            found += [_spec(MORE_FOLDS, number - 1, folds=2 * FOLDS)] * (MORE_FOLDS in names)
    return found


def _spec(name: str, number: int, **changes: Any) -> Spec:
    base = {"data": name, "split": number, "by": "units", "train": TRAIN, "holdout": HOLDOUT, "folds": FOLDS}
    return {**base, **changes}


def run(spec: Spec) -> dict[str, Any]:
    """Split, run the workflow on one side, score everything it made on the other."""
    name = spec["data"]
    if spec.get("official"):
        train, holdout = honesty_splits.part(name, "train"), honesty_splits.part(name, "test")
        rows, number, folds = pd.concat([train, holdout]), 0, FOLDS
    else:
        rows, number, folds = honesty_splits.pool(name), spec["split"], spec["folds"]
        sizes = {"train": spec["train"], "holdout": spec["holdout"]}
        train, holdout = honesty_splits.split(rows, **sizes, seed=number, by=spec["by"])
    seen = _seen(train, holdout)
    settings = honesty_splits.config(train, name, folds=folds, seed=number)
    result: dict[str, Any] = {
        "metric": METRICS[name],
        "pool": len(rows),
        "train": len(train),
        "holdout": len(holdout),
        "seen": float(seen.mean()),
        "without_class": float((~holdout["target"].isin(train["target"])).mean()),
    }
    with tempfile.TemporaryDirectory(prefix="podium-bench-") as scratch:
        folder = Path(scratch)
        result["cpu_seconds"] = honesty_splits.run(folder, settings, train, holdout)
        results = Results(folder / "results")
        result["scores"] = true_scores(results, holdout, METRICS[name])
        if spec.get("official") or spec["by"] == "rows":
            result["unseen"] = true_scores(results, holdout[~seen], METRICS[name])
    if not spec.get("official") and spec["by"] == "units" and folds != 2 * FOLDS:
        before = time.process_time()
        result["stacking"] = honesty_gain.stacking(
            settings["models"], train, holdout, metric=METRICS[name], seed=number
        )
        result["stacking_cpu_seconds"] = time.process_time() - before
    return result


def _seen(train: pd.DataFrame, holdout: pd.DataFrame) -> np.ndarray:
    """Which hold-out rows (N,) have a near-duplicate among the training rows."""
    unit = honesty_splits.together(
        pd.concat([train, holdout], ignore_index=True).drop(columns="group", errors="ignore")
    )
    return np.isin(unit[len(train) :], unit[: len(train)])


def reported(results: Path) -> pd.DataFrame:
    """The table of scores, where this version of the workflow writes it."""
    path = results / "scores.csv"
    found = path if path.is_file() else results / f"scores/{TASK}/scores.csv"
    return pd.read_csv(found, dtype={"name": "str", "round": "str"}, keep_default_na=False, na_values=[""])


def true_scores(found: Results, holdout: pd.DataFrame, metric: str) -> list[dict[str, Any]]:
    """Each reported score with the true one.

    ``single`` is the true score of the fold models, each alone (the mean over the folds), ``expected_gain`` what the
    run says of the difference without labels.
    """
    truth = holdout.set_index("id")["target"]
    table = reported(found.results).to_dict(orient="records")
    cases = []
    for row in table:
        what, name = row["what"], row["name"]
        score = _score(truth, _labels(found.results, what, name, _round(row)), metric)
        case = {key: row[key] for key in ("what", "name", "cv", "se")} | {"round": _round(row)}
        case |= {"true": score.value, "true_se": score.se}
        case |= {key: row[key] for key in INTERVALS if not pd.isna(row.get(key))}
        case["single"] = found.single(found.said(what, name, _round(row)), truth, metric)
        if not pd.isna(row["gain"]):
            case |= {"expected_gain": row["gain"], "expected_gain_se": row["gain_se"]}
        cases.append(case)
    return cases


def _round(row: dict[str, Any]) -> str:
    return "" if pd.isna(row["round"]) else str(row["round"])


def _labels(results: Path, what: str, name: str, number: str) -> pd.Series:
    """Labels of the test rows by id."""
    if what == "submitted":
        return read_table(results / f"decision/{TASK}/test.parquet").set_index("id")["label"]
    path = f"ensemble/{TASK}/{name}" if what == "ensemble" else f"predict/{TASK}/{name}/{place(number)}"
    table = read_table(results / path / "test.parquet").set_index("id")
    return table.idxmax(axis=1).str.removeprefix("p:")


def _score(truth: pd.Series, labels: pd.Series, metric: str) -> Score:
    given = labels.loc[truth.index]
    return score_labels(metric, truth.tolist(), given.tolist(), sorted({*truth, *given}))


if __name__ == "__main__":
    with plain_errors():
        main()
