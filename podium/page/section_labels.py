"""What was predicted, class by class: precision and recall, who is taken for whom, calibration, values, answers."""

from typing import Any

from podium.page import charts, matrix
from podium.page.html import Html, count, figure, join, number, said, share, table, tag

SHOWN = 24
"""Classes in a drawing; the table behind it has all."""


def predicted(facts: dict[str, Any], key: str) -> Html:
    """Everything that is known of what was predicted."""
    if facts["type"] == "span":
        return _answers(facts, key)
    if facts["type"] == "regression":
        return _values(facts, key)
    squares = _confusion(facts["confusion"], f"{key}-confusion") if facts["confusion"] else None
    note = None
    if squares is None:
        note = tag(
            "p",
            "There is no confusion matrix: a row may have several labels, so that none is taken for "
            "another. Missed and "
            "false ones stand in the table of classes.",
            class_="none",
        )
    return join([tag("div", _classes(facts, key), squares, class_="figures"), note])


def _classes(facts: dict[str, Any], key: str) -> Html:
    classes = facts["classes"]
    ordered = sorted(classes, key=lambda each: (each["f1"] is not None, each["f1"] or 0.0))
    some = ordered[:SHOWN]
    rows = [
        (each["name"], each["f1"] or 0.0, f"F1 {number(each['f1'], 3)}, {count(each['rows'])} rows")
        for each in some
    ]
    dots = {name: [each[name] for each in some] for name in ("precision", "recall")}
    few = (
        f"The {SHOWN} lowest of {len(classes)} classes"
        if len(classes) > SHOWN
        else "Every class, the lowest F1 first"
    )
    about = f"{few}: F1 as a bar, precision and recall as marks on it, of the labels that were decided out of fold."
    drawing = charts.bars(f"{key}-classes", "Scores by class", about, rows, most=1.0, dots=dots)
    body = [
        [said(each["name"], kind="name"), count(each["rows"]), count(each["said"]), count(each["hits"])]
        + [number(each[name], 4) for name in ("precision", "recall", "f1")]
        + [count(each["rows"] - each["hits"]), count(each["said"] - each["hits"])]
        for each in classes
    ]
    head = ["class", "rows", "said", "right", "precision", "recall", "F1", "missed", "false"]
    return figure("Precision and recall by class", about, drawing, table(head, body, caption="All classes"))


def _confusion(found: dict[str, Any], key: str, title: str = "Confusion matrix") -> Html:
    names, rows = found["names"], found["rows"]
    cells = []
    for row, column, number_of in found["cells"]:
        part = number_of / max(1, rows[row])
        tip = f"{names[row]} said to be {names[column]}: {count(number_of)} of {count(rows[row])} ({share(part)})"
        cells.append((row, column, part, count(number_of), tip))
    about = (
        "Each line is a true class (the greatest first), each column what was decided. The fuller a square, the "
        "greater its share of the line; the diagonal is right."
    )
    if len(names) > 12:
        about += " Numbers are behind it, and under the pointer."
    if found.get("left_out"):
        about += f" {count(found['left_out'])} rows in the smallest squares are not drawn."
    drawing = matrix.matrix(key, title, about, names, cells, down="true", across="decided")
    body = [
        [
            said(names[row], kind="name"),
            said(names[column], kind="name"),
            count(value),
            share(value / max(1, rows[row])),
        ]
        for row, column, value in found["worst"]
    ]
    numbers = table(
        ["true", "decided", "rows", "of the class"],
        body,
        caption="The most frequent mistakes",
        numbers={2, 3},
    )
    if len(names) <= 12:
        whole = [[0] * len(names) for _ in names]
        for row, column, value in found["cells"]:
            whole[row][column] = value
        lines = [
            [said(name, kind="name"), *map(count, line)] for name, line in zip(names, whole, strict=True)
        ]
        numbers = join([table(["true \\ decided", *names], lines, caption="All rows"), numbers])
    return figure(title, about, drawing, numbers, wide=len(names) > 30)


