"""The random-label test: with permuted labels the full pipeline must report a score at chance."""

import copy
import shutil
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score
from tiny import CLASSES, CONFIG

PERMUTATIONS = 300
APERTIUM = shutil.which("apertium") is not None


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
    """All that touches rows, two pseudo-label rounds, every ensemble, the choice and tuned offsets."""
    config = copy.deepcopy(CONFIG)
    config["text"]["views"]["clean"] += ["drop_duplicates"]
    config["models"]["trees"] |= {
        "seeds": [0],
        "noise": "weight",
        "augment": ["back"] if APERTIUM else ["eda"],
    }
    config["models"]["linear"]["noise"] = "relabel"
    config["models"]["encoder"] |= {"noise": "prune", "augment": ["eda"], "epochs": 2}
    config["augment"]["eda"] |= {"balance": True, "fresh": True, "max_share": 0.8, "filter": {"label": 0.6}}
    config["augment"]["back"] = {"kind": "back_translation", "engine": "apertium", "through": ["spa"]}
    if not APERTIUM:
        del config["augment"]["back"]
    config["tasks"]["topic"]["external"] = {
        "more": {
            "file": "data/tiny/more.csv",
            "target": "topic",
            "labels": {f"x-{name}": name for name in CLASSES},
        }
    }
    config["tasks"]["topic"]["unlabelled"] = {"web": {"file": "data/tiny/web.csv"}}
    config["noise"] |= {"relabel_confidence": 0.3, "models": ["linear"]}
    config["pseudo"] |= {"rounds": 2, "confidence": 0.0, "agree": 0.6, "voters": None}
    config["noise"]["max_share"] = 0.4
    config["decision"] = {"method": "offsets"}
    clone = make_clone("random_labels", config, per_class=120, permute=5, others=40)
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
    assert noise["relabelled"].mean() > 0.1
    for member in ("linear-s0", "trees-s0"):
        trained = clone.table(f"train/topic/{member}/round1/fold0/trained_on.parquet")
        assert {"train", "more", "pseudo"} < set(trained["made_by"])
        assert {"test", "web"} < set(trained["part"])
    beyond = {name: z for name, z in found.items() if abs(z) > 3.5}
    assert not beyond
    assert abs(np.mean(list(found.values()))) < 2.5
