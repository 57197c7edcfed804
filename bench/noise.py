"""Label noise: what is flagged, and the score on clean test labels after each way to treat it.

Labels of a clean set are flipped, at random or each class into one other class; CIC and TNEWS are noisy as they come.
Each row of the table is the same linear member trained on what one treatment leaves. Finished runs are kept in
``--json FILE``, one line each: a stopped measurement is started again with the same file.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

from bench import data_sets
from bench.accuracy import available
from bench.common import arguments, show
from bench.runs import mean_and_error, plain_errors, run_all
from podium import models
from podium.config import Linear
from podium.config.noise import Noise
from podium.duplicates import clusters, comparable, components
from podium.files import write_table
from podium.folds import make_folds
from podium.lineage import training_table
from podium.metrics import score_labels
from podium.models.words import segments
from podium.noise.averages import Average
from podium.noise.crossfit import cross_fit
from podium.noise.judge import Rules, judge
from podium.plan_noise import RULES

LIMITS: dict[str, Any] = {
    "max_share": 1.0,
    "class_max_share": 1.0,
}  # so that the rules themselves are compared
FOLDS = 5
TREATMENTS = ("none", "prune", "prune both", "relabel", "weight", "margin 0.3", "cleanlab's recipe", "oracle")
NOISY = ("cic", "tnews")  # noisy as they come: nobody knows which labels are wrong
PUBLISHED = {"cic": "0.728 raw, 0.733 after deleting noise", "tnews": "0.468 raw, 0.493 after deleting noise"}


def main() -> None:
    """Measure and print."""
    given = arguments(
        __doc__.splitlines()[0],
        data={
            "nargs": "+",
            "default": ["r8", "cic", "tnews"],
            "help": "data sets (python -m bench.data_sets)",
        },
        seeds={"type": int, "default": 3, "help": "number of seeds"},
        rows={"type": int, "help": "training rows, a stratified subset; all where not given"},
        rates={
            "type": float,
            "nargs": "+",
            "default": [0.0, 0.1, 0.2, 0.4],
            "help": "shares of labels to flip",
        },
        jobs={"type": int, "default": 2, "help": "processes at a time, one thread each"},
    )
    rows, seeds, rates = given.rows, given.seeds, given.rates
    if given.quick:
        rows, seeds, rates = rows or 800, 1, [0.0, 0.2]
    specs = [
        {"data": name, "rate": rate, "kind": kind, "seed": seed, "rows": rows}
        for name in available(given.data)
        for seed in range(seeds)
        for rate, kind in _flips(name, rates)
    ]
    table = summary(run_all(specs, run, given.json, jobs=given.jobs))
    if table:
        show(table, {}, None)
    for name, text in PUBLISHED.items():
        if name in given.data:
            print(f"published for {name} (a three-layer RoBERTa, macro-F1): {text}")


def _flips(name: str, rates: list[float]) -> list[tuple[float, str]]:
    if name in NOISY:
        return [(0.0, "its own")]
    return [(rate, kind) for rate in rates for kind in (("random", "class") if rate else ("none",))]


def flip(codes: np.ndarray, rate: float, kind: str, classes: int, seed: int) -> np.ndarray:
    """Labels (N,) of which a share ``rate`` is wrong: of a random other class, or of the one after their own."""
    random = np.random.default_rng([seed, 0])
    wrong = random.random(len(codes)) < rate
    shift = random.integers(1, classes, len(codes)) if kind == "random" else 1
    return np.where(wrong, (codes + shift) % classes, codes)


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Judge the labels of one data set once, train after each treatment, score the whole test part."""
    data = data_sets.load(spec["data"])
    train = data_sets.subset(data.train, spec["rows"]).reset_index(drop=True)
    clean = data.codes(train)
    given = flip(clean, spec["rate"], spec["kind"], len(data.labels), spec["seed"])
    rows, names = train.drop(columns="target"), np.array(data.labels)
    labelled = pd.DataFrame({"id": rows["id"], "target": names[given]})
    known = None if spec["data"] in NOISY else given != clean
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        proba = _probabilities(data, labelled, rows, spec["seed"], Path(folder))
        for treatment in TREATMENTS:
            if known is None and treatment in ("oracle", "cleanlab's recipe"):
                continue  # nobody knows the wrong labels; the recipe is for a language with words
            verdicts = _verdicts(treatment, labelled, rows, proba, known, spec["seed"])
            found[treatment] = _result(data, labelled, rows, verdicts, treatment, known, spec["seed"])
    return found


def _probabilities(
    data: data_sets.DataSet, labelled: pd.DataFrame, rows: pd.DataFrame, seed: int, folder: Path
) -> Average:
    """Cross-validated probabilities of the linear member, near-duplicates together, as the noise stage makes them."""
    forms = comparable([rows[name].tolist() for name in segments(rows)])
    near = components(*(clusters(texts, threshold=0.8, seed=seed) for texts in forms))
    dealt = make_folds(labelled["target"].tolist(), None, near, n=FOLDS, seed=seed, type="single_label")
    folds = pd.DataFrame({"id": rows["id"], "fold": dealt, "cluster": near})
    table = cross_fit(
        labelled,
        rows,
        folds,
        data.labels,
        type="single_label",
        kind="linear",
        options=_linear(data),
        seed=seed,
        device="cpu",
        threads=1,
        scratch=folder,
    )
    write_table(table, folder / "proba.parquet")
    return Average([folder / "proba.parquet"], data.labels, "single_label", among=labelled["id"])


