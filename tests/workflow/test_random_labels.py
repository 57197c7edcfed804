"""The random-label test: with permuted labels the full pipeline must report a score at chance."""

import copy
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score
from tiny import CLASSES, CONFIG

PERMUTATIONS = 300


def z_score(truth: np.ndarray, predicted: np.ndarray, metric: Any) -> float:
    """How far the score lies from chance: against the scores of the same predictions on permuted truth."""
    generator = np.random.default_rng(0)
    chance = [metric(generator.permutation(truth), predicted) for _ in range(PERMUTATIONS)]
    return float((metric(truth, predicted) - np.mean(chance)) / np.std(chance))


def accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    return float((truth == predicted).mean())


def macro_f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    return float(f1_score(truth, predicted, average="macro"))


def test_permuted_labels_score_at_chance(make_clone: Any) -> None:
    """Noise pruning, augmentation, two pseudo-label rounds, every ensemble, the choice and tuned offsets."""
    config = copy.deepcopy(CONFIG)
    config["models"]["trees"]["seeds"] = [0]
    config["models"]["linear"]["prune"] = True
    config["pseudo"] |= {"rounds": 2, "confidence": 0.0, "agree": 0.6, "voters": None}
    config["noise"]["max_share"] = 0.4
    config["decision"] = {"method": "offsets"}
    clone = make_clone("random_labels", config, per_class=120, permute=5)
    clone.snakemake("all")

    truth = clone.table("ingest/topic/train.parquet").set_index("id")["target"]
    found = {}
    for path in sorted((clone.folder / "results").glob("*/topic/**/oof.parquet")):
        stage = path.relative_to(clone.folder / "results").parts[0]
        table = pd.read_parquet(path).set_index("id").reindex(truth.index)
        if stage in ("predict", "ensemble"):
            labels = table[[f"p:{label}" for label in CLASSES]].to_numpy().argmax(axis=1)
            found[str(path)] = z_score(truth.to_numpy(), np.array(CLASSES)[labels], accuracy)
        elif stage == "decision":
            found["decision"] = z_score(truth.to_numpy(), table["label"].to_numpy(dtype=object), macro_f1)
    assert len(found) == (3 + 3 + 1) + 5 + 1
    noise = clone.table("noise/topic/fold0.parquet")
    assert noise["pruned"].mean() > 0.2, "the noise stage had nothing to do with labels at random"
    beyond = {name: z for name, z in found.items() if abs(z) > 3.5}
    assert not beyond
    assert abs(np.mean(list(found.values()))) < 2.5
