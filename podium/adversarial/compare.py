"""Compare the test rows with the training rows: classifiers, what gives them away, overlap."""

import logging
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from podium.adversarial import classifiers, features, overlap, trust
from podium.ranking import roc_auc
from podium.seeds import derive
from podium.targets import TaskType

log = logging.getLogger(__name__)

SHOWN = 10
"""Words and statistics in the facts."""
LISTED = 100
"""Words in the table for people."""
_WHOLE = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True)
class Compared:
    """What the comparison finds.

    ``facts`` are plain values; ``giveaways`` has ``kind``, ``segment``, ``feature``, ``train`` and ``test`` (shares of
    the rows that hold a word, means of a statistic) and ``z``; ``pairs`` is that of ``overlap.table``; ``train`` and
    ``test`` have ``id`` and each row's probability to be a test row, by ``words``, ``statistics`` and ``both``, empty
    for a row that was not drawn.
    """

    facts: dict[str, Any]
    giveaways: pd.DataFrame
    pairs: pd.DataFrame
    train: pd.DataFrame
    test: pd.DataFrame


def compare(
    train: pd.DataFrame,
    test: pd.DataFrame,
    *,
    type: TaskType,
    rows: int,
    near_duplicates: float,
    level: float,
    auc: float,
    overlap_bar: float,
    seed: int,
) -> Compared:
    """Compare ``train`` (``id``, ``text_a``, [``text_b``], ``target``, [``group``]) with ``test`` (ids and texts).

    Of parts with more than ``rows`` rows as many are drawn; equal texts are found among all rows. ``level``, ``auc``
    and ``overlap_bar`` are the bars of the warnings (``podium.adversarial.trust``).
    """
    draw = np.random.default_rng(derive(seed, "adversarial"))
    train_at, test_at = (_drawn(len(part), rows, draw) for part in (train, test))
    some = train.iloc[train_at].reset_index(drop=True)
    others = test.iloc[test_at].reset_index(drop=True)
    clusters = overlap.clusters_of(some, others, threshold=near_duplicates, seed=seed)
    kin = overlap.kin_of(some, others, clusters)
    is_test = np.arange(len(clusters)) >= len(some)
    both = pd.concat([some, others], ignore_index=True)
    texts = features.clipped(both)
    words, names = features.word_features(texts)
    statistics = features.statistics(both, texts)
    separated = classifiers.separate(
        features.linear_features(texts, words), statistics.to_numpy(), is_test, kin, seed=seed
    )
    giveaways = [
        features.word_giveaways(words, names, is_test).head(LISTED),
        features.statistic_giveaways(statistics, is_test),
    ]
    keys = overlap.equal_keys(train, test)
    near = overlap.twins(some, others, clusters, threshold=near_duplicates)
    near = near.assign(train=train_at[near["train"]], test=test_at[near["test"]])
    pairs = overlap.table(pd.concat([overlap.equal_pairs(*keys), near]), train, test)
    drawn = (len(some), len(others))
    facts: dict[str, Any] = {
        "rows": {"train": len(train), "test": len(test)},
        "compared": {"train": len(some), "test": len(others)},
        "classifiers": separated and {name: found.facts() for name, found in separated.found.items()},
        "giveaways": {
            name: _shown(table) for name, table in zip(("words", "statistics"), giveaways, strict=True)
        },
        "ids": ids(train["id"], test["id"]),
        "shared_segments": overlap.shared_segments(train, test),
        "grouped": "group" in train.columns,
        "overlap": overlap.figures(pairs, train, keys=keys, clusters=clusters, compared=drawn, type=type),
    }
    log.info("adversarial: %s, overlap %.4f", facts["classifiers"], facts["overlap"]["share"])
    proba = separated.proba if separated else {}
    return Compared(
        {**facts, "warnings": list(trust.part_warnings(facts, level=level, auc=auc, overlap=overlap_bar))},
        pd.concat(giveaways, ignore_index=True),
        pairs,
        _table(train["id"], train_at, {name: column[~is_test] for name, column in proba.items()}),
        _table(test["id"], test_at, {name: column[is_test] for name, column in proba.items()}),
    )


def ids(train: pd.Series, test: pd.Series) -> dict[str, Any] | None:
    """Say whether the numbers of whole-number ids tell the parts apart; None for other ids.

    ``auc`` is the share of pairs in which the test row has the greater id: near 1 where the test rows come after the
    training rows, as in a split by time. It is no warning: many competitions number train first, then test.
    """
    both = [*train, *test]
    if not all(_WHOLE.fullmatch(text) for text in both):
        return None
    numbers = np.array([int(text) for text in both])
    part = np.arange(len(both)) >= len(train)
    spans = {
        name: [int(numbers[rows].min()), int(numbers[rows].max())]
        for name, rows in {"train": ~part, "test": part}.items()
    }
    return {"auc": roc_auc(part, numbers), **spans}


def _drawn(size: int, most: int, draw: np.random.Generator) -> np.ndarray:
    return np.arange(size) if size <= most else np.sort(draw.choice(size, most, replace=False))


def _shown(table: pd.DataFrame) -> list[dict[str, Any]]:
    kept = table.loc[np.abs(table["z"]) > 0, ["segment", "feature", "train", "test", "z"]].head(SHOWN)
    return [
        {key: value for key, value in row.items() if value != ""} for row in kept.to_dict(orient="records")
    ]


def _table(all_ids: pd.Series, at: np.ndarray, proba: dict[str, np.ndarray]) -> pd.DataFrame:
    found = {"id": all_ids.reset_index(drop=True)}
    for name in ("words", "statistics", "both"):
        column = np.full(len(all_ids), np.nan, dtype=np.float32)
        if name in proba:
            column[at] = proba[name]
        found[name] = pd.Series(column)
    return pd.DataFrame(found)
