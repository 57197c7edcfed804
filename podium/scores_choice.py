"""Why the submission is what it is, in figures: paired differences, and what the cross-fitted choice took."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podium import metrics
from podium.metric_file import shown
from podium.scores import Scored, best, errors


@dataclass(frozen=True)
class Choice:
    """What the run chose: the ensemble ``name`` of the config, and ``method``, the one that predicts the test rows.

    They differ where the config leaves the choice to ``best``; ``folds`` then counts the folds in which the
    cross-fitted choice took each ensemble. ``decision`` says how labels were decided.
    """

    name: str
    method: str
    folds: Mapping[str, int]
    decision: str


def read(submit: str, fit: Mapping[str, Any], decision: str) -> Choice:
    """Return the choice from the submitted ensemble's ``fit.json``."""
    folds = dict(Counter(fit["fold_methods"]).most_common()) if submit == "best" else {}
    return Choice(submit, str(fit["method"]), folds, decision)


def facts(
    rows: Sequence[Scored], choice: Choice, *, task: str, metric: str, test_rows: int
) -> dict[str, Any]:
    """Return ``chosen`` and ``compared``, JSON-able, of the scores of a task.

    ``compared`` holds the paired differences of the chosen ensemble to every other and to the best single member
    (chosen minus other, on the same rows and draws), with standard errors.
    """
    ensembles = {row.name: row for row in rows if row.what == "ensemble"}
    own, submitted = ensembles[choice.method], rows[-1]
    member = best([row for row in rows if row.what == "member"], metric)
    others = [row for name, row in ensembles.items() if name != choice.method]
    return {
        "task": task,
        "chosen": {
            "name": choice.name,
            "method": choice.method,
            "decision": choice.decision,
            "metric": metric,
            "cv": submitted.cv,
            **errors(submitted, metric),
            "test_rows": test_rows,
            "fold_models": len(submitted.folds),
            "folds": dict(choice.folds),
            "why": why(rows, choice, metric),
        },
        "compared": [_compared(own, other) for other in [*others, member]],
    }


def _compared(own: Scored, other: Scored) -> dict[str, Any]:
    apart = own.drawn.less(other.drawn)
    away = {"difference": apart.value, "se": apart.se}
    named = {"what": other.what, "name": other.name, "round": other.round, "cv": other.cv}
    return {**named, **away, "standard_errors": apart.value / apart.se if apart.se else None}


def why(rows: Sequence[Scored], choice: Choice, metric: str) -> str:
    """Return a few sentences with the figures that the choice rests on."""
    ensembles = [row for row in rows if row.what == "ensemble"]
    own = next(row for row in ensembles if row.name == choice.method)
    others = [row for row in ensembles if row.name not in (choice.method, "best")]
    member = best([row for row in rows if row.what == "member"], metric)
    beside = []
    if others:
        next_best = best(others, metric)
        beside.append(_beside("", next_best, own, metric))
    beside.append(_beside("the best single member ", member, own, metric))
    if choice.name == "best":
        first = f"{own.name} has the best cross-fitted {shown(metric)} of {len(others) + 1} ensembles ({own.cv:.4f})"
    else:
        first = f"{own.name} ({own.cv:.4f}) is the ensemble that the config submits"
    sentences = [f"{first}: {', '.join(beside)}"]
    if choice.name == "best":
        count = sum(choice.folds.values())
        taken = ", ".join(f"{name} in {number} of {count} folds" for name, number in choice.folds.items())
        whole = next(row for row in ensembles if row.name == "best")
        sentences.append(f"the choice itself, cross-fitted, took {taken} and scores {whole.cv:.4f}")
    plain = next(row for row in ensembles if row.name == choice.name)
    change = rows[-1].drawn.less(plain.drawn)
    if change.value or change.se:
        sentences.append(
            f"deciding ({choice.decision} for the test rows) changed that by {change.value:+.4f} "
            f"(standard error {change.se:.4f}), which the members' and the other ensembles' scores do not have in them"
        )
    return "; ".join(sentences) + "."


def _beside(what: str, other: Scored, own: Scored, metric: str) -> str:
    """How far another is behind: ``stack (0.9792) is 0.0037 behind (standard error 0.0011)``."""
    apart = own.drawn.less(other.drawn)
    lead = metrics.utility(metric, own.cv) - metrics.utility(metric, other.cv)
    named = f"{what}{other.name} ({other.cv:.4f})"
    if not lead:
        return f"{named} is level"
    return f"{named} is {abs(lead):.4f} {'behind' if lead > 0 else 'ahead'} (standard error {apart.se:.4f})"