def _verdicts(
    treatment: str,
    labelled: pd.DataFrame,
    rows: pd.DataFrame,
    proba: Average,
    known: np.ndarray | None,
    seed: int,
) -> pd.DataFrame | None:
    """The noise table of one treatment."""
    if treatment == "none":
        return None
    ids = labelled[["id"]]
    if treatment == "oracle":
        return ids.assign(pruned=known)
    if treatment == "cleanlab's recipe":
        return ids.assign(pruned=_cleanlab(rows, labelled["target"], seed))
    filters = {"prune both": "both", "margin 0.3": "margin"}
    settings = Noise(filter_by=filters.get(treatment, Noise().filter_by), **LIMITS).model_dump()
    rules = Rules(**{key: settings[key] for key in RULES})
    none = pd.Series([], dtype="str")
    return judge(labelled, proba, proba.labels, rules, type="single_label", certain=none)[0]


def _cleanlab(rows: pd.DataFrame, target: pd.Series, seed: int) -> np.ndarray:
    """Cleanlab's own example: a linear model, five folds, its default filter."""
    from cleanlab.filter import find_label_issues

    given = pd.factorize(target, sort=True)[0]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=400, random_state=seed))
    proba = cross_val_predict(model, rows["text_a"], given, cv=FOLDS, method="predict_proba")
    return np.asarray(find_label_issues(given, proba, n_jobs=1))


def _result(
    data: data_sets.DataSet,
    labelled: pd.DataFrame,
    rows: pd.DataFrame,
    verdicts: pd.DataFrame | None,
    treatment: str,
    known: np.ndarray | None,
    seed: int,
) -> dict[str, float]:
    """Test score of the linear member, and precision and recall of the flags."""
    folds, names = pd.DataFrame({"id": rows["id"], "fold": 0}), np.array(data.labels)
    action: Any = treatment if treatment in ("relabel", "weight") else "prune"
    kept = training_table(labelled, folds, None, noise=verdicts, action=action)
    texts = rows.set_index("id").loc[kept["id"]].reset_index()
    model = models.make("linear", _linear(data), classes=len(names), seed=seed, device="cpu", threads=1)
    model.fit(texts, data.codes(kept), kept["weight"].to_numpy())
    predicted = names[model.predict(data.test.drop(columns="target")).argmax(axis=1)]
    labels = sorted({*data.labels, *data.test["target"]})
    score = score_labels(data.metric, data.test["target"].tolist(), predicted.tolist(), labels).value
    result = {"score": float(score)}
    if verdicts is not None:
        flagged = verdicts["pruned"].to_numpy()
        result["flagged"] = float(flagged.mean())
        if known is not None:
            result["precision"] = float(known[flagged].mean()) if flagged.any() else float("nan")
            result["recall"] = float(flagged[known].mean()) if known.any() else float("nan")
    return result


def _linear(data: data_sets.DataSet) -> dict[str, Any]:
    """The linear member: the one that the noise stage uses, too; characters for Chinese."""
    changes: dict[str, Any] = {"c": 10.0}
    if data.name in NOISY:
        changes["tfidf"] = {"word_ngrams": None, "char_ngrams": [1, 3], "min_df": 2}
    options = Linear(kind="linear", **changes).model_dump()
    return {key: options[key] for key in ("tfidf", "c", "class_weight", "max_iter")}


def summary(results: list[tuple[dict[str, Any], Any]]) -> list[dict[str, Any]]:
    """One row for each data set, kind of noise, rate and treatment."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for spec, result in results:
        groups.setdefault((spec["data"], spec["kind"], spec["rate"]), []).append(result)
    table = []
    for (data, kind, rate), runs in groups.items():
        for treatment in [name for name in TREATMENTS if name in runs[0]]:
            mine = [run[treatment] for run in runs]
            mean, error = mean_and_error(run["score"] for run in mine)
            pairs = [run[treatment]["score"] - run["none"]["score"] for run in runs]
            difference, its_error = mean_and_error(pairs)
            table.append(
                {
                    "data": data,
                    "noise": kind,
                    "rate": rate,
                    "treatment": treatment,
                    "flagged": _mean(mine, "flagged"),
                    "precision": _mean(mine, "precision"),
                    "recall": _mean(mine, "recall"),
                    "score": mean,
                    "SE": error,
                    "gain": difference,
                    "SE of gain": its_error,
                }
            )
    return table


def _mean(runs: list[dict[str, Any]], key: str) -> float:
    return mean_and_error(run.get(key, float("nan")) for run in runs)[0]


if __name__ == "__main__":
    with plain_errors():
        main()
