"""The rows that two runs of a task share, and the units that their differences are drawn in."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from podium.compare.run import Results


@dataclass(frozen=True, eq=False)
class Shared:
    """The training rows that both runs have with the same label, N in the order of run a.

    ``train`` has ``id``, ``target`` and texts, ``folds`` ``id``, ``fold`` and ``cluster``: the runs' own where they are
    the same, else one fold, and clusters that hold what either holds together. ``same_folds`` says which. ``a`` and
    ``b`` count the runs' own rows, ``relabelled`` those that have another label in b.
    """

    train: pd.DataFrame
    folds: pd.DataFrame
    same_folds: bool
    same_clusters: bool
    a: int
    b: int
    relabelled: int
    own_folds: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether both runs have these rows and no others."""
        return len(self.train) == self.a == self.b


def shared(a: Results, b: Results, task: str) -> Shared | None:
    """Return the rows that both runs have; None where one has no folds or they share no row."""
    trains = [one.table(f"ingest/{task}/train.parquet") for one in (a, b)]
    dealt = [one.table(f"folds/{task}/folds.parquet") for one in (a, b)]
    if any(table is None for table in (*trains, *dealt)):
        return None
    mine, other = (table for table in trains if table is not None)
    folds = dict(zip("ab", (table for table in dealt if table is not None), strict=True))
    label = other.set_index("id")["target"].reindex(mine["id"])
    there = label.notna().to_numpy()
    same = there & (label.to_numpy() == mine["target"].to_numpy())
    relabelled = int(there.sum() - same.sum())
    for table in folds.values():  # a run that is not at its end may have rows without a fold
        same &= mine["id"].isin(table["id"]).to_numpy()
    kept = mine[same].reset_index(drop=True)
    if kept.empty:
        return None
    first, second = (table.set_index("id").loc[kept["id"]] for table in folds.values())
    same_folds = bool((first["fold"].to_numpy() == second["fold"].to_numpy()).all())
    clusters = _together(first["cluster"].to_numpy(), second["cluster"].to_numpy())
    units = pd.DataFrame({"id": kept["id"], "fold": first["fold"].to_numpy(), "cluster": clusters})
    return Shared(
        train=kept,
        folds=units if same_folds else units.assign(fold=0),
        same_folds=same_folds,
        same_clusters=bool(
            len(np.unique(clusters)) == first["cluster"].nunique() == second["cluster"].nunique()
        ),
        a=len(mine),
        b=len(other),
        relabelled=relabelled,
        own_folds=folds,
    )


def _together(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Clusters (N,) of rows that are tied by either of two clusterings (N,), by chains too."""
    left, right = (np.unique(clusters, return_inverse=True)[1] for clusters in (one, other))
    size = int(left.max()) + int(right.max()) + 2
    edges = coo_array((np.ones(len(left)), (left, right + left.max() + 1)), shape=(size, size))
    return np.asarray(connected_components(edges, directed=False)[1])[left]
