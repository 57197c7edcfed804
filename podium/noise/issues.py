"""Which given labels are doubtful: confident learning as cleanlab has it, and a fixed margin as its control.

Northcutt, Jiang and Chuang, Confident Learning (2021, arXiv 1911.00068), section 3; multi-label tasks as Thyagarajan et
al., Identifying Incorrect Annotations in Multi-Label Classification Data (2022, arXiv 2211.13895), one class against
the rest. N rows, K classes, P classes that have rows.
"""

import contextlib
import dataclasses
import logging
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from podium import predict
from podium.stopwatch import measure
from podium.targets import type_of

log = logging.getLogger(__name__)

BATCHED = ("low_self_confidence", "low_normalized_margin", "margin")
"""Rules that need no more than a batch of rows in memory: cleanlab's two, and the control."""

_CALIBRATED = {"estimation_method": "off_diagonal_calibrated"}


@dataclasses.dataclass(frozen=True, slots=True)
class Verdicts:
    """What is found of N rows.

    ``suggested``: the class of the highest probability (N,); of a multi-label row the classes above 0.5 (N, K).
    ``confidence``: its probability (N,); of a multi-label row that of the class it is least sure of.
    ``quality``: cleanlab's label quality (N,), 0 to 1. ``issue``: flagged (N,) bool. ``estimate``: cleanlab's estimate
    of how many labels are wrong, whatever the rule (``count.num_label_issues``: the off-diagonal of the confident
    joint, calibrated to the rows of each class; for multi-label tasks rows that are confidently wrong in any class).
    """

    suggested: np.ndarray
    confidence: np.ndarray
    quality: np.ndarray
    issue: np.ndarray
    estimate: int


def find(target: np.ndarray, proba: np.ndarray, *, filter_by: str, margin: float, score: str) -> Verdicts:
    """Judge given labels (N,) or (N, K) (``podium.targets``) against out-of-sample probabilities (N, K).

    ``filter_by`` names cleanlab's rule, or "margin": flagged where the highest probability exceeds that of the given
    label by more than ``margin``. A multi-label row is flagged for any class whose flag is doubtful, as in
    ``cleanlab.multilabel_classification.filter.find_label_issues``. ``score`` names cleanlab's label quality.
    """
    predict.check(proba, type_of(target))
    suggested, confidence = _suggested(target, proba)
    return Verdicts(
        suggested,
        confidence,
        _quality(target, proba, score),
        _beyond(target, proba, margin) if filter_by == "margin" else _issues(target, proba, filter_by),
        _estimate(target, proba),
    )


def find_in_batches(
    target: np.ndarray,
    batches: Callable[[], Iterable[np.ndarray]],
    *,
    filter_by: str,
    margin: float,
    score: str,
) -> Verdicts:
    """Judge as ``find`` does, with one batch of probabilities (B, K) in memory; for rules in ``BATCHED``.

    Each call of ``batches`` yields all rows in order; there are two. cleanlab's ``LabelInspector`` counts issues a
    little differently from its in-memory code where the highest probability is below its class's threshold and another
    is above its own; the ranking is the same.
    """
    with measure("imports"):
        from cleanlab.experimental.label_issues_batched import LabelInspector
        from cleanlab.rank import find_top_issues

    present, codes = np.unique(target, return_inverse=True)
    method = {} if filter_by == "margin" else {"method": filter_by.removeprefix("low_")}
    plain: dict[str, Any] = {"num_class": len(present), "verbose": False, "store_results": False}
    inspector = LabelInspector(**plain, quality_score_kwargs=method)
    counter = LabelInspector(**plain, num_issue_kwargs=_CALIBRATED)
    with _cleanlab():
        for rows, proba in _slices(batches()):
            inspector.update_confident_thresholds(codes[rows], _of(proba, present))
            counter.update_confident_thresholds(codes[rows], _of(proba, present))
        found, ranking = [], []
        for rows, proba in _slices(batches()):
            suggested, confidence = _suggested(target[rows], proba)
            quality = _quality(target[rows], proba, score)
            issue = _beyond(target[rows], proba, margin)
            found.append((suggested, confidence, quality, issue))
            ranking.append(inspector.score_label_quality(codes[rows], _of(proba, present)))
            counter.score_label_quality(codes[rows], _of(proba, present))
        estimate = int(counter.get_num_issues(silent=True))
        suggested, confidence, quality, issue = (np.concatenate(part) for part in zip(*found, strict=True))
        if filter_by != "margin":
            issue = np.zeros(len(target), dtype=bool)
            top = inspector.get_num_issues(silent=True)
            issue[find_top_issues(np.concatenate(ranking), top=top)] = True
    return Verdicts(suggested, confidence, quality, issue, estimate)


