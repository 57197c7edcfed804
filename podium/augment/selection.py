"""Which made rows of one augmentation a fold trains on: so many a row, more of rare classes, at most a share.

How many copies are made of a row never depends on a label: ``Augmentation.supply`` is the same number for every row.
What a fold takes of them is decided here from the labels of that fold's own training rows alone. So a held-out label
has no say in it, not even in which copies there are to choose from: with the labels of a fold permuted, the made rows
that its models train on are the same. A supply counted from labels (fewer copies for the large classes) would be
cheaper and would not have this property: the counts of any fold are made with the labels of all others.
"""

from collections import Counter

import numpy as np
import pandas as pd

from podium.seeds import derive
from podium.shares import at_most
from podium.targets import JOINT, TaskType


def select(
    made: pd.DataFrame,
    target_of_source: pd.Series,
    *,
    copies: int,
    balance: bool,
    max_share: float | None,
    type: TaskType,
    seed: int,
) -> pd.DataFrame:
    """Choose among the made rows of one augmentation those that one fold trains on.

    Parameters
    ----------
    made
        ``id``, ``source_id``, ``copy``, ``draw``: made rows that no filter dropped. Those of other sources than the
        fold's training rows are left out.
    target_of_source
        Targets of all real training rows of the fold, by id, also of rows of which nothing was made.
    copies
        Without ``balance``: at most so many of each row (the lowest numbers that are left). With it: so many for each
        row of the largest class, on average where a filter dropped some.
    balance
        Fill every class up to the rows of the largest one and its copies, as far as the supply reaches: first one copy
        of each row, in random order, then a second of each, and so on. A multi_label row counts as one of the rarest
        of its labels.
    max_share
        At most this share of the real rows, drawn among what is chosen; None for no limit.
    seed
        Of the random order, which is a hash of seed and id: it does not change with the other rows.

    Returns
    -------
    Rows of ``made`` in its order. Each draw is chosen by itself: every epoch has its full share.

    Raises
    ------
    ValueError
        ``balance`` with a regression, or targets whose ids are not unique.
    """
    if not target_of_source.index.is_unique:
        raise ValueError("target_of_source must hold each training row once, by its id")
    if balance and type == "regression":
        raise ValueError("a regression has no classes to balance")
    sources = target_of_source.index.get_indexer(made["source_id"])
    able = np.flatnonzero(sources >= 0)
    source, draw = sources[able], made["draw"].to_numpy()[able]
    chance = np.array([derive(seed, "select", name) for name in made["id"].iloc[able]], dtype=np.int64)
    rank = _places([made["copy"].to_numpy()[able]], [draw, source])
    if balance:
        of_source, sizes = _classes(target_of_source, type)
        goal = sizes.max(initial=0) * (1 + copies) - sizes
        group = of_source[source]
        taken = _places([chance, rank], [draw, group]) < goal[group]
    else:
        taken = rank < copies
    if max_share is not None:
        limit = at_most(max_share, len(target_of_source))
        taken[taken] = _places([chance[taken]], [draw[taken]]) < limit
    return made.iloc[able[taken]]


def _places(order: list[np.ndarray], groups: list[np.ndarray]) -> np.ndarray:
    """Place (N,) of each entry among those of the same ``groups``, by ``order`` (the last key counts first)."""
    sorted_rows = np.lexsort([*order, *groups])
    starts = np.zeros(len(sorted_rows), dtype=bool)
    for group in groups:
        values = group[sorted_rows]
        starts[1:] |= values[1:] != values[:-1]
    numbers = np.arange(len(sorted_rows))
    places = np.empty(len(sorted_rows), dtype=np.int64)
    places[sorted_rows] = numbers - np.maximum.accumulate(np.where(starts, numbers, 0))
    return places


def _classes(target: pd.Series, type: TaskType) -> tuple[np.ndarray, np.ndarray]:
    """Number of the class of each row (N,), and how many rows each class has (K,)."""
    named = target if type == "single_label" else rarest_labels(target)
    codes, names = pd.factorize(named)
    return codes, np.bincount(codes, minlength=len(names))


def rarest_labels(targets: pd.Series) -> pd.Series:
    """The rarest of each multi_label row's labels (ties to the first by name), empty for a row without labels."""
    labels = [text.split(JOINT) if text else [] for text in targets]
    counts = Counter(label for row in labels for label in row)
    rarest = [min(row, key=lambda label: (counts[label], label), default="") for row in labels]
    return pd.Series(rarest, index=targets.index, dtype="str")
