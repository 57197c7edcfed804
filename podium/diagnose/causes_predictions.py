"""Causes in the held-out predictions: labels in another order, one answer for all, lost classes, a bad fold."""

from collections.abc import Iterator

import numpy as np
from scipy.optimize import linear_sum_assignment

from podium.diagnose.facts import Facts
from podium.diagnose.finding import Finding, listed, share
from podium.diagnose.results import HeldOut
from podium.errors import UserError
from podium.tables import read_rows
from podium.targets import JOINT

BETTER, SURE = 0.1, 4.0
"""How much better another order of the labels must be, and how many standard errors that is."""
CONSTANT, SPREAD = 0.98, 0.01
"""Share of rows with one and the same answer; spread of probabilities (of values: of the truth's) below which all rows
get the same."""
LEAST_ROWS = 10
FOLD_WORSE, FOLD_SURE = 0.05, 4.0
_SHOWN = 3


def label_order(facts: Facts) -> Iterator[Finding]:
    """Labels that mean something else to the model than to the score."""
    for run in facts.runs:
        labels = None if run.card is None else run.card.get("labels")
        if facts.held_out is not None and labels is not None and labels != facts.held_out.labels:
            yield Finding(
                cause="label_order",
                severity="severe",
                figure=f"fold {run.fold} was trained on the labels {listed(labels)}, the task has "
                f"{listed(facts.held_out.labels)}",
                usual="the same labels in the same order",
                advice="remove results/train of this member and run snakemake again",
            )
            return
    if facts.held_out is None:
        return
    better = None
    if facts.held_out.type == "single_label":
        better = _better_order(facts.held_out)
    elif facts.held_out.type == "multi_label" and len(facts.held_out.labels) > 1:
        better = _better_columns(facts.held_out)
    if better is not None:
        given, fitting, measure, swapped = better
        yield Finding(
            cause="label_order",
            severity="severe",
            figure=f"{measure} is {given:.3f}, and {fitting:.3f} with the labels in another order: {swapped}",
            usual="no other order is better",
            advice="look for labels that changed places between train file and model: the target column "
            f"(tasks.{facts.member.task}.target), a relabelled external file, a results/ folder of other data",
        )


def _better_order(found: HeldOut) -> tuple[float, float, str, str] | None:
    """Accuracy as it is and in the best order of labels, where that one is far better."""
    classes, said = len(found.labels), found.proba.argmax(axis=1)
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (said, found.truth), 1)
    given = float(np.trace(counts)) / len(said)
    answers, meant = linear_sum_assignment(-counts)
    fitting = float(counts[answers, meant].sum()) / len(said)
    error = float(np.sqrt(max(fitting * (1 - fitting), given * (1 - given)) / len(said)))
    # One answer for all would fit the greatest class best
    least = float(np.bincount(found.truth).max()) / len(said) + BETTER
    if fitting <= given + max(BETTER, SURE * error) or fitting < min(least, 0.9):
        return None
    return given, fitting, "accuracy", _swapped(found.labels, answers, meant)


def _better_columns(found: HeldOut) -> tuple[float, float, str, str] | None:
    """The same of the columns of a multi-label task, by their correlations with the truth."""
    moving = (found.proba.std(axis=0) > 0) & (found.truth.std(axis=0) > 0)
    places = np.flatnonzero(moving)
    if len(places) < 2:
        return None
    joined = np.corrcoef(found.proba[:, places].T, found.truth[:, places].T)
    between = joined[: len(places), len(places) :]
    given = float(np.diag(between).mean())
    answers, meant = linear_sum_assignment(-between)
    fitting = float(between[answers, meant].mean())
    if fitting <= given + max(2 * BETTER, SURE / np.sqrt(len(found.truth))):
        return None
    names = [found.labels[place] for place in places]
    return given, fitting, "mean correlation", _swapped(names, answers, meant)


def _swapped(labels: list[str], answers: np.ndarray, meant: np.ndarray) -> str:
    pairs = zip(answers.tolist(), meant.tolist(), strict=True)
    moved = [f"'{labels[a]}' is said where '{labels[m]}' is meant" for a, m in pairs if a != m]
    return listed(moved, _SHOWN)


def sample_labels(facts: Facts) -> Iterator[Finding]:
    """A sample submission whose labels are none of the task's."""
    path, target = facts.member.sample, facts.member.ingest.get("target")
    if facts.held_out is None or facts.held_out.type != "single_label" or path is None or not path.is_file():
        return
    try:
        sample = read_rows(path, columns=None, encoding=None, separator=None)
    except UserError:  # told by the run itself
        return
    if not isinstance(target, str) or target not in sample:
        return
    shown = {value for value in sample[target].unique() if value.strip()}
    known = set(facts.held_out.labels)
    odd = sorted(value for value in shown if value not in known and JOINT not in value)
    if shown and not shown & known and not all(value.replace(".", "", 1).isdigit() for value in shown):
        yield Finding(
            cause="sample_labels",
            severity="possible",
            figure=f"the sample submission holds {listed([repr(value) for value in odd])}, the labels are "
            f"{listed(facts.held_out.labels)}",
            usual="labels of the same form",
            advice=f"compare {path.name} with the column tasks.{facts.member.task}.target",
        )


