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
    clone.snakemake("predict")
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
