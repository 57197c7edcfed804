"""Anonymised texts from raw files to a submission: a new network, pretrained; what a changed key redoes."""

import copy
import json
from typing import Any

import pandas as pd
import pytest
from tiny import CONFIG, Clone, sample_numbers

PRETRAIN: dict[str, Any] = {
    "scratch": {
        **{"hidden_size": 16, "layers": 1, "heads": 2, "intermediate_size": 32, "positions": 48},
    },
    "max_length": 32,
    "epochs": 1,
    "threads": 1,
    "evaluations": 2,
    "held_out": 0.1,
}
ENCODER = {"kind": "transformer", "encoder": "pretrain/small", "max_length": 32, "epochs": 1, "threads": 1}
TINY: dict[str, Any] = {
    **{key: CONFIG[key] for key in ("competition", "seed", "tasks")},
    "folds": {"n": 2},
    "noise": {"inner_folds": 2},
    "pretrain": {"small": PRETRAIN, "control": {**PRETRAIN, "steps": 0}},
    "models": {
        "bert": ENCODER,
    },
    "pseudo": {"rounds": 0},
    "ensemble": {"methods": ["mean"], "submit": "mean"},
}
TRAINED = {f"train bert-s0, round 0, fold {fold}" for fold in range(2)} | {"predict with bert-s0, round 0"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A finished run on texts of numbers."""
    clone = Clone(tmp_path_factory.mktemp("numbers"), TINY)
    data = clone.folder / "data/tiny"
    data.mkdir(parents=True)
    for name, table in sample_numbers(48, 16).items():
        table.to_csv(data / name, index=False)
    clone.snakemake("report", warm=True)
    return clone


def test_the_submission_comes_from_a_network_pretrained_on_the_texts(finished: Clone) -> None:
    results = finished.folder / "results"
    folder = results / "pretrain/small"
    facts = json.loads((folder / "facts.json").read_text())
    assert facts["parts"] == ["train", "test"]
    assert facts["texts"] == 64
    assert facts["steps"] > 0
    assert facts["unknown_tokens"] < 0.1
    curve = pd.read_csv(results / "logs/pretrain/small.curve.csv")
    assert curve["step"].iloc[-1] == facts["steps"]
    assert {"config.json", "tokenizer.json", "model.safetensors"} <= {
        p.name for p in (folder / "encoder").iterdir()
    }
    assert not (folder / "checkpoint").exists()
    assert len(pd.read_csv(results / "submission.csv")) == 16
    tokens = next((results / "tokens/topic/raw").iterdir())
    assert tokens.name.startswith("small-")
    assert (
        "pretrain/small read the texts, not the labels, of train, test"
        in (results / "report/summary.txt").read_text()
    )
    assert not (results / "pretrain/control").exists()  # no model asks for it


def changed(clone: Clone, *path: str, value: Any) -> set[str]:
    """The jobs of a config with one other value."""
    config = copy.deepcopy(TINY)
    node = config
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return jobs_of(clone, config)


def jobs_of(clone: Clone, config: dict[str, Any]) -> set[str]:
    """The jobs of another config."""
    clone.configure(config)
    try:
        return clone.jobs("report")
    finally:
        clone.configure(TINY)


def test_a_changed_key_redoes_what_hangs_on_it(finished: Clone) -> None:
    after = {"ensemble: mean", "decide labels", "write the submission", "write the summary"}
    steps = changed(finished, "pretrain", "small", "epochs", value=2)
    assert {"pretrain small"} | TRAINED | after <= steps
    assert not any("tokens" in job or "new encoder" in job for job in steps)
    control = changed(finished, "models", "bert", "encoder", value="pretrain/control")
    assert {"a new encoder for control", "pretrain control"} | TRAINED <= control


def test_rows_are_made_with_a_pretrained_encoder_when_it_is_there(finished: Clone) -> None:
    config = copy.deepcopy(TINY)
    config["pretrain"]["other"] = {**PRETRAIN, "seed": 1}
    config["augment"] = {"masked": {"kind": "mlm", "encoder": "pretrain/other", "max_length": 32}}
    config["models"]["bert"] = {**ENCODER, "augment": ["masked"]}
    steps = jobs_of(finished, config)
    assert {"a new encoder for other", "pretrain other", "augment: masked"} | TRAINED <= steps
    assert "pretrain small" not in steps
