"""Every rule of lineage broken on purpose, beside the honest run of the same permuted labels.

A setting is a small competition in which some rules matter. Each of its leaks (``bench.leaks``) starts from a copy of
the honest run's results without those of the stages that it changes.
"""

import copy
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import honesty_clones as clones
from bench.honesty_figures import Run, distances, plain
from bench.honesty_null import DRAWS, above
from bench.leaks import LEAKS
from bench.runs import Spec, run_all

BAR = 3.0
"""Standard errors above 0 from which a mean z is a leak: by chance once in 700 honest measurements."""
FEW = 5
"""Permutations in which a loud leak is broken: most are caught by three."""
QUIET = [61, 62, 63]
"""Leaks that flatter by about one standard deviation or less: they are broken in all permutations."""
WORDS: dict[str, Any] = {"kind": "linear", "tfidf": {"word_ngrams": [1, 1], "char_ngrams": None}}
LETTERS: dict[str, Any] = {"kind": "linear", "c": 1.0, "tfidf": {"word_ngrams": None, "char_ngrams": [3, 3]}}
PAIRS: dict[str, Any] = {"kind": "linear", "tfidf": {"word_ngrams": [2, 2], "char_ngrams": None}}


@dataclass(frozen=True)
class Leak:
    """One leak's results to make anew (``gone``), and the figures that must show it; none: words are compared."""

    gone: tuple[str, ...]
    shows: tuple[str, ...]


@dataclass(frozen=True)
class Setting:
    """A competition: what of its config is its own, its targets, and its leaks by number."""

    config: dict[str, Any]
    targets: tuple[str, ...]
    leaks: dict[int, Leak]
    version: int = 1


def _oof(member: str, number: int = 0) -> str:
    return f"results/predict/topic/{member}/round{number}/oof.parquet"


def _of(member: str, number: int = 0) -> tuple[str, ...]:
    return tuple(f"{stage}/topic/{member}/round{number}" for stage in ("train", "predict"))


SETTINGS = {
    "kin": Setting(
        {"models": {"words": WORDS}},
        (_oof("words-s0"),),
        {leak: Leak(("folds", "train", "predict"), ("words-s0 round0",)) for leak in (11, 12)},
    ),
    "plain": Setting(
        {
            "noise": {
                **{"filter_by": "predicted_neq_given", "inner_folds": 4, "relabel_confidence": 0},
                **{"models": ["words"], "max_share": 0.8, "class_max_share": 0.8},
            },
            "augment": {"eda": {"kind": "eda", "copies": 1}},
            "models": {
                "words": WORDS,
                "pruned": {**PAIRS, "noise": "prune"},
                "made": {**WORDS, "augment": ["eda"]},
                "letters": LETTERS,
                "pairs": {**PAIRS, "c": 1.0},
            },
            "ensemble": {
                "methods": ["mean", "blend", "stack"],
                "named": {
                    f"only_{name}": {"kind": "blend", "weights": {f"{name}-s0": 1.0}}
                    for name in ("words", "pruned", "made", "letters", "pairs")
                },
                "stack": {"c": 1.0},
            },
            "decision": {"method": "offsets"},
        },
        ("results/decision/topic/score.json", "ensemble"),
        {
            21: Leak(("ensemble/topic/only_words",), ("only_words",)),
            22: Leak(("ensemble/topic/only_words",), ("only_words",)),
            23: Leak(_of("made-s0"), ("made-s0 round0",)),
            31: Leak(_of("words-s0"), ("words-s0 round0",)),
            32: Leak(_of("words-s0"), ()),
            61: Leak(("ensemble",), ("blend", "stack", "best")),
            62: Leak(("ensemble/topic/best",), ("best",)),
            63: Leak(("decision",), ("submitted",)),
        },
        version=2,
    ),
    "alike": Setting(
        {
            "noise": {
                **{"filter_by": "predicted_neq_given", "inner_folds": 3, "relabel_confidence": 0},
                **{"max_share": 1.0, "class_max_share": 1.0},
            },
            "models": {"voter": WORDS, "relabelled": {**WORDS, "noise": "relabel", "rounds": 0}},
            "pseudo": {
                **{"rounds": 1, "voters": ["voter"], "confidence": 0.0, "agree": 0.6},
                **{"max_share": 1.0, "balance": "none"},
            },
        },
        (_oof("voter-s0", 1), _oof("relabelled-s0")),
        {
            41: Leak(("noise", *_of("relabelled-s0")), ("relabelled-s0 round0",)),
            51: Leak(("pseudo", *_of("voter-s0", 1)), ("voter-s0 round1",)),
        },
    ),
    "epochs": Setting(
        {
            "models": {
                "encoder": {
                    **{"kind": "transformer", "encoder": "data/tiny_encoder", "max_length": 24, "epochs": 10},
                    **{"threads": 1, "stopping": {"share": 0.2, "score": "accuracy"}, "learning_rate": 1e-3},
                    "schedule": "constant",
                }
            }
        },
        (_oof("encoder-s0"),),
        {71: Leak(_of("encoder-s0"), ("encoder-s0 round0",))},
    ),
}


