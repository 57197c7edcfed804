"""Searches for the weights of a blend: greedy selection, the simplex by loss, the simplex by metric."""

import logging
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from scipy.optimize import minimize

from podium.ensembles.objectives import TIE, Value, better, own_class
from podium.ensembles.predictions import Known

log = logging.getLogger(__name__)

_FLOOR = 1e-9
"""Lowest probability of the true class that the loss of weights counts."""
_CLOSE, _GAP = 1e-7, 1e-5
"""How far from the lowest loss the weights may be; from where on there is a warning."""
_ROUNDS, _PIECE = 60, 1 << 16
_GRID = np.linspace(0, 1, 11)
_FINE = np.linspace(-0.075, 0.075, 7)
_SWEEPS = 4


def greedy(value: Value, *, steps: int, best_first: bool, among: Sequence[int]) -> np.ndarray:
    """Return weights (M,) by forward selection with replacement; see ``podium.ensembles.blends.Blend``.

    Only the members ``among`` are used. With ``best_first`` the selection starts with as many of the best members as
    are best together.
    """
    picked, total = np.zeros(value.members), np.zeros(len(value.vector(0)))
    found, found_value = picked, (-np.inf, -np.inf)
    if best_first:
        picked, total = _best_together(value, among)
        found, found_value = picked, _pair(value, total / picked.sum())
    for size in range(int(picked.sum()) + 1, int(picked.sum()) + 1 + steps):
        chosen = _first_best(value, total, size, among)
        picked = picked + np.eye(value.members)[chosen]
        total += value.vector(chosen)
        now = _pair(value, total / size)
        if better(now, found_value):
            found, found_value = picked, now
    return found / found.sum()


def _first_best(value: Value, total: np.ndarray, size: int, among: Sequence[int]) -> int:
    """Return the member that is best to add to ``total`` (D,); what breaks ties is worked out for equals only."""
    utilities = {member: value.trial(total, value.vector(member), size) for member in among}
    most = max(utilities.values())
    equal = [member for member in among if utilities[member] >= most - TIE or utilities[member] == most]
    if len(equal) == 1:
        return equal[0]
    ties = {member: value.tie((total + value.vector(member)) / size) for member in equal}
    least = max(ties.values())
    return next(member for member in equal if ties[member] >= least - TIE)


