"""The short summary at the end of a run: every score, the submission, the next thing to try."""

from typing import Any

import pandas as pd

from podium.metric_file import shown
from podium.metrics import greater_is_better
from podium.scores import SETTLED, best_member

BAR = "pseudo.confidence"
MOSTLY = 50.0  # per cent of pseudo-labels that are right, below which they teach more wrong than right


def summary(
    scores: pd.DataFrame,
    *,
    competition: str,
    submission: str,
    rows: int,
    train_profile: dict[str, Any],
    settings: dict[str, Any],
    notes: list[str],
    warnings: list[str],
    chosen: dict[str, Any],
) -> str:
    """Render the summary.

    ``scores`` is the table of ``podium.scores.table``; ``rows`` counts the submission's rows; ``train_profile`` is the
    profile; ``settings`` holds ``max_lengths`` (model: tokens), ``folds`` (count), ``seeds`` (model: list), and
    ``bar``, the key of a pseudo-label's least confidence, where it is not ``pseudo.confidence``;
    ``notes`` are sentences, ``warnings`` those that say when the scores are not to be trusted;
    ``chosen`` is that of ``podium.scores_choice.facts``.
    """
    metric = str(scores["metric"].iloc[0])
    better = "" if greater_is_better(metric) else " (lower is better)"
    lines = [f"{competition}: cross-validated {shown(metric)} of every member and ensemble{better}", ""]
    width = max(len(str(name)) for name in scores["name"]) + 2
    short = max(len(name) for name in ["round", *scores["round"]])
    lines.append(f"  {'':10}{'':{width}}{'round':>{short}}  {'CV':>7}     {'SE':<6}  folds")
    for row in scores.to_dict(orient="records"):
        folds = " ".join(f"{row[key]:.4f}" for key in scores.columns if key.startswith("fold"))
        named = f"{row['what']:10}{row['name']:{width}}{row['round']:>{short}}"
        lines.append(f"{'*' if row['chosen'] else ' '} {named}  {row['cv']:7.4f} +- {row['se']:.4f}  {folds}")
    said = [*(f"WARNING: {warning}" for warning in warnings), *(f"note: {note}" for note in notes)]
    lines += ["", *said] if said else []
    lines += ["", f"* {chosen['why']}"]
    lines += ["", f"submission: {submission} ({rows} rows)", _expected(chosen)]
    lines += [f"try next:   {sentence}" for sentence in advice(scores, train_profile, settings)[:1]]
    return "\n".join(lines) + "\n"


def competition_summary(
    scores: pd.DataFrame,
    *,
    competition: str,
    submission: str,
    chosen: dict[str, Any],
    summaries: dict[str, str],
) -> str:
    """Render the summary of several tasks: scores of ``podium.competition.table``, then each task's summary."""
    lines = [f"{competition}: the competition's cross-validated score, the mean of its tasks'", ""]
    width = max(len(str(name)) for name in scores["name"]) + 2
    for row in scores.to_dict(orient="records"):
        named = f"{row['what']:10}{row['name']:{width}}{row['round']:>5}"
        lines.append(f"  {named}  {row['cv']:7.4f} +- {row['se']:.4f}")
    lines += ["", f"submission: {submission}", _expected(chosen)]
    for task, text in summaries.items():
        lines += ["", f"---- {task}", "", text.rstrip("\n")]
    return "\n".join(lines) + "\n"


def _expected(chosen: dict[str, Any]) -> str:
    """Where the score on the test rows lies, and what makes it another than that of cross-validation."""
    span = f"{chosen['board_low']:.4f} to {chosen['board_high']:.4f} in 9 of 10 cases"
    expected = f"expected on the test rows: {chosen['board']:.4f} ({span})"
    if chosen["no_gain"] is not None:
        return f"{expected}; what the mean of {chosen['fold_models']} fold models adds is not estimated"
    return (
        f"CV {chosen['cv']:.4f} +- {chosen['se']:.4f}; {expected}, because the {chosen['fold_models']} models that "
        "cross-validation scores one by one are averaged for them"
    )


