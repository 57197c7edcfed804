"""The transformer over rounds and after the folds: self-distillation, the best epoch, the refit on all rows."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tiny import CONFIG, Clone

from podium import models

ROUND = "train/topic/encoder-s0/round1/fold{fold}"
TRICKS: dict[str, Any] = {
    "rounds": 1,
    "distillation": {"weight": 0.5},
    "stopping": {"share": 0.2},
    "refit": {"epochs": 1},
    "learning_rate": 1e-3,
    "average": {"method": "ema"},
}


@pytest.fixture(scope="module")
def finished_rounds(make_clone: Any) -> Clone:
    """A clone with a linear voter and a transformer with all of it, predicted to the end."""
    encoder = CONFIG["models"]["encoder"] | TRICKS
    linear = CONFIG["models"]["linear"] | {"augment": []}
    config = CONFIG | {"models": {"linear": linear, "encoder": encoder}, "augment": {}}
    config["pseudo"] = CONFIG["pseudo"] | {"voters": ["linear"]}
    clone: Clone = make_clone("rounds", config, per_class=30)
    clone.snakemake("predict", warm=True)
    return clone


def test_a_refit_has_seen_every_row_and_predicts_the_test_rows_alone(finished_rounds: Clone) -> None:
    clone = finished_rounds
    train, folds = (
        clone.table(name)["id"] for name in ("ingest/topic/train.parquet", "folds/topic/folds.parquet")
    )
    assert set(train) == set(folds)
    for fold in range(3):
        seen = clone.table(f"{ROUND.format(fold=fold)}/refit_on.parquet")
        assert set(train) <= set(seen.loc[seen["made_by"] == "train", "id"])
        before = clone.table(f"{ROUND.format(fold=fold)}/trained_on.parquet")
        assert not set(train) <= set(before["id"])
    predicted = clone.folder / "results/predict/topic/encoder-s0"
    columns = [name for name in pd.read_parquet(predicted / "round1/test.parquet") if name.startswith("p:")]
    for number, refit in ((0, False), (1, True)):
        mean = pd.read_parquet(predicted / f"round{number}/test.parquet")[columns].to_numpy()
        folds_mean = (
            pd.read_parquet(predicted / f"round{number}/test_folds.parquet")
            .groupby("id", sort=False)[columns]
            .mean()
            .to_numpy()
        )
        assert np.allclose(mean, folds_mean, atol=1e-6) != refit
    assert not (clone.folder / "results/train/topic/encoder-s0/round0/fold0/refit").exists()


def test_the_teacher_is_the_fold_s_own_model_of_the_round_before(finished_rounds: Clone) -> None:
    """Without it round 1 ends otherwise; another fold's model would know this fold's labels."""
    log = (finished_rounds.folder / "results/logs/train/topic/encoder-s0/round1/fold1.log").read_text(
        encoding="utf-8"
    )
    assert "taught by results/train/topic/encoder-s0/round0/fold1/model" in log


def test_every_step_is_told(finished_rounds: Clone) -> None:
    logs = finished_rounds.folder / "results/logs/train/topic/encoder-s0/round1"
    for name in ("fold2.steps.csv", "fold2.refit.steps.csv"):
        steps = pd.read_csv(logs / name)
        assert {"step", "loss", "rate", "norm", "seconds", "tokens_per_second"} <= set(steps.columns)
        assert (steps["seconds"] > 0).all()
    card = json.loads(
        (finished_rounds.folder / "results" / ROUND.format(fold=2) / "card.json").read_text(encoding="utf-8")
    )
    trained = sum(card["training_rows"].values())
    assert steps["rows"].sum() > trained  # the refit has the fold's own rows, too


def test_what_is_saved_predicts_alone(finished_rounds: Clone) -> None:
    folder = finished_rounds.folder / "results" / ROUND.format(fold=0)
    rows = finished_rounds.table("text/topic/raw/train.parquet")
    for name in ("model", "refit"):
        model = models.load("transformer", folder / name, device="cpu", threads=1)
        assert np.allclose(model.predict(rows).sum(axis=1), 1)


UNTIL: dict[str, Any] = {
    "rounds": 4,
    "until_helps": True,
    "voters": ["linear"],
    "confidence": {"earn": 0.45, "*": 0.4},
    "max_share": 1.0,
    "balance": "none",
    "labels": "soft",
    "weight": [1.0, 0.5],
}


def utility(clone: Clone, number: int, fold: int) -> float:
    """Accuracy of a round's out-of-fold predictions of the rows outside one fold."""
    truth = clone.table("ingest/topic/train.parquet").set_index("id")["target"]
    folds = clone.table("folds/topic/folds.parquet").set_index("id")["fold"].reindex(truth.index)
    oof = clone.table(f"predict/topic/linear-s0/round{number}/oof.parquet").set_index("id")
    said = oof.reindex(truth.index).idxmax(axis=1).str.removeprefix("p:")
    return float((said == truth)[folds != fold].mean())


