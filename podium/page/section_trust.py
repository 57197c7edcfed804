"""Whether test rows are like training rows, and stand among them."""

from typing import Any

from podium.page import charts
from podium.page.charts import Interval
from podium.page.html import Html, count, figure, join, number, said, share, signed, table, tag
from podium.page.section_stages import none


def trust(facts: dict[str, Any], key: str) -> Html:
    """Whether test rows are like training rows, and stand among them."""
    found = facts["trust"].get("facts")
    if not found:
        return none(facts, "adversarial", "Train and test were not compared.")
    shifted = facts["trust"].get("shifted_cv") or {"warnings": []}
    warned = [
        tag("p", warning["sentence"], class_="warn") for warning in [*found["warnings"], *shifted["warnings"]]
    ]
    classifiers = found["classifiers"] or {}  # none where rows are too few
    lines = [
        Interval(
            label=f"by {name}",
            value=each["auc"],
            low=each["auc"] - 2 * each["se"],
            high=each["auc"] + 2 * each["se"],
            said=f"{number(each['auc'], 3)} ± {number(each['se'], 3)}",
        )
        for name, each in classifiers.items()
        if each
    ]
    parts: list[Html | None] = []
    if lines:
        about = "AUC of classifiers that tell test rows from training rows; 0.5 is chance: the rows are of one kind."
        drawing = charts.intervals(
            f"{key}-shift",
            "Test told from train",
            about,
            [
                *lines,
                Interval(
                    label="chance", value=0.5, low=0.5, high=0.5, said="0.5", series="plain", shape="bar"
                ),
            ],
        )
        words = [
            [said(each["feature"], kind="name"), share(each["train"]), share(each["test"])]
            for each in found["giveaways"].get("words", [])[:12]
        ]
        numbers = join(
            [
                table(
                    ["classifier", "AUC", "SE"],
                    [
                        [name, number(one["auc"]), number(one["se"])]
                        for name, one in classifiers.items()
                        if one
                    ],
                    caption="Adversarial validation",
                ),
                table(["word", "in train", "in test"], words, caption="Words that give test rows away")
                if words
                else None,
            ]
        )
        parts.append(figure("Adversarial validation", about, drawing, numbers))
    parts.append(_shares(shifted, f"{key}-shares"))
    return join(
        [
            *warned,
            _overlap(found),
            _shifted(shifted),
            tag("div", *[part for part in parts if part], class_="figures"),
        ]
    )


def _overlap(found: dict[str, Any]) -> Html | None:
    overlap = found.get("overlap")
    if not overlap:
        return None
    equal, near = overlap["equal"], overlap["near"]
    clashing = overlap.get("with_clashing_labels")
    more = f"; {count(clashing)} of them are like train rows of several labels" if clashing else ""
    return tag(
        "p",
        f"{count(equal['rows'])} test rows ({share(equal['share'])}) stand word for word in train, "
        f"{count(near['rows'])} more nearly so "
        f"(of {count(near['among']['test'])} that were compared){more}.",
    )


def _shifted(shifted: dict[str, Any]) -> Html | None:
    value = shifted.get("shifted")
    if not value:
        return None
    if value["reason"] is not None or value["value"] is None:
        return tag(
            "p", f"The score was not weighed by likeness to the test rows: {value['reason']}.", class_="none"
        )
    return tag(
        "p",
        f"Weighed by likeness to the test rows, the score is {number(value['value'])}, "
        f"{signed(value['difference'])} beside the plain one "
        f"(standard error {number(value['difference_se'])}; as much as {count(value['effective_rows'])} rows tell).",
    )


def _shares(shifted: dict[str, Any], key: str) -> Html | None:
    shares = shifted.get("class_shares")
    if not shares or not shares.get("test"):
        return None
    order = sorted(shares["train"], key=lambda name: -shares["train"][name])[:24]
    most = max([*shares["train"].values(), *shares["test"].values()])
    rows = [
        (
            name,
            shares["train"][name],
            f"train {share(shares['train'][name])}, test {share(shares['test'][name])}",
        )
        for name in order
    ]
    about = "Share of each class in train as a bar, and as it is estimated for the test rows as a mark."
    dots = {"test, estimated": [shares["test"][name] for name in order]}
    drawing = charts.bars(key, "Class shares", about, rows, most=most, dots=dots, bar="train")
    body = [
        [said(name, kind="name"), share(value), share(shares["test"][name])]
        for name, value in shares["train"].items()
    ]
    return figure(
        "Class shares in train and test",
        about,
        drawing,
        table(["class", "train", "test, estimated"], body, caption="Class shares"),
    )
