"""The random-label test on the full pipeline: with permuted labels, every score must be at chance.

Everything is switched on: three noise actions, balanced and fresh augmentation with a filter of labels,
back-translation, external and unlabelled rows, two pseudo-label rounds in which all vote, all ensembles, the choice
among them, tuned decisions.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import honesty_clones as clones
from bench.honesty_figures import SUBMITTED, Run, disagreeing, distances, plain
from bench.honesty_null import DRAWS, above, fold_correlation, inflation, look_normal
from bench.runs import Spec, run_all

PER_CLASS = {"acq": 80, "crude": 40, "earn": 80, "trade": 40}
TWINS = 16
"""Train rows that get a near-duplicate."""
OTHERS = {"test": 20, "more": 15, "web": 15}
"""Rows of each class in the other files."""
FOLDS = 4
APERTIUM = shutil.which("apertium") is not None
VERSION = 1
TARGETS = ("results/decision/topic/score.json", "ensemble")


def config(seed: int, *, apertium: bool) -> dict[str, Any]:
    """The config of a run with everything on; ``apertium`` says whether there is back-translation."""
    files = "data/tiny"
    task = {
        **clones.FILES,
        "metric": "macro_f1",
        "external": {
            "more": {
                "file": f"{files}/more.csv",
                "target": "topic",
                "labels": {f"x-{name}": name for name in clones.CLASSES},
            }
        },
        "unlabelled": {"web": {"file": f"{files}/web.csv"}},
    }
    back = (
        {"back": {"kind": "back_translation", "engine": "apertium", "through": ["spa"]}} if apertium else {}
    )
    eda = {"kind": "eda", "balance": True, "fresh": 3, "max_share": 0.8, "filter": {"label": 0.6}}
    return {
        "competition": "random",
        "seed": seed,
        "tasks": {"topic": task},
        "text": {
            "views": {"raw": [], "clean": ["nfkc", "lowercase", "lemmas", "whitespace", "drop_duplicates"]}
        },
        "folds": {"n": FOLDS},
        "noise": {
            "models": ["linear"],
            "filter_by": "predicted_neq_given",
            "inner_folds": 2,
            "max_share": 0.4,
            "relabel_confidence": 0.3,
        },
        "augment": {"eda": eda, **back},
        "models": {
            "linear": {
                **{"kind": "linear", "view": "clean", "noise": "relabel", "augment": ["eda"]},
                "tfidf": {"word_ngrams": [1, 1], "char_ngrams": None},
            },
            "letters": {
                **{"kind": "linear", "c": 1.0, "tfidf": {"word_ngrams": None, "char_ngrams": [2, 3]}},
                "augment": list(back or ["eda"]),
            },
            "trees": {
                **{"kind": "lightgbm", "noise": "weight", "augment": list(back or ["eda"])},
                **{"trees": 15, "svd": 8, "num_leaves": 4},
            },
            "bags": {
                **{"kind": "fasttext", "view": "clean", "noise": "prune", "augment": ["eda"]},
                **{"dimensions": 10, "epochs": 10, "buckets": 2000},
            },
        },
        "pseudo": {"rounds": 2, "confidence": 0.0, "agree": 0.51, "voters": None},
        "ensemble": {
            "blend": {"steps": 10},
            "named": {
                "geometric": {"kind": "mean", "average": "geometric", "temperature": True},
                "ranks": {"kind": "mean", "average": "rank"},
                "simplex": {"kind": "blend", "search": "simplex", "objective": "loss"},
                "bagged": {"kind": "blend", "bags": 4, "best_first": True, "steps": 10},
                "scored_vote": {"kind": "vote", "weighting": "score"},
                "learned_vote": {"kind": "vote", "weighting": "learned", "steps": 10},
                "ridge": {"kind": "stack", "model": "ridge"},
                "stacked_trees": {"kind": "stack", "model": "lightgbm", "trees": 20},
                "layers": {"kind": "layers", "first": ["blend", "ridge"], "second": "stack"},
            },
        },
        "decision": {"method": "offsets"},
    }


def prepare(folder: Path, permutation: int, *, apertium: bool) -> pd.Series:
    """Make the clone of one permutation; return the clusters of its train rows, by id."""
    others = sum(OTHERS.values())
    rows = clones.texts({name: count + others for name, count in PER_CLASS.items()}, seed=1)
    place, parts = rows.groupby("label").cumcount(), {}
    for name, count in OTHERS.items():
        parts[name] = rows[place < count].reset_index(drop=True)
        rows, place = rows[place >= count], place[place >= count] - count
    twins = rows.head(TWINS).assign(id=rows["id"] + "b", text=rows["text"].map(clones.twin))
    train = pd.concat([rows, twins]).sample(frac=1, random_state=permutation).reset_index(drop=True)
    cluster = clones.near_duplicates(train)
    train["label"] = clones.permuted(train, cluster, seed=permutation)
    more = parts["more"][["text"]].assign(topic="x-" + parts["more"]["label"])
    clones.make(
        *(folder, config(permutation, apertium=apertium), train, parts["test"]),
        more=more,
        web=parts["web"][["text"]],
    )
    return pd.Series(cluster, index=train["id"])


def run(spec: Spec) -> dict[str, Any]:
    """One permutation: run everything, and say how far each figure lies from chance."""
    with tempfile.TemporaryDirectory(prefix="podium-honesty-") as scratch:
        folder = Path(scratch)
        clusters = prepare(folder, spec["permutation"], apertium=spec["apertium"])
        seconds = clones.run(folder, *TARGETS)
        done = Run.of(folder)
        truth, figures = done.truth(clusters), done.figures()
        wrong = disagreeing(figures, truth)
        found = distances(figures, truth, draws=DRAWS, seed=spec["permutation"])
        return {"figures": plain(found), "disagreeing": wrong, "cpu_seconds": seconds}


def measure(permutations: int, file: Path | None, jobs: int) -> dict[str, Any]:
    """The figures of some permutations (``summary``)."""
    specs = [
        {"part": "random", "version": VERSION, "permutation": number, "apertium": APERTIUM}
        for number in range(permutations)
    ]
    return summary([result for _, result in run_all(specs, run, file, jobs=jobs)])


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """What the runs say: of the submitted score at the top, of all figures in ``figures`` and ``rounds``."""
    if not runs:
        sys.exit("bench: no run of the random-label test is finished")
    names = list(runs[0]["figures"])
    correlation = fold_correlation([[one["folds"] for one in run["figures"].values()] for run in runs])
    factor = inflation(correlation, FOLDS)
    table = [_row(name, [run["figures"][name] for run in runs], factor) for name in names]
    top = next(row for row in table if row["figure"] == SUBMITTED)
    scores = [run["figures"][SUBMITTED] for run in runs]
    folds = [z for run in runs for name in names for z in run["figures"][name]["folds"]]
    return {
        "mean_z": top["mean_z"],
        "sd_z": top["sd_z"],
        "n": len(runs),
        "mean_score": float(np.mean([one["score"] for one in scores])),
        "chance": float(np.mean([one["chance"] for one in scores])),
        "se": _error([one["score"] - one["chance"] for one in scores]),
        "within_two_se": bool(abs(top["mean_z"]) <= 2 * top["se_z"]),
        "ks_p": top["ks_p"],
        "fold_correlation": correlation,
        "sd_factor": factor,
        "fold_z": {"mean": float(np.mean(folds)), "sd": float(np.std(folds)), "n": len(folds)},
        "disagreeing": sorted({name for run in runs for name in run["disagreeing"]}),
        "cpu_seconds": float(np.mean([run["cpu_seconds"] for run in runs])),
        "figures": table,
    }


def _row(name: str, found: list[dict[str, Any]], factor: float) -> dict[str, Any]:
    z = [one["z"] / factor for one in found]
    spread = float(np.std(z, ddof=1)) if len(z) > 1 else float("nan")
    return {
        "figure": name,
        "score": float(np.mean([one["score"] for one in found])),
        "chance": float(np.mean([one["chance"] for one in found])),
        "mean_z": float(np.mean(z)),
        "se_z": _error(z),
        "sd_z": spread,
        "ks_p": look_normal(z),
        "above": above(z),
    }


def _error(values: list[float]) -> float:
    return float(np.std(values, ddof=1) / len(values) ** 0.5) if len(values) > 1 else float("nan")
