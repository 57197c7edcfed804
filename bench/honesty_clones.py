"""Small clones of the workflow whose training labels are permuted, run from one warm process.

A clone has a few hundred real texts. Labels are permuted between clusters of near-duplicates of equal size, so that
near-duplicates keep a common label and every class its rows.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from bench.common import copy_workflow, fetched, run_warm
from podium.duplicates import clusters, comparable, components
from podium.folds import units

CLASSES = ("acq", "crude", "earn", "trade")
SHORT = 15
"""Fewest words of a text: without its last word it is a near-duplicate, with another's half it is none."""
FILES: dict[str, Any] = {
    "train": "data/tiny/train.csv",
    "test": "data/tiny/test.csv",
    "sample": "data/tiny/sample_submission.csv",
    "text": ["text"],
    "target": "label",
}


def texts(per_class: Mapping[str, int], *, seed: int) -> pd.DataFrame:
    """Rows of Reuters R8, so many of each class, in random order: ``id``, ``text``, ``label``."""
    rows = pd.read_csv(fetched("reuters_r8") / "train.csv", dtype="str")
    rows["id"] = "train" + rows["id"]
    rows = rows[rows["text"].str.split().str.len() >= SHORT]
    parts = [
        rows[rows["label"] == label].sample(count, random_state=seed) for label, count in per_class.items()
    ]
    found = pd.concat(parts).sample(frac=1, random_state=seed).reset_index(drop=True)
    return found[["id", "text", "label"]]


def twin(text: str) -> str:
    """A near-duplicate of a text."""
    return " ".join(text.split()[:-1])


def sibling(text: str, other: str) -> str:
    """A text that has as many words in common with one as with the other; no near-duplicate of either."""
    words, more = text.split(), other.split()
    return " ".join(words[: len(words) // 2] + more[: len(more) // 2])


def near_duplicates(rows: pd.DataFrame) -> np.ndarray:
    """The cluster of each row (N,), as the workflow finds it; a column ``group`` counts, too."""
    near = components(
        *(clusters(form, threshold=0.8, seed=0) for form in comparable([rows["text"].tolist()]))
    )
    return units(rows["group"].tolist() if "group" in rows else None, near)


def permuted(rows: pd.DataFrame, cluster: np.ndarray, *, seed: int) -> np.ndarray:
    """Labels (N,) of the rows, dealt anew to the clusters of each size; a cluster has the label of its first row."""
    rng = np.random.default_rng([seed, 1])
    _, first = np.unique(cluster, return_index=True)
    sizes, labels = np.bincount(cluster), rows["label"].to_numpy(dtype=object)[first]
    for size in np.unique(sizes):
        same = np.flatnonzero(sizes == size)
        labels[same] = labels[rng.permutation(same)]
    return np.asarray(labels[cluster])


def make(
    folder: Path, config: dict[str, Any], train: pd.DataFrame, test: pd.DataFrame, **files: pd.DataFrame
) -> None:
    """A clone with the files of a competition, ``files`` by name beside its train and test rows."""
    copy_workflow(folder)
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    data = folder / "data/tiny"
    data.mkdir(parents=True)
    train.to_csv(data / "train.csv", index=False)
    test[["id", "text"]].to_csv(data / "test.csv", index=False)
    test[["id"]].assign(label=CLASSES[0]).to_csv(data / "sample_submission.csv", index=False)
    for name, table in files.items():
        table.to_csv(data / f"{name}.csv", index=False)
    (folder / "data/wordnet").symlink_to(fetched("wordnet"))


def tiny_encoder(folder: Path, sample: pd.Series) -> None:
    """A random BERT of two layers, with a vocabulary of some texts."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast  # type: ignore[attr-defined]

    folder.mkdir(parents=True)
    trainer = BertWordPieceTokenizer(lowercase=True)
    trainer.train_from_iterator(sample, vocab_size=800, show_progress=False)
    trainer.save_model(str(folder))
    BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=True).save_pretrained(folder)
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    BertModel(BertConfig(vocab_size=800, max_position_embeddings=64, **sizes)).save_pretrained(folder)


def run(folder: Path, *targets: str, leak: int | None = None, cores: int = 1) -> float:
    """Run the workflow in a clone, with a rule broken where ``leak`` says so; return the CPU seconds."""
    broken = [] if leak is None else ["--leak", str(leak)]
    arguments = [*broken, "--cores", str(cores), *targets]
    return run_warm(folder, *arguments, OMP_NUM_THREADS="1", PYTHONWARNINGS="")