def config(setting: str, seed: int) -> dict[str, Any]:
    """The whole config of a setting."""
    task = {**clones.FILES, "metric": "accuracy", **({"group": "group"} if setting == "kin" else {})}
    shared = {
        "competition": setting,
        "seed": seed,
        "tasks": {"topic": task},
        "text": {"views": {"raw": []}},
        "folds": {"n": 3},
        "pseudo": {"rounds": 0},
    }
    return {**shared, **copy.deepcopy(SETTINGS[setting].config)}


def prepare(folder: Path, setting: str, permutation: int) -> pd.Series:
    """Make the clone of one permutation; return the clusters of its train rows, by id."""
    rows = clones.texts(dict.fromkeys(clones.CLASSES, 80), seed=2)
    rows, rest = rows.iloc[:240].reset_index(drop=True), rows.iloc[240:].reset_index(drop=True)
    train, test = rows, rest
    if setting == "kin":
        train = _kin(rows)
    elif setting == "epochs":
        train = rows.iloc[:120]
    elif setting == "alike":
        first, second = rows.iloc[:90], rows.iloc[90:180]
        halves = [clones.sibling(*pair) for pair in zip(first["text"], second["text"], strict=True)]
        train = pd.concat([first, first.assign(id=first["id"] + "b", text=halves)])
        test = train.assign(id=train["id"] + "t", text=train["text"].map(clones.twin))
    train = train.sample(frac=1, random_state=permutation).reset_index(drop=True)
    cluster = clones.near_duplicates(train)
    train["label"] = clones.permuted(train, cluster, seed=permutation)
    clones.make(folder, config(setting, permutation), train, test)
    if setting == "epochs":
        clones.tiny_encoder(folder / "data/tiny_encoder", rows["text"])
    return pd.Series(cluster, index=train["id"])