def calibration(facts: dict[str, Any], key: str) -> Html:
    """Whether probabilities are to be believed."""
    whole, *members = facts["calibration"] or [None]
    found = [whole, *sorted(members, key=lambda each: -each["was"])] if whole else []
    if not found:
        why = {
            "regression": "Values have no probabilities; the tenths above say whether they are right on average.",
            "span": "Readers give probabilities of places in a text, not of answers, "
            "so there is no share of right ones to hold them against.",
        }
        return tag("p", why[facts["type"]], class_="none")
    what = "every label of every row" if facts["type"] == "multi_label" else "the class that was said"
    parts = []
    for k, each in enumerate(found):
        about = (
            f"Expected calibration error {number(each['ece'])}. Mean probability of {what} {number(each['said'], 3)}, "
            f"it was so in {number(each['was'], 3)}; strokes are the gaps to the diagonal, areas the rows of a bin."
        )
        drawing = charts.reliability(
            f"{key}-calibration-{k}", f"Reliability of {each['name']}", about, each["bins"]
        )
        body = [
            [f"{k / len(each['bins']):.1f} – {(k + 1) / len(each['bins']):.1f}", count(bin["rows"])]
            + [number(bin.get(name), 4) for name in ("said", "was")]
            for k, bin in enumerate(each["bins"])
        ]
        numbers = table(
            ["probability", "cases", "mean said", "share so"], body, caption="Bins of equal width"
        )
        parts.append(figure(each["name"], about, drawing, numbers))
    body = [
        [each["name"], number(each["ece"]), number(each["said"], 3), number(each["was"], 3)] for each in found
    ]
    overview = table(["", "ECE", "said", "was so"], body, caption="Expected calibration error, out of fold")
    return join(
        [
            tag("div", *parts[:2], class_="figures"),
            _more(parts[2:], "Reliability of the other members"),
            overview,
        ]
    )


def _more(parts: list[Html], summary: str) -> Html | None:
    if not parts:
        return None
    return tag("details", tag("summary", summary), tag("div", *parts, class_="figures"))


def _values(facts: dict[str, Any], key: str) -> Html:
    parts = []
    for k, each in enumerate(facts["values"]):
        points = [(part["said"], part["was"]) for part in each["tenths"]]
        ends = [min(map(min, points)), max(map(max, points))]
        about = (
            "Tenths of the rows by what was predicted: mean prediction across, mean truth upwards. R² "
            f"{number(each['r2'])}, "
            f"RMSE {number(each['rmse'])}, mean absolute error {number(each['mae'])}, bias {number(each['bias'])}."
        )
        series = {"as predicted": [(end, end) for end in ends], "as it was": points}
        drawing = charts.lines(
            f"{key}-tenths-{k}",
            f"Truth by prediction: {each['name']}",
            about,
            series,
            x_label="mean prediction",
            y_label="mean truth",
            marked=True,
        )
        body = [
            [f"{n + 1}", count(p["rows"]), number(p["said"]), number(p["was"])]
            for n, p in enumerate(each["tenths"])
        ]
        numbers = table(["tenth", "rows", "said", "was"], body, caption="Tenths of the rows")
        parts.append(figure(f"{each['name']}: truth by prediction", about, drawing, numbers))
        low, high = each["spread"]["ends"]
        step = (high - low) / len(each["spread"]["counts"])
        about = "Predicted minus true; the outermost 1% are in the bars at the ends."
        drawing = charts.steps(
            f"{key}-errors-{k}",
            f"Errors of {each['name']}",
            about,
            {"rows": each["spread"]["counts"]},
            start=low,
            step=step,
            x_label="predicted minus true",
            y_label="rows",
        )
        body = [
            [f"{number(low + n * step)} to {number(low + (n + 1) * step)}", count(value)]
            for n, value in enumerate(each["spread"]["counts"])
        ]
        parts.append(
            figure(
                f"{each['name']}: errors", about, drawing, table(["error", "rows"], body, caption="Errors")
            )
        )
    note = tag(
        "p", "A regression has no classes: there is no precision, recall or confusion matrix.", class_="none"
    )
    return join([tag("div", *parts, class_="figures"), note])


def _answers(facts: dict[str, Any], key: str) -> Html:
    found = facts["answers"]
    rows = [
        (
            f"{each['name']} ({count(each['rows'])})",
            each["value"],
            f"{facts['shown']} {number(each['value'], 3)}",
        )
        for each in found["groups"]
        if each["rows"]
    ]
    dots = {"exact": [each["exact"] for each in found["groups"] if each["rows"]]}
    about = (
        f"{facts['shown']} of the decided answers out of fold as a bar; answers that are right letter "
        "for letter as a mark."
    )
    drawing = charts.bars(
        f"{key}-answers", "Scores of answers", about, rows, most=1.0, dots=dots, bar=facts["shown"]
    )
    body = [
        [
            each["name"],
            count(each["rows"]),
            number(each.get("value")),
            number(each["se"]),
            share(each.get("exact")),
        ]
        for each in found["groups"]
    ]
    head = ["questions", "number", facts["shown"], "SE", "exact"]
    parts = [figure("Answers", about, drawing, table(head, body, caption="Groups of questions"))]
    if found["answered"]:
        parts.append(_confusion(found["answered"], f"{key}-answered", "Answered, or left without an answer"))
    note = tag(
        "p",
        "Answers are parts of texts: there are no classes, so there is no precision, recall or confusion "
        "matrix of them.",
        class_="none",
    )
    return join([tag("div", *parts, class_="figures"), note])
