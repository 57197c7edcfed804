"""The page as a whole: one HTML file without a script, an image or anything else from elsewhere."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from podium.page import (
    section_labels,
    section_rows,
    section_scores,
    section_stages,
    section_time,
    section_trust,
    style,
    times,
)
from podium.page.charts import Interval, intervals
from podium.page.html import Html, figure, join, number, table, tag
from podium.report_pretrain import pretrain_notes

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Nothing may be loaded or run, should a text of the data ever pass for markup."""

SECTIONS = (
    ("score", "Score"),
    ("classes", "What was predicted"),
    ("calibration", "Calibration"),
    ("training", "Training"),
    ("length", "Length and truncation"),
    ("noise", "Doubtful labels"),
    ("made", "Augmentation"),
    ("pseudo", "Pseudo-labels"),
    ("ensembles", "Ensembles"),
    ("trust", "Train and test"),
)


def write(
    tasks: Sequence[dict[str, Any]],
    scores: dict[str, Any],
    *,
    competition: str,
    submission: str,
    folds: int,
    results: Path,
) -> str:
    """Return the page of some tasks' figures (``podium.page.facts``).

    ``scores`` is the run's ``scores.json``: of one task its own, of several the competition's. ``results`` is where the
    records of time are, and the check against a hold-out.
    """
    several = len(tasks) > 1
    parts = [_overview(scores, tasks, results) if several else None]
    for facts in tasks:
        parts.append(_task(facts, results, several=several))
    body = [
        tag("a", "Skip to the figures", href="#main", class_="skip"),
        tag(
            "header",
            tag("h1", competition),
            tag(
                "p",
                f"{folds} folds; every score is of rows that the models did not see. To hand in: {submission}.",
                class_="lead",
            ),
            _contents(tasks, several),
        ),
        tag("main", *[part for part in parts if part], _cost(results), id="main"),
        tag(
            "footer",
            tag(
                "p",
                "Made by Podium. docs/report.md says what each figure means and where it comes from; "
                "results/ has the tables behind it.",
            ),
        ),
    ]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{competition}: report"),
        style.sheet(),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', *body), lang='en')}\n"


def _contents(tasks: Sequence[dict[str, Any]], several: bool) -> Html:
    lists: list[list[Any]] = []
    for facts in tasks:
        links = [tag("li", tag("a", title, href=f"#{facts['task']}-{name}")) for name, title in SECTIONS]
        first = tag("li", tag("a", tag("b", facts["task"]), href=f"#{facts['task']}")) if several else None
        lists.append([first, *links])
    cost = tag("li", tag("a", "Time and cost", href="#cost"))
    lists = [*lists, [cost]] if several else [[*lists[0], cost]]
    return tag("nav", *(tag("ul", *items) for items in lists), aria_label="Contents")


def _overview(scores: dict[str, Any], tasks: Sequence[dict[str, Any]], results: Path) -> Html:
    """The competition's own scores, the mean of its tasks'."""
    sign = 1 if tasks[0]["greater"] else -1
    chosen = scores["chosen"]
    rows = sorted(scores["rows"], key=lambda row: (row["what"] != "submitted", -sign * row["cv"]))
    lines = [
        Interval(
            label=section_scores.named(row),
            value=row["cv"],
            low=row["cv"] - 2 * row["se"],
            high=row["cv"] + 2 * row["se"],
            shape=section_scores.SHAPES[row["what"]],
            series=section_scores.COLOURS[row["what"]],
            said=f"{number(row['cv'])} ± {number(row['se'])}",
            strong=row["what"] == "submitted",
        )
        for row in rows
    ]
    about = "Mean of the tasks' scores, of what every task has, with two standard errors."
    body = [[line.label, number(row["cv"]), number(row["se"])] for line, row in zip(lines, rows, strict=True)]
    boxes = [
        (
            "cross-validated, mean of the tasks",
            number(chosen["cv"]),
            f"± {number(chosen['se'])} standard error",
        ),
        (
            "expected on the test rows",
            number(chosen["board"]),
            f"{number(chosen['board_low'])} to {number(chosen['board_high'])} in 9 of 10 cases",
        ),
    ]
    for facts in tasks:
        own = facts["scores"]["chosen"]
        boxes.append((f"{facts['task']}: {facts['shown']}", number(own["cv"]), f"± {number(own['se'])}"))
    drawing = intervals("all-board", "Scores of the competition", about, lines)
    board = figure(
        "Leaderboard of the competition", about, drawing, table(["", "CV", "SE"], body, caption="Every score")
    )
    found = times.holdout(results, "", chosen["cv"])
    return tag(
        "section",
        tag("h2", "All tasks"),
        section_scores.tiles(boxes),
        tag("div", board, class_="figures"),
        times.marked(section_time.holdout(found)),
    )


def _task(facts: dict[str, Any], results: Path, *, several: bool) -> Html:
    key = facts["task"]
    cv = facts["scores"]["chosen"]["cv"]
    found = times.holdout(results, facts["task"] if several else "", cv)
    warned = [tag("p", warning, class_="warn") for warning in facts["profile"]["warnings"] or []]
    inside = {
        "score": join(
            [
                section_scores.headline(facts),
                section_scores.leaderboard(facts, key),
                times.marked(section_time.holdout(found)),
            ]
        ),
        "classes": section_labels.predicted(facts, key),
        "calibration": section_labels.calibration(facts, key),
        "training": join([*_pretrained(facts), section_rows.curves(facts, key)]),
        "length": section_rows.lengths(facts, key),
        "noise": section_stages.noise(facts, key),
        "made": section_stages.made(facts, key),
        "pseudo": section_stages.pseudo(facts, key),
        "ensembles": section_stages.ensembles(facts, key),
        "trust": join([*warned, section_trust.trust(facts, key)]),
    }
    parts = [
        tag(
            "section",
            tag("h3" if several else "h2", title, class_="part"),
            inside[name],
            id=f"{key}-{name}",
            aria_label=title,
        )
        for name, title in SECTIONS
    ]
    return tag("section", tag("h2", f"Task {key}") if several else None, *parts, id=key)


def _pretrained(facts: dict[str, Any]) -> list[Html]:
    return [tag("p", note) for note in pretrain_notes(facts["pretrained"])]


def _cost(results: Path) -> Html:
    inside = times.marked(section_time.cost(results))
    return tag("section", tag("h2", "Time and cost", class_="part"), inside, id="cost")
