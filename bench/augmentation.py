"""Augmentation: test score of a linear and a transformer member without and with made rows, on parts of R8.

Each seed draws its own part of the training rows. Differences are paired by seed. A transformer reads as many rows
with made rows as without, ``PASSES`` times the root of the share of all rows: what more steps give is not counted as
what made rows give. Masked words are guessed by the default encoder after a pretraining on the texts of both parts (it
has no head to guess with before), as ``encoder: pretrain/NAME`` does. Translations and that encoder are kept in
``data/bench/augmentation/``. Finished runs are kept in ``--json FILE``, one line each: a stopped measurement is started
again with the same file.
"""

import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from bench import data_sets, engine
from bench.common import ROOT, arguments, one_at_a_time, show
from bench.runs import key_of, mean_and_error, plain_errors, run_all
from podium import models
from podium.augment import KEPT
from podium.augment.selection import select
from podium.config import Linear
from podium.errors import UserError, hint
from podium.files import read_table, write_table
from podium.lineage import training_table
from podium.metrics import score_labels
from podium.plan import Plan
from podium.pretrain.options import Settings
from podium.pretrain.run import pretrain
from podium.rerun import digest
from scripts import augment

BACK = {"kind": "back_translation", "engine": "apertium"}
METHODS: dict[str, dict[str, Any] | None] = {
    "none": None,
    "eda": {"kind": "eda"},
    "eda, balanced": {"kind": "eda", "balance": True},
    "eda, as the paper": {"kind": "eda", "variant": "paper"},
    "masked words": {"kind": "mlm"},
    "back-translation": {**BACK, "through": ["spa"]},
    "back-translation twice": {**BACK, "through": ["spa", "cat"], "copies": 2},
}
SHARES = (0.1, 0.3, 1.0)
PRETRAINING = {"max_length": 128, "epochs": 3.0}
PASSES, MAX_LENGTH = 2, 64
CODE = "podium/pretrain/run.py"
FOLDER = data_sets.KEPT / "augmentation"


def main() -> None:
    """Measure and print."""
    given = arguments(
        __doc__.splitlines()[0],
        data={"default": "r8", "help": "data set (python -m bench.data_sets)"},
        kinds={"nargs": "+", "default": ["linear", "transformer"], "help": "kinds of model"},
        methods={"nargs": "+", "default": list(METHODS), "help": "ways to make rows"},
        shares={"type": float, "nargs": "+", "default": list(SHARES), "help": "shares of the training rows"},
        seeds={"type": int, "default": 5, "help": "number of seeds"},
        jobs={"type": int, "default": 2, "help": "processes at a time, one thread each"},
    )
    shares, seeds, kinds = given.shares, given.seeds, given.kinds
    if given.quick:
        shares, seeds, kinds = [0.1], 1, ["linear"]
    if unknown := [name for name in given.methods if name not in METHODS]:
        raise UserError(f"bench: no method '{unknown[0]}'; {hint(unknown[0], METHODS)}")
    specs = [
        {"data": given.data, "kind": kind, "share": share, "seed": seed, "method": method}
        | _fixed(kind, method)
        for seed in range(seeds)
        for share in shares
        for kind in kinds
        for method in given.methods
    ]
    if shutil.which("apertium") is None:
        print("left out: back-translation: apertium is not installed")
        specs = [spec for spec in specs if not str(spec["method"]).startswith("back")]
    if table := summary(run_all(specs, run, given.json, jobs=given.jobs)):
        show(table, {}, None)


