"""Pretraining on anonymised texts: the same network with and without it, beside the linear member, in macro-F1.

TNEWS and the sentiment reviews are rewritten as the Daguan competition's rows are: each character becomes a number, by
a table drawn from a fixed seed, with spaces between. Pretraining reads the texts of all parts, and no label. Every run
has a seed of its own for the first weights, the masks and the fine-tuning. Finished runs are kept in ``--json FILE``,
one line each: a stopped measurement is started again with the same file. ``--write FOLDER`` only writes the rewritten
files, for a run of ``competitions/daguan_risk_events.yaml``.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import data_sets, engine
from bench.common import arguments, show
from bench.runs import mean_and_error, plain_errors, run_all
from podium import models
from podium.config.pretrain import Pretraining, Scratch
from podium.engine.determinism import set_up
from podium.files import write_csv, write_text
from podium.metrics import score_labels
from podium.plan_pretrain import READ
from podium.pretrain import scratch
from podium.pretrain.options import Settings
from podium.pretrain.run import pretrain

TABLE_SEED = 2021
DATA = ("tnews", "sentiment")
OTHER = {"tnews": "dev", "sentiment": "valid"}  # a part whose labels nobody reads here
CONTROL, VECTORS, TREATED = "new network", "ppmi vectors", "pretrained"
WAYS = ("linear", "textcnn", CONTROL, VECTORS, TREATED)
NETWORK: dict[str, Any] = {
    "hidden_size": 128,
    "layers": 3,
    "heads": 2,
    "intermediate_size": 512,
    "positions": 128,
}
_MASKED = {"rate": 0.3, "batch_tokens": 1024, "learning_rate": 1e-3}
PRETRAINING: dict[str, dict[str, Any]] = {
    "tnews": {**_MASKED, "max_length": 64, "epochs": 25.0},
    "sentiment": {**_MASKED, "max_length": 128, "epochs": 4.0},
}
ROWS: dict[str, int | None] = {"tnews": None, "sentiment": 4000}  # labelled ones; all texts are read
RECIPES: dict[str, dict[str, Any]] = {
    "gentle": {"epochs": 3, "learning_rate": 3e-4, "layer_decay": 1.0},
    "strong": {"epochs": 3, "learning_rate": 1e-3, "layer_decay": 1.0},
}
"""Fine-tuning of every network; what counts for each way is the better of the two on average."""
NUMBERS = {"word_ngrams": [1, 3], "char_ngrams": None, "min_df": 2}


def main() -> None:
    """Measure and print."""
    given = arguments(
        __doc__.splitlines()[0],
        data={"nargs": "+", "default": list(DATA), "choices": DATA, "help": "data sets"},
        ways={"nargs": "+", "default": list(WAYS), "choices": WAYS, "help": "what is trained"},
        seeds={"type": int, "default": 3, "help": "number of seeds"},
        rows={"type": int, "help": "labelled training rows, a stratified subset, instead of the data set's"},
        epochs={"type": float, "help": "passes of the pretraining, instead of the data set's"},
        separate={"action": "store_true", "help": "pretrain on each text by itself instead of packed ones"},
        jobs={"type": int, "default": 2, "help": "processes at a time, one thread each"},
        write={
            "type": Path,
            "help": "only write the first data set in the competition's form into this folder",
        },
    )
    if given.write:
        write(given.data[0], given.write)
        return
    seeds, rows, epochs, sets = given.seeds, given.rows, given.epochs, given.data
    if given.quick:
        seeds, rows, epochs, sets = 1, rows or 2000, epochs or 3.0, sets[:1]
    specs = [
        {
            "data": name,
            "way": way,
            "seed": seed,
            "rows": rows or ROWS[name],
            "network": NETWORK,
            "pretraining": PRETRAINING[name]
            | ({"epochs": epochs} if epochs else {})
            | ({"pack": False} if given.separate else {})
            if way == TREATED
            else None,
            "recipes": RECIPES,
        }
        for name in sets
        for seed in range(seeds)
        for way in given.ways
        if way != "linear" or seed == 0  # nothing in it is random
    ]
    results = run_all(specs, run, given.json, jobs=given.jobs)
    table = summary(results)
    if table:
        show(table, {}, None)
        print(verdict(results))


def anonymous(name: str) -> tuple[data_sets.DataSet, list[str]]:
    """A data set with numbers for characters, and the texts of its part that is only read.

    Both sets have the same table of numbers: it is drawn for every character of Unicode's first plane.
    """
    data = data_sets.load(name)
    numbers = np.random.default_rng(TABLE_SEED).permutation(65_536)

    def rewritten(text: str) -> str:
        return " ".join(str(numbers[ord(char) % 65_536]) for char in text if not char.isspace())

    parts = [
        table.assign(text_a=table["text_a"].map(rewritten).astype("str")) for table in (data.train, data.test)
    ]
    other = pd.read_csv(data_sets._given(name) / f"{OTHER[name]}.csv", dtype="str", keep_default_na=False)
    made = data_sets.DataSet(name, parts[0], parts[1], "macro_f1", PRETRAINING[name]["max_length"])
    return made, [rewritten(text) for text in other["text"]]


def write(name: str, folder: Path) -> None:
    """Write train, test, sample submission, true test labels and unlabelled texts as the competition has them."""
    data, others = anonymous(name)
    columns = {"text_a": "text", "target": "label"}
    train, test = (table.rename(columns=columns) for table in (data.train, data.test))
    write_csv(train[["id", "text", "label"]], folder / "datagrand_2021_train.csv")
    write_csv(test[["id", "text"]], folder / "datagrand_2021_test.csv")
    write_csv(test[["id"]].assign(label=data.labels[0]), folder / "sample_submission.csv")
    write_csv(test[["id", "label"]], folder / "holdout.csv")
    lines = pd.DataFrame({"title": "", "content": others}).to_json(
        orient="records", lines=True, force_ascii=False
    )
    write_text(str(lines), folder / "datagrand_2021_unlabeled_data.jsonl")
    print(f"{folder}: {len(train)} training rows, {len(test)} test rows, {len(others)} unlabelled texts")


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Train one way with one thread, a network by each recipe, and score the whole test part."""
    data, others = anonymous(spec["data"])
    train = data_sets.subset(data.train, spec["rows"]).reset_index(drop=True)
    started = time.process_time()
    perplexity: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        chosen = {"": _plain_options(spec["way"], data)}
        if chosen[""] is None:
            encoder, perplexity = _encoder(spec, data, others, Path(folder))
            shared: dict[str, Any] = {"encoder": encoder, "max_length": data.max_length}
            chosen = {name: engine.options(**shared, **keys) for name, keys in spec["recipes"].items()}
        made = time.process_time() - started
        scores = {
            name: _score(spec, data, train, options)
            for name, options in chosen.items()
            if options is not None
        }
    return {
        "scores": scores,
        "perplexity": perplexity,
        "pretraining_cpu_seconds": made,
        "cpu_seconds": time.process_time() - started,
    }


