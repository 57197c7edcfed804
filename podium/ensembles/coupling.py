"""Which ensembles are scored inside the folds, so that nothing they are fitted on knows the labels they are scored on.

What combines fold k is fitted on the out-of-fold predictions of other folds, and the models behind these were trained
with fold k's labels. Of two alike rows, one in fold j and one in fold k, each is predicted from the other's label: a
pattern that pays on fold j by the labels of fold k pays on fold k by those of fold j. So cross-fitting over the
members' own folds leaves an optimism, also where labels are random, and it grows with the parameters that are free to
follow such patterns. It is known of stacking: van der Laan, Polley and Hubbard (Super Learner, 2007, section 2) train
the members anew for each fold that is scored, which costs a model for every pair of folds.

Cheaper, and as free of it: all rows of fold k have their predictions from the same models, which never saw fold k. An
ensemble that is fitted on one part of fold k and scored on another part of the same fold meets no label of the scored
rows, neither in the fit nor behind its features. The price is fewer rows to fit on, one fold's: the score of an
ensemble that needs many rows is then too low rather than too high.

Shapes: N rows.
"""

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd

from podium.ensembles.features import Form
from podium.ensembles.layers import Layers, Method, Tempered
from podium.ensembles.stack_linear import LinearStack
from podium.ensembles.stack_ridge import RidgeStack
from podium.ensembles.stack_trees import TreeStack
from podium.folds import classes_of, deal
from podium.targets import TaskType

log = logging.getLogger(__name__)

HELD = 0.01
"""The largest ``c`` at which a linear stack on logits counts as held near the members' mean."""
PARTS = 5
"""Parts of a fold; ``LEAST`` are needed, for a second layer takes one of the others apart again."""
LEAST = 3
_FREE: Form = "probabilities"
_SEED = 20071


def many_parameters(method: Method) -> bool:
    """Whether an ensemble is scored inside the folds.

    Ridge and trees above the members, a linear stack that is not held near the members' mean (``c`` above 0.01, or on
    probabilities, whose penalty is on the distance from nothing), and layers with one of these among them. Means,
    votes, blends (a weight a member) and the default stack are scored over the folds.
    """
    if isinstance(method, Layers):
        return any(map(many_parameters, [*method.first.values(), method.second]))
    if isinstance(method, Tempered):
        return many_parameters(method.method)
    if isinstance(method, LinearStack):
        return method.features == _FREE or method.c > HELD
    return isinstance(method, RidgeStack | TreeStack)


def inner_parts(
    targets: Sequence[str], folds: np.ndarray, clusters: np.ndarray, *, type: TaskType
) -> np.ndarray | None:
    """Return the part (N,) from 0 of each row inside its fold, stratified, near-duplicates and groups in one part.

    ``targets`` are N target texts, ``folds`` and ``clusters`` (N,) int those of the folds stage. None where a fold has
    fewer than 3 clusters, so that there is nothing to fit on inside it.
    """
    parts = np.empty(len(folds), dtype=np.int64)
    texts = np.asarray(targets, dtype=object)
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        unit = pd.factorize(clusters[rows])[0]
        count = min(PARTS, int(unit.max()) + 1)
        if count < LEAST:
            log.warning(
                "fold %d has %d independent groups of rows: ensembles are scored over folds", fold, count
            )
            return None
        parts[rows] = deal(*classes_of(texts[rows].tolist(), count, type), unit, n=count, seed=_SEED)
    return parts
