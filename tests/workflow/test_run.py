"""The whole workflow on a tiny slice of real text: artifacts, lineage, scores, errors, kills."""

import copy
import random
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.metrics import f1_score, log_loss
from tiny import CLASSES, CONFIG, Clone

from podium.files import read_json

FOLDS = range(3)


def test_submission_has_the_form_of_the_sample(finished: Clone) -> None:
    sample = pd.read_csv(finished.folder / "data/tiny/sample_submission.csv", dtype="str")
    submission = pd.read_csv(finished.folder / "results/submission.csv", dtype="str")
    assert list(submission.columns) == ["label", "id"]
    assert submission["id"].equals(sample["id"])
    assert set(submission["label"]) <= {"acq", "crude", "earn", "trade"}
    assert submission["label"].nunique() > 1


def test_summary_is_shown_and_names_every_score(finished: Clone) -> None:
    shown = finished.output
    summary = (finished.folder / "results/report/summary.txt").read_text()
    assert summary in shown
    assert (finished.folder / "results/check_holdout/summary.txt").read_text() in shown
    for name in (
        "linear-s0",
        "trees-s0",
        "trees-s1",
        "encoder-s0",
        "mean",
        "blend",
        "stack",
        "vote",
        "best",
    ):
        assert name in summary
    assert "results/submission.csv (80 rows)" in summary


def test_reported_score_is_that_of_the_decided_labels(finished: Clone) -> None:
    """The figure a user reads, computed again by scikit-learn from the artifacts."""
    truth = finished.table("ingest/topic/train.parquet").set_index("id")["target"]
    decided = finished.table("decision/topic/oof.parquet").set_index("id")["label"]
    reported = read_json(finished.folder / "results/decision/topic/score.json")["cv"]
    expected = f1_score(truth, decided.reindex(truth.index), average="macro")
    assert reported == pytest.approx(expected, abs=1e-12)
    table = pd.read_csv(finished.folder / "results/scores.csv")
    assert table["cv"].iloc[-1] == pytest.approx(expected, abs=1e-9)


def test_no_model_was_trained_on_what_it_is_scored_on(finished: Clone) -> None:
    """Lineage rules 1, 2 and 5 on the artifacts themselves, for every member, round and fold."""
    folds = finished.table("folds/topic/folds.parquet")
    fold_of = folds.set_index("id")["fold"]
    assert (folds.groupby("cluster")["fold"].nunique() == 1).all()
    test_ids = set(finished.table("ingest/topic/test.parquet")["id"])
    seen = 0
    for path in sorted((finished.folder / "results/train/topic").glob("*/round*/fold*/trained_on.parquet")):
        fold, number = int(path.parent.name[4:]), int(path.parent.parent.name[5:])
        rows = pd.read_parquet(path)
        real = rows[rows["made_by"] != "pseudo"]
        assert (real["source_id"].map(fold_of) != fold).all()
        pseudo = rows[rows["made_by"] == "pseudo"]
        assert set(pseudo["id"]) <= test_ids
        assert (number == 0) == pseudo.empty
        oof = pd.read_parquet(path.with_name("oof.parquet"))
        assert set(oof["id"]) == set(folds.loc[folds["fold"] == fold, "id"])
        seen += 1
    assert seen == 3 * (2 * 2 + 2 + 1)


def test_pruned_rows_and_made_rows_are_as_the_noise_and_augment_stages_say(finished: Clone) -> None:
    for fold in FOLDS:
        noise = finished.table(f"noise/topic/fold{fold}.parquet")
        pruned = set(noise.loc[noise["pruned"], "id"])
        trees = finished.table(f"train/topic/trees-s0/round0/fold{fold}/trained_on.parquet")
        assert pruned
        assert not pruned & set(trees["id"])
        assert len(trees) == len(noise) - len(pruned)
        linear = finished.table(f"train/topic/linear-s0/round0/fold{fold}/trained_on.parquet")
        assert set(linear["made_by"]) == {"train", "eda"}


def test_a_second_run_has_nothing_to_do(finished: Clone) -> None:
    assert finished.jobs("all", "check_holdout") == set()


