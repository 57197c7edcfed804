"""Several tasks, one encoder: single-task models beside joint, fused and flattened ones, samplings and loss balances.

The competition is OCNLI (pairs, 3 classes), TNEWS (15) and Chinese sentiment (2) with their official test parts; of
sentiment's only the rows whose text the training part does not have. Each line is one variant: macro-F1 of each task
and their mean, over seeds. Without ``--encoder`` the network begins from a random character-level BERT, the same for
all variants of a seed, so that the table compares variants and says nothing of what a pretrained encoder would reach.
Finished runs are kept in ``--json FILE``: a stopped measurement is started again with the same file.
"""

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import data_sets
from bench.common import ROOT, arguments, show
from bench.runs import mean_and_error, plain_errors, run_all
from podium.competition import combined, shares
from podium.config import Transformer
from podium.config.multitask import Multitask
from podium.engine.multitask.fusion import fuse
from podium.metrics import Score, score
from podium.rerun import digest

TASKS = ("ocnli", "tnews", "sentiment")
MAX_LENGTH = 64
SIZES: dict[str, Any] = {
    "hidden_size": 256,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 1024,
}
SMALL = {"learning_rate": 3e-4, "layer_decay": 1.0}  # what a new network of this size learns at
VARIANTS: dict[str, dict[str, Any]] = {
    "single tasks": {"who": "single"},
    "joint, heads": {},
    "joint, queries": {"mode": "queries"},
    "joint, flat": {"mode": "flat"},
    "fused, then joint": {"who": "fused"},
    "sampling: square root": {"sampling": "square_root"},
    "sampling: equal": {"sampling": "equal"},
    "sampling: annealed": {"sampling": "annealed"},
    "balance: fixed": {"balance": {"method": "fixed"}},
    "balance: uncertainty": {"balance": {"method": "uncertainty"}},
    "balance: dwa": {"balance": {"method": "dwa", "interval": 50}},
    "balance: dtp": {"balance": {"method": "dtp"}},
    "balance: gradnorm": {"balance": {"method": "gradnorm"}},
    "per-task stopping": {"stopping": {"score": "macro_f1"}},
}


def main() -> None:
    """Measure and print."""
    given = arguments(
        __doc__.splitlines()[0],
        encoder={"type": Path, "help": "folder of a pretrained encoder; a small random one where not given"},
        rate={"type": float, "help": "learning rate of a small encoder, in all layers; else the usual ones"},
        seeds={"type": int, "default": 3, "help": "number of seeds"},
        share={"type": float, "default": 0.12, "help": "share of each training part, stratified"},
        epochs={"type": float, "default": 3.0, "help": "passes over the training rows"},
        variants={"nargs": "+", "choices": list(VARIANTS), "help": "some of the variants"},
        jobs={"type": int, "default": 2, "help": "processes at a time, one thread each"},
    )
    share, seeds, epochs = given.share, given.seeds, given.epochs
    tested = None
    rates: dict[str, float] = {} if given.encoder else SMALL
    if given.rate:
        rates = SMALL | {"learning_rate": given.rate}
    if given.quick:
        share, seeds, epochs, tested = min(share, 0.03), 1, 1.0, 400
    specs = [
        {
            "variant": name,
            "changes": VARIANTS[name],
            "seed": seed,
            "share": share,
            "epochs": epochs,
            "tested": tested,
            "encoder": str(given.encoder.resolve()) if given.encoder else None,
            "rates": rates,
        }
        for seed in range(seeds)
        for name in given.variants or VARIANTS
    ]
    table = summary(run_all(specs, run, given.json, jobs=given.jobs))
    if table:
        show(table, {}, None)


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Train one variant with one thread on shares of the training parts, score the official test parts."""
    data = {name: _loaded(name, spec["tested"]) for name in TASKS}
    parts = {
        name: data_sets.subset(found.train, round(spec["share"] * len(found.train)))
        for name, found in data.items()
    }
    changes = dict(spec["changes"])
    who = changes.pop("who", "joint")
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        encoder = Path(spec["encoder"]) if spec["encoder"] else _random_encoder(parts, spec["seed"], place)
        if who == "single":
            models = {name: _single(name, parts[name], data[name], encoder, spec) for name in TASKS}
            found = {name: models[name].predict(_rows(data[name].test)) for name in TASKS}
        else:
            if who == "fused":
                encoder = _fused(parts, data, encoder, spec, place)
            model = _joint(parts, data, encoder, spec, changes)
            found = {
                name: model.predict(_rows(data[name].test), task=number) for number, name in enumerate(TASKS)
            }
    scores = {name: _score(data[name], found[name]) for name in TASKS}
    share = shares(dict.fromkeys(TASKS, "macro_f1"), None)
    total = combined(scores, share)
    return {
        **{name: scores[name].value for name in TASKS},
        "mean": total.value,
        "se": total.se,
        "cpu_seconds": time.process_time() - started,
        "code": digest(ROOT, "podium/models/multitask.py"),
    }


def _loaded(name: str, tested: int | None) -> data_sets.DataSet:
    found = data_sets.load(name)
    return dataclasses.replace(found, test=data_sets.subset(found.test, tested))


def _score(data: data_sets.DataSet, proba: np.ndarray) -> Score:
    return score("macro_f1", data.codes(data.test), proba.argmax(axis=1), None, classes=len(data.labels))


def _rows(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="target")


def _shared(encoder: Path, spec: dict[str, Any]) -> dict[str, Any]:
    return {"encoder": str(encoder), "max_length": MAX_LENGTH, "epochs": spec["epochs"], **spec["rates"]}


def _options(block: Transformer, kind: type) -> Any:
    """The options of a model's job; the other keys of its block belong to the workflow."""
    names = {field.name for field in dataclasses.fields(kind)}
    return kind(**{key: value for key, value in block.settled("single_label").items() if key in names})


