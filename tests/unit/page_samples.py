"""A finished run in miniature, for the page: its files are written and its figures gathered from them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium import predict, scores, scores_choice
from podium.files import write_json, write_table
from podium.page.facts import Files, Settings, gather
from podium.scores_stages import stages
from podium.span import answers
from podium.span.scoring import AnswerScorer
from podium.targets import to_text

HOSTILE = [
    "<script>document.title='broken'</script>",
    "a&b \"quoted\" 'single' </svg></style>",
    "שלום עולם",
    "\u202eturned around\u2069",
    "👩‍👩‍👧 emoji",
    "x" * 300,
    "bell\x07 and nul\x00",
    "]]> <!-- {{ 7*7 }} ${x}",
]
METRICS = {"single_label": "macro_f1", "multi_label": "micro_f1", "regression": "rmse", "span": "squad_f1"}


def figures(
    folder: Path, kind: str = "single_label", *, names: list[str], rows: int = 160, task: str = "t"
) -> dict[str, Any]:
    """The figures of a run of one task with two members, one of them in two rounds; texts are hostile, too."""
    random = np.random.default_rng(0)
    ids = pd.Series([f"<b>{number}</b>" for number in range(rows)], dtype="str")
    texts = [
        f"{HOSTILE[number % len(HOSTILE)]} {'word ' * int(random.integers(1, 60))}" for number in range(rows)
    ]
    folds = pd.DataFrame({"id": ids, "fold": np.arange(rows) % 3, "cluster": np.arange(rows)})
    target, proba = _truth(kind, names, rows, random)
    train = pd.DataFrame({"id": ids, "text_a": texts, "target": target}).astype("str")
    if kind == "span":
        train["text_b"] = texts
    test = (
        train.drop(columns="target").head(rows // 2).assign(id=[f"t{number}" for number in range(rows // 2)])
    )
    write_table(train, folder / "train.parquet")
    write_table(test, folder / "test.parquet")
    write_json(names, folder / "labels.json")
    write_json({"warnings": [HOSTILE[0]], "in_test": {}, "duplicates": {}}, folder / "profile.json")
    oof, ensembles = _predictions(folder, kind, names, ids, proba)
    decided = _decided(kind, names, train, proba["b-s0", 0])
    write_table(pd.DataFrame({"id": ids, "label": decided}).astype("str"), folder / "decided.parquet")
    write_json(_scores(kind, names, train, folds, proba, decided, task), folder / "scores.json")
    files = Files(
        scores=folder / "scores.json",
        profile=folder / "profile.json",
        train=folder / "train.parquet",
        test=folder / "test.parquet",
        labels=folder / "labels.json",
        decided=folder / "decided.parquet",
        oof=oof,
        ensembles=ensembles,
        models=_models(folder),
        tokens=[],
        tested_tokens=[],
        noise=_noise(folder, train) if kind.endswith("label") else [],
        made=[_made(folder, train)],
        pseudo=_pseudo(folder, names),
        trust=[],
        pretrained=[],
    )
    off = {"adversarial": "Train and test were not compared."}
    settings = {
        "task": task,
        "type": kind,
        "metric": METRICS[kind],
        "submit": "mean",
        "readers": {},
        "off": off,
    }
    return json.loads(json.dumps(gather(files, Settings(**settings))))


def _truth(
    kind: str, names: list[str], rows: int, random: np.random.Generator
) -> tuple[list[str], dict[tuple[str, int], np.ndarray]]:
    members = [("a-s0", 0), ("a-s0", 1), ("b-s0", 0)]
    if kind == "span":
        gold = [
            [] if number % 4 == 0 else [answers.Answer(0, 4, f"text {number % 7}")] for number in range(rows)
        ]
        return [answers.encode(each) for each in gold], {member: np.zeros((rows, 1)) for member in members}
    if kind == "regression":
        truth = random.normal(size=(rows, len(names)))
        return to_text(truth, names), {
            member: truth + random.normal(size=truth.shape) / 2 for member in members
        }
    codes = np.arange(rows) % len(names)
    flags = np.eye(len(names), dtype=np.float32)[codes]
    if kind == "multi_label":
        flags = np.maximum(flags, np.roll(flags, 1, axis=1) * (random.random((rows, 1)) < 0.3)).astype(
            np.float32
        )
        proba = {member: np.clip(0.7 * flags + 0.4 * random.random(flags.shape), 0, 1) for member in members}
        return to_text(flags, names), proba
    found = {}
    for member in members:
        scored = flags * 2 + random.normal(size=flags.shape)
        exp = np.exp(scored)
        found[member] = exp / exp.sum(axis=1, keepdims=True)
    return [names[code] for code in codes], found


def _predictions(
    folder: Path, kind: str, names: list[str], ids: pd.Series, proba: dict[tuple[str, int], np.ndarray]
) -> tuple[list[Path], list[Path]]:
    paths = []
    for (member, number), values in proba.items():
        path = folder / f"predict/{member}/round{number}/oof.parquet"
        path.parent.mkdir(parents=True)
        if kind != "span":
            write_table(predict.to_table(ids, values, names, kind), path)  # type: ignore[arg-type]
        paths.append(path)
    own = folder / "ensemble/mean/oof.parquet"
    own.parent.mkdir(parents=True)
    if kind != "span":
        write_table(predict.to_table(ids, proba["b-s0", 0], names, kind), own)  # type: ignore[arg-type]
    weights = {"method": "blend", "members": ["a-s0", "b-s0"], "params": {"weights": [1.0, 3.0]}}
    write_json({**weights, "fold_params": [{"weights": [1.0, 1.0]}] * 3}, own.with_name("fit.json"))
    return paths, [own]


def _decided(kind: str, names: list[str], train: pd.DataFrame, proba: np.ndarray) -> list[str]:
    if kind == "span":
        return ["" if number % 3 == 0 else f"text {number % 7}" for number in range(len(train))]
    if kind == "single_label":
        return [names[code] for code in proba.argmax(axis=1)]
    return to_text((proba > 0.35).astype(np.float32) if kind == "multi_label" else proba, names)


def _scores(
    kind: str,
    names: list[str],
    train: pd.DataFrame,
    folds: pd.DataFrame,
    proba: dict[tuple[str, int], np.ndarray],
    decided: list[str],
    task: str,
) -> dict[str, Any]:
    metric = METRICS[kind]
    if kind == "span":
        scorer = AnswerScorer(train, folds, metric=metric, test_rows=80)
        rows = [scorer.score("member", name, str(number), decided, "a sample") for name, number in proba]
        rows += [
            scorer.score(what, name, "", decided, "a sample")
            for what, name in (("ensemble", "mean"), ("submitted", "mean + doubt"))
        ]
    else:
        said = pd.DataFrame({"id": train["id"], "label": decided}).astype("str")
        of = scores.Scorer(train, folds, names, metric=metric, type=kind, test_rows=80)  # type: ignore[arg-type]
        tables = {key: predict.to_table(train["id"], one, names, kind) for key, one in proba.items()}  # type: ignore[arg-type]
        rows = [
            of.score("member", name, str(number), table, tested="a sample")
            for (name, number), table in tables.items()
        ]
        rows.append(of.score("ensemble", "mean", "", tables["b-s0", 0], tested="a sample"))
        rows.append(of.score("submitted", "mean + argmax", "", tables["b-s0", 0], said, tested="a sample"))
    choice = scores_choice.Choice("mean", "mean", {}, "argmax")
    why = scores_choice.facts(rows, choice, task=task, metric=metric, test_rows=80)
    twins = [{"key": "noise", "first": "b", "second": "a", "values": '"prune" beside null'}]
    why["stages"] = stages(rows, submit="mean", twins=twins, metric=metric)
    return {
        **why,
        "rows": scores.table(rows, task=task, metric=metric, chosen="mean").to_dict(orient="records"),
    }


def _models(folder: Path) -> list[Path]:
    found = []
    for fold in range(3):
        model = folder / f"train/b-s0/round0/fold{fold}/model"
        model.mkdir(parents=True)
        steps = np.arange(200)
        pd.DataFrame(
            {"step": steps, "loss": 2 / (1 + steps / 20) + fold / 10, "rate": 1e-4 * (1 - steps / 200)}
        ).to_csv(model / "curve.csv", index=False)
        found.append(model)
    return found


def _noise(folder: Path, train: pd.DataFrame) -> list[Path]:
    rows = pd.DataFrame(
        {
            "id": train["id"],
            "given": train["target"],
            "suggested": train["target"].to_numpy()[::-1],
            "confidence": 0.9,
            "quality": np.linspace(0, 1, len(train)),
            "pruned_in": "0 1",
            "override": "",
            "text_a": train["text_a"],
        }
    )
    rows.to_csv(folder / "review.csv", index=False)
    counts = dict.fromkeys(("flagged", "judged", "pruned", "relabelled", "clashes", "near_clashes"), 5)
    confused = [{"given": HOSTILE[0], "suggested": HOSTILE[5], "rows": 7}]
    write_json({**counts, "what_it_means": "Nested.", "confused": confused}, folder / "summary.json")
    return [folder / "review.csv", folder / "summary.json"]


def _made(folder: Path, train: pd.DataFrame) -> Path:
    made = train.assign(
        source_id=train["id"],
        id=train["id"] + "~eda0",
        text_a="<i>made</i> " + train["text_a"],
        verdict=np.where(np.arange(len(train)) % 3 == 0, "too far from its source", "kept"),
    )
    write_table(made, folder / "eda.parquet")
    return folder / "eda.parquet"


def _pseudo(folder: Path, names: list[str]) -> list[Path]:
    found = []
    for fold in range(3):
        path = folder / f"pseudo/round1/fold{fold}.json"
        classes = {name: {"accepted": 3, "precision": 0.9} for name in names}
        why = {"accepted": 30, "votes differ": 10}
        precision = {"value": 0.9, "se": 0.02}
        write_json(
            {"accepted": 30, "candidates": 40, "why": why, "precision": precision, "classes": classes}, path
        )
        found.append(path)
    return found