def test_rounds_go_on_only_until_they_stop_helping(make_clone: Any) -> None:
    """Each fold's round by the scores on the others; no round is trained that nobody can use."""
    linear = CONFIG["models"]["linear"] | {"augment": [], "view": "raw", "c": 1.0}
    config = CONFIG | {"models": {"linear": linear}, "augment": {}, "pseudo": UNTIL}
    config["tasks"] = {"topic": CONFIG["tasks"]["topic"] | {"metric": "accuracy"}}
    config["ensemble"] = {"methods": ["mean"], "submit": "mean"}
    clone = make_clone("until", config, per_class=16)
    clone.snakemake("report", warm=True)
    folder = clone.folder / "results/predict/topic/linear-s0"
    facts = json.loads((folder / "settled/rounds.json").read_text(encoding="utf-8"))
    trained = len(facts["gains"])
    wanted = []
    for fold in range(3):
        scores = [utility(clone, number, fold) for number in range(trained + 1)]
        stops = [number for number in range(1, trained + 1) if scores[number] <= scores[number - 1]]
        wanted.append(stops[0] - 1 if stops else trained)
    assert facts["rounds"] == wanted
    assert set(wanted) == {0, 1}, "the case that is wanted here: it helps some folds"
    assert trained == 2
    assert not (folder / f"round{trained + 1}").exists()

    folds = clone.table("folds/topic/folds.parquet").set_index("id")["fold"]
    settled = clone.table("predict/topic/linear-s0/settled/oof.parquet")
    ends = []
    for fold, number in enumerate(wanted):
        own = clone.table(f"predict/topic/linear-s0/round{number}/oof.parquet")
        mine = (settled["id"].map(folds) == fold).to_numpy()
        pd.testing.assert_frame_equal(settled[mine], own[mine])
        said = clone.table(f"predict/topic/linear-s0/round{number}/test_folds.parquet")
        ends.append(said[said["fold"] == fold].filter(like="p:").to_numpy())
    test = clone.table("predict/topic/linear-s0/settled/test.parquet")
    assert np.allclose(test.filter(like="p:"), np.mean(ends, axis=0), atol=1e-6)
    alone = clone.table("predict/topic/linear-s0/settled/test_folds.parquet")
    assert np.allclose(alone.filter(like="p:"), np.concatenate(ends), atol=1e-6)
    assert (alone["fold"] == np.repeat(range(len(ends)), len(test))).all()
    pd.testing.assert_frame_equal(clone.table("ensemble/topic/mean/oof.parquet"), settled)

    seen = clone.table("train/topic/linear-s0/round2/fold0/trained_on.parquet")
    pseudo = seen["made_by"] == "pseudo"
    assert pseudo.any()
    assert (seen["weight"] == np.where(pseudo, 0.5, 1)).all()
    assert np.allclose(seen.loc[pseudo].filter(like="p:").sum(axis=1), 1, atol=1e-4)
    assert seen.loc[~pseudo].filter(like="p:").isna().all(axis=None)
    scores = pd.read_csv(clone.folder / "results/scores.csv", dtype={"round": "str"})
    members = scores[scores["what"] == "member"]
    assert members["round"].tolist() == [*map(str, range(trained + 1)), "settled"]
    summary = (clone.folder / "results/report/summary.txt").read_text(encoding="utf-8")
    assert summary.count("by out-of-fold rows at the same bars") == trained
    assert clone.jobs("report") == set()
    config["pseudo"] = UNTIL | {"until_helps": False, "rounds": trained}
    clone.configure(config)
    redone = {job for job in clone.jobs("report") if "linear-s0" in job or job.startswith("pseudo")}
    # Its own models of round 1 vote in fold 2 now, where those of round 0 did
    assert redone == {
        "pseudo-labels of round 2, fold 2",
        "train linear-s0, round 2, fold 2",
        "predict with linear-s0, round 2",
    }
