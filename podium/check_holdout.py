"""Compare a submission with true labels that the run never saw, to see whether its score was honest."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from podium import metrics
from podium.competition import METRIC, combined
from podium.errors import UserError, brief, hint
from podium.ingest import column_mistakes
from podium.ingest_targets import mistakes as target_mistakes
from podium.ingest_targets import names_of, parse
from podium.metric_file import shown
from podium.metrics import Score
from podium.span import metrics as span_metrics
from podium.span.answers import decode_all, texts
from podium.submission_columns import Form

_log = logging.getLogger(__name__)
LabelMetric = Callable[[list[str], list[str]], tuple[float, float]]


def compare(
    submission: pd.DataFrame,
    truth: pd.DataFrame,
    *,
    id: str | None,
    target: str,
    metric: str,
    metric_value: LabelMetric,
    reported_cv: float,
    reported_se: float,
    classes: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Score a submission and put the reported cross-validated score beside it.

    Parameters
    ----------
    submission, truth
        Columns ``id`` and ``target`` (or one other column), one row an id, the same ids in any order; where
        ``id`` is None, rows in the same order.
    metric
        The metric's name, for the result.
    metric_value
        From true labels (N) and predicted labels (N) to the metric and its standard error.
    reported_cv, reported_se
        The score the run reported and its standard error.
    classes
        Class names of train, of which at least one must be a true label; None is not checked.

    Returns
    -------
    dict
        ``metric``, ``reported_cv``, ``reported_se``, ``true_score``, ``true_se``, ``n``, ``difference``
        (reported minus true: above 0 is optimism where more is better), ``standard_errors`` (difference /
        sqrt(reported_se^2 + true_se^2); None where both are 0), ``accuracy``.

    Raises
    ------
    UserError
        A column is missing, an id is repeated, one file has an id that the other lacks, a true label is empty, or none
        is of ``classes``.
    """
    labels = {
        "the submission": _labels(submission, "the submission", id, target),
        "the truth": _labels(truth, "the truth", id, target),
    }
    predicted, true = labels["the submission"], labels["the truth"]
    _same_ids(predicted.index, true.index)
    _check_labels(true, classes)
    predicted = predicted.loc[true.index]
    true_score, true_se = metric_value(true.tolist(), predicted.tolist())
    facts = _facts(metric, reported_cv, reported_se, true_score, true_se, len(true))
    return {**facts, "accuracy": float((predicted == true).mean())}


def compare_columns(
    submission: pd.DataFrame,
    truth: pd.DataFrame,
    *,
    form: Form,
    names: Sequence[str],
    proba: Callable[[], np.ndarray],
    metric: str,
    reported_cv: float,
    reported_se: float,
) -> dict[str, Any]:
    """``compare`` for multi-label tasks and regressions; the result has no ``accuracy``.

    Parameters
    ----------
    submission, truth
        The truth has the target columns of the training file; the submission any form of
        ``podium.submission.write_submission``. Ids as in ``compare``.
    names
        Class names or value columns of train; classes that only the truth has count as predicted nowhere.
    proba
        Gives predictions (N, K) in the order of the truth's rows, for a metric of probabilities where the submission
        does not hold those of every class.

    Raises
    ------
    UserError
        As ``compare``, and for targets that cannot be read.
    """
    submission = _in_order(submission, truth, form.id)
    mistakes = column_mistakes("the truth", truth, names_of(form.target))
    mistakes += target_mistakes(
        "the truth", truth, form.target, type=form.type, separator=form.label_separator, varied=False
    )
    if mistakes:
        raise UserError("; ".join(mistakes))
    known, true = parse(truth, form.target, type=form.type, separator=form.label_separator, known=names)
    others = [column for column in submission if column != form.id]
    if true.any() and form.type == "multi_label" and not true[:, : len(names)].any():
        raise _strange(known[len(names)], names)
    wide = np.zeros((len(true), len(known)))
    wide[:, : len(names)] = _numbers(submission, others, names, form, proba)
    labels = wide.astype(np.float32) if metrics.get(metric, form.type).uses == "labels" else None
    found = metrics.score(metric, true, labels, wide, classes=len(known))
    return _facts(metric, reported_cv, reported_se, found.value, found.se, len(true))


