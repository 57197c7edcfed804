"""The short summary at the end of a run: every score, the submission, the next thing to try."""

from typing import Any

import pandas as pd

from podium.metric_file import shown
from podium.metrics import greater_is_better
from podium.scores import best_member


def summary(
    scores: pd.DataFrame,
    *,
    competition: str,
    submission: str,
    rows: int,
    train_profile: dict[str, Any],
    settings: dict[str, Any],
    notes: list[str],
) -> str:
    """Render the summary.

    ``scores`` is the table of ``podium.scores.table``; ``rows`` counts the submission's rows; ``train_profile`` is the
    profile; ``settings`` holds ``max_lengths`` (model: tokens), ``folds`` (count) and ``seeds`` (model: list);
    ``notes`` are sentences.
    """
    metric = str(scores["metric"].iloc[0])
    better = "" if greater_is_better(metric) else " (lower is better)"
    lines = [f"{competition}: cross-validated {shown(metric)} of every member and ensemble{better}", ""]
    width = max(len(str(name)) for name in scores["name"]) + 2
    lines.append(f"  {'':10}{'':{width}}{'round':>5}  {'CV':>7}     {'SE':<6}  folds")
    for row in scores.to_dict(orient="records"):
        folds = " ".join(f"{row[key]:.4f}" for key in scores.columns if key.startswith("fold"))
        lines.append(
            f"  {row['what']:10}{row['name']:{width}}{row['round']:>5}  {row['cv']:7.4f} +- {row['se']:.4f}  {folds}"
        )
    lines += ["", *(f"note: {note}" for note in notes)] if notes else []
    lines += ["", f"submission: {submission} ({rows} rows)"]
    lines += [f"try next:   {sentence}" for sentence in advice(scores, train_profile, settings)[:1]]
    return "\n".join(lines) + "\n"


def advice(scores: pd.DataFrame, train_profile: dict[str, Any], settings: dict[str, Any]) -> list[str]:
    """What is worth trying, most promising first; each sentence names the figures it rests on and the key to edit."""
    found = [*_cut_text(train_profile, settings), *_rounds(scores), *_ensemble(scores)]
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


def _rounds(scores: pd.DataFrame) -> list[str]:
    """Say where the last pseudo-label round lost more than its standard error."""
    sign = 1 if greater_is_better(str(scores["metric"].iloc[0])) else -1
    sentences = []
    for name, rows in scores[scores["what"] == "member"].groupby("name", sort=False):
        if len(rows) < 2:
            continue
        gain = sign * (rows["cv"].iloc[-1] - rows["cv"].iloc[-2])
        if gain < -rows["se"].iloc[-1]:
            model = str(name).rsplit("-s", 1)[0]
            sentences.append(
                f"pseudo-labels cost {name} {-gain:.4f}: set models.{model}.rounds one lower, or raise "
                "pseudo.confidence."
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


def pseudo_notes(tables: list[tuple[int, pd.DataFrame]]) -> list[str]:
    """How many test rows got a pseudo-label; ``tables`` holds (round, table of one fold)."""
    notes = []
    for number in sorted({number for number, _ in tables}):
        counts = [int(table["accepted"].sum()) for given, table in tables if given == number]
        rows = max(len(table) for _, table in tables)
        span = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
        none = "; lower pseudo.confidence or set pseudo.rounds: 0" if not max(counts) else ""
        notes.append(f"round {number} trained on the pseudo-labels of {span} of {rows} test rows{none}")
    return notes
