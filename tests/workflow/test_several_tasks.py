"""Two tasks in one run: what learns them together, what keeps them apart, their score, their files, at chance."""

import copy
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from tiny import Clone

LABELS = {"topic": ["a", "b", "c", "d"], "pair": ["no", "yes"]}
ENCODER = {"encoder": "pretrain/small", "max_length": 48, "epochs": 1, "threads": 1}
CONFIG: dict[str, Any] = {
    "competition": "two",
    "seed": 3,
    "tasks": {
        name: {
            **{key: f"data/{name}/{key}.csv" for key in ("train", "test", "holdout")},
            **{
                "text": ["one"] if name == "topic" else ["one", "two"],
                "target": "label",
                "metric": "accuracy",
            },
        }
        for name in LABELS
    },
    "metric": {"weights": {"topic": 3}},
    "folds": {"n": 3},
    "noise": {"inner_folds": 2, "filter_by": "predicted_neq_given", "max_share": 0.1},
    "pretrain": {
        "small": {
            "scratch": {"hidden_size": 16, "layers": 1, "heads": 2, "intermediate_size": 32, "positions": 64},
            **{"max_length": 32, "epochs": 1, "threads": 1, "evaluations": 2},
        }
    },
    "models": {
        "linear": {"kind": "linear", "noise": "prune"},
        "alone": {"kind": "transformer", **ENCODER, "rounds": 0},
        "joint": {"kind": "multitask", **ENCODER, "noise": "prune", "balance": {"method": "uncertainty"}},
        "fused": {
            **{"kind": "multitask", **ENCODER, "rounds": 0, "refit": {}},
            "fuse": {"models": ["alone"], "weights": {"pair": 3}},
        },
    },
    "pseudo": {"rounds": 1, "confidence": 0.3, "agree": 0.4, "voters": ["linear", "joint"]},
    "ensemble": {"blend": {"steps": 10}},
}


def tables(rows: int, *, random_labels: bool = False) -> dict[str, dict[str, pd.DataFrame]]:
    """Files of two tasks: texts of a class's own words; pairs of such texts, of one class or of two.

    Half of the pairs begin with a text of the other task. Random labels are the same for texts that are the same.
    """
    rng = np.random.default_rng(0)

    def text(code: int) -> str:
        own = 100 + 10 * code + rng.integers(0, 4, 4)
        return " ".join(str(word) for word in rng.permutation([*rng.integers(0, 60, 8), *own]))

    code = np.arange(2 * rows) % 4
    texts = [text(number) for number in code]
    topic = pd.DataFrame({"one": texts, "label": [LABELS["topic"][number] for number in code]})
    other = rng.integers(0, 4, 2 * rows)
    own = np.where(np.arange(2 * rows) % 2, code, rng.integers(0, 4, 2 * rows))
    first = [texts[row] if row % 2 else text(number) for row, number in enumerate(own)]
    said = [LABELS["pair"][int(same)] for same in own == other]
    pair = pd.DataFrame({"one": first, "two": [text(number) for number in other], "label": said})
    if random_labels:
        drawn = rng.integers(0, 4, 2 * rows)
        topic["label"] = [LABELS["topic"][number] for number in drawn]
        pair["label"] = [LABELS["pair"][number % 2] for number in drawn]
    files = {}
    for name, table in {"topic": topic, "pair": pair}.items():
        table.insert(0, "id", [f"r{row}" for row in range(len(table))])
        columns = {
            "train": list(table),
            "test": [key for key in table if key != "label"],
            "holdout": ["id", "label"],
        }
        files[name] = {
            key: (table.iloc[:rows] if key == "train" else table.iloc[rows:])[kept]
            for key, kept in columns.items()
        }
    return files


