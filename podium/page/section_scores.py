"""The page's first part of a task: its score, the leaderboard, what each stage did to the score."""

from typing import Any

from podium.page import charts
from podium.page.charts import Interval
from podium.page.html import Html, count, details, figure, join, number, signed, table, tag

SHAPES = {"member": "circle", "ensemble": "square", "submitted": "diamond"}
COLOURS = {"member": "c0", "ensemble": "c3", "submitted": "c1"}


def tiles(entries: list[tuple[str, str, str]]) -> Html:
    """Figures in boxes: (what it is, the figure, what to know of it)."""
    boxes = [
        tag(
            "div",
            tag("dt", what),
            tag("dd", big, class_="big"),
            tag("dd", small, class_="small"),
            class_="tile",
        )
        for what, big, small in entries
    ]
    return tag("dl", *boxes, class_="tiles")


def headline(facts: dict[str, Any]) -> Html:
    """The figures that are looked at first."""
    chosen, rows = facts["scores"]["chosen"], facts["rows"]
    members = [row for row in facts["scores"]["rows"] if row["what"] == "member"]
    sign = 1 if facts["greater"] else -1
    best = max(members, key=lambda row: sign * row["cv"])
    better = "greater is better" if facts["greater"] else "lower is better"
    decided = any(each["stage"] == "decision" for each in facts["scores"].get("stages", []))
    plain = f", without {chosen['decision']}" if decided else ""
    return tiles(
        [
            (
                f"cross-validated {facts['shown']}",
                number(chosen["cv"]),
                f"± {number(chosen['se'])} standard error; {better}",
            ),
            (
                "expected on the test rows",
                number(chosen["board"]),
                f"{number(chosen['board_low'])} to {number(chosen['board_high'])} in 9 of 10 cases",
            ),
            ("best single member", number(best["cv"]), f"{best['name']}, round {best['round']}{plain}"),
            ("rows", count(rows["train"]), f"to train, {count(rows['test'])} to predict"),
        ]
    )


def leaderboard(facts: dict[str, Any], key: str) -> Html:
    """Every score with its error, and why the submission is what it is."""
    scores = facts["scores"]
    sign = 1 if facts["greater"] else -1
    rows = sorted(scores["rows"], key=lambda row: (row["what"] != "submitted", -sign * row["cv"]))
    lines = [
        Interval(
            label=named(row),
            value=row["cv"],
            low=row["cv"] - 2 * row["se"],
            high=row["cv"] + 2 * row["se"],
            shape=SHAPES[row["what"]],
            series=COLOURS[row["what"]],
            said=f"{number(row['cv'])} ± {number(row['se'])}",
            strong=row["what"] == "submitted" or bool(row["chosen"]),
        )
        for row in rows
    ]
    folds = [name for name in rows[0] if name.startswith("fold")]
    head = [
        "",
        "CV",
        "SE",
        "90% interval",
        "expected on test",
        "90% interval",
        *(f"fold {k}" for k in range(len(folds))),
    ]
    body = [
        [
            named(row),
            number(row["cv"]),
            number(row["se"]),
            f"{number(row['low'])} – {number(row['high'])}",
            number(row["board"]),
            f"{number(row['board_low'])} – {number(row['board_high'])}",
            *(number(row[fold]) for fold in folds),
        ]
        for row in rows
    ]
    about = (
        f"{facts['shown']} on rows that no model saw, two standard errors to both sides. Circles are members, squares "
        "ensembles (cross-fitted), the diamond is what is submitted; the ensemble that predicts the test rows is bold."
    )
    drawing = charts.intervals(f"{key}-board", f"Scores of {facts['task']}", about, lines)
    return join(
        [
            tag(
                "div",
                figure("Leaderboard", about, drawing, table(head, body, caption="Every score")),
                _stages(facts, key),
                class_="figures",
            ),
            tag("p", scores["chosen"]["why"]),
            _gain(scores["chosen"]),
            _compared(facts),
        ]
    )


def named(row: dict[str, Any]) -> str:
    """A row of the table of scores in words."""
    what = {"member": "", "ensemble": "ensemble ", "submitted": "submitted: "}[row["what"]]
    round = (
        f", round {row['round']}" if row["round"].isdigit() else f", {row['round']}" if row["round"] else ""
    )
    return f"{what}{row['name']}".removesuffix(": ") + round


def _gain(chosen: dict[str, Any]) -> Html:
    if chosen["no_gain"] is not None:
        why = chosen["no_gain"]
        return tag(
            "p",
            f"What the mean of {chosen['fold_models']} fold models adds on the test rows is not estimated: {why}.",
        )
    return tag(
        "p",
        f"The test rows are predicted by the mean of {chosen['fold_models']} fold models, which is expected to be "
        f"{signed(chosen['gain'])} beside each of them (standard error {number(chosen['gain_se'])}).",
    )


def _stages(facts: dict[str, Any], key: str) -> Html | None:
    stages = facts["scores"].get("stages") or []
    if not stages:
        return None
    lines = [
        charts.difference(each["about"], each["difference"], each["se"], facts["greater"]) for each in stages
    ]
    about = (
        "What the first side is above the second, on the same rows and draws, with two paired standard errors. "
        "A triangle (green) is better, a square (red) worse, a grey circle neither: less than two standard errors. "
        "Only what this run holds both sides of is here. The best member was chosen on these rows, so "
        "what is beside it has a little "
        "less than its due."
    )
    drawing = charts.intervals(f"{key}-stages", "What each stage did to the score", about, lines, zero=True)
    body = [
        [
            each["about"],
            _side(each["first"]),
            _side(each["second"]),
            signed(each["difference"]),
            number(each["se"]),
        ]
        for each in stages
    ]
    numbers = table(
        ["", "first", "second", "difference", "SE"], body, caption="Paired differences", numbers={3, 4}
    )
    return figure("What each stage did to the score", about, drawing, numbers)


def _side(side: dict[str, Any]) -> str:
    return f"{side['name']}{' round ' + side['round'] if side['round'] else ''} ({number(side['cv'])})"


def _compared(facts: dict[str, Any]) -> Html:
    body = [
        [f"{row['what']} {row['name']}", number(row["cv"]), signed(row["difference"]), number(row["se"])]
        for row in facts["scores"]["compared"]
    ]
    head = ["", "CV", f"{facts['scores']['chosen']['method']} minus it", "SE"]
    return details("The chosen ensemble beside the others", table(head, body, caption="Paired differences"))
