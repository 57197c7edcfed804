"""What stages made and found: doubtful labels, made rows, pseudo-labels, ensembles, train beside test."""

from typing import Any

from podium.page import charts, matrix
from podium.page.charts import Interval
from podium.page.html import Html, count, details, figure, join, number, said, share, table, tag
from podium.targets import JOINT

NO_LABEL = "no label"


def none(facts: dict[str, Any], stage: str, otherwise: str) -> Html:
    """Why there is nothing to show."""
    return tag("p", facts["off"].get(stage, otherwise), class_="none")


def noise(facts: dict[str, Any], key: str) -> Html:
    """The most doubtful labels, with their texts."""
    found = facts["noise"]
    if not found:
        return none(facts, "noise", "The labels were not judged.")
    summary = found["summary"]
    first = (
        f"{count(summary['flagged'])} of {count(summary['judged'])} judged labels are doubtful; "
        f"{count(summary['pruned'])} were pruned "
        f"and {count(summary['relabelled'])} could be relabelled, in at least one fold, for models that ask for it. "
        f"{count(summary['clashes'])} rows have an equal text with another label, "
        f"{count(summary['near_clashes'])} a nearly equal one. "
    )
    pairs = summary["confused"][:12]
    drawing = None
    if pairs:
        rows = [
            (
                f"{each['given'] or NO_LABEL} → {each['suggested'] or NO_LABEL}",
                float(each["rows"]),
                count(each["rows"]),
            )
            for each in pairs
        ]
        about = "Given label, and the one that models suggest, by doubtful rows."
        body = [
            [
                *(said(each[name] or NO_LABEL, kind="name") for name in ("given", "suggested")),
                count(each["rows"]),
            ]
            for each in summary["confused"]
        ]
        numbers = table(["given", "suggested", "rows"], body, caption="Doubtful labels", numbers={2})
        drawing = tag(
            "div",
            figure(
                "Labels in doubt", about, charts.bars(f"{key}-doubt", "Labels in doubt", about, rows), numbers
            ),
            class_="figures",
        )
    cards = [_doubtful(row) for row in found["worst"]]
    lists = [tag("ul", *cards[:6], class_="cards")]
    if len(cards) > 6:
        lists.append(details(f"{len(cards) - 6} more", tag("ul", *cards[6:], class_="cards")))
    return join(
        [
            tag("p", first, summary["what_it_means"]),
            drawing,
            tag("p", "The most doubtful, with their texts", class_="title"),
            *lists,
        ]
    )


def _doubtful(row: dict[str, Any]) -> Html:
    verdict = f"pruned in fold {row['pruned_in']}" if row["pruned_in"] else "kept"
    if row["override"]:
        verdict += f"; a person said: {row['override']}"
    given, suggested = (row[name].replace(JOINT, ", ") for name in ("given", "suggested"))
    quality = f"quality {number(float(row['quality']), 3)}, {verdict}"
    head = tag(
        "p",
        said(given or NO_LABEL, kind="name"),
        " → ",
        said(suggested or NO_LABEL, kind="name"),
        f" ({quality})",
    )
    texts = [tag("p", said(text)) for text in row["texts"]]
    return tag("li", head, *texts, tag("p", "id ", said(row["id"]), class_="small"))


def made(facts: dict[str, Any], key: str) -> Html:
    """What augmentations made, with samples."""
    if not facts["made"]:
        return none(facts, "augment", "No rows were made.")
    return join([_method(each, f"{key}-made-{k}") for k, each in enumerate(facts["made"])])


def _method(each: dict[str, Any], key: str) -> Html:
    total = max(1, each["rows"])
    rows = [
        (one["verdict"], one["rows"] / total, f"{count(one['rows'])} ({share(one['rows'] / total)})")
        for one in each["verdicts"]
    ]
    about = (
        f"{count(each['rows'])} rows were made; a row that is not kept stays in its table with the reason."
    )
    body = [[one["verdict"], count(one["rows"]), share(one["rows"] / total)] for one in each["verdicts"]]
    drawing = charts.bars(key, f"Rows made by {each['name']}", about, rows, most=1.0)
    numbers = table(["verdict", "rows", "share"], body, caption="Verdicts")
    cards = []
    for sample in each["samples"]:
        texts = [
            [tag("p", tag("b", "from: "), said(old)), tag("p", tag("b", "made: "), said(new))]
            if old != new
            else [tag("p", tag("b", "unchanged: "), said(old))]
            for old, new in sample["texts"]
        ]
        head = tag("p", tag("span", sample["verdict"], class_="name"), " ", said(sample["id"]))
        cards.append(tag("li", head, *(part for parts in texts for part in parts)))
    samples = details(f"{len(cards)} samples of {each['name']}", tag("ul", *cards, class_="cards"))
    return join(
        [
            tag("div", figure(f"Augmentation {each['name']}", about, drawing, numbers), class_="figures"),
            samples,
        ]
    )