def test_killed_at_random_moments_it_ends_with_the_same_bytes(finished: Clone, make_clone: Any) -> None:
    clone = make_clone("killed", CONFIG)
    moments = random.Random(11)
    kills = sum(clone.kill_after(moments.uniform(4, 12)) for _ in range(4))
    assert kills >= 2, "the run ended before it could be killed"
    clone.snakemake("all", "check_holdout")
    assert clone.bytes_of_results() == finished.bytes_of_results()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["folds"].update(nn=3), "config: folds.nn: unknown key; did you mean 'n'?"),
        (lambda c: c["models"]["linear"].update(view="cleen"), "did you mean 'clean'?"),
        (lambda c: c["tasks"]["topic"].update(target="labels"), "no column 'labels' (did you mean 'label'?)"),
        (
            lambda c: c["tasks"]["topic"].update(train="data/tiny/train.tsv"),
            "there is no file data/tiny/train.tsv",
        ),
        (
            lambda c: c["tasks"]["topic"].update(type="spam"),
            "config: tasks.topic.type: found 'spam'",
        ),
    ],
)
def test_a_mistake_in_the_config_is_one_clear_line(finished: Clone, change: Any, message: str) -> None:
    config = copy.deepcopy(CONFIG)
    change(config)
    finished.configure(config)
    try:
        done = finished.snakemake("--dry-run", check=False)
    finally:
        finished.configure(CONFIG)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.startswith("podium:")]
    assert len(lines) == 1, done.stderr
    assert message in lines[0]
    assert "Traceback" not in done.stderr


def test_a_mistake_in_the_data_is_the_last_word(make_clone: Any) -> None:
    clone = make_clone("bad_data", CONFIG)
    path = clone.folder / "data/tiny/train.csv"
    rows = pd.read_csv(path, dtype="str")
    pd.concat([rows, rows.head(2)]).to_csv(path, index=False)
    done = clone.snakemake("ingest", check=False)
    assert done.returncode == 1
    shown = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("podium:")]
    assert "2 ids" in shown[-1]
    assert "Traceback" not in done.stdout + done.stderr


def test_results_of_another_competition_are_not_overwritten(finished: Clone) -> None:
    config = copy.deepcopy(CONFIG)
    config["competition"] = "another"
    finished.configure(config)
    try:
        done = finished.snakemake("folds", "--forcerun", "deal_folds", check=False)
    finally:
        finished.configure(CONFIG)
    assert done.returncode == 1
    assert "results/ holds the competition 'tiny', and this config is 'another'" in done.stdout + done.stderr
    assert finished.jobs("all") == set()


def test_a_competition_of_probabilities(finished: Clone, tmp_path: Path) -> None:
    """Log loss and a sample with a column for each class: submission and hold-out; round 0 is not trained again."""
    shutil.copytree(finished.folder, tmp_path / "clone", symlinks=True)
    clone = copy.copy(finished)
    clone.folder = tmp_path / "clone"
    data = clone.folder / "data/tiny"
    ids = pd.read_csv(data / "test.csv", dtype="str")[["id"]]
    ids.assign(trade=0.25, acq=0.25, earn=0.25, crude=0.25).to_csv(
        data / "sample_submission.csv", index=False
    )
    config = copy.deepcopy(CONFIG)
    config["tasks"]["topic"]["metric"] = "log_loss"
    clone.configure(config)
    done = clone.snakemake("submission", "check_holdout", warm=True)
    assert ", round 0, fold" not in done.stdout + done.stderr
    submission = pd.read_csv(clone.folder / "results/submission.csv", dtype={"id": "str"})
    assert list(submission.columns) == ["id", "trade", "acq", "earn", "crude"]
    assert submission["id"].tolist() == ids["id"].tolist()
    truth = pd.read_csv(data / "holdout.csv", dtype="str").set_index("id")["label"]
    proba = submission.set_index("id")[CLASSES].loc[truth.index]
    proba = proba.div(proba.sum(axis=1), axis=0)  # written as float32
    found = read_json(clone.folder / "results/check_holdout/report.json")
    assert found["true_score"] == pytest.approx(log_loss(truth, proba, labels=CLASSES), abs=1e-5)
