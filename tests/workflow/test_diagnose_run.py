"""``python -m podium diagnose`` on real runs: nothing is named of a healthy one, and what was planted of others."""

import copy
import json
import subprocess
import sys
from typing import Any

import pytest
from tiny import CONFIG, Clone, sample_numbers
from transformers import BertModel

from bench import honesty_clones

MODELS: dict[str, Any] = {
    "linear": {"kind": "linear"},
    "bert": {
        **{"kind": "transformer", "encoder": "data/tiny_encoder", "max_length": 32, "threads": 1},
        **{"epochs": 16, "batch_size": 8, "learning_rate": 3e-3, "head_learning_rate": 5e-3},
    },
}
SMALL: dict[str, Any] = {
    **{key: CONFIG[key] for key in ("competition", "seed", "tasks")},
    "folds": {"n": 2},
    "noise": {"inner_folds": 2},
    "models": MODELS,
    "pseudo": {"rounds": 0},
    "ensemble": {"methods": ["mean"], "submit": "mean"},
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A competition of number words that a small network learns, not run yet."""
    clone = Clone(tmp_path_factory.mktemp("diagnose"), SMALL)
    data = clone.folder / "data/tiny"
    data.mkdir(parents=True)
    tables = sample_numbers(160, 16)
    for name, table in tables.items():
        table.to_csv(data / name, index=False)
    encoder = clone.folder / "data/tiny_encoder"
    honesty_clones.tiny_encoder(encoder, tables["train.csv"]["text"])
    network = BertModel.from_pretrained(encoder)
    network.resize_token_embeddings(len((encoder / "vocab.txt").read_text(encoding="utf-8").splitlines()))
    network.save_pretrained(encoder)
    return clone


def diagnosed(clone: Clone, *arguments: str) -> tuple[dict[str, dict[str, Any]], str]:
    """Findings of each member by cause, and what was printed."""
    command = [sys.executable, "-m", "podium", "diagnose", "--json", "found.json", *arguments]
    done = subprocess.run(command, cwd=clone.folder, capture_output=True, text=True, check=True)
    found = json.loads((clone.folder / "found.json").read_text(encoding="utf-8"))
    return {one["member"]: {cause["cause"]: cause for cause in one["findings"]} for one in found}, done.stdout


def test_a_healthy_run_and_what_is_planted_in_others(clone: Clone) -> None:
    before, shown = diagnosed(clone)
    assert before == {"bert-s0": {}, "linear-s0": {}}
    assert "it is not trained yet" in shown
    clone.snakemake("predict", warm=True)
    after, shown = diagnosed(clone)
    assert after == {"bert-s0": {}, "linear-s0": {}}
    assert "topic / bert-s0 (transformer): macro_f1 " in shown
    planted = copy.deepcopy(SMALL)
    planted["models"]["bert"] |= {"max_length": 8, "learning_rate": 0.1}
    clone.configure(planted)
    changed, shown = diagnosed(clone, "--member", "bert-s0")
    assert {"learning_rate", "cut_texts"} <= changed["bert-s0"].keys()
    assert "the results are of another config (max_length was 32, is 8" in " ".join(shown.split())
    clone.snakemake("predict", warm=True)
    trained, shown = diagnosed(clone, "--member", "bert-s0")
    assert trained.keys() == {"bert-s0"}
    assert {"learning_rate", "cut_texts"} <= trained["bert-s0"].keys()
    assert "of another config" not in shown
