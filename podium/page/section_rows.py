"""How training went, and what length does: learning curves, learning rates, truncation, scores by length."""

from typing import Any

from podium.page import charts
from podium.page.html import Html, count, details, figure, join, number, share, table, tag

OPEN, LINES = 6, 5
"""Learning curves that are not behind a click; lines of scores by length."""


def curves(facts: dict[str, Any], key: str) -> Html:
    """Learning curves and rates of each member and round that has them."""
    if not facts["curves"]:
        return tag(
            "p", "No member of this task is trained in steps that leave a learning curve.", class_="none"
        )
    drawn = []
    for k, each in enumerate(facts["curves"]):
        drawn.append(_curve(each, f"{key}-curve-{k}", "loss", "Training loss"))
        if all("rate" in fold for fold in each["folds"]):
            drawn.append(_curve(each, f"{key}-rate-{k}", "rate", "Learning rate"))
    more = None
    if len(drawn) > OPEN:
        more = details(f"{len(drawn) - OPEN} more curves", tag("div", *drawn[OPEN:], class_="figures"))
    return join([tag("div", *drawn[:OPEN], class_="figures"), more])


def _curve(each: dict[str, Any], key: str, what: str, title: str) -> Html:
    unit = each["folds"][0]["unit"]
    series = {
        f"fold {fold['fold']}": [(x, y) for x, y in zip(fold["at"], fold[what], strict=True) if y is not None]
        for fold in each["folds"]
    }
    about = (
        f"{title} of {each['member']}, round {each['round']}, by {unit}; a point is the mean of some {unit}s."
    )
    drawing = charts.lines(
        key,
        f"{title} of {each['member']}",
        about,
        series,
        x_label=unit,
        y_label=title.lower(),
        marked=False,
        from_zero=True,
    )
    longest = max(each["folds"], key=lambda fold: len(fold["at"]))
    every = max(1, len(longest["at"]) // 20)
    body = [
        [
            number(longest["at"][k], 0),
            *(number(fold[what][k]) if k < len(fold[what]) else "–" for fold in each["folds"]),
        ]
        for k in range(0, len(longest["at"]), every)
    ]
    numbers = table([unit, *series], body, caption=f"{title}, some points")
    return figure(f"{title}: {each['member']}, round {each['round']}", about, drawing, numbers)


def lengths(facts: dict[str, Any], key: str) -> Html:
    """How long texts are, what is cut, how right rows are by length."""
    found = facts["lengths"]
    parts = [_histogram(facts, key), _by_length(facts, key)]
    return join([_cut(facts), tag("div", *parts, class_="figures")]) if found else Html("")


def _unit(found: dict[str, Any]) -> str:
    return f"tokens of {found['by']}" if found["by"] else "characters"


def _histogram(facts: dict[str, Any], key: str) -> Html:
    found = facts["lengths"]
    shown, step = found["histogram"], found["histogram"]["step"]
    shares = {
        part: [100 * value / max(1, sum(values)) for value in values]
        for part, values in shown["counts"].items()
    }
    limits: dict[int, list[str]] = {}
    for member, cut in found["cuts"].items():
        limits.setdefault(cut["max_length"], []).append(member)
    upright = [(float(length), f"max_length {length}") for length in sorted(limits)]
    about = (
        f"Length of the texts in {_unit(found)}, in per cent of the rows; bars are train, the line is test. "
        "The last step holds all longer ones."
    )
    drawing = charts.steps(
        f"{key}-lengths",
        "Lengths of texts",
        about,
        shares,
        start=0,
        step=step,
        x_label=_unit(found),
        y_label="% of the rows",
        upright=upright,
    )
    body = [
        [part, *(number(stats[name], 0) for name in ("median", "mean", "p95", "max"))]
        for part, stats in shown["stats"].items()
    ]
    lines = [
        [f"{k * step} to {(k + 1) * step - 1}", *(count(values[k]) for values in shown["counts"].values())]
        for k in range(len(next(iter(shown["counts"].values()))))
    ]
    numbers = join(
        [
            table(["", "median", "mean", "95%", "longest"], body, caption=f"Lengths in {_unit(found)}"),
            table([found["unit"], *shown["counts"]], lines, caption="Rows by length"),
        ]
    )
    return figure("How long the texts are", about, drawing, numbers)


def _by_length(facts: dict[str, Any], key: str) -> Html:
    found = facts["lengths"]
    parts = found["parts"]
    names = list(parts[0]["right"])[:LINES]
    labels = [f"≤{part['to']}" for part in parts]
    labels[-1] = f">{parts[-2]['to']}" if len(parts) > 1 else labels[-1]
    series = {name: [(float(k), part["right"][name]) for k, part in enumerate(parts)] for name in names}
    about = (
        f"{facts['right'].capitalize()} out of fold in eighths of the rows, the shortest first, by {_unit(found)}. "
        "Longer texts may simply be harder: what a cut costs shows where a member that cuts falls off and "
        "others do not."
    )
    drawing = charts.lines(
        f"{key}-by-length",
        "Scores by length",
        about,
        series,
        x_label=_unit(found),
        y_label=facts["right"],
        marked=True,
        x_names=labels,
    )
    every = list(parts[0]["right"])
    body = [
        [label, count(part["rows"]), *(number(part["right"][name]) for name in every)]
        for label, part in zip(labels, parts, strict=True)
    ]
    return figure(
        "Scores by length",
        about,
        drawing,
        table([found["unit"], "rows", *every], body, caption=f"{facts['right']} by length"),
    )


def _cut(facts: dict[str, Any]) -> Html:
    found = facts["lengths"]
    if not found["cuts"]:
        if facts["type"] == "span":
            return tag("p", "Readers slide windows over long contexts: nothing is cut off.", class_="none")
        return tag("p", "No member reads tokens up to a maximal length: nothing is cut off.", class_="none")
    body = [
        [
            member,
            count(cut["max_length"]),
            share(cut["rows_cut"]),
            share(cut["tokens_cut"]),
            number(cut.get("right_cut")),
            number(cut.get("right_whole")),
        ]
        for member, cut in found["cuts"].items()
    ]
    head = ["member", "max_length", "rows cut", "tokens lost", f"{facts['right']} where cut", "elsewhere"]
    return table(head, body, caption="What max_length cuts off the training rows")