def _slices(batches: Iterable[np.ndarray]) -> Iterator[tuple[slice, np.ndarray]]:
    """Each batch with the rows that it holds."""
    start = 0
    for proba in batches:
        predict.check(proba)
        yield slice(start, start + len(proba)), proba
        start += len(proba)


def _suggested(target: np.ndarray, proba: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if target.ndim == 1:
        return proba.argmax(axis=1), proba.max(axis=1)
    return (proba > 0.5).astype(np.float32), np.maximum(proba, 1 - proba).min(axis=1)


def _quality(target: np.ndarray, proba: np.ndarray, score: str) -> np.ndarray:
    """Label quality (N,) of cleanlab's ``rank``; classes of a multi-label row are aggregated as it does by default."""
    with _cleanlab():
        from cleanlab import multilabel_classification, rank

        if target.ndim == 1:
            return np.asarray(rank.get_label_quality_scores(target, proba, method=score))
        if target.shape[1] == 1:
            return np.asarray(
                rank.get_label_quality_scores(target[:, 0].astype(np.int64), _pair(proba), method=score)
            )
        found = multilabel_classification.rank.get_label_quality_scores(
            [*_lists(target), [0]], np.vstack([proba, proba[:1]]), method=score
        )  # it wants a 0 and a 1 among the flags: one more row has both
        return np.asarray(found)[:-1]


def _beyond(target: np.ndarray, proba: np.ndarray, margin: float) -> np.ndarray:
    """Flag (N,) bool by a fixed margin; a class of a multi-label row has two probabilities, p and 1 - p."""
    if target.ndim == 1:
        return proba.max(axis=1) - proba[np.arange(len(target)), target] > margin
    given = np.where(target > 0, proba, 1 - proba)
    return np.asarray(((1 - given) - given > margin).any(axis=1))


def _issues(target: np.ndarray, proba: np.ndarray, filter_by: str) -> np.ndarray:
    """Cleanlab's verdict (N,) bool."""
    with _cleanlab():
        from cleanlab import filter, multilabel_classification

        prepared = _prepared(target, proba)
        if prepared is None:
            return np.zeros(len(target), dtype=bool)
        labels, seen = prepared
        module: Any = multilabel_classification.filter if isinstance(labels, list) else filter
        return np.asarray(module.find_label_issues(labels, seen, filter_by=filter_by, n_jobs=1), dtype=bool)


def _estimate(target: np.ndarray, proba: np.ndarray) -> int:
    with _cleanlab():
        from cleanlab import count

        prepared = _prepared(target, proba)
        if prepared is None:
            return 0
        labels, seen = prepared
        if isinstance(labels, list):
            return int(count.num_label_issues(labels, seen, multi_label=True))
        return int(count.num_label_issues(labels, seen, **_CALIBRATED))


def _prepared(target: np.ndarray, proba: np.ndarray) -> tuple[Any, np.ndarray] | None:
    """Labels and probabilities without the classes that tell nothing; None where no other is left.

    cleanlab wants every class to have rows, and a multi-label class rows with and without it. Only one of these left is
    a task of two classes. Labels are a list where there are several.
    """
    if target.ndim == 1:
        present, codes = np.unique(target, return_inverse=True)
        return (codes, _of(proba, present)) if len(present) > 1 else None
    varied = target.min(axis=0, initial=1) < target.max(axis=0, initial=0)
    flags, seen = target[:, varied], proba[:, varied]
    if flags.shape[1] > 1:
        return _lists(flags), seen
    return (flags[:, 0].astype(np.int64), _pair(seen)) if flags.shape[1] else None


def _of(proba: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Probabilities (N, P) among the classes that are present."""
    if len(present) == proba.shape[1]:
        return proba
    part = proba[:, present]
    total = part.sum(axis=1, keepdims=True)
    return np.where(total > 0, part / np.where(total > 0, total, 1), 1 / len(present))


def _pair(proba: np.ndarray) -> np.ndarray:
    """Probabilities (N, 2) without and with the one class of ``proba`` (N, 1)."""
    return np.hstack([1 - proba, proba])


def _lists(flags: np.ndarray) -> list[list[int]]:
    """The classes of each row, the form in which cleanlab takes multi-label targets."""
    return [np.flatnonzero(row).tolist() for row in flags]


@contextlib.contextmanager
def _cleanlab() -> Iterator[None]:
    """Import cleanlab inside (a second: only where it is used); what it warns of goes to the log."""
    with measure("imports"):
        import cleanlab.multilabel_classification  # noqa: F401
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    told = {
        str(entry.message) for entry in caught if not issubclass(entry.category, DeprecationWarning)
    }  # it calls its own deprecated ways
    for message in sorted(told):
        log.info("cleanlab: %s", " ".join(message.split()))