def _check_labels(true: pd.Series, classes: Sequence[str] | None) -> None:
    """Raise ``UserError`` for true labels that make the score wrong: empty ones, or not one that train has, too."""
    empty = int((true.str.strip() == "").sum())
    if empty:
        raise UserError(
            f"the truth has {empty} rows with an empty label; take these rows out of it, and out of test"
        )
    if classes is None:
        return
    strange = true[~true.isin(classes)]
    if len(strange) == len(true):
        raise _strange(strange.iloc[0], classes)
    if len(strange):
        _log.warning(
            "the truth has %d rows whose label no row of train has, such as '%s': they count as wrong",
            len(strange), brief(strange.iloc[0]),
        )  # fmt: skip


def _strange(label: str, classes: Sequence[str]) -> UserError:
    return UserError(
        f"no label of the truth is one of train: it has '{brief(label)}' ({hint(label, classes)}); write labels as in "
        "train, in a file in UTF-8"
    )


def _numbers(
    submission: pd.DataFrame,
    others: list[str],
    names: Sequence[str],
    form: Form,
    proba: Callable[[], np.ndarray],
) -> np.ndarray:
    """The submission's labels, probabilities or values (N, K)."""
    present = [name for name in names if name in others]
    if form.type == "regression":
        return submission[present or others].to_numpy(dtype=np.float64)
    if form.probabilities and len(present) < len(names):
        return proba()
    if present and form.target not in others:
        numbers = np.zeros((len(submission), len(names)))
        numbers[:, [names.index(name) for name in present]] = submission[present].to_numpy(dtype=np.float64)
        return numbers
    joined = str(form.target) if form.target in others else others[0]
    _, flags = parse(submission, joined, type=form.type, separator=form.label_separator, known=names)
    return flags[:, : len(names)].astype(np.float64)


def _in_order(submission: pd.DataFrame, truth: pd.DataFrame, id: str | None) -> pd.DataFrame:
    """The submission's rows in the order of the truth's."""
    ids = {
        "the submission": _ids(submission, "the submission", id),
        "the truth": _ids(truth, "the truth", id),
    }
    _same_ids(ids["the submission"], ids["the truth"])
    return submission.set_axis(ids["the submission"]).loc[ids["the truth"]].reset_index(drop=True)


def _facts(
    metric: str, reported_cv: float, reported_se: float, true_score: float, true_se: float, n: int
) -> dict[str, Any]:
    difference = reported_cv - true_score
    spread = math.hypot(reported_se, true_se)
    return {
        "metric": metric,
        "reported_cv": reported_cv,
        "reported_se": reported_se,
        "true_score": float(true_score),
        "true_se": float(true_se),
        "n": n,
        "difference": float(difference),
        "standard_errors": float(difference / spread) if spread else None,
    }


def compare_answers(
    submission: pd.DataFrame, truth: pd.DataFrame, *, id: str, target: str, reported: Mapping[str, Any]
) -> dict[str, Any]:
    """``compare`` for answers to questions; ``truth`` has ``id`` and ``target`` (``podium.span.answers``).

    ``reported`` is what the run said of the score: ``metric``, ``cv``, ``se`` and the board's interval.
    """
    given = _labels(submission, "the submission", id, target)
    _same_ids(given.index, pd.Index(truth["id"]))
    gold = [texts(answers) for answers in decode_all(truth["target"])]
    found = span_metrics.score(reported["metric"], given.loc[truth["id"]].tolist(), gold)
    facts = _facts(reported["metric"], reported["cv"], reported["se"], found.value, found.se, len(truth))
    return facts | expected(found.value, reported["board_low"], reported["board_high"])