def _best_together(value: Value, among: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the counts (M,) and the sum (D,) of the first members by their own value that are best together."""
    own = {member: _pair(value, value.vector(member)) for member in among}
    order = sorted(among, key=lambda member: (*own[member], -member), reverse=True)
    picked, total = np.zeros(value.members), np.zeros(len(value.vector(order[0])))
    best, best_picked, best_total = (-np.inf, -np.inf), picked, total
    for count, member in enumerate(order, start=1):
        picked, total = picked + np.eye(value.members)[member], total + value.vector(member)
        now = _pair(value, total / count)
        if count == 1 or better(now, best):
            best, best_picked, best_total = now, picked, total
    return best_picked, best_total


def _pair(value: Value, blend: np.ndarray) -> tuple[float, float]:
    return value.utility(blend), value.tie(blend)


def lowest_loss(known: Known) -> np.ndarray:
    """Return the weights (M,) on the simplex with the lowest loss, which is convex in them.

    The loss is log-loss (of labels: the mean over rows and classes), or the squared error in units of each value's
    variance. Sequential quadratic programming with exact curvature: so few passes over the rows do (Kim, Carbonetto,
    Stephens and Anitescu, A Fast Algorithm for Maximum Likelihood Estimation of Mixture Proportions, JCGS 2020, arXiv
    1806.01412).
    """
    loss = _LOSSES[known.given.type](known)
    members = known.given.shape[0]
    weights = np.full(members, 1 / members)
    now, slope, curve = loss(weights)
    for _ in range(_ROUNDS):
        # A convex loss is above its tangent plane: nothing is better by more than the slope to the best vertex
        gap = float(slope @ weights - slope.min())
        if gap <= _CLOSE:
            break
        step, size = _lowest_quadratic(weights, slope, curve) - weights, 1.0
        found = loss(weights + step)
        while size > _CLOSE and found[0] > now + 1e-4 * size * float(slope @ step):
            size /= 2
            found = loss(weights + size * step)
        weights, (now, slope, curve) = weights + size * step, found
    if gap > _GAP:
        log.warning("blend: weights may be up to %.1e above the lowest loss", gap)
    weights = np.where(weights < 1e-7, 0, weights)
    return weights / weights.sum()


def _lowest_quadratic(weights: np.ndarray, slope: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """Return the point of the simplex with the lowest quadratic model around ``weights`` (M,)."""
    members = len(weights)
    # Twins have no curvature between them
    curve = curve + 1e-9 * max(float(np.trace(curve)), 1e-12) * np.eye(members)

    def model(at: np.ndarray) -> tuple[float, np.ndarray]:
        step = at - weights
        pull = curve @ step
        return float(slope @ step + step @ pull / 2), slope + pull

    found = minimize(
        model,
        weights,
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * members,
        constraints={"type": "eq", "fun": lambda at: at.sum() - 1, "jac": lambda at: np.ones(members)},
        options={"ftol": 1e-14, "maxiter": 50},
    ).x
    kept = np.clip(found if np.isfinite(found).all() else weights, 0, None)
    return np.asarray(kept / kept.sum())


Loss = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]
"""From weights (M,) to the loss, its slope (M,) and its curvature (M, M)."""


def _log_loss(known: Known) -> Loss:
    own = np.maximum(own_class(known), _FLOOR)
    rows = own.shape[1]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        return _of_mixture(
            (own[:, start : start + _PIECE] for start in range(0, rows, _PIECE)), weights, rows
        )

    return loss


def _log_loss_of_labels(known: Known) -> Loss:
    """As ``_log_loss`` for every row and class."""
    members, rows, classes = known.given.shape

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        pieces = (
            np.where(known.truth[where] > 0, block, 1 - block).reshape(members, -1)
            for where, block in known.given.blocks()
        )
        return _of_mixture(pieces, weights, rows * classes)

    return loss


def _of_mixture(
    pieces: Iterable[np.ndarray], weights: np.ndarray, cells: int
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return loss, slope and curvature of weights from the probabilities (M, n) of what is true, piece by piece."""
    total, slope = 0.0, np.zeros(len(weights))
    curve = np.zeros((len(weights), len(weights)))
    for piece in pieces:
        blend = np.maximum(weights @ piece, _FLOOR)
        ratio = piece / blend
        total -= float(np.log(blend).sum())
        slope -= ratio.sum(axis=1)
        curve += ratio @ ratio.T
    return total / cells, slope / cells, curve / cells


def _squared_error(known: Known) -> Loss:
    members, rows, classes = known.given.shape
    middle, spread = known.truth.mean(axis=0), known.truth.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    gram, cross, square = np.zeros((members, members)), np.zeros(members), 0.0
    for where, block in known.given.blocks():
        own = ((block - middle) / scale).reshape(members, -1)
        truth = ((known.truth[where] - middle) / scale).ravel()
        gram, cross, square = gram + own @ own.T, cross + own @ truth, square + float(truth @ truth)
    cells = rows * classes

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        pull = gram @ weights
        value = float(weights @ pull - 2 * weights @ cross + square) / cells
        return value, 2 * (pull - cross) / cells, 2 * gram / cells

    return loss


_LOSSES: dict[str, Callable[[Known], Loss]] = {
    "single_label": _log_loss,
    "multi_label": _log_loss_of_labels,
    "regression": _squared_error,
}


def best_value(value: Value, start: np.ndarray) -> np.ndarray:
    """Return the weights (M,) on the simplex with the best value that line searches find.

    A metric of labels is constant between jumps, so that slopes tell nothing: each weight in turn is tried on a grid
    from 0 to 1, then on a finer one around the best, the others scaled to what is left, until a sweep gains nothing
    (coordinate search; for the same reason Och, Minimum Error Rate Training, ACL 2003, section 3, searches line by
    line). It begins with the best of ``start`` (M,), equal weights and each single member.
    """
    members = value.members
    starts = [start, np.full(members, 1 / members), *np.eye(members)]
    weights, now = starts[0], (-np.inf, -np.inf)
    for tried in starts:
        found = _pair(value, _combined(value, tried))
        if better(found, now):
            weights, now = tried, found
    for _ in range(_SWEEPS if members > 1 else 0):
        before = now
        for member in range(members):
            weights, now = _line(value, weights, now, member)
        if not better(now, before):
            break
    return weights


def _combined(value: Value, weights: np.ndarray) -> np.ndarray:
    """Return the weighted sum of the members' vectors (D,)."""
    total = np.zeros(len(value.vector(0)))
    for member in np.flatnonzero(weights).tolist():
        total += weights[member] * value.vector(member)
    return total


def _line(
    value: Value, weights: np.ndarray, now: tuple[float, float], member: int
) -> tuple[np.ndarray, tuple[float, float]]:
    """Return the best weights, and their value, when one member's weight moves and the others keep their shares."""
    if weights[member] == 1:
        return weights, now
    rest = weights.copy()
    rest[member] = 0
    rest /= rest.sum()
    others, own = _combined(value, rest), value.vector(member)

    best, best_value = float(weights[member]), now
    for grid in (_GRID, None):
        shares = np.clip(best + _FINE, 0, 1) if grid is None else grid
        for share in dict.fromkeys(shares.tolist()):
            blend = (1 - share) * others + share * own
            utility = value.utility(blend)
            if utility < best_value[0] - TIE:  # no need to know what breaks ties
                continue
            found = (utility, value.tie(blend))
            if better(found, best_value):
                best, best_value = share, found
    moved = (1 - best) * rest
    moved[member] = best
    return (moved, best_value) if best_value != now else (weights, now)
