"""``explain`` and ``compare`` on real runs: what is told of files and rows is what the artifacts say."""

import copy
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from tiny import CONFIG, Clone, sample_numbers

FOLDS = range(2)
SMALL: dict[str, Any] = {
    **{key: CONFIG[key] for key in ("competition", "seed")},
    "tasks": {
        "topic": {
            **CONFIG["tasks"]["topic"],
            "external": {"more": {"file": "data/tiny/more.csv", "id": "id", "weight": 0.5}},
            "unlabelled": {"web": {"file": "data/tiny/web.csv", "id": "id"}},
        }
    },
    "text": {"views": {"raw": [], "clean": ["lowercase", "whitespace"]}},
    "folds": {"n": 2},
    "noise": {
        **{"filter_by": "predicted_neq_given", "inner_folds": 2, "max_share": 0.2},
        "overrides": "data/tiny/overrides.csv",
    },
    "augment": {"eda": {"kind": "eda", "copies": 2}},
    "models": {
        "linear": {"kind": "linear", "view": "clean", "augment": ["eda"], "noise": "prune"},
        "letters": {"kind": "linear", "tfidf": {"word_ngrams": None, "char_ngrams": [2, 3]}, "rounds": 0},
    },
    "pseudo": {"rounds": 1, "confidence": 0.3, "agree": 0.6},
    "ensemble": {"methods": ["mean"], "submit": "mean"},
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, wordnet: Path) -> Clone:
    """A finished run with every kind of row: pruned, dropped, relabelled, near-duplicates, external, unlabelled."""
    clone = Clone(tmp_path_factory.mktemp("explain"), SMALL)
    data = clone.folder / "data/tiny"
    data.mkdir(parents=True)
    (clone.folder / "data/wordnet").symlink_to(wordnet)
    tables = sample_numbers(120, 24)
    train = tables["train.csv"]
    train.loc[[4, 9, 14], "label"] = "trade"
    train.loc[1, "text"] = train.loc[0, "text"].upper() + " X"
    train.loc[0, "text"] += " x"
    others = sample_numbers(168, 0)["train.csv"].iloc[144:]
    others.iloc[:12].assign(id=[f"e{n}" for n in range(12)]).to_csv(data / "more.csv", index=False)
    others.iloc[12:][["text"]].assign(id=[f"u{n}" for n in range(12)]).to_csv(data / "web.csv", index=False)
    overrides = pd.DataFrame({"id": ["r20", "r21"], "label": ["drop", "acq"]})
    overrides.to_csv(data / "overrides.csv", index=False)
    for name, table in tables.items():
        table.to_csv(data / name, index=False)
    clone.snakemake("all", warm=True)
    return clone