def constant_predictions(facts: Facts) -> Iterator[Finding]:
    """The same answer for (nearly) all rows."""
    found = facts.held_out
    if found is None:
        return
    told = _constant(found)
    if told is not None:
        yield Finding(
            cause="constant_predictions",
            severity="severe",
            figure=told,
            usual="predictions that differ with the texts",
            advice="look at its training first: "
            + (
                f"{facts.member.key('learning_rate')}, steps, weights"
                if "learning_rate" in facts.options
                else f"{facts.member.key('view')} and features; {_weighing(facts)}"
            ),
        )


def _constant(found: HeldOut) -> str | None:
    if found.type == "regression":
        spread = float((found.proba.std(axis=0) / np.maximum(found.truth.std(axis=0), 1e-12)).max())
        return (
            f"predicted values spread {spread:.1%} as far as the true ones" if spread < 5 * SPREAD else None
        )
    if found.type == "multi_label":
        given, true = (found.proba > 0.5).mean(), (found.truth > 0.5).mean()
        if given == 0 < true and float(found.proba.std(axis=0).max()) < SPREAD:
            return (
                f"no row gets a label, and all probabilities are alike (true: {share(float(true))} of them)"
            )
        return None
    said = np.bincount(found.proba.argmax(axis=1), minlength=len(found.labels)) / len(found.truth)
    top = int(said.argmax())
    true = float((found.truth == top).mean())
    alike = float(found.proba.std(axis=0).max()) < SPREAD
    if (said[top] >= CONSTANT and true < said[top] - BETTER) or (alike and true < said[top]):
        return f"{share(float(said[top]))} of the rows are predicted '{found.labels[top]}', {share(true)} are"
    return None


def lost_classes(facts: Facts) -> Iterator[Finding]:
    """Classes with enough rows that are never predicted."""
    found = facts.held_out
    if found is None or found.type == "regression" or _constant(found) is not None:
        return
    if found.type == "single_label":
        true = np.bincount(found.truth, minlength=len(found.labels))
        said = np.bincount(found.proba.argmax(axis=1), minlength=len(found.labels))
    else:
        true, said = (found.truth > 0.5).sum(axis=0), (found.proba > 0.5).sum(axis=0)
    lost = np.flatnonzero((said == 0) & (true >= LEAST_ROWS)).tolist()
    if not lost:
        return
    names = [f"'{found.labels[place]}' ({true[place]} rows)" for place in lost]
    elsewhere = {name for other in facts.others for name in _said(other.held_out)}
    nobody = [place for place in lost if found.labels[place] not in elsewhere]
    who = "no member predicts" if nobody else "other members predict"
    which = listed([f"'{found.labels[place]}'" for place in (nobody or lost)])
    part = float(true[lost].sum()) / max(1, int(true.sum()))
    yield Finding(
        cause="lost_classes",
        severity="likely" if part > BETTER or len(lost) * 4 > len(found.labels) else "possible",
        figure=f"it never predicts {listed(names)}; {who} {which}",
        usual="every class with some rows is predicted for some",
        advice=f"{_weighing(facts)}, or rows for rare classes (augment with balance: true)",
    )


def _weighing(facts: Facts) -> str:
    """How rare classes may count for more in this kind of model."""
    for name in ("loss", "class_weight"):
        if name in facts.options:
            key = facts.member.key(name)
            return f"try {key}{'.class_weight' if name == 'loss' else ''}: balanced"
    return "try decision.method: offsets"


def _said(found: HeldOut | None) -> list[str]:
    """Classes that are predicted for some row."""
    if found is None or found.type == "regression":
        return []
    if found.type == "multi_label":
        places = np.flatnonzero((found.proba > 0.5).any(axis=0))
    else:
        places = np.unique(found.proba.argmax(axis=1))
    return [found.labels[place] for place in places.tolist()]


def odd_fold(facts: Facts) -> Iterator[Finding]:
    """A fold that scores far worse than the others."""
    found = facts.held_out
    if found is None:
        return
    rights, told = found.rights(), []
    for fold in np.unique(found.folds).tolist():
        own, rest = rights[found.folds == fold], rights[found.folds != fold]
        if min(len(own), len(rest)) < LEAST_ROWS:
            continue
        error = float(np.sqrt(own.var() / len(own) + rest.var() / len(rest)))
        worse = float(rest.mean() - own.mean())
        if worse > max(FOLD_WORSE, FOLD_SURE * error):
            told.append(f"fold {fold} {own.mean():.3f}, the others {rest.mean():.3f}")
    if told:
        yield Finding(
            cause="odd_fold",
            severity="likely",
            figure=f"{found.measure}: {'; '.join(told)}",
            usual=f"folds within {FOLD_SURE:g} standard errors of each other",
            advice="compare its learning curve with the others' (results/logs/train); another seed "
            f"({facts.member.key('seeds')}), or more warm-up where only this training collapsed; else its rows: "
            f"tasks.{facts.member.task}.group",
        )