def compare_competition(
    reports: Mapping[str, Mapping[str, Any]], share: Mapping[str, float], reported: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the comparison for the mean of several tasks, of their own ``reports`` and shares of the score."""
    true = combined({task: Score(one["true_score"], one["true_se"]) for task, one in reports.items()}, share)
    rows = sum(one["n"] for one in reports.values())
    facts = _facts(METRIC, reported["cv"], reported["se"], true.value, true.se, rows)
    return facts | expected(true.value, reported["board_low"], reported["board_high"])


def by_seen(
    submission: pd.DataFrame,
    truth: pd.DataFrame,
    seen: pd.Series,
    *,
    id: str | None,
    target: str,
    metric_value: LabelMetric,
) -> dict[str, Any]:
    """Score the rows whose text also stands in train apart from the others: remembering is enough for these.

    ``seen`` (N,) bool is by id, or by row number where ``id`` is None; the rest is that of ``compare``. The result is
    empty where one of the two has no rows, else ``seen`` and ``unseen`` have ``n``, ``true_score`` and ``true_se``.
    """
    true = _labels(truth, "the truth", id, target)
    predicted = _labels(submission, "the submission", id, target).loc[true.index]
    known = seen.loc[true.index].to_numpy(dtype=bool)
    if known.all() or not known.any():
        return {}
    found = {}
    for name, rows in (("seen", known), ("unseen", ~known)):
        value, se = metric_value(true[rows].tolist(), predicted[rows].tolist())
        found[name] = {"n": int(rows.sum()), "true_score": float(value), "true_se": float(se)}
    return found


def expected(true_score: float, low: float, high: float) -> dict[str, Any]:
    """Return ``expected_low`` and ``expected_high``, where the true score was said to lie, and whether it does."""
    return {"expected_low": low, "expected_high": high, "inside": low <= true_score <= high}


def _same_ids(predicted: pd.Index, true: pd.Index) -> None:
    for name, have, lack in (("the submission", predicted, true), ("the truth", true, predicted)):
        missing = lack[~lack.isin(have)]
        if len(missing):
            raise UserError(f"{name} lacks {len(missing)} ids (first '{missing[0]}') that the other file has")


def _ids(table: pd.DataFrame, name: str, id: str | None) -> pd.Index:
    """Ids of a table, or row numbers."""
    if table.empty:
        raise UserError(f"{name} has no rows")
    if id is None:
        return pd.RangeIndex(len(table))
    if id not in table:
        raise UserError(f"{name} has no column '{id}'; {hint(id, table.columns)}")
    repeated = table[id][table[id].duplicated()]
    if len(repeated):
        raise UserError(f"{name} has {len(repeated)} ids more than once (first '{repeated.iloc[0]}')")
    return pd.Index(table[id])


def _labels(table: pd.DataFrame, name: str, id: str | None, target: str) -> pd.Series:
    """Labels indexed by id, or by row number."""
    ids = _ids(table, name, id)
    others = [column for column in table.columns if column != id]
    if target not in others and len(others) != 1:
        raise UserError(f"{name} has no column '{target}'; {hint(target, others)}")
    return table[target if target in others else others[0]].set_axis(ids)


def render(result: dict[str, Any]) -> str:
    """Few short lines for a person, from the result of a comparison."""
    away = result["standard_errors"]
    lines = [
        f"{shown(result['metric'])} on {result['n']} held-out rows",
        f"  reported by cross-validation  {result['reported_cv']:.4f} +- {result['reported_se']:.4f}",
        f"  true score                    {result['true_score']:.4f} +- {result['true_se']:.4f}",
        f"  reported minus true          {result['difference']:+.4f}"
        + ("" if away is None else f"  ({away:+.2f} standard errors)"),
    ]
    if "inside" in result:
        span = f"{result['expected_low']:.4f} to {result['expected_high']:.4f}"
        lines.append(f"  expected in 9 of 10 cases     {span}: {'inside' if result['inside'] else 'outside'}")
    for name, words in (("seen", "text stands in train"), ("unseen", "text does not")):
        if name in result:
            part = result[name]
            rows = f"{part['n']} rows, {words}"
            lines.append(f"  {rows:28}  {part['true_score']:.4f} +- {part['true_se']:.4f}")
    if "accuracy" in result:
        lines.append(f"  accuracy                      {result['accuracy']:.4f}")
    return "\n".join(lines)
