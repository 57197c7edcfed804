"""Ensembles of members' out-of-fold predictions, scored by cross-fitting over the same folds, or inside them.

Shapes: M members, N rows, K classes or values; the truth is that of ``podium.metrics``. Whatever is fitted or chosen
for a fold comes from the other folds alone, or from other rows of the fold itself (``podium.ensembles.coupling``); what
is fitted on all rows is for test only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from podium import clustered, metrics
from podium.ensembles.coupling import many_parameters
from podium.ensembles.layers import Method
from podium.ensembles.predictions import Known
from podium.errors import UserError

_TIE = 1e-12
_LONG = 1000
"""Longest text of a parameter that is worth a look; trees are longer."""


@dataclass(frozen=True)
class Fitted:
    """An ensemble with its honest out-of-fold predictions.

    ``oof`` (N, K) was predicted, fold by fold, with what the other folds alone decided, or with ``inside`` each row
    with what other rows of its fold did; ``method`` and ``params`` are those fitted on all rows, for test.
    ``fold_methods`` and ``fold_params`` say what each fold used, in the order of fold numbers; of what is fitted inside
    folds the parameters are not kept.
    """

    oof: np.ndarray
    method: str
    params: dict[str, Any]
    fold_methods: list[str]
    fold_params: list[dict[str, Any]]
    inside: bool


def fitted(name: str, method: Method, known: Known, parts: np.ndarray | None) -> Fitted:
    """Fit a method and predict each row honestly: inside the folds where it has many parameters, else over them.

    ``parts`` (N,) are those of ``podium.ensembles.coupling.inner_parts``; None scores every method over the folds.
    """
    if parts is None or not many_parameters(method):
        return cross_fit(name, method, known)
    return fit_inside(name, method, known, parts)


def cross_fit(name: str, method: Method, known: Known) -> Fitted:
    """Fit a method without each fold in turn and predict that fold; then fit it on all rows."""
    result, params = _crossed(method, known)
    return Fitted(result, name, method.fit(known), [name] * len(params), params, False)


def fit_inside(name: str, method: Method, known: Known, parts: np.ndarray) -> Fitted:
    """Cross-fit a method in each fold alone, over its ``parts`` (N,); then fit it on all rows."""
    result = np.empty(known.given.shape[1:], dtype=known.given.source.dtype)
    numbers = np.unique(known.folds)
    for fold in numbers:
        rows = known.folds == fold
        result[rows], _ = _crossed(method, replace(known.take(rows), folds=parts[rows]))
    return Fitted(result, name, method.fit(known), [name] * len(numbers), [{}] * len(numbers), True)


def _crossed(method: Method, known: Known) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Predictions (N, K) of each fold by what the others say, and the parameters of each."""
    result = np.empty(known.given.shape[1:], dtype=known.given.source.dtype)
    fold_params = []
    for fold in np.unique(known.folds):
        out = known.folds == fold
        params = method.fit(known.take(~out))
        result[out] = method.predict(known.given.take(out), params)
        fold_params.append(params)
    return result, fold_params


def choose(methods: Mapping[str, Method], known: Known, *, metric: str, parts: np.ndarray | None) -> Fitted:
    """Choose the best of several methods, the choice itself cross-fitted (nested cross-validation).

    For fold k each method is scored by cross-fitting inside the other folds (for fold j fitted without j and k);
    the best, fitted on all but k, predicts k. For test the methods are scored by cross-fitting over all folds. Methods
    that are scored inside the folds (``fitted``, also of ``parts``) are so here: on all folds, and on all but k.
    Scores within 1e-12 go to the method named first. Fewer than 3 folds raise ``UserError``.
    """
    folds = known.folds
    numbers = np.unique(folds)
    if len(numbers) < 3:
        raise UserError(
            f"folds.n: ensemble 'best' needs 3 folds or more, found {len(numbers)}: set folds.n to 3"
        )
    whole = {name: fitted(name, method, known, parts) for name, method in methods.items()}
    inner = {
        name: _without_each(whole[name].oof, known, metric)
        if whole[name].inside
        else _inner_utilities(method, known, metric)
        for name, method in methods.items()
    }
    overall = {name: _utility(metric, known.truth, found.oof) for name, found in whole.items()}
    fold_methods = [_best({name: inner[name][k] for name in methods}) for k in range(len(numbers))]
    fold_params = [whole[name].fold_params[k] for k, name in enumerate(fold_methods)]
    result = np.empty(known.given.shape[1:], dtype=known.given.source.dtype)
    for fold, name in zip(numbers, fold_methods, strict=True):
        result[folds == fold] = whole[name].oof[folds == fold]
    best = _best(overall)
    return Fitted(result, best, whole[best].params, fold_methods, fold_params, whole[best].inside)


def _without_each(oof: np.ndarray, known: Known, metric: str) -> list[float]:
    """Return, for each fold, the utility of the predictions (N, K) of the rows outside it."""
    outside = [known.folds != fold for fold in np.unique(known.folds)]
    return [_utility(metric, known.truth[rows], oof[rows]) for rows in outside]


def _inner_utilities(method: Method, known: Known, metric: str) -> list[float]:
    """Return, for each fold k, the utility of cross-fitted predictions of the rows outside k, made without k."""
    folds = known.folds
    numbers = np.unique(folds)
    dtype = known.given.source.dtype
    inner = [np.full(known.given.shape[1:], np.nan, dtype=dtype) for _ in numbers]
    for k in range(len(numbers)):
        for j in range(k):
            # The fit without both serves twice: it predicts j when k is held out, and k when j is.
            params = method.fit(known.take(~np.isin(folds, numbers[[j, k]])))
            for held_out, predicted in ((k, j), (j, k)):
                rows = folds == numbers[predicted]
                inner[held_out][rows] = method.predict(known.given.take(rows), params)
    outside = [folds != fold for fold in numbers]
    return [
        _utility(metric, known.truth[rows], proba[rows]) for rows, proba in zip(outside, inner, strict=True)
    ]


def _utility(metric: str, truth: np.ndarray, proba: np.ndarray) -> float:
    return metrics.utility(metric, metrics.value(metric, truth, None, proba, classes=proba.shape[1]))


def _best(utilities: Mapping[str, float]) -> str:
    """Return the name with the highest utility; ties go to the first."""
    best = next(iter(utilities))
    for name, utility in utilities.items():
        if utility > utilities[best] + _TIE:
            best = name
    return best


def report(
    found: Fitted,
    truth: np.ndarray,
    folds: np.ndarray,
    *,
    clusters: np.ndarray,
    members: Sequence[str],
    metric: str,
) -> dict[str, Any]:
    """Return what is worth keeping of an ensemble, JSON-able: its parameters and its cross-fitted score.

    The score's error counts rows of one of the ``clusters`` (N,) together, as ``podium.clustered`` says.
    Of trees, whose text nobody reads, the size is kept.
    """
    classes = found.oof.shape[1]
    score = clustered.score(metric, truth, None, found.oof, folds=folds, clusters=clusters, classes=classes)
    by_fold = metrics.fold_scores(metric, truth, None, found.oof, folds, classes=classes)
    return {
        "method": found.method,
        "members": list(members),
        "metric": metric,
        "scored": "inside folds" if found.inside else "over folds",
        "cv": {"value": score.value, "se": score.se, "folds": by_fold},
        "params": _readable(found.params),
        "fold_methods": found.fold_methods,
        "fold_params": [_readable(params) for params in found.fold_params],
    }


def _readable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _readable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_readable(inner) for inner in value]
    return f"{len(value)} characters" if isinstance(value, str) and len(value) > _LONG else value