def _fixed(kind: str, method: str) -> dict[str, Any]:
    """What a finished run depends on beside its kind, method, share, seed and data."""
    block = METHODS[method]
    guessed = {"pretraining": PRETRAINING} if block and block["kind"] == "mlm" else {}
    return guessed | ({"passes": PASSES, "max_length": MAX_LENGTH} if kind == "transformer" else {})


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Make rows, train on them and their sources, score the whole test part."""
    data = data_sets.load(spec["data"])
    count = round(spec["share"] * len(data.train))
    train = data_sets.subset(data.train, count, seed=spec["seed"]).reset_index(drop=True)
    block = METHODS[spec["method"]]
    if block is not None and block["kind"] == "mlm":
        block = {**block, "encoder": str(_guesser(data))}
    made, settings = (None, {}) if block is None else _made(block, train, spec["seed"])
    folds = pd.DataFrame({"id": train["id"], "fold": 0})
    augmented = [] if made is None else [(made, lambda rows, target: select(rows, target, **settings))]
    table = training_table(train[["id", "target"]], folds, None, augmented=augmented)
    texts = pd.concat([train, *([] if made is None else [made])]).set_index("id")
    columns = [name for name in ("text_a", "text_b") if name in train.columns]
    rows = texts.loc[table["id"], columns].reset_index()
    model = models.make(
        spec["kind"],
        _options(spec, data),
        classes=len(data.labels),
        seed=spec["seed"],
        device="cpu",
        threads=1,
    )
    model.fit(rows, data.codes(table), table["weight"].to_numpy(copy=True))
    predicted = np.array(data.labels)[model.predict(data.test.drop(columns="target")).argmax(axis=1)]
    labels = sorted({*data.labels, *data.test["target"]})
    score = score_labels(data.metric, data.test["target"].tolist(), predicted.tolist(), labels).value
    return {"score": float(score), "rows": len(train), "made": len(table) - len(train)}


def _made(block: dict[str, Any], train: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The kept made rows, by the workflow's own script, and the settings that choose among them."""
    plan = _plan(augment={"made": block}, seed=seed, models={"linear": {"kind": "linear"}})
    wordnet = plan.augment_wordnet("made")
    augmented = FOLDER / "results/augment"  # translations are kept in results/cache/
    augmented.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=augmented) as folder:
        place = Path(folder)
        write_table(train, place / "train.parquet")
        augment.main(
            train=place / "train.parquet",
            out=place / "made.parquet",
            wordnet=ROOT / wordnet[0] if wordnet else None,
            **plan.augment("made"),
        )
        made = read_table(place / "made.parquet")
    return made[made["verdict"] == KEPT].reset_index(drop=True), plan.selection("made")


def _plan(**blocks: Any) -> Plan:
    """The plan of the default competition with other ``blocks``."""
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return Plan.from_raw(raw | blocks, ROOT)


def _guesser(data: data_sets.DataSet) -> Path:
    """The default encoder after its pretraining on the texts of both parts, made by the first process that asks."""
    plan = _plan(pretrain={"own": {"encoder": str(data_sets.encoder()), **PRETRAINING}})
    settings = Settings(**plan.pretrain("own")["settings"])
    folder = FOLDER / f"{data.name}-{key_of({**asdict(settings), 'code': digest(ROOT, CODE)})}"
    with one_at_a_time(folder):
        if not (folder / "encoder/config.json").is_file():
            texts = pd.concat([data.train["text_a"], data.test["text_a"]], ignore_index=True)
            rows = pd.DataFrame({"text": texts, "row": range(len(texts))})
            result = pretrain(
                rows,
                data_sets.encoder(),
                folder / "made",
                settings,
                language="en",
                seed=0,
                device="cpu",
                threads=1,
                scratch=folder / "checkpoint",
            )
            print(f"pretraining: {result.facts['first']} to {result.facts['last']}", file=sys.stderr)
            (folder / "made").rename(folder / "encoder")
    return folder / "encoder"


def _options(spec: dict[str, Any], data: data_sets.DataSet) -> dict[str, Any]:
    if spec["kind"] == "linear":
        return {
            key: value
            for key, value in Linear(kind="linear", c=100.0).model_dump().items()
            if key in ("tfidf", "c", "class_weight", "max_iter")
        }
    if spec["kind"] != "transformer":
        raise UserError(f"bench: kinds are linear and transformer, not '{spec['kind']}'")
    found = engine.options("transformer", encoder=data_sets.encoder(), max_length=spec["max_length"])
    read = spec["passes"] * len(data.train) * spec["share"] ** 0.5
    return {**found, "steps": round(read / found["batch_size"])}


def summary(results: list[tuple[dict[str, Any], Any]]) -> list[dict[str, Any]]:
    """One row for each kind of model, share and method."""
    found: dict[tuple[Any, ...], dict[int, Any]] = {}
    for spec, result in results:
        found.setdefault((spec["kind"], spec["share"], spec["method"]), {})[spec["seed"]] = result
    table = []
    for (kind, share, method), runs in found.items():
        base = found.get((kind, share, "none"), {})
        mean, error = mean_and_error(run["score"] for run in runs.values())
        pairs = [runs[seed]["score"] - base[seed]["score"] for seed in runs if seed in base]
        gain, its_error = mean_and_error(pairs) if pairs else (float("nan"), float("nan"))
        table.append(
            {
                "member": kind,
                "share": share,
                "method": method,
                "seeds": len(runs),
                "made": mean_and_error(run["made"] for run in runs.values())[0],
                "score": mean,
                "SE": error,
                "gain": gain,
                "SE of gain": its_error,
            }
        )
    return table


if __name__ == "__main__":
    with plain_errors():
        main()
