"""The table of scores holds what the metrics say, whatever the order of the rows, and why the choice was made."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, log_loss

from podium import scores, timings
from podium.averaging import Gain
from podium.files import read_json, write_csv, write_json, write_table, write_text
from podium.predict import to_table
from scripts import scores as script

LABELS = ["a", "b", "c"]
IDS = [f"{number:03}" for number in range(240)]
TRAIN = pd.DataFrame({"id": IDS, "target": np.random.default_rng(0).choice(LABELS, 240)}).astype("str")
MEMBERS = ("linear", "linear1", "bert")
FOLDS = pd.DataFrame({"id": TRAIN["id"], "fold": np.arange(240) % 4, "cluster": np.arange(240)})


def predictions(seed: int, skill: float) -> pd.DataFrame:
    """Out-of-fold probabilities in an order of their own."""
    proba = np.random.default_rng(seed).dirichlet([1, 1, 1], 240)
    proba += skill * (TRAIN["target"].to_numpy()[:, None] == np.array(LABELS))
    oof = to_table(IDS, proba / proba.sum(axis=1, keepdims=True), LABELS)
    return oof.sample(frac=1, random_state=seed)


def scorer(metric: str) -> scores.Scorer:
    folds = FOLDS.sample(frac=1, random_state=2)
    return scores.Scorer(TRAIN, folds, LABELS, metric=metric, type="single_label", test_rows=100)


@pytest.mark.parametrize("metric", ["macro_f1", "log_loss"])
def test_scores_are_scikit_learns_with_intervals_about_them(metric: str) -> None:
    oof = predictions(1, 0.5)
    row = scorer(metric).score("member", "linear-s0", "0", oof, tested="not asked")
    joined = TRAIN.merge(oof, on="id").merge(FOLDS, on="id")

    def value(rows: pd.DataFrame) -> float:
        proba = rows[[f"p:{label}" for label in LABELS]].to_numpy(dtype=float)
        if metric == "log_loss":
            return log_loss(rows["target"], proba / proba.sum(axis=1, keepdims=True), labels=LABELS)
        return f1_score(rows["target"], np.array(LABELS)[proba.argmax(axis=1)], average="macro")

    assert row.cv == pytest.approx(value(joined))
    assert row.folds == pytest.approx([value(rows) for _, rows in joined.groupby("fold")])
    found = scores.errors(row, metric)
    assert found["board_low"] < found["low"] < row.cv < found["high"] < found["board_high"]
    assert found["se"] > 0
    assert (found["gain"], found["gain_se"], found["board"], found["no_gain"]) == (0, 0, row.cv, "not asked")


def test_the_gain_moves_the_interval_of_the_board_and_its_error_widens_it() -> None:
    plain = scorer("accuracy").score("member", "x", "", predictions(1, 0.3), tested="no")
    ends = scores.errors(plain, "accuracy")
    moved = scores.errors(dataclasses.replace(plain, gain=Gain(0.02, 0.0, None)), "accuracy")
    wider = scores.errors(dataclasses.replace(plain, gain=Gain(0.02, 0.05, None)), "accuracy")
    for name in ("board", "board_low", "board_high"):
        assert moved[name] == pytest.approx(ends[name] + 0.02)
    assert [moved[name] for name in ("se", "low", "high")] == [ends[name] for name in ("se", "low", "high")]
    widths = [(found["board_high"] - found["board_low"]) / 3.29 for found in (ends, wider)]
    assert widths[1] == pytest.approx(np.hypot(widths[0], 0.05), rel=0.06)


def test_what_is_decided_is_scored_unless_the_metric_reads_probabilities() -> None:
    oof = predictions(1, 0.5)
    decided = TRAIN.rename(columns={"target": "label"}).assign(fold=0).sample(frac=1, random_state=3)
    assert scorer("accuracy").score("submitted", "x", "", oof, decided, tested="no").cv == 1
    plain = scorer("log_loss").score("member", "x", "", oof, tested="no")
    assert scorer("log_loss").score("submitted", "x", "", oof, decided, tested="no").cv == plain.cv


def test_intervals_end_where_the_metric_does() -> None:
    oof = predictions(1, 20.0)
    wrong = TRAIN["target"].where(TRAIN.index > 2, "a").rename("label")
    decided = pd.DataFrame({"id": TRAIN["id"], "label": wrong})
    row = scorer("accuracy").score("submitted", "x", "", oof, decided, tested="no")
    assert scores.errors(row, "accuracy")["board_high"] == 1 > row.cv
    shifted = {"a": "b", "b": "c", "c": "a"}
    never = TRAIN["target"].map(shifted).where(TRAIN.index > 2, TRAIN["target"]).rename("label")
    decided = pd.DataFrame({"id": TRAIN["id"], "label": never})
    for metric, lowest in (("accuracy", 0), ("macro_f1", 0), ("mcc", -1)):
        row = scorer(metric).score("submitted", "x", "", oof, decided, tested="no")
        low = scores.errors(row, metric)["board_low"]
        assert low == 0 if lowest == 0 else -1 <= low < 0
    nearly = scorer("log_loss").score("member", "x", "", oof, tested="no")
    assert scores.errors(nearly, "log_loss")["board_low"] >= 0


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, Any]:
    """Files of a run: two members, one of them in two rounds, three ensembles; ``best`` took ``stack`` three times."""
    results = tmp_path / "results"
    given = {"linear": (1, 0.3), "linear1": (2, 0.35), "bert": (3, 0.5)}
    given |= {"mean": (4, 0.55), "stack": (5, 0.7), "best": (5, 0.7)}
    for name, (seed, skill) in given.items():
        oof = predictions(seed, skill)
        write_table(oof, results / f"{name}.parquet")
        alone = [predictions(10 * seed + fold, skill).assign(fold=fold) for fold in range(4)]
        mean = pd.concat(alone).drop(columns="fold").groupby("id").mean().reset_index()
        write_table(pd.concat(alone), results / f"{name}_folds.parquet")
        write_table(oof if name == "linear" else mean, results / f"{name}_test.parquet")
    ensembles = {
        "mean": {"method": "mean", "fold_methods": ["mean"] * 4, "members": ["linear-s0", "bert-s0"]},
        "stack": {"method": "stack", "fold_methods": ["stack"] * 4, "members": ["bert-s0"]},
        "best": {
            "method": "stack",
            "fold_methods": ["stack", "mean", "stack", "stack"],
            "members": ["bert-s0"],
        },
    }
    for name, fit in ensembles.items():
        write_json(fit, results / f"{name}.json")
    plain = predictions(5, 0.7).set_index("id").idxmax(axis=1).str.removeprefix("p:")
    changed = plain.mask(np.arange(240) % 40 == 0, "a")
    write_table(changed.rename("label").reset_index(), results / "decided.parquet")
    for part in ("test", "folds"):
        said = pd.read_parquet(results / f"best_{part}.parquet")
        wide = said.set_index("id")[[f"p:{label}" for label in LABELS]]
        said["label"] = wide.idxmax(axis=1).str.removeprefix("p:").to_numpy()
        write_table(said, results / f"decided_{part}.parquet")
    write_json({"method": "offsets", "label_shift": False}, results / "score.json")
    write_table(TRAIN, results / "train.parquet")
    write_table(TRAIN[["id"]], results / "test.parquet")
    write_table(FOLDS, results / "folds.parquet")
    write_json(LABELS, results / "labels.json")
    return {
        "oof": [results / f"{name}.parquet" for name in MEMBERS],
        "tests": [results / f"{name}_test.parquet" for name in MEMBERS],
        "tests_folds": [results / f"{name}_folds.parquet" for name in MEMBERS],
        "ensembles": [results / f"{name}.json" for name in ensembles],
        "ensembles_oof": [results / f"{name}.parquet" for name in ensembles],
        "ensembles_test": [results / f"{name}_test.parquet" for name in ensembles],
        "ensembles_folds": [results / f"{name}_folds.parquet" for name in ensembles],
        "decided": results / "decided.parquet",
        "decided_test": results / "decided_test.parquet",
        "decided_folds": results / "decided_folds.parquet",
        "decision": results / "score.json",
        **{name: results / f"{name}.parquet" for name in ("train", "test", "folds")},
        "labels": results / "labels.json",
        "table": results / "scores.csv",
        "facts": results / "scores.json",
        "task": "t",
        "member_rounds": [("linear-s0", 0), ("linear-s0", 1), ("bert-s0", 0)],
        "methods": list(ensembles),
        "submit": "best",
        "twins": [],
        "metric": "accuracy",
        "type": "single_label",
        "threads": 1,
    }


def jobs_records(results: Path, member: str, folds: range) -> None:
    """What Snakemake and the engine leave of training jobs."""
    for fold in folds:
        path = f"train/t/{member}/round0/fold{fold}"
        seconds = pd.DataFrame({"s": [10.0 + fold], "max_rss": [1.0]})
        write_csv(seconds, results / f"benchmarks/{path}.tsv", separator="\t")
        steps = pd.DataFrame({"tokens": [7, 100, 300], "seconds": [np.nan, 1.0, 3.0]})
        write_csv(steps, results / f"logs/{path}.steps.csv")
        write_json({"training_rows": {"train": 180, "eda": 20 + fold}}, results / path / "card.json")


def test_files_of_a_run(arguments: dict[str, Any]) -> None:
    results = arguments["table"].parent
    jobs_records(results, "bert-s0", range(4))
    jobs_records(results, "linear-s0", range(3))  # one fold's are lost, another's cut short
    write_text("s\th:m:s\n", results / "benchmarks/ensemble/t/mean.tsv")
    write_text("s\n4.25\n", results / "benchmarks/ensemble/t/stack.tsv")
    script.main(**arguments)
    table = pd.read_csv(arguments["table"], dtype={"round": "str"})
    columns = [
        "task",
        "what",
        "name",
        "round",
        "metric",
        "cv",
        "se",
        "low",
        "high",
        "gain",
        "gain_se",
        "board",
        "board_low",
        "board_high",
    ]
    folds = [f"fold{fold}" for fold in range(4)]
    assert list(table.columns) == [*columns, *folds, *timings.COLUMNS, "chosen"]
    assert table[["what", "name", "round"]].fillna("").values.tolist() == [
        ["member", "bert-s0", "0"],
        ["member", "linear-s0", "0"],
        ["member", "linear-s0", "1"],
        ["ensemble", "mean", ""],
        ["ensemble", "stack", ""],
        ["ensemble", "best", ""],
        ["submitted", "best + offsets", ""],
    ]
    assert table.loc[table["chosen"], "name"].tolist() == ["stack"]
    times = table.set_index("name")[list(timings.COLUMNS)]
    assert times.loc["bert-s0"].tolist() == [10 + 11 + 12 + 13, 100, 202]
    assert times.loc["linear-s0", "fit_seconds"].isna().all()
    assert times.loc["linear-s0", "tokens_per_second"].tolist()[:1] == [100]
    assert times.loc["stack", "fit_seconds"] == 4.25
    assert times.loc[["mean", "best", "best + offsets"]].isna().all(axis=None)


def test_the_reason_holds_the_figures_of_the_table(arguments: dict[str, Any]) -> None:
    script.main(**arguments)
    facts, before = read_json(arguments["facts"]), arguments["facts"].read_bytes()
    rows = pd.DataFrame(facts["rows"]).set_index(["what", "name"])
    chosen, compared = facts["chosen"], {found["name"]: found for found in facts["compared"]}
    submitted = rows.loc[("submitted", "best + offsets")]
    for name in ("cv", "se", "low", "high", "gain", "gain_se", "board", "board_low", "board_high"):
        assert chosen[name] == submitted[name]
    assert (chosen["name"], chosen["method"], chosen["decision"]) == ("best", "stack", "offsets")
    assert (chosen["test_rows"], chosen["folds"]) == (240, {"stack": 3, "mean": 1})
    assert list(compared) == ["mean", "best", "bert-s0"]
    assert (compared["best"]["difference"], compared["best"]["se"]) == (0, 0)
    assert compared["best"]["standard_errors"] is None
    stack = rows.loc[("ensemble", "stack"), "cv"]
    for what, name in (("ensemble", "mean"), ("member", "bert-s0")):
        apart = stack - rows.loc[(what, name), "cv"]
        assert compared[name]["difference"] == pytest.approx(apart)
        said = f"{name} ({rows.loc[(what, name), 'cv']:.4f}) is {apart:.4f} behind "
        assert f"{said}(standard error {compared[name]['se']:.4f})" in chosen["why"]
    assert f"best cross-fitted accuracy of 2 ensembles ({stack:.4f})" in chosen["why"]
    assert f"took stack in 3 of 4 folds, mean in 1 of 4 folds and scores {stack:.4f}" in chosen["why"]
    changed = float(submitted["cv"] - stack)
    assert f"deciding (offsets for the test rows) changed that by {changed:+.4f}" in chosen["why"]
    # Nothing of time is in it: the same bytes whatever the records say
    jobs_records(arguments["table"].parent, "bert-s0", range(4))
    script.main(**arguments)
    assert arguments["facts"].read_bytes() == before


def test_a_named_ensemble_is_compared_with_the_others_without_a_choice(arguments: dict[str, Any]) -> None:
    for key in ("ensembles", "ensembles_oof", "ensembles_test", "ensembles_folds", "methods"):
        arguments[key] = arguments[key][:2]
    script.main(**{**arguments, "submit": "mean", "metric": "log_loss"})
    chosen = read_json(arguments["facts"])["chosen"]
    assert (chosen["method"], chosen["folds"]) == ("mean", {})
    figure = r"[0-9.]+ (behind|ahead) \(standard error [0-9.]+\)"
    assert re.fullmatch(
        rf"mean \([0-9.]+\) is the ensemble that the config submits: stack \([0-9.]+\) is {figure}, "
        rf"the best single member bert-s0 \([0-9.]+\) is {figure}\.",
        chosen["why"],
    )
    assert "stack" in chosen["why"].split("ahead")[0]


def test_the_gain_of_averaging_is_that_of_each_row_of_the_table(arguments: dict[str, Any]) -> None:
    """The first round of ``linear-s0`` is predicted by other models; in the end it is the mean of the fold models."""
    script.main(**arguments)
    rows = pd.DataFrame(read_json(arguments["facts"])["rows"]).set_index(["what", "name", "round"])
    assert "refit" in rows.loc[("member", "linear-s0", "0"), "no_gain"]
    others = rows.drop(index=("member", "linear-s0", "0"))
    assert others["no_gain"].isna().all()
    assert (others["gain"] > 0.02).all()  # four models that have nothing in common but the truth
    assert (others["board"] == np.minimum(others["cv"] + others["gain"], 1)).all()
    for key in ("tests", "tests_folds", "oof", "member_rounds"):
        arguments[key] = [arguments[key][place] for place in (0, 2)]
    script.main(**arguments)
    rows = pd.DataFrame(read_json(arguments["facts"])["rows"]).set_index("name")
    assert rows.loc["mean", "no_gain"].startswith("linear-s0 in it")
    assert rows["no_gain"].notna().tolist() == [False, True, True, False, False, False]
    script.main(**{**arguments, "metric": "log_loss"})
    assert "log_loss" in read_json(arguments["facts"])["chosen"]["no_gain"]


@pytest.mark.parametrize(("metric", "best"), [("accuracy", "b-s0"), ("log_loss", "a-s0")])
def test_best_member_is_the_best_by_the_metrics_own_sense(metric: str, best: str) -> None:
    values = {
        "a-s0": 0.1,
        "b-s0": 0.3,
        "c-s0": 0.3,
        "d-s0": 0.2,
        "mean": 0.0 if metric == "log_loss" else 1.0,
    }
    table = pd.DataFrame({"name": values.keys(), "cv": values.values(), "metric": metric})
    table["what"] = np.where(table["name"] == "mean", "ensemble", "member")
    assert scores.best_member(table)["name"] == best