def _kin(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with a near-duplicate each, the others four by four of one author, who signs them."""
    alone, written = rows.iloc[:80], rows.iloc[80:240]
    author = pd.Series([f"author{number // 4}" for number in range(len(written))], index=written.index)
    signed = (
        author + " " + author.str.replace("author", "office") + " " + author.str.replace("author", "desk")
    )
    return pd.concat(
        [
            alone.assign(group=""),
            alone.assign(id=alone["id"] + "b", text=alone["text"].map(clones.twin), group=""),
            written.assign(text=written["text"] + " " + signed, group=author),
        ]
    )


def run(spec: Spec) -> dict[str, Any]:
    """One permutation of a setting: the distances from chance of the honest run, and of each leak's figures."""
    setting = SETTINGS[spec["setting"]]
    with tempfile.TemporaryDirectory(prefix="podium-honesty-") as scratch:
        honest = Path(scratch) / "honest"
        honest.mkdir()
        clusters = prepare(honest, spec["setting"], spec["permutation"])
        seconds = clones.run(honest, *setting.targets)
        found: dict[str, Any] = {"honest": _found(honest, clusters, spec), "leaks": {}}
        for number, leak in setting.leaks.items():
            if spec.get("leaks") and number not in spec["leaks"]:
                continue
            broken = Path(scratch) / "broken"
            shutil.copytree(honest, broken, symlinks=True)
            for stage in leak.gone:
                shutil.rmtree(broken / "results" / stage)
            seconds += clones.run(broken, *_targets(setting, leak), leak=number)
            found["leaks"][str(number)] = _found(broken, clusters, spec)
            shutil.rmtree(broken)
    return {**found, "cpu_seconds": seconds}


def _targets(setting: Setting, leak: Leak) -> list[str]:
    """As little as shows the leak."""
    last = leak.gone[-1]
    if last.startswith("predict/"):
        return [f"results/{last}/oof.parquet"]
    if last.startswith("ensemble/"):
        return [f"results/{last}/fit.json"]
    if last == "predict":
        return list(setting.targets)
    return ["ensemble"] if last == "ensemble" else ["results/decision/topic/score.json"]


def _found(folder: Path, clusters: pd.Series, spec: Spec) -> dict[str, Any]:
    """Distances of all figures, and the words that a model should not know."""
    done = Run.of(folder)
    truth = done.truth(clusters)
    found = plain(distances(done.figures(), truth, draws=DRAWS, seed=spec["permutation"]))
    if spec["setting"] != "plain":
        return {"figures": found}
    texts = (
        pd.read_parquet(folder / "results/text/topic/raw/train.parquet")
        .set_index("id")["text_a"]
        .reindex(done.ids)
    )
    return {"figures": found, "words": done.unseen_words("words-s0", texts, truth.folds)}


def measure(permutations: int, file: Path | None, jobs: int) -> list[dict[str, Any]]:
    """A row for each leak and each figure that shows it."""
    runs = run_all(specifications(permutations), run, file, jobs=jobs)
    rows = []
    for name, setting in SETTINGS.items():
        for number, leak in setting.leaks.items():
            own = [done for spec, done in runs if spec["setting"] == name and str(number) in done["leaks"]]
            rows += [_row(number, figure, own) for figure in leak.shows] or [_words(number, own)]
    return sorted(rows, key=lambda row: row["leak"])


def specifications(permutations: int) -> list[Spec]:
    """The runs: every leak in the first permutations, the quiet ones in all."""
    specs = []
    for number in range(permutations):
        for name, setting in SETTINGS.items():
            spec: Spec = {"part": "leaks", "version": setting.version, "setting": name, "permutation": number}
            quiet = [leak for leak in setting.leaks if leak in QUIET]
            if number < FEW:
                specs.append(spec)
            elif quiet:
                specs.append({**spec, "leaks": quiet})
    return specs


def _row(number: int, figure: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    honest = [run["honest"]["figures"][figure] for run in runs]
    leaky = [run["leaks"][str(number)]["figures"][figure] for run in runs]
    clean, broken = above([one["z"] for one in honest]), above([one["z"] for one in leaky])
    paired = above([two["z"] - one["z"] for one, two in zip(honest, leaky, strict=True)])
    return {
        **_named(number, figure),
        "n": len(runs),
        "z honest": float(np.mean([one["z"] for one in honest])),
        "z leaky": float(np.mean([one["z"] for one in leaky])),
        "score honest": float(np.mean([one["score"] for one in honest])),
        "score leaky": float(np.mean([one["score"] for one in leaky])),
        "honest / se": clean,
        "leaky / se": broken,
        "caught": bool(broken > BAR and paired > BAR),
    }


def _words(number: int, runs: list[dict[str, Any]]) -> dict[str, Any]:
    honest = [run["honest"]["words"][1] for run in runs]
    leaky = [run["leaks"][str(number)]["words"][1] for run in runs]
    empty = dict.fromkeys(
        ("z honest", "z leaky", "score honest", "score leaky", "honest / se", "leaky / se"), float("nan")
    )
    return {
        **_named(number, f"words of held-out rows alone: {max(honest)} known, leaky {min(leaky)} or more"),
        "n": len(runs),
        **empty,
        "caught": max(honest) == 0 and min(leaky) > 0,
    }


def _named(number: int, figure: str) -> dict[str, Any]:
    return {"leak": number, "rule": number // 10, "what was broken": LEAKS[number][0], "figure": figure}


def caught(rows: list[dict[str, Any]]) -> int:
    """How many rules are there whose every leak is caught in one of the figures that it touches."""
    found: dict[int, bool] = {}
    for row in rows:
        found[row["leak"]] = found.get(row["leak"], False) or bool(row["caught"])
    rules = {leak // 10 for leak in found}
    return sum(all(seen for leak, seen in found.items() if leak // 10 == rule) for rule in rules)
