"""Squares by two names: confusion matrices, correlations."""

from collections.abc import Sequence
from typing import Any

from podium.page import svg
from podium.page.html import Html, tag
from podium.page.svg import WIDTH


def level(part: float) -> tuple[float, bool]:
    """How full a cell is, in levels at which text on it can be read; and whether it is light text on a dark cell."""
    if part >= 0.55:
        return (1.0 if part > 0.85 else 0.88), True
    return min(0.5, 0.06 + part * 0.8), False


def matrix(
    key: str,
    title: str,
    about: str,
    names: Sequence[str],
    cells: Sequence[tuple[int, int, float, str, str]],
    *,
    down: str,
    across: str,
) -> Html:
    """Squares by two names: (row, column, fullness 0 to 1, text, tip).

    Up to 12 names have their texts in the squares, up to 30 their names beside them, more only tips.
    """
    size = len(names)
    labelled, worded = size <= 30, size <= 12
    left = 24.0
    if labelled:
        left = min(130.0, max(56.0, 14 + max(len(svg.fit(name, 110)) for name in names) * 7.0))
    side = min(64.0, (WIDTH - left - 6) / size)
    top = 26.0
    parts: list[Any] = [
        svg.text(left, 16, f"{across} →", "soft"),
        svg.text(4, 16, f"{down} ↓" if labelled else "", "soft"),
        svg.rect(left, top, side * size, side * size, "plain fill", fill_opacity=0.06),
    ]
    for k, name in enumerate(names if labelled else []):
        middle = top + side * (k + 0.5)
        small = "tiny" if size > 12 else ""
        parts.append(
            svg.text(
                left - 6, middle + 4, svg.fit(name, left - 12, 10 if small else 12), f"end {small}", name
            )
        )
    for row, column, part, label, tip in cells:
        fullness, light = level(part if size <= 30 else max(part, 0.2))
        x, y = left + side * column, top + side * row
        gap = 1.0 if size <= 30 else 0.0
        parts.append(
            svg.rect(x + gap / 2, y + gap / 2, side - gap, side - gap, "c0 fill", tip, fill_opacity=fullness)
        )
        if worded and label:
            kind = f"mid {'on' if light else 'bare'} {'tiny' if size > 8 else ''}"
            parts.append(
                tag("g", svg.text(x + side / 2, y + side / 2 + 4, label, kind), pointer_events="none")
            )
    bottom = top + side * size
    if labelled:
        below, bottom = _names_below(names, left, bottom, side)
        parts += below
    else:
        parts += [
            svg.line(left, top, left + side * size, top + side * size, "grid"),
            tag(
                "text",
                f"{down} →",
                x="10",
                y=svg.put(top),
                class_="soft",
                transform=f"rotate(90 10 {svg.put(top)})",
            ),
        ]
    return svg.canvas(key, bottom + 8, title, about, *parts)


def _names_below(names: Sequence[str], left: float, top: float, side: float) -> tuple[list[Html], float]:
    """The columns' names, aslant where they are too long to stand side by side; and where they end."""
    labels = [svg.fit(name, 74, 10) for name in names]
    longest = max(len(label) for label in labels) * 5.6
    places = [left + side * (k + 0.5) for k in range(len(names))]
    if longest < side:
        return [
            svg.text(x, top + 14, label, "mid tiny") for x, label in zip(places, labels, strict=True)
        ], top + 16
    found = []
    for x, label, name in zip(places, labels, names, strict=True):
        at = {"x": svg.put(x + 3), "y": svg.put(top + 12)}
        turned = f"rotate(-45 {at['x']} {at['y']})"
        found.append(tag("text", label, tag("title", name), **at, class_="end tiny", transform=turned))
    return found, top + 16 + 0.72 * longest