def _score(
    spec: dict[str, Any], data: data_sets.DataSet, train: pd.DataFrame, options: dict[str, Any]
) -> float:
    """Macro-F1 on the test part after training with ``options``."""
    kind = spec["way"] if spec["way"] in ("linear", "textcnn") else "transformer"
    model: Any = models.make(
        kind, options, classes=len(data.labels), seed=spec["seed"], device="cpu", threads=1
    )
    model.fit(train.drop(columns="target"), data.codes(train), np.ones(len(train)))
    predicted = np.array(data.labels)[model.predict(data.test.drop(columns="target")).argmax(axis=1)]
    labels = sorted({*data.labels, *data.test["target"]})
    return float(score_labels("macro_f1", data.test["target"].tolist(), predicted.tolist(), labels).value)


def _plain_options(way: str, data: data_sets.DataSet) -> dict[str, Any] | None:
    """Options of the kinds that have no encoder."""
    if way == "linear":
        return engine.options("linear", tfidf=NUMBERS)
    if way == "textcnn":
        return engine.options("textcnn", max_length=data.max_length)
    return None


def _encoder(
    spec: dict[str, Any], data: data_sets.DataSet, others: list[str], folder: Path
) -> tuple[Path, list[float]]:
    """Folder of a new network, pretrained where the way says so; its perplexity before and after."""
    given = [*data.train["text_a"], *data.test["text_a"], *others]
    texts = pd.DataFrame({"text": given, "row": np.arange(len(given))})
    init = "random" if spec["way"] == CONTROL else "ppmi"
    block = Scratch(init=init, **spec["network"])
    set_up("cpu", 1)
    scratch.make(texts, block.model_dump(exclude={"vectors"}), folder / "start", seed=spec["seed"], file=None)
    if spec["pretraining"] is None:
        return folder / "start", []
    settings = Pretraining(scratch=block, masking="token", **spec["pretraining"])
    keys = settings.model_dump(exclude=READ | {"threads"})
    result = pretrain(
        texts,
        folder / "start",
        folder / "encoder",
        Settings(**keys),
        language="zh",
        seed=spec["seed"],
        device="cpu",
        threads=1,
        scratch=None,
    )
    return folder / "encoder", [result.facts[when]["perplexity"] for when in ("first", "last")]