def _single(
    name: str, rows: pd.DataFrame, data: data_sets.DataSet, encoder: Path, spec: dict[str, Any]
) -> Any:
    from podium.models import transformer

    options = _options(Transformer(kind="transformer", **_shared(encoder, spec)), transformer.Options)
    model = transformer.Model(options, classes=len(data.labels), seed=spec["seed"], device="cpu", threads=1)
    model.fit(_rows(rows), data.codes(rows), np.ones(len(rows)))
    return model


def _fused(
    parts: dict[str, pd.DataFrame],
    data: dict[str, data_sets.DataSet],
    encoder: Path,
    spec: dict[str, Any],
    place: Path,
) -> Path:
    """Folder of the mean of the encoders of three single-task models."""
    for name in TASKS:
        (place / name).mkdir()
        _single(name, parts[name], data[name], encoder, spec).save(place / name)
    fuse([place / name / "encoder" for name in TASKS], place / "fused", weights=None)
    return place / "fused"


def _joint(
    parts: dict[str, pd.DataFrame],
    data: dict[str, data_sets.DataSet],
    encoder: Path,
    spec: dict[str, Any],
    changes: dict[str, Any],
) -> Any:
    from podium.models import multitask

    block = Multitask(kind="multitask", tasks=list(TASKS), **_shared(encoder, spec), **changes)
    sizes = [len(data[name].labels) for name in TASKS]
    rows = pd.concat(
        [_rows(parts[name]).assign(task=number) for number, name in enumerate(TASKS)], ignore_index=True
    )
    before = np.cumsum([0, *sizes])
    target = np.concatenate([data[name].codes(parts[name]) + before[i] for i, name in enumerate(TASKS)])
    options = _options(block, multitask.Options)
    model = multitask.Model(options, classes=sizes, seed=spec["seed"], device="cpu", threads=1)
    model.fit(rows, target, np.ones(len(rows)))
    return model


def _random_encoder(parts: dict[str, pd.DataFrame], seed: int, place: Path) -> Path:
    """A BERT with random weights over the characters of the training texts, in a folder."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    columns = [rows[name] for rows in parts.values() for name in ("text_a", "text_b") if name in rows]
    letters = {letter for column in columns for text in column for letter in text.lower()}
    known = sorted(letter for letter in letters if not letter.isspace())
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *known]
    words += [f"##{letter}" for letter in known if letter.isascii() and letter.isalnum()]
    folder = place / "encoder"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    BertTokenizer(vocab=str(folder / "vocab.txt"), do_lower_case=True).save_pretrained(folder)
    torch.manual_seed(seed)
    config = BertConfig(vocab_size=len(words), max_position_embeddings=MAX_LENGTH, **SIZES)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


def summary(results: list[tuple[dict[str, Any], Any]]) -> list[dict[str, Any]]:
    """One row for each variant, with the error over seeds and that of the mean's test rows.

    ``gain`` is over the joint model with heads, seed by seed.
    """
    runs: dict[str, dict[int, dict[str, float]]] = {}
    for spec, result in results:
        runs.setdefault(spec["variant"], {})[spec["seed"]] = result
    base = runs.get("joint, heads", {})
    table = []
    for name, found in runs.items():
        mean, error = mean_and_error(result["mean"] for result in found.values())
        paired = [found[seed]["mean"] - base[seed]["mean"] for seed in found if seed in base]
        gain, its_error = mean_and_error(paired) if paired else (float("nan"),) * 2
        table.append(
            {
                "variant": name,
                **{task: float(np.mean([result[task] for result in found.values()])) for task in TASKS},
                "mean macro-F1": mean,
                "+-": error,
                "of test rows": float(np.mean([result["se"] for result in found.values()])),
                "gain": gain,
                "+- ": its_error,
                "seeds": len(found),
                "CPU s": round(float(np.mean([result["cpu_seconds"] for result in found.values()]))),
            }
        )
    return table


if __name__ == "__main__":
    with plain_errors():
        main()
