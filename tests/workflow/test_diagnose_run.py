"""``python -m podium diagnose`` on real runs: nothing is named of a healthy one, and what was planted in others."""

import copy
import json
import subprocess
import sys
from typing import Any

import pytest
from tiny import CONFIG, Clone, sample_numbers
from transformers import BertModel

from bench import honesty_clones

BERT: dict[str, Any] = {
    **{"kind": "transformer", "encoder": "data/tiny_encoder", "max_length": 32, "threads": 1},
    **{"epochs": 16, "batch_size": 8, "learning_rate": 3e-3, "head_learning_rate": 5e-3},
}
MODELS = {
    "linear": {"kind": "linear"},
    "bert": BERT,
    "short": {**BERT, "max_length": 8, "warmup": 0.5, "epochs": 2},
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


def test_nothing_is_named_of_a_healthy_run_and_what_was_planted_is(clone: Clone) -> None:
    before, shown = diagnosed(clone)
    assert before["linear-s0"] == before["bert-s0"] == {}
    assert before["short-s0"].keys() == {"cut_texts", "warmup", "too_few_steps"}
    assert "it is not trained yet" in shown
    clone.snakemake("predict", warm=True)
    after, shown = diagnosed(clone)
    assert after["linear-s0"] == after["bert-s0"] == {}
    assert after["short-s0"].keys() >= {"cut_texts", "warmup", "too_few_steps"}
    assert "topic / bert-s0 (transformer): macro_f1 " in shown
    assert "not trained yet" not in shown
    changed = copy.deepcopy(SMALL)
    changed["models"]["bert"]["learning_rate"] = 0.1
    clone.configure(changed)
    found, shown = diagnosed(clone, "--member", "bert-s0")
    assert found.keys() == {"bert-s0"}
    assert found["bert-s0"].keys() == {"learning_rate"}
    assert "the results are of another config (learning_rate was 0.003, is 0.1)" in " ".join(shown.split())