def summary(results: list[tuple[dict[str, Any], Any]]) -> list[dict[str, Any]]:
    """A row for each data set and way, by its better recipe; gains are over the new network, paired by seed."""
    table = []
    for name, way in dict.fromkeys((spec["data"], spec["way"]) for spec, _ in results):
        runs = [result for spec, result in results if (spec["data"], spec["way"]) == (name, way)]
        recipe, scores = _best(results, name, way)
        mean, error = mean_and_error(scores.values())
        gain, its_error = _gain(results, name, way)
        table.append(
            {
                "data": name,
                "way": way,
                "recipe": recipe,
                "seeds": len(runs),
                "macro-F1": mean,
                "SE": error,
                "gain": gain,
                "SE of gain": its_error,
                "perplexity": " -> ".join(f"{value:.0f}" for value in runs[0]["perplexity"]),
                "CPU-s": mean_and_error(result["cpu_seconds"] for result in runs)[0],
            }
        )
    return table


def _best(results: list[tuple[dict[str, Any], Any]], name: str, way: str) -> tuple[str, dict[int, float]]:
    """The recipe with the better mean, and its score for each seed."""
    runs = {spec["seed"]: result for spec, result in results if (spec["data"], spec["way"]) == (name, way)}
    if not runs:
        return "", {}
    recipes = list(next(iter(runs.values()))["scores"])
    scores = {recipe: {seed: result["scores"][recipe] for seed, result in runs.items()} for recipe in recipes}
    best = max(recipes, key=lambda recipe: sum(scores[recipe].values()))
    return best, scores[best]


def _gain(results: list[tuple[dict[str, Any], Any]], name: str, way: str) -> tuple[float, float]:
    """Mean gain over the new network and its standard error, over the seeds that both have."""
    scores, control = (_best(results, name, each)[1] for each in (way, CONTROL))
    if way == CONTROL:
        return float("nan"), float("nan")
    return mean_and_error(
        [scores[seed] - control[seed] for seed in scores if seed in control] or [float("nan")]
    )


def verdict(results: list[tuple[dict[str, Any], Any]]) -> str:
    """Whether pretraining gained more than two standard errors, for each data set."""
    lines = []
    for name in dict.fromkeys(spec["data"] for spec, _ in results):
        gain, error = _gain(results, name, TREATED)
        sure = "more" if gain > 2 * error else "not more"
        lines.append(f"{name}: pretraining gains {gain:.4f} +- {error:.4f}, {sure} than two standard errors")
    return "\n".join(lines)


if __name__ == "__main__":
    with plain_errors():
        main()
