"""What each stage did to the score, where a run holds the two sides of the comparison: paired differences."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from podium.scores import SETTLED, Scored, best

Twin = dict[str, str]
"""Two models that differ in one key alone: ``key``, ``first``, ``second``, and the ``values`` as a text."""


def stages(
    rows: Sequence[Scored], *, submit: str, twins: Sequence[Twin], metric: str
) -> list[dict[str, Any]]:
    """Return one comparison a line: ``stage``, ``about``, both sides, and what the first is above the second.

    ``rows`` are those of a task's table of scores, the submission last. A difference is of the same rows and draws
    (``podium.resampling``). Members of the ensembles are compared in the round that counts, models that are ``twins``
    seed by seed in the last round that both have. Nothing is compared that was not run.
    """
    members = [row for row in rows if row.what == "member"]
    found = [*_twins(members, twins), *_rounds(members)]
    counting = [_last(members, name) for name in _names(members)]
    single, plain = best(counting, metric), None
    for row in rows:
        if row.what == "ensemble":
            found.append(_beside("ensemble", f"{row.name} beside the best single member", row, single))
            plain = row if row.name == submit else plain
    if plain is not None:
        decided = _beside("decision", f"{rows[-1].name} beside {submit} undecided", rows[-1], plain)
        if decided["difference"] or decided["se"]:  # a plain decision changes nothing
            found.append(decided)
    return found


def _twins(members: Sequence[Scored], twins: Sequence[Twin]) -> list[dict[str, Any]]:
    found = []
    for twin in twins:
        for name in _names(members):
            model, _, seed = name.rpartition("-s")
            other = f"{twin['second']}-s{seed}"
            if model != twin["first"] or other not in _names(members):
                continue
            shared = set(_rounds_of(members, name)) & set(_rounds_of(members, other))
            last = next((number for number in reversed(_rounds_of(members, name)) if number in shared), None)
            if last is not None:
                pair = (_row(members, name, last), _row(members, other, last))
                found.append(_beside(twin["key"], f"{twin['key']}: {twin['values']}", *pair))
    return found


def _rounds(members: Sequence[Scored]) -> list[dict[str, Any]]:
    """Every round beside the one before it; what counts in the end beside the first."""
    found = []
    for name in _names(members):
        rounds = _rounds_of(members, name)
        for before, after in pairwise(rounds):
            base = rounds[0] if after == SETTLED else before
            what = "each fold's best round" if after == SETTLED else f"pseudo-labels, round {after}"
            pair = (_row(members, name, after), _row(members, name, base))
            found.append(_beside("pseudo", f"{what} of {name}", *pair))
    return found


def _beside(stage: str, about: str, first: Scored, second: Scored) -> dict[str, Any]:
    apart = first.drawn.less(second.drawn)
    sides = {
        side: {"name": row.name, "round": row.round, "cv": row.cv}
        for side, row in (("first", first), ("second", second))
    }
    return {"stage": stage, "about": about, **sides, "difference": apart.value, "se": apart.se}


def _names(members: Sequence[Scored]) -> list[str]:
    return list(dict.fromkeys(row.name for row in members))


def _rounds_of(members: Sequence[Scored], name: str) -> list[str]:
    """A member's rounds in their order, what counts in the end last."""
    rounds = [row.round for row in members if row.name == name]
    return sorted(rounds, key=lambda number: (number == SETTLED, int(number) if number.isdigit() else 0))


def _row(members: Sequence[Scored], name: str, number: str) -> Scored:
    return next(row for row in members if (row.name, row.round) == (name, number))


def _last(members: Sequence[Scored], name: str) -> Scored:
    return _row(members, name, _rounds_of(members, name)[-1])