def pseudo(facts: dict[str, Any], key: str) -> Html:
    """How many test rows got a label in each round, and how many of these are right."""
    if not facts["pseudo"]:
        return none(facts, "pseudo", "No pseudo-labels were made.")
    lines, body = [], []
    for each in facts["pseudo"]:
        for fold in each["folds"]:
            name = f"round {each['round']}, fold {fold['fold']}"
            precision = fold["precision"]
            label = f"{count(fold['accepted'])} of {count(fold['candidates'])}"
            if precision:
                value, se = precision["value"], precision["se"]
                worded = f"{share(value)} ± {share(se)}"
                lines.append(
                    Interval(
                        label=f"{name}: {label} rows",
                        value=value,
                        low=value - 2 * se,
                        high=min(1.0, value + 2 * se),
                        said=worded,
                    )
                )
            whys = ", ".join(f"{why} {count(rows)}" for why, rows in fold["why"].items() if why != "accepted")
            body.append(
                [
                    name,
                    count(fold["accepted"]),
                    count(fold["candidates"]),
                    share(precision["value"]) if precision else "–",
                    whys,
                ]
            )
    numbers = table(
        ["", "accepted", "of", "right", "not accepted because"],
        body,
        caption="Pseudo-labels by round and fold",
        numbers={1, 2, 3},
    )
    classes = [
        details(
            f"Round {each['round']} by class",
            table(
                ["class", "accepted (mean of folds)", "right"],
                [
                    [said(one["name"], kind="name"), number(one["accepted"], 1), share(one["precision"])]
                    for one in each["classes"]
                ],
                caption=f"Round {each['round']}",
            ),
        )
        for each in facts["pseudo"]
        if each["classes"]
    ]
    if not lines:
        note = tag(
            "p",
            "No pseudo-label was accepted, or none could be held against out-of-fold rows: there is no "
            "estimate of how many are right.",
            class_="none",
        )
        return join([note, numbers, *classes])
    about = (
        "Share of accepted pseudo-labels that are right, by out-of-fold rows at the same bars, with "
        "two standard errors."
    )
    drawing = charts.intervals(f"{key}-pseudo", "Pseudo-labels that are right", about, lines)
    return join(
        [
            tag("div", figure("Pseudo-labels that are right", about, drawing, numbers), class_="figures"),
            *classes,
        ]
    )


def ensembles(facts: dict[str, Any], key: str) -> Html:
    """Weights of the ensembles, and how much members err alike."""
    parts, notes = [], []
    for k, each in enumerate(facts["ensembles"]):
        if each["name"] == "best":
            notes.append("best chooses among the others (see the score)")
            continue
        if each["kind"] in ("equal", "none"):
            why = (
                "weighs all members alike"
                if each["kind"] == "equal"
                else "has no weight of its own for a member"
            )
            notes.append(f"{each['name']} {why}")
            continue
        what = "share of the absolute coefficients" if each["kind"] == "coefficients" else "weight"
        lines = []
        for place, member in enumerate(each["members"]):
            folds = [fold[place] for fold in each["folds"]] or [each["all"][place]]
            whole = each["all"][place]
            lines.append(
                Interval(
                    label=member,
                    value=whole,
                    low=min([*folds, whole]),
                    high=max([*folds, whole]),
                    said=number(whole, 3),
                )
            )
        about = (
            f"{what.capitalize()} of each member, fitted on all folds; the bar goes from the least to "
            "the greatest fit without one fold."
        )
        drawing = charts.intervals(
            f"{key}-weights-{k}", f"Weights of {each['name']}", about, lines, zero=True
        )
        head = ["member", "all folds", *(f"without fold {n}" for n in range(len(each["folds"])))]
        body = [
            [member, number(each["all"][place]), *(number(fold[place]) for fold in each["folds"])]
            for place, member in enumerate(each["members"])
        ]
        parts.append(
            figure(f"Weights of {each['name']}", about, drawing, table(head, body, caption=what.capitalize()))
        )
    parts.append(_alike(facts, f"{key}-alike"))
    note = tag("p", f"{'; '.join(notes)}.", class_="none") if notes else None
    return join([tag("div", *[part for part in parts if part], class_="figures"), note])


def _alike(facts: dict[str, Any], key: str) -> Html:
    found = facts["alike"]
    if not found:
        why = "There is one member alone: nothing to compare its errors with."
        if facts["type"] == "span":
            why = "Members of a span task differ in places of a text, which no correlation of rows describes."
        return tag("p", why, class_="none")
    names = found["names"]
    cells = [
        (row, column, max(0.0, value), f"{value:.2f}", f"{names[row]} and {names[column]}: {value:.3f}")
        for row, line in enumerate(found["cells"])
        for column, value in enumerate(line)
        if value is not None and column <= row
    ]
    about = (
        "Correlation of what two members lack to being right, row by row. The less alike, the more an "
        "ensemble gains."
    )
    drawing = matrix.matrix(
        key, "Members that err alike", about, names, cells, down="member", across="member"
    )
    body = [
        [name, *(number(value, 3) for value in line)]
        for name, line in zip(names, found["cells"], strict=True)
    ]
    return figure("Members that err alike", about, drawing, table(["", *names], body, caption="Correlations"))