def clone_of(folder: Path, config: dict[str, Any], files: dict[str, dict[str, pd.DataFrame]]) -> Clone:
    clone = Clone(folder, config)
    for task, parts in files.items():
        (folder / "data" / task).mkdir(parents=True)
        for key, table in parts.items():
            table.to_csv(folder / f"data/{task}/{key}.csv", index=False)
    return clone


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    clone = clone_of(tmp_path_factory.mktemp("two"), CONFIG, tables(72))
    clone.output = clone.snakemake("all", "check_holdout", warm=True).stdout
    return clone


def facts(clone: Clone, name: str) -> Any:
    return json.loads((clone.folder / "results" / name).read_text(encoding="utf-8"))


def test_the_archive_holds_each_task_s_file(finished: Clone) -> None:
    archive = zipfile.ZipFile(finished.folder / "results/submission.zip")
    assert archive.namelist() == ["pair.csv", "topic.csv"]
    for name in LABELS:
        table = pd.read_csv(io.BytesIO(archive.read(f"{name}.csv")))
        tested = pd.read_csv(finished.folder / f"data/{name}/test.csv")
        assert table["id"].tolist() == tested["id"].tolist()
        assert set(table["label"]) <= set(LABELS[name])


def test_the_competition_s_score_is_the_weighted_mean_of_the_tasks(finished: Clone) -> None:
    told = facts(finished, "scores.json")
    own = {name: told["tasks"][name]["chosen"] for name in LABELS}
    share = {"topic": 0.75, "pair": 0.25}
    assert told["shares"] == share
    assert told["chosen"]["cv"] == pytest.approx(sum(share[name] * own[name]["cv"] for name in LABELS))
    assert told["chosen"]["se"] ** 2 == pytest.approx(
        sum((share[name] * own[name]["se"]) ** 2 for name in LABELS)
    )
    table = pd.read_csv(finished.folder / "results/scores.csv", dtype={"round": "str"}, keep_default_na=False)
    joint = (
        table[(table["name"] == "joint-s0") & (table["round"] == "1")].set_index("task")["cv"].astype(float)
    )
    assert joint[""] == pytest.approx(0.75 * joint["topic"] + 0.25 * joint["pair"])
    true = {}
    for name in LABELS:
        given = pd.read_csv(finished.folder / f"results/submission/{name}.csv").set_index("id")["label"]
        truth = pd.read_csv(finished.folder / f"data/{name}/holdout.csv").set_index("id")["label"]
        true[name] = float((given.loc[truth.index] == truth).mean())
    report = facts(finished, "check_holdout/report.json")
    assert report["true_score"] == pytest.approx(sum(share[name] * true[name] for name in LABELS))
    assert "two: the competition's cross-validated score" in finished.output
    assert "expected on the test rows" in finished.output


def test_no_joint_model_saw_the_fold_of_any_task_or_what_resembles_it(finished: Clone) -> None:
    folds = {name: finished.table(f"folds/{name}/folds.parquet").set_index("id") for name in LABELS}
    whole = pd.concat(folds.values())
    assert (whole.groupby("cluster")["fold"].nunique() == 1).all(), "clusters are numbered across tasks"
    texts = {
        name: finished.table(f"ingest/{name}/train.parquet").set_index("id")["text_a"] for name in LABELS
    }
    shared = texts["pair"][texts["pair"].isin(set(texts["topic"]))]
    assert len(shared) > 20
    for row, text in shared.items():
        twin = texts["topic"].index[texts["topic"] == text][0]
        assert folds["pair"].loc[row, "fold"] == folds["topic"].loc[twin, "fold"]
    jobs = sorted((finished.folder / "results/joint").glob("*/round*/fold*/trained_on.parquet"))
    assert len(jobs) == 3 * (2 + 1)
    for path in jobs:
        fold, rows = int(path.parent.name[4:]), pd.read_parquet(path)
        assert set(rows["task"]) == set(LABELS)
        for name, own in rows[rows["made_by"] != "pseudo"].groupby("task"):
            assert (own["source_id"].map(folds[name]["fold"]) != fold).all()
        assert ("pseudo" in set(rows["made_by"])) == ("round1" in path.parts)
        said = pd.read_parquet(path.with_name("oof.parquet"))
        for name, table in folds.items():
            assert set(said.loc[said["task"] == name, "id"]) == set(table.index[table["fold"] == fold])