def advice(scores: pd.DataFrame, train_profile: dict[str, Any], settings: dict[str, Any]) -> list[str]:
    """What is worth trying, most promising first; each sentence names the figures it rests on and the key to edit."""
    found = [*_cut_text(train_profile, settings), *_rounds(scores, settings), *_ensemble(scores)]
    best = best_member(scores)
    model = str(best["name"]).rsplit("-s", 1)[0]
    seeds = settings["seeds"].get(model, [])  # a kind without chance has none
    if len(seeds) == 1:
        found.append(
            f"{model} is the best single model ({best['cv']:.4f}): a second seed "
            f"(models.{model}.seeds: {[*seeds, max(seeds) + 1]}) is the safest gain for an ensemble."
        )
    if settings["folds"] < 10:
        more = settings["folds"] + 2
        found.append(f"more folds (folds.n: {more}) give every fold model more rows to learn from.")
    return found


def _cut_text(train_profile: dict[str, Any], settings: dict[str, Any]) -> list[str]:
    shares = train_profile["lengths"]["train"]["tokens"]["cut"]
    return [
        f"{100 * shares[str(length)]:.0f}% of the train texts are longer than max_length {length}: raise "
        f"models.{model}.max_length."
        for model, length in settings["max_lengths"].items()
        if shares.get(str(length), 0) > 0.15
    ]


def _rounds(scores: pd.DataFrame, settings: dict[str, Any]) -> list[str]:
    """Say where the last pseudo-label round lost more than its standard error."""
    sign = 1 if greater_is_better(str(scores["metric"].iloc[0])) else -1
    sentences = []
    for name, rows in scores[scores["what"] == "member"].groupby("name", sort=False):
        if len(rows) < 2 or SETTLED in set(rows["round"]):
            continue
        gain = sign * (rows["cv"].iloc[-1] - rows["cv"].iloc[-2])
        if gain < -rows["se"].iloc[-1]:
            model = str(name).rsplit("-s", 1)[0]
            sentences.append(
                f"pseudo-labels cost {name} {-gain:.4f}: set models.{model}.rounds one lower, or raise "
                f"{settings.get('bar', BAR)}."
            )
    return sentences


def _ensemble(scores: pd.DataFrame) -> list[str]:
    sign = 1 if greater_is_better(str(scores["metric"].iloc[0])) else -1
    best, submitted = best_member(scores), scores.iloc[-1]
    if sign * (submitted["cv"] - best["cv"]) >= -best["se"]:
        return []
    return [
        f"the submission ({submitted['cv']:.4f}) is below the best single member {best['name']} ({best['cv']:.4f}): "
        "drop weak members with ensemble.members."
    ]


def profile_notes(warnings: list[str], warned: list[dict[str, str]]) -> list[str]:
    """The first warnings of the rows' profile, without what a warning of stage adversarial says better."""
    told = any(warning["about"] == "overlap" for warning in warned)
    return [warning for warning in warnings if not (told and "stand word for word in train" in warning)][:6]


def pseudo_notes(rounds: list[tuple[int, dict[str, Any]]], bar: str = BAR) -> list[str]:
    """How many rows got a pseudo-label, and how many of these labels are right by out-of-fold rows.

    ``rounds`` holds (round, facts of one fold; see ``podium.pseudo_choice.choose``); ``bar`` is the key to edit.
    """
    notes = []
    for number in sorted({number for number, _ in rounds}):
        facts = [found for given, found in rounds if given == number]
        counts = [found["accepted"] for found in facts]
        rows = max(found["candidates"] for found in facts)
        span = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
        what = "test rows" if set(facts[0]["parts"]) == {"test"} else "test and unlabelled rows"
        none = f"; lower {bar} or set pseudo.rounds: 0" if not max(counts) else ""
        found = [found["precision"] for found in facts if found["precision"]]
        right = _right(found, bar) if found else ""
        notes.append(f"round {number} trained on the pseudo-labels of {span} of {rows} {what}{none}{right}")
    return notes


def _right(found: list[dict[str, Any]], bar: str) -> str:
    """The folds' estimates as one: they are nearly the same rows, so that a mean is no surer than each."""
    value, error = (100 * sum(one[key] for one in found) / len(found) for key in ("value", "se"))
    wrong = f": mostly wrong, so raise {bar} or set pseudo.rounds: 0" if value < MOSTLY else ""
    return f"; {value:.1f}% +- {error:.1f}% of them right, by out-of-fold rows at the same bars{wrong}"