def podium(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "podium", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def rows(clone: Clone, *ids: str) -> dict[str, dict[str, Any]]:
    """The stories of some ids, by the library, which the command prints."""
    from dataclasses import asdict

    from podium.explain import rows as told

    results = clone.folder / "results"
    found = {id: told.find(results, id, task=None) for id in ids}
    assert all(len(stories) == 1 for stories in found.values())
    return {
        id: json.loads(json.dumps(asdict(told.tell(stories[0], results)))) for id, stories in found.items()
    }


def trained(clone: Clone, id: str, part: str) -> set[tuple[Any, ...]]:
    """Every training table that holds the row, read again."""
    found = set()
    for path in (clone.folder / "results/train/topic").glob("*/round*/fold*/trained_on.parquet"):
        table = pd.read_parquet(path)
        for row in table[(table["id"] == id) & (table["part"] == part)].itertuples():
            place = (path.parts[-4], int(path.parts[-3][5:]), int(path.parts[-2][4:]))
            found.add((*place, row.made_by, row.target, row.weight))
    return found


def of_story(story: dict[str, Any]) -> set[tuple[Any, ...]]:
    return {
        (one["member"], one["round"], fold, one["made_by"], one["target"], one["weight"])
        for one in story["trained"]
        for fold in one["folds"]
    }


def test_rows_are_told_as_the_artifacts_say(clone: Clone) -> None:
    verdicts = {fold: clone.table(f"noise/topic/fold{fold}.parquet").set_index("id") for fold in FOLDS}
    pruned = next(id for table in verdicts.values() for id in table.index[table["pruned"]])
    made = clone.table("augment/topic/eda.parquet")
    taken = clone.table("pseudo/topic/round1/fold0.parquet")
    tested = taken.loc[taken["part"] == "test", "id"].iloc[0]
    ids = ["r0", "r20", "r21", pruned, made["id"].iloc[5], tested, "e3", "u3"]
    told = rows(clone, *ids)
    for id, story in told.items():
        assert of_story(story) == trained(clone, id, story["part"])
    folds = clone.table("folds/topic/folds.parquet").set_index("id")
    for id in ("r0", "r20", "r21", pruned):
        story = told[id]
        assert (story["fold"], story["cluster"]) == tuple(folds.loc[id, ["fold", "cluster"]])
        near = folds.index[folds["cluster"] == story["cluster"]].drop(id)
        assert [one["id"] for one in story["neighbours"]] == list(near)
        assert {one["fold"]: one["pruned"] for one in story["noise"]} == {
            fold: bool(table.loc[id, "pruned"]) for fold, table in verdicts.items() if id in table.index
        }
        mine = made[made["source_id"] == id]
        assert [one["id"] for one in story["made"]] == mine["id"].tolist()
        for one in story["made"]:
            where = {
                f"{member} round {number} fold {fold}"
                for member, number, fold, *_ in trained(clone, one["id"], "eda")
            }
            assert set(one["taken"]) == where
        decided = clone.table("decision/topic/oof.parquet").set_index("id").loc[id, "label"]
        assert (story["decision"], story["right"]) == (decided, decided == story["label"])
    assert [one["id"] for one in told["r0"]["neighbours"]] == ["r1"]
    assert told["r20"]["override"] == {"drop": True, "label": None}
    assert told["r20"]["trained"] == []
    assert {one["target"] for one in told["r21"]["trained"]} == {"acq"}
    assert of_story(told[pruned]) != set()
    assert told[pruned]["views"][0]["name"] == "clean"
    assert told["r0"]["views"][0]["steps"] == []


def test_predictions_and_pseudo_labels_are_those_of_the_tables(clone: Clone) -> None:
    told = rows(clone, "r3", "r130", "u4")
    for id, name in (("r3", "oof"), ("r130", "test")):
        said = {(one["what"], one["name"], one["round"]): one for one in told[id]["said"]}
        assert set(said) == {
            *(("member", "linear-s0", number) for number in "01"),
            ("member", "letters-s0", "0"),
            ("ensemble", "mean", ""),
        }
        for (what, member, number), one in said.items():
            folder = (
                f"predict/topic/{member}/round{number}" if what == "member" else f"ensemble/topic/{member}"
            )
            row = clone.table(f"{folder}/{name}.parquet").set_index("id").loc[id]
            assert one["values"] == pytest.approx({key[2:]: value for key, value in row.items()})
            best = str(row.idxmax())[2:]
            assert one["right"] == (best == told[id]["label"] if id == "r3" else None)
    for id, part in (("r130", "test"), ("u4", "web")):
        assert [one["fold"] for one in told[id]["pseudo"]] == list(FOLDS)
        for one in told[id]["pseudo"]:
            table = clone.table(f"pseudo/topic/round1/fold{one['fold']}.parquet")
            row = table[(table["id"] == id) & (table["part"] == part)].iloc[0]
            assert (one["label"], one["accepted"], one["why"]) == (row["label"], row["accepted"], row["why"])


def test_the_command_tells_a_row_a_file_and_an_unknown_id(clone: Clone) -> None:
    shown = podium(clone.folder, "explain", "r3", "--json", "told.json")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("topic: training row 'r3'\n")
    assert max(map(len, shown.stdout.splitlines())) <= 100
    plain = json.loads((clone.folder / "told.json").read_text(encoding="utf-8"))
    assert [row["id"] for row in plain["rows"]] == ["r3"]
    lost = podium(clone.folder, "explain", "R3x")
    assert lost.returncode == 1
    assert len(lost.stderr.splitlines()) == 1
    assert "there is no row 'R3x'" in lost.stderr
    file = podium(clone.folder, "explain", "results/decision/topic/oof.parquet", "--json", "told.json")
    assert file.returncode == 0, file.stderr
    one = json.loads((clone.folder / "told.json").read_text(encoding="utf-8"))["artifact"]
    assert one["outputs"][0]["rule"] == "decide_labels"
    assert one["run"]["versions"]["pandas"] == pd.__version__
    assert one["run"]["ok"]
    assert one["currency"] == {"again": {}, "before": [], "unknown": None}
    named = {setting["name"]: setting["key"] for setting in one["settings"]}
    assert named["method"] == "decision.method"
    assert {part["rule"] for part in one["inputs"]} >= {"combine_members", "ingest_train", "deal_folds"}
    gone = podium(clone.folder, "explain", "results/decision/topik")
    assert gone.returncode == 1
    assert "there is no results/decision/topik" in gone.stderr


def test_runs_leave_records_that_redo_nothing_and_the_config_of_the_results(
    clone: Clone, tmp_path: Path
) -> None:
    """A changed line that is run again, and one that is only tried: the config stays that of the results."""
    results = clone.folder / "results"
    assert clone.jobs("all") == set()
    noted = yaml.safe_load((results / "config.yaml").read_text(encoding="utf-8"))
    assert noted["models"]["letters"]["tfidf"]["char_ngrams"] == [2, 3]
    assert noted["folds"] == {"n": 2, "seed": None, "near_duplicates": 0.8}
    assert len(list((results / "logs/runs").glob("*.json"))) == 1
    copied = shutil.copytree(clone.folder, tmp_path / "other", symlinks=True)
    other = copy.copy(clone)
    other.folder = copied
    changed = copy.deepcopy(SMALL)
    changed["models"]["letters"]["c"] = 0.01
    other.configure(changed)
    tried = podium(copied, "explain", "results/train/topic/letters-s0/round0/fold0/oof.parquet")
    assert "current      no: its keys of the config, or the code, are others now" in tried.stdout
    other.jobs("all")
    assert yaml.safe_load((copied / "results/config.yaml").read_text(encoding="utf-8")) == noted
    other.snakemake("all", warm=True)
    assert yaml.safe_load((copied / "results/config.yaml").read_text(encoding="utf-8")) != noted
    shown = podium(clone.folder, "compare", "results", str(copied), "--json", "both.json")
    assert shown.returncode == 0, shown.stderr
    assert max(map(len, shown.stdout.splitlines()[2:])) <= 100
    found = json.loads((clone.folder / "both.json").read_text(encoding="utf-8"))
    assert [one["key"] for one in found["config"]] == ["models.letters.c"]
    assert found["config"][0]["b"] == 0.01
    assert found["notes"] == []
    tables = [json.loads((folder / "results/scores.json").read_text()) for folder in (clone.folder, copied)]
    cv = [{(row["what"], row["name"], row["round"]): row["cv"] for row in table["rows"]} for table in tables]
    differences = found["tasks"][0]["scores"]["differences"]
    assert len(differences) == len(cv[0])
    for one in differences:
        key = (one["what"], one["name"] or one["named_a"], one["round"])
        assert (one["a"], one["b"]) == pytest.approx((cv[0][key], cv[1][key]), abs=1e-12)
        assert one["same"] or one["name"] != "linear-s0"  # whose config is as it was
        assert not one["same"] or one["name"] != "letters-s0"
    labels = [
        pd.read_parquet(folder / "results/decision/topic/oof.parquet") for folder in (clone.folder, copied)
    ]
    assert len(found["tasks"][0]["decisions"][0]["rows"]) == (labels[0]["label"] != labels[1]["label"]).sum()