def test_the_mean_of_encoders_is_exact_and_of_the_same_fold(finished: Clone) -> None:
    results, weights = finished.folder / "results", {"topic": 0.25, "pair": 0.75}
    for fold in range(3):
        alone = {
            name: load_file(
                results / f"train/{name}/alone-s0/round0/fold{fold}/model/encoder/model.safetensors"
            )
            for name in LABELS
        }
        fused = load_file(results / f"joint/fused-s0/round0/fold{fold}/fused/model.safetensors")
        assert fused.keys() == alone["topic"].keys()
        for key, tensor in fused.items():
            mean = sum(weights[name] * alone[name][key].astype(np.float64) for name in LABELS)
            np.testing.assert_array_equal(tensor, mean.astype(np.float32))


def test_a_second_run_has_nothing_to_do_and_changes_redo_what_hangs_on_them(finished: Clone) -> None:
    assert not finished.jobs("all", "check_holdout")
    original = copy.deepcopy(CONFIG)

    def redone(*path: str, value: Any) -> set[str]:
        config = copy.deepcopy(original)
        block = config
        for key in path[:-1]:
            block = block[key]
        block[path[-1]] = value
        finished.configure(config)
        return finished.jobs("all")

    try:
        weighted = redone("metric", "weights", value={"topic": 1})
        assert weighted == {"score the competition", "write the summary", "draw the page"}
        first = redone("tasks", "pair", "metric", value="macro_f1")
        assert not any(job.startswith(("train", "predict", "refit", "deal")) for job in first)
        balanced = redone("models", "joint", "balance", value={"method": "rows"})
        trained = {job for job in balanced if job.startswith("train") and ", round 0" in job}
        assert trained == {f"train joint-s0 on its tasks, round 0, fold {fold}" for fold in range(3)}
        alone = redone("models", "alone", "learning_rate", value=0.001)
        assert "average encoders for fused-s0, round 0, fold 1" in alone
        assert "train fused-s0 on its tasks, round 0, fold 1" in alone
        assert not any(job.startswith("train joint-s0") for job in alone)
    finally:
        finished.configure(original)
    assert not finished.jobs("all")


def test_permuted_labels_score_at_chance(tmp_path: Path) -> None:
    """Noise, pseudo-labels, joint and fused members, ensembles, decisions; labels that tell of each other across tasks.

    A pair's label is a function of the label of the text that it begins with, so that a fold dealt for each task alone
    would be known from the other's.
    """
    config = copy.deepcopy(CONFIG)
    config["models"]["joint"]["epochs"] = 6
    config["models"]["joint"]["learning_rate"] = 0.002
    config["models"]["joint"]["head_learning_rate"] = 0.02
    clone = clone_of(tmp_path, config, tables(240, random_labels=True))
    clone.snakemake("scores", warm=True)
    table = pd.read_csv(clone.folder / "results/scores.csv", dtype={"round": "str"}, keep_default_na=False)
    steps = pd.read_csv(clone.folder / "results/logs/joint/joint-s0/round1/fold0.steps.csv")
    assert steps["loss"].iloc[-3:].mean() < 0.8 * steps["loss"].iloc[:3].mean(), (
        "it has learned nothing by heart"
    )
    for task, labels in LABELS.items():
        folds = clone.table(f"folds/{task}/folds.parquet")
        truth = clone.table(f"ingest/{task}/train.parquet")["target"]
        most = truth.value_counts(normalize=True).iloc[0]
        se = np.sqrt(most * (1 - most) / folds["cluster"].nunique())
        own = table[table["task"] == task]
        assert len(own) == 6 + 5 + 1
        far = {row.name: (float(row.cv) - 1 / len(labels)) / se for row in own.itertuples()}
        assert max(map(abs, far.values())) < 4, far
