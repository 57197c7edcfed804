"""One training run on a data set's official split: its test score and what it cost."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from bench import data_sets, engine
from bench.baselines import Notebook, Rows, Setting
from bench.common import ROOT
from podium import models
from podium.config import KINDS
from podium.errors import UserError
from podium.metrics import score_labels
from podium.rerun import digest

Predict = Callable[[], np.ndarray]
CHINESE = ("cic", "tnews", "ocnli", "sentiment")


def spec(
    data: str, seed: int, *, rows: int | None, who: str = "transformer", **changes: Any
) -> dict[str, Any]:
    """A run as plain values: ``who`` is a kind of model, notebook or linear_svc; ``changes`` are the kind's options."""
    plain = {name: str(value) if isinstance(value, Path) else value for name, value in changes.items()}
    return {"who": who, "data": data, "rows": rows, "seed": seed, "changes": plain}


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Train on (a stratified subset of) the training part with one thread, score the whole test part.

    ``cpu_seconds`` are those of training, tokenising and loading counted; ``predict_cpu_seconds`` of the test part.
    """
    data = data_sets.load(spec["data"])
    train = data_sets.subset(data.train, spec["rows"])
    ways = {"notebook": _notebook, "linear_svc": _linear_svc}
    started, wall = time.process_time(), time.perf_counter()
    predict = ways.get(spec["who"], _podium)(spec, data, train)
    trained = time.process_time()
    predicted = np.array(data.labels)[predict().argmax(axis=1)]
    labels = sorted({*data.labels, *data.test["target"]})
    return {
        "score": score_labels(data.metric, data.test["target"].tolist(), predicted.tolist(), labels).value,
        "metric": data.metric,
        "cpu_seconds": trained - started,
        "predict_cpu_seconds": time.process_time() - trained,
        "wall_seconds": time.perf_counter() - wall,
        "code": digest(ROOT, f"podium/models/{'textcnn' if spec['who'] == 'textcnn' else 'transformer'}.py"),
    }


def options(spec: dict[str, Any], data: data_sets.DataSet) -> dict[str, Any]:
    """The options of a run: the default competition's or the kind's, the data set's length, the run's changes."""
    changes, kind = dict(spec["changes"]), spec["who"] if spec["who"] in KINDS else "transformer"
    changes.setdefault("max_length", data.max_length)
    if kind == "transformer":
        changes.setdefault("encoder", data_sets.encoder())
    return engine.options(kind, **changes)


def _podium(spec: dict[str, Any], data: data_sets.DataSet, train: pd.DataFrame) -> Predict:
    model: Any = models.make(
        spec["who"],
        options(spec, data),
        classes=len(data.labels),
        seed=spec["seed"],
        device="cpu",
        threads=1,
    )
    model.fit(train.drop(columns="target"), data.codes(train), np.ones(len(train)))
    return lambda: np.asarray(model.predict(data.test.drop(columns="target")))


def _notebook(spec: dict[str, Any], data: data_sets.DataSet, train: pd.DataFrame) -> Predict:
    """The notebook's mathematics with the transformer's rate, epochs and length; a batch is padded to its longest."""
    if "text_b" in train.columns:
        raise UserError(f"quality: the notebook reads single texts, and '{data.name}' has pairs")
    chosen = options(spec, data)
    setting = Setting(
        Path(chosen["encoder"]),
        len(data.labels),
        chosen["max_length"],
        chosen["batch_size"],
        threads=1,
        learning_rate=chosen["learning_rate"],
        epochs=round(chosen["epochs"]),
        seed=spec["seed"],
    )
    notebook = Notebook(setting, pad_to_longest=True)
    notebook.train(Rows(train["text_a"].tolist(), data.codes(train)))
    return lambda: notebook.predict(Rows(data.test["text_a"].tolist(), data.codes(data.test)))[0]


def _linear_svc(spec: dict[str, Any], data: data_sets.DataSet, train: pd.DataFrame) -> Predict:
    """TF-IDF of words and word pairs (of 1 to 3 characters in Chinese) and a linear SVC, nothing tuned."""
    chinese = data.name in CHINESE
    ngrams: dict[str, Any] = (
        {"analyzer": "char", "ngram_range": (1, 3)} if chinese else {"ngram_range": (1, 2)}
    )
    vectorizer = TfidfVectorizer(sublinear_tf=True, **ngrams)
    machine = LinearSVC(random_state=spec["seed"]).fit(
        vectorizer.fit_transform(_joined(train)), data.codes(train)
    )
    return lambda: np.eye(len(data.labels))[machine.predict(vectorizer.transform(_joined(data.test)))]


def _joined(rows: pd.DataFrame) -> list[str]:
    texts = rows["text_a"]
    return (texts + " " + rows["text_b"] if "text_b" in rows.columns else texts).tolist()
