"""Fixtures: the tiny competition's files from real text, clones that run it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tiny import CLASSES, CONFIG, Clone

from bench import honesty_clones
from bench.common import fetched, one_at_a_time


@pytest.fixture(scope="session")
def reuters() -> pd.DataFrame:
    """The training rows of Reuters R8 in four classes: id, text, label."""
    folder = fetched("reuters_r8")
    rows = pd.read_csv(folder / "train.csv", dtype="str")
    return rows[rows["label"].isin(CLASSES)].reset_index(drop=True)


@pytest.fixture(scope="session")
def wordnet() -> Path:
    return fetched("wordnet")


def by_one(paths: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that ``make`` makes, once in all processes of the test run."""
    own = paths.getbasetemp()
    place = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / f"by_one_{name}"
    folder, part = place / name, place / "part"
    with one_at_a_time(place):
        if not folder.is_dir():
            make(part)
            part.rename(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_encoder(reuters: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT with 2 layers and a WordPiece vocabulary of the texts; its words' order is another in each."""

    def make(folder: Path) -> None:
        honesty_clones.tiny_encoder(folder, reuters["text"].head(500))

    return by_one(tmp_path_factory, "tiny_encoder", make)


def sample_rows(reuters: pd.DataFrame, per_class: int, seed: int) -> pd.DataFrame:
    """``per_class`` rows of each class in random order."""
    rows = reuters.groupby("label").sample(per_class, random_state=seed)
    return rows.sample(frac=1, random_state=seed).reset_index(drop=True)


@pytest.fixture(scope="session")
def make_clone(
    reuters: pd.DataFrame, wordnet: Path, tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """Make a clone with the tiny competition; ``permute`` shuffles the training labels.

    Of ``others`` rows a class one half is an external file, with its own label names, the other an unlabelled one.
    """

    def make(
        name: str, config: dict[str, Any], per_class: int = 60, permute: int | None = None, others: int = 0
    ) -> Clone:
        folder = tmp_path_factory.mktemp(name)
        clone = Clone(folder, config)
        rows = sample_rows(reuters, per_class + 20 + others, seed=1)
        if permute is not None:
            shuffled = np.random.default_rng(permute).permutation(rows["label"].to_numpy())
            rows = rows.assign(truth=rows["label"], label=shuffled)
        train, rest = rows.iloc[: per_class * 4], rows.iloc[per_class * 4 :]
        test, more, web = rest.iloc[:80], rest.iloc[80 : 80 + others * 2], rest.iloc[80 + others * 2 :]
        data = folder / "data/tiny"
        data.mkdir(parents=True)
        if others:
            more[["text"]].assign(topic="x-" + more["label"]).to_csv(data / "more.csv", index=False)
            web[["text"]].to_csv(data / "web.csv", index=False)
        train[["id", "text", "label"]].to_csv(data / "train.csv", index=False)
        test[["id", "text"]].to_csv(data / "test.csv", index=False)
        test[["id", "label"]].to_csv(data / "holdout.csv", index=False)
        test[["id"]].assign(label="earn")[["label", "id"]].to_csv(data / "sample_submission.csv", index=False)
        shutil.copytree(tiny_encoder, folder / "data/tiny_encoder")
        (folder / "data/wordnet").symlink_to(wordnet)
        return clone

    return make


@pytest.fixture(scope="session")
def finished(make_clone: Any, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which the whole workflow ran once, undisturbed; processes of one test run have copies of one."""

    def make(folder: Path) -> None:
        clone = make_clone("finished", CONFIG)
        done = clone.snakemake("all", "check_holdout", warm=True)
        (clone.folder / "said.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
        clone.folder.rename(folder)

    folder = tmp_path_factory.mktemp("copies") / "finished"
    shutil.copytree(by_one(tmp_path_factory, "finished", make), folder, symlinks=True)
    return Clone.of(folder, (folder / "said.txt").read_text(encoding="utf-8"))
